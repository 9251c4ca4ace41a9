"""What the tests of the widget in a notebook have in common: its place in the page, and what its microphone plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator

from harness.browser import LabPage
from ipyspeaches import Recording, samples

TAIL_S = 2
TWO_SENTENCES_S = 6.6
TWO_SENTENCES = " ".join(sentence.text for sentence in samples.info("quickstart").sentences[:2])
# A machine that does several things at once may take long to recognise: slow is not wrong.
WORDS_TIMEOUT_MS = 180_000

OpenNotebook = Callable[..., LabPage]


def widget(page: LabPage) -> Locator:
    """Return the widget."""
    return page.page.get_by_role("region", name="Transcriber")


def button(page: LabPage, name: str) -> Locator:
    """Return one of the widget's buttons."""
    return widget(page).get_by_role("button", name=name, exact=True)


def spoken(folder: Path, lead_s: int, start_s: float = 0.0, end_s: float | None = None) -> Path:
    """Write the quickstart sample as the WAV that a fake microphone plays, with silence around it.

    It plays from the moment that the microphone opens; on a busy machine the page takes seconds more to listen.

    Parameters
    ----------
    folder
        Where to.
    lead_s
        Seconds of silence before it.
    start_s, end_s
        From where to where the sample is played.
    """
    sample = Recording.sample("quickstart").slice(start_s, end_s)
    lead, tail = (np.zeros(seconds * sample.rate, np.int16) for seconds in (lead_s, TAIL_S))
    return Recording(np.concatenate([lead, sample.samples, tail]), sample.rate).save(folder / "speech.wav")
