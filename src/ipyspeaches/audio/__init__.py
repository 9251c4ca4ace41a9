"""Audio and its clock: blocks, levels, extremes, resampling and the store of a session. Pure."""

from ipyspeaches.audio.audio_blocks import AudioBlock, NumberedBlock, Sequencer
from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler, to_samples, to_seconds
from ipyspeaches.audio.extremes import Pyramid
from ipyspeaches.audio.levels import Level, mean_abs, measure, to_db
from ipyspeaches.audio.store import AudioStore

__all__ = [
    "SESSION_RATE_HZ",
    "AudioBlock",
    "AudioStore",
    "Level",
    "NumberedBlock",
    "Pyramid",
    "Resampler",
    "Sequencer",
    "mean_abs",
    "measure",
    "to_db",
    "to_samples",
    "to_seconds",
]
