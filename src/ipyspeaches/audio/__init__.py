"""Audio and its clock: blocks, levels, extremes, resampling and the store of a session. Pure."""

from ipyspeaches.audio.audio_blocks import AudioBlock as AudioBlock
from ipyspeaches.audio.audio_blocks import NumberedBlock as NumberedBlock
from ipyspeaches.audio.audio_blocks import Sequencer as Sequencer
from ipyspeaches.audio.clock import SESSION_RATE_HZ as SESSION_RATE_HZ
from ipyspeaches.audio.clock import Resampler as Resampler
from ipyspeaches.audio.clock import to_samples as to_samples
from ipyspeaches.audio.clock import to_seconds as to_seconds
from ipyspeaches.audio.extremes import Pyramid as Pyramid
from ipyspeaches.audio.levels import mean_abs as mean_abs
from ipyspeaches.audio.levels import measure as measure
from ipyspeaches.audio.levels import to_db as to_db
from ipyspeaches.audio.store import AudioStore as AudioStore
