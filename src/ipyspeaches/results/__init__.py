"""What a session or a file gave, as tables."""

from ipyspeaches.results.accuracy import alignment as alignment
from ipyspeaches.results.accuracy import cer as cer
from ipyspeaches.results.accuracy import wer as wer
from ipyspeaches.results.comparison import ComparedRun as ComparedRun
from ipyspeaches.results.comparison import Comparison as Comparison
from ipyspeaches.results.records import EventLog as EventLog
from ipyspeaches.results.records import Frames as Frames
from ipyspeaches.results.records import Latency as Latency
from ipyspeaches.results.records import Mark as Mark
from ipyspeaches.results.records import Marks as Marks
from ipyspeaches.results.segment import Segment as Segment
from ipyspeaches.results.transcript import Transcript as Transcript
from ipyspeaches.words import Word as Word
from ipyspeaches.words import join_text as join_text
