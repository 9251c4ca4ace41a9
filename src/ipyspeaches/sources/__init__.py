"""Where audio comes from: recordings, the kernel's microphone, the browser's microphone."""
