"""Utterances as requests to ``/v1/audio/transcriptions``."""
