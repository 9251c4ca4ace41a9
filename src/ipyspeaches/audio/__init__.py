"""Sound and its clock: blocks, levels, ordering, resampling and the store of a session. Pure."""

from ipyspeaches.audio.block import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_samples, to_seconds
from ipyspeaches.audio.levels import Level, mean_abs, measure, to_db
from ipyspeaches.audio.pyramid import Pyramid
from ipyspeaches.audio.resampler import Resampler
from ipyspeaches.audio.sequencer import NumberedBlock, OrderedBlock, Sequencer
from ipyspeaches.audio.store import AudioStore

__all__ = [
    "SESSION_RATE_HZ",
    "AudioBlock",
    "AudioStore",
    "Level",
    "NumberedBlock",
    "OrderedBlock",
    "Pyramid",
    "Resampler",
    "Sequencer",
    "mean_abs",
    "measure",
    "to_db",
    "to_samples",
    "to_seconds",
]
