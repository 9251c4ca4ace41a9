"""What a session or a file gave, as tables."""

from ipyspeaches.results.segment import Segment, Word, Words
from ipyspeaches.results.text import join_text
from ipyspeaches.results.transcript import Transcript

__all__ = ["Segment", "Transcript", "Word", "Words", "join_text"]
