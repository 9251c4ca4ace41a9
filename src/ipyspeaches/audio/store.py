"""All audio of one session, in one place, by sample index.

Gate, protocol and journal speak of ranges of samples; only the store holds them.
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import struct
import sys
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.errors import AudioError

_LARGE_BYTES: Final = 1 << 20
WAV_HEADER_BYTES: Final = 80
_MOST_32: Final = 0xFFFF_FFFF
_AHEAD: Final = 60 * SESSION_RATE_HZ
"""Samples by which a file is lengthened ahead."""
_HELD: Final[deque[NDArray[np.int16]]] = deque(maxlen=100)
"""Mappings of closed files: each takes a file descriptor. A process may have 256 of those, but thousands of takes."""
_LONG: Final = 600 * SESSION_RATE_HZ
"""Samples that are kept in an array, which is copied to grow."""


class GrowingArray:
    """Rows of one shape that are added at the end; ``capacity`` is how many there is room for to begin with.

    One thread appends; any thread may read what has been appended before (the buffer is replaced, never moved under
    a reader).
    """

    def __init__(self, dtype: type[np.generic], capacity: int, *row: int) -> None:
        self._buffer: NDArray[Any] = np.empty((capacity, *row), dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        end = self._length + len(rows)
        if end > len(self._buffer):
            # Growing by half keeps the copying linear in the length.
            grown = _room((max(end, len(self._buffer) * 3 // 2), *self._buffer.shape[1:]), self._buffer.dtype)
            grown[: self._length] = self._buffer[: self._length]
            self._buffer = grown
        self._buffer[self._length : end] = rows
        self._length = end

    def read(self, start: int, end: int) -> NDArray[Any]:
        """Return a read-only view of the rows from ``start`` to ``end``, clipped to what is there."""
        length = self._length  # before the buffer: all that it counts is in every later buffer
        view = self._buffer[max(0, start) : min(end, length)]
        view.flags.writeable = False
        return view


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array that is not filled; a large one is given back to the system as soon as it is let go.

    Of what grows step by step, an allocator would keep the former places, tens of megabytes after some hours.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < _LARGE_BYTES or dtype.hasobject or sys.platform == "win32":
        return np.empty(shape, dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype).reshape(shape)


class GrowingWav:
    """A WAV file of int16 samples at `SESSION_RATE_HZ` that grows at its end, and is read by mapping it.

    Each block is written before the header that counts it, so that the file is a valid one at any moment, also when
    its writer is killed. Behind 4 GiB (24.8 hours) it becomes an RF64 file, as EBU Tech 3306 has it.

    The file is written, not mapped for writing: a full disk is an `OSError` here, where a mapping would end the
    process. It is lengthened ahead, by a minute at a time, so that one mapping serves as long; views keep theirs.

    Parameters
    ----------
    path
        The file; made if it is not there, for its owner only. One that is there is gone on with. None: a file that is
        in memory alone, which only Linux has.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._mapped: NDArray[np.int16] = np.empty(0, np.int16)
        self._rested: Callable[[], NDArray[np.int16] | None] | None = (
            None  # the mapping of a closed file, if it is held
        )
        self._length = 0
        if path is not None and path.exists():
            self._length = counted(path)
            with path.open("rb") as file:
                self._map(file)
            self._length = min(self._length, len(self._mapped))
        else:
            self._open()
            self._write(0, wav_header(0))

    def __len__(self) -> int:
        return self._length

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add samples at the end; an `OSError` if the disk is full, and nothing was added."""
        if not len(samples):
            return
        end = self._length + len(samples)
        self._lengthen(end)
        self._write(WAV_HEADER_BYTES + 2 * self._length, samples.astype("<i2", copy=False).tobytes())
        self._write(0, wav_header(end))
        self._length = end

    def skip(self, count: int) -> None:
        """Add so many zeros at the end, a hole that most file systems give no room; an `OSError` as of `append`."""
        end = self._length + count
        self._lengthen(end)
        self._write(0, wav_header(end))
        self._length = end

    def _lengthen(self, end: int) -> None:
        file = self._file or self._open()
        if end > len(self._mapped):
            file.truncate(WAV_HEADER_BYTES + 2 * (end + _AHEAD))
            self._map(file)

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """Return a read-only view of the samples from ``start`` to ``end``, which are there.

        It is an `AudioError` if somebody has removed the file of a recording that ended long ago.
        """
        if (rested := self._rested) is None:
            return self._mapped[start:end]
        return (held if (held := rested()) is not None else self._map_again())[start:end]

    def close(self) -> None:
        """Cut off what was lengthened ahead; reading goes on, and so does the file if something is added."""
        file = self._file
        if file is not None and self._path is not None:
            self._file = None
            with suppress(OSError):  # Windows shortens no file that is mapped; what is behind the audio does no harm
                file.truncate(WAV_HEADER_BYTES + 2 * self._length)
            file.close()
            self._rest(self._mapped[: self._length])

    def _rest(self, mapped: NDArray[np.int16]) -> None:
        _HELD.append(mapped)
        self._rested = weakref.ref(mapped)
        self._mapped = np.empty(0, np.int16)

    def _map_again(self) -> NDArray[np.int16]:
        assert self._path is not None
        try:
            with self._path.open("rb") as file:
                self._map(file)
        except (OSError, ValueError) as exc:
            raise AudioError(f"The audio in {self._path} cannot be read any more: was it removed?") from exc
        mapped = self._mapped[: self._length]
        self._rest(mapped)
        return mapped

    def _open(self) -> BinaryIO:
        self._rested = None
        if self._path is None:
            self._file = _memory_file(self)
            return self._file
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "r+b", buffering=0)
        return self._file

    def _map(self, file: BinaryIO) -> None:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count = max(0, len(mapping) - WAV_HEADER_BYTES) // 2
        self._mapped = np.frombuffer(mapping, "<i2", count, min(WAV_HEADER_BYTES, len(mapping)))

    def _write(self, at: int, content: bytes) -> None:
        assert self._file is not None
        self._file.seek(at)
        left = memoryview(content)
        while left:  # a disk that fills up takes a part of it first
            left = left[self._file.write(left) :]


def _memory_file(owner: object) -> BinaryIO:
    """Return a file that is in memory alone, for as long as its owner lives; an `OSError` where there is none such."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    handle = os.memfd_create("ipyspeaches-audio")
    weakref.finalize(owner, os.close, handle)
    return os.fdopen(handle, "r+b", buffering=0, closefd=False)


