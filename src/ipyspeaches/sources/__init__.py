"""Where sound comes from: recordings, the kernel's microphone, the browser's microphone."""

from ipyspeaches.sources.base import Source
from ipyspeaches.sources.browser_microphone import BrowserMicrophone
from ipyspeaches.sources.kernel_microphone import InputDevice, KernelMicrophone, list_input_devices
from ipyspeaches.sources.recorded import RecordedSource
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
