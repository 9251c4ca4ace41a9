"""Where audio comes from: recordings, the kernel's microphone, the browser's microphone."""

from ipyspeaches.sources.microphones import BrowserMicrophone, InputDevice, KernelMicrophone, list_input_devices
from ipyspeaches.sources.source import RecordedSource, Source
from ipyspeaches.sources.tee import Branch, Tee

__all__ = [
    "Branch",
    "BrowserMicrophone",
    "InputDevice",
    "KernelMicrophone",
    "RecordedSource",
    "Source",
    "Tee",
    "list_input_devices",
]