def wav_header(samples: int) -> bytes:
    """Return the header of a WAV file of so many int16 samples at `SESSION_RATE_HZ`, always `WAV_HEADER_BYTES` long."""
    size = 2 * samples
    whole = WAV_HEADER_BYTES - 8 + size
    large = whole > _MOST_32
    sizes = struct.pack("<QQQL", whole, size, samples, 0) if large else bytes(28)
    kind, place = (b"RF64", b"ds64") if large else (b"RIFF", b"JUNK")
    form = struct.pack("<HHLLHH", 1, 1, SESSION_RATE_HZ, 2 * SESSION_RATE_HZ, 2, 16)
    return b"".join(
        (
            *(kind, struct.pack("<L", min(whole, _MOST_32)), b"WAVE", place, struct.pack("<L", 28), sizes),
            *(b"fmt ", struct.pack("<L", 16), form, b"data", struct.pack("<L", min(size, _MOST_32))),
        )
    )


def counted(path: Path) -> int:
    """Return how many samples the header of a `GrowingWav` counts; an `AudioError` if it is none."""
    with path.open("rb") as file:
        header = file.read(WAV_HEADER_BYTES)
    if len(header) == WAV_HEADER_BYTES:
        (large,) = struct.unpack_from("<Q", header, 28)
        (size,) = struct.unpack_from("<L", header, WAV_HEADER_BYTES - 4)
        samples: int = (large if header.startswith(b"RF64") else size) // 2
        if header == wav_header(samples):
            return samples
    raise AudioError(f"{path} is not as a session writes it: load it as any audio file, with Recording.load(…).")


class AudioStore:
    """A growing stream of int16 samples at `SESSION_RATE_HZ`: in memory, and once it has one, in a file.

    One thread appends; any thread may read.

    Attributes
    ----------
    failure
        What ended the file, such as a full disk: what comes after that is kept in memory.
    """

    def __init__(self) -> None:
        self.failure: OSError | None = None
        self._parts: tuple[GrowingWav | None, GrowingArray] = None, _in_memory()  # replaced as one, for readers

    def keep_in(self, path: Path) -> None:
        """Keep all audio in a file from now on; an `OSError` if it cannot be made, and nothing changes.

        A file that is there already is what this store begins with, if it is still empty.
        """
        self._hold(GrowingWav(path))

    def _hold(self, wav: GrowingWav) -> None:
        wav.append(self._parts[1].read(0, len(self)))
        self._parts = wav, _in_memory()

    def close(self) -> None:
        """Let go of the file, which has all audio that it could take; reading goes on."""
        if self._parts[0] is not None:
            self._parts[0].close()

    def __len__(self) -> int:
        wav, memory = self._parts
        return (0 if wav is None else len(wav)) + len(memory)

    @property
    def duration_s(self) -> float:
        """Seconds of audio held."""
        return to_seconds(len(self))

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add samples at the end."""
        if not self._in_file(partial(GrowingWav.append, samples=samples)):
            self._in_array(samples)

    def skip(self, count: int) -> None:
        """Add so many zeros at the end."""
        end = len(self) + count
        while (rest := end - len(self)) and not self._in_file(partial(GrowingWav.skip, count=rest)):
            self._in_array(np.zeros(min(rest, _LONG), np.int16))

    def _in_file(self, add: Callable[[GrowingWav], object]) -> bool:
        """Add something to the file; return whether there is one that could take it."""
        wav, memory = self._parts
        if wav is None or len(memory):
            return False
        try:
            add(wav)
        except (OSError, ValueError) as exc:  # mmap has the other for a file that somebody has cut off
            self.failure = exc if isinstance(exc, OSError) else OSError(str(exc))
            return False
        return True

    def _in_array(self, samples: NDArray[np.int16]) -> None:
        wav, memory = self._parts
        memory.append(samples)
        if wav is None and len(memory) > _LONG:
            # From here on, growing by copying would keep others waiting, in the end for seconds.
            with suppress(OSError):
                self._hold(GrowingWav(None))

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """Return the samples from ``start`` to ``end``, clipped to what is there: a read-only view.

        Only where the file has failed in between, they are a copy.
        """
        wav, memory = self._parts
        kept = 0 if wav is None else len(wav)
        start, end = max(0, start), min(end, kept + len(memory))
        if wav is None or start >= kept:
            return memory.read(start - kept, end - kept)
        if end <= kept:
            return wav.read(start, end)
        joined = np.concatenate((wav.read(start, kept), memory.read(0, end - kept)))
        joined.flags.writeable = False
        return joined


def _in_memory() -> GrowingArray:
    return GrowingArray(np.int16, SESSION_RATE_HZ * 10)
