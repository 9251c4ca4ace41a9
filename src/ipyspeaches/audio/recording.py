"""Audio that is complete: loaded, sliced, resampled, saved, played and plotted."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from ipyspeaches import samples as bundled
from ipyspeaches.audio.decoding import AudioFile, TellShare, array_to_mono, check_rate, decode, encode, wav
from ipyspeaches.checks import as_path, checked, shown_if_made
from ipyspeaches.errors import AudioError, AudioWarning, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_INLINE_S: Final = 60.0
_MAX_INLINE_BYTES: Final = 6_000_000
"""A notebook file keeps the player's audio: a minute at 48 kHz, no more."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recording:
    """Mono audio at its own rate.

    It is an `AudioError` if the samples are not a filled one-dimensional int16 array, or the rate is impossible.

    Parameters
    ----------
    samples
        int16, shape ``(n,)``, at least one. They are not copied, only made read-only here; `from_array` converts and
        copies.
    rate
        Samples per second, 1,000 to 768,000.
    lost
        Stretches (s, from and to) that could not be read from a file, for `Transcript.missing`; the last one may end
        behind the audio, where the file's header announces more.
    """

    samples: NDArray[np.int16]
    rate: int
    lost: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.samples, np.ndarray) or self.samples.dtype != np.int16 or self.samples.ndim != 1:
            raise AudioError("A recording holds a one-dimensional int16 array: use Recording.from_array to convert.")
        if not len(self.samples):
            raise AudioError("The audio is empty (0 samples): give at least one sample.")
        view = self.samples.view()
        view.flags.writeable = False
        object.__setattr__(self, "samples", view)
        object.__setattr__(self, "rate", check_rate(self.rate))

    @classmethod
    def load(cls, path: AudioFile, progress: TellShare | None = None) -> Self:
        """Read an audio file, or an open binary file, at its own rate; channels are averaged.

        Parameters
        ----------
        path
            Anything that libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF and more.
        progress
            Called with the share that is read, from 0 to 1, now and then; what it raises ends the reading.

        Raises
        ------
        AudioError
            If the file is missing, not audio, damaged from its beginning, empty, or longer than 2³⁰ samples.

        Warns
        -----
        AudioWarning
            If it is cut off, damaged or joined of several files, so that less or more was read than its header
            announces; if its channels cancel each other; if it was clipped, or is as good as silent.
        """
        samples, rate, notes, lost = decode(path, progress=progress)
        _warn(notes)
        return cls(samples, rate, tuple(lost))

    @classmethod
    def from_array(cls, samples: ArrayLike, rate: float) -> Self:
        """Copy audio from an array.

        Parameters
        ----------
        samples
            Shape ``(n,)`` or ``(n, channels)``; int8, uint8, int16, uint16 or int32 at their full scale, floats within
            ±1. Channels are averaged.
        rate
            Samples per second.

        Raises
        ------
        AudioError
            If there are no samples or channels, more channels than samples, too many dimensions, values that are not
            finite, another dtype, int32 audio of only 16 or 24 bits, or an impossible rate.

        Warns
        -----
        AudioWarning
            If the channels cancel each other (those opposite in phase are turned around), floats are over full scale
            and were clipped, or the audio is almost silent.
        """
        whole_rate = check_rate(rate)
        mono, notes = array_to_mono(samples, whole_rate)
        _warn(f"The array: {note}" for note in notes)
        return cls(mono, whole_rate)

    @classmethod
    def sample(cls, name: str = "quickstart") -> Self:
        """Return a recording that comes with the package: ``"quickstart"`` in English, ``"mandarin"`` in Chinese.

        `ipyspeaches.samples` knows what is said in it.

        It is an `InputError` if there is none of this name.
        """
        return cls.load(bundled.path(name))

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    @checked
    def slice(self, a: float = 0.0, b: float | None = None) -> Self:
        """Return the part from second ``a`` to second ``b``, cut to what there is; the samples are shared.

        It is an `InputError` if nothing lies between ``a`` and ``b``.
        """
        begin, stop = (min(max(at, 0.0), self.duration) for at in (a, self.duration if b is None else b))
        start, end = round(begin * self.rate), round(stop * self.rate)
        if start >= end:
            until = "the end" if b is None else f"{b:g} s"
            raise InputError(
                f"There is no audio from {a:g} s to {until} in a recording of {self.duration:.2f} s: "
                "give a start before the end, both inside."
            )
        lost = tuple(
            (max(0.0, one - begin), other - begin) for one, other in self.lost if one <= stop and other >= begin
        )
        return type(self)(self.samples[start:end], self.rate, lost)

    def to_rate(self, rate: int) -> Self:
        """Return the recording at another rate (libsoxr, high quality); itself if it has that rate.

        It is an `AudioError` if the rate is impossible, or so low that no sample is left.
        """
        if check_rate(rate) == self.rate:
            return self
        return type(self)(soxr.resample(self.samples, self.rate, rate, quality="HQ"), rate, self.lost)

    @checked
    def save(self, path: str | Path) -> Path:
        """Write WAV, FLAC or Ogg Vorbis, as the suffix says, and return the file.

        Raises
        ------
        AudioError
            If the suffix is none of ``.wav``, ``.flac``, ``.ogg``, the format does not know the rate, or the file
            cannot be written.
        """
        file = as_path(path)
        encode(file, self.samples, self.rate)
        return file

    def plot(self, segments: Iterable[Any] | None = None) -> Any:  # noqa: ANN401 - plotly has no types
        """Return a Plotly figure of the waveform; see `ipyspeaches.plots.plot_recording`."""
        # Here, because plots stand above audio and plotly takes a while to import.
        from ipyspeaches.plots import plot_recording

        return plot_recording(self, segments)

    @shown_if_made
    def __repr__(self) -> str:
        return f"Recording({self.duration:.2f} s at {self.rate:,} Hz)"

    def _repr_html_(self) -> str:
        title = f"Recording: {self.duration:.2f} s at {self.rate:,} Hz"
        if self.duration > MAX_INLINE_S or self.samples.nbytes > _MAX_INLINE_BYTES:
            return (
                f"<div>{title}. Too long to play in a notebook: listen to a part with <code>.slice(0, 30)</code>.</div>"
            )
        source = "data:audio/wav;base64," + base64.b64encode(wav(self.samples, self.rate)).decode()
        return f'<div>{title}<br><audio controls preload="metadata" src="{source}"></audio></div>'


def _warn(notes: Iterable[str]) -> None:
    for note in notes:
        warnings.warn(note, AudioWarning, stacklevel=3)
