"""Where sound comes from: recordings, the kernel's microphone, the browser's microphone."""

from ipyspeaches.sources.base import Source
from ipyspeaches.sources.browser_microphone import BrowserMicrophone
from ipyspeaches.sources.kernel_microphone import InputDevice, KernelMicrophone, list_input_devices
from ipyspeaches.sources.recorded import RecordedSource

__all__ = ["BrowserMicrophone", "InputDevice", "KernelMicrophone", "RecordedSource", "Source", "list_input_devices"]
