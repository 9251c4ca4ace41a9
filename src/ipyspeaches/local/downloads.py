"""Models from the Hugging Face hub: fetched only when asked for, shown while they come, kept where they break off.

The hub's own library begins a file anew when it was interrupted (huggingface_hub 2), which nobody wants of 148 MB over
a slow line; and it waits without end for a hub that hangs. So files are fetched here, in ranges, from ``$HF_ENDPOINT``
if that is set, and are put in their place only when all of them are there and have the hub's checksums.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from copy import copy
from fnmatch import fnmatch
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeAlias
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from ipyspeaches.errors import DownloadError, MissingExtraError, SpeachesError
from ipyspeaches.local import weights
from ipyspeaches.local.weights import (
    CHECKSUMS,
    DAMAGED_SUFFIX,
    FILES,
    MODEL_FILE,
    kind_problem,
    missing_files,
    own_folder,
    sha256_of,
    size_text,
)
from ipyspeaches.protocol.address import is_loopback, normalise_base_url
from ipyspeaches.protocol.api_key import bearer, read_key
from ipyspeaches.server.api import trusted_certificates
from ipyspeaches.server.failures import bad_environment
from ipyspeaches.server.waiting import Screen, screen
from ipyspeaches.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

HUB: Final = "https://huggingface.co"
ENDPOINT_VARIABLE: Final = "HF_ENDPOINT"
OFFLINE_VARIABLE: Final = "HF_HUB_OFFLINE"
TIMEOUT_S: Final = 15.0
"""How long a hub may say nothing."""
RETRIES: Final = 3
"""Attempts in a row that bring nothing, before a download is given up."""
RETRY_WAIT_S: Final = 1.0
POLL_S: Final = 0.2
GIT_DIGITS: Final = 40
"""Of a checksum of Git, which is a SHA-1."""
_HEAD_BYTES: Final = 64


_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class HubChecksum(msgspec.Struct):
    """What the hub says about a large file."""

    sha256: _Sha256


class HubFile(msgspec.Struct):
    """One file of a model on the hub."""

    rfilename: str
    size: int | None = None
    lfs: HubChecksum | None = None
    blob_id: str | None = msgspec.field(default=None, name="blobId")  # Git's, of a large file's stand-in

    def checksum(self, model: str) -> str | None:
        """Return what its checksum should be: SHA-256 as the hub or, of weights, our own table tells, or Git's."""
        if self.lfs is not None:
            return self.lfs.sha256
        return weights.known_checksum(model) if self.rfilename == MODEL_FILE else self.blob_id

    @property
    def part(self) -> str:
        """What it is called until it is whole: another version of it has another name."""
        return f"{self.rfilename}.{self.lfs.sha256[:12] if self.lfs else 'new'}.part"


class HubModel(msgspec.Struct):
    """As much of ``GET /api/models/{id}?blobs=true`` as is used."""

    sha: str
    siblings: list[HubFile]


class Download:
    """A model on its way to this machine, in a thread of its own: whoever waits, on whichever loop, only looks at it.

    Attributes
    ----------
    model
        Its id on the hub.
    done_bytes, total_bytes
        How far it is; the total is None until the hub has said it.
    error
        Why it ended without the model; None while it goes on, when it is there, and when it was stopped.
    stopped
        Whether it was stopped. What came until then is kept.
    """

    _under_way: ClassVar[dict[str, Download]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, model: str) -> None:
        self.model = model
        self.done_bytes = 0
        self.total_bytes: int | None = None
        self.error: SpeachesError | None = None
        self.stopped = False
        self._folder = own_folder(model)
        self._parts = self._folder.with_name(f"{self._folder.name}.part")
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"download of {model}", daemon=True)

    @classmethod
    def begin(cls, model: str) -> Download:
        """Return the download of a model, begun now unless it is under way."""
        with cls._lock:
            known = cls._under_way.get(model)
            if known is None or known.ended:
                known = cls._under_way[model] = cls(model)
                known._thread.start()
            return known

    @classmethod
    def under_way(cls, model: str) -> Download | None:
        """Return the download of a model that goes on now, if there is one."""
        known = cls._under_way.get(model)
        return None if known is None or known.ended else known

    @property
    def ended(self) -> bool:
        """Whether it is over, in whichever way."""
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def text(self) -> str:
        """How far it is, in words."""
        if self.total_bytes is None:
            return f"{self.model}, asking {hub_name()}"
        return f"{self.model}, {size_text(self.done_bytes)} of {size_text(self.total_bytes)}"

    @property
    def share(self) -> float | None:
        """How far it is, from 0 to 1; None where nobody knows."""
        return self.done_bytes / self.total_bytes if self.total_bytes else None

    def stop(self) -> None:
        """Stop it, from any thread; what came is kept."""
        self.stopped = True
        if not self.ended:
            self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def wait(self, where: Screen | None = None) -> None:
        """Wait for its end, shown on a screen; an interrupted wait stops it.

        Raises
        ------
        DownloadError
            Why the model is not there.
        """
        with self._shown(where) as draw:
            while not self.ended:
                draw()
                time.sleep(POLL_S)
            self.check()

    async def waited(self, where: Screen | None = None, *, mine: bool = True) -> None:
        """Do as `wait`, without holding up a loop; a download of somebody else's goes on when this is cancelled."""
        with self._shown(where, mine=mine) as draw:
            while not self.ended:
                draw()
                await asyncio.sleep(POLL_S)
            self.check()

    def check(self) -> None:
        """Raise why it ended without the model, if it did."""
        if self.error is not None:
            raise copy(self.error)  # or it would keep the frames of all who wait
        if self.stopped:
            raise DownloadError(f"The download of {self.model} was stopped: begin it again, and it goes on from there.")

    @contextmanager
    def _shown(self, where: Screen | None, *, mine: bool = True) -> Iterator[Callable[[], None]]:
        step = 0

        def draw() -> None:
            nonlocal step
            if where is not None:
                where.draw(self.text, step, self.share)
            step += 1

        outcome = "stopped; what came is kept"
        try:
            yield draw
            outcome = "done"
        except SpeachesError:
            outcome = "not done"
            raise
        except BaseException:  # Ctrl-C, or whoever waited has gone
            if mine:
                self.stop()
            raise
        finally:
            if where is not None:
                where.end(f"Download of {self.model}: {outcome}.")

    # --- in its own thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._fetch())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except SpeachesError as exc:
            self.error = exc
        except OSError as exc:
            self.error = self._not_written(exc)
        except Exception as exc:  # noqa: BLE001  nobody else would hear of it
            self.error = DownloadError(f"The download of {self.model} failed ({type(exc).__name__}: {exc}): report it.")
        finally:
            self._loop.close()

    async def _fetch(self) -> None:
        self._parts.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(self._parts, self.model):
            try:
                async with _client() as client:
                    found = await self._listed(client)
                    files = self._wanted(found)
                    await self._fetch_all(client, found.sha, files)
                self._put_in_place(files)
            finally:
                with suppress(OSError):
                    self._parts.rmdir()  # where nothing came

    async def _listed(self, client: httpx2.AsyncClient) -> HubModel:
        """Ask the hub which files the model has."""
        try:
            answer = await client.get(f"/api/models/{quote(self.model)}", params={"blobs": "true"})
        except httpx2.HTTPError as exc:
            raise self._unreachable(exc) from None
        if answer.status_code != HTTPStatus.OK:
            raise self._refused(answer.status_code)
        try:
            return msgspec.json.decode(answer.content, type=HubModel)
        except msgspec.DecodeError as exc:
            raise DownloadError(
                f"{hub_name()} answers as no model hub does: set {ENDPOINT_VARIABLE} to one, or unset it."
            ) from exc

    def _wanted(self, found: HubModel) -> list[HubFile]:
        """Return the files that are needed, small ones first; how much is there, and to come, is known then."""
        names = [file.rfilename for file in found.siblings]
        if lacking := missing_files(names):
            raise DownloadError(
                f"{self.model} is no Whisper model of CTranslate2's format (it has no {', '.join(lacking)}): name "
                "another one, such as Systran/faster-whisper-base."
            )
        files = [file for file in found.siblings if _is_wanted(file.rfilename)]
        files.sort(key=lambda file: file.size or 0)
        self.total_bytes = sum(file.size or 0 for file in files)
        self.done_bytes = sum(_size(self._place(file)) for file in files)
        self._check_room(self.total_bytes - self.done_bytes)
        return files

    def _check_room(self, needed: int) -> None:
        if shutil.disk_usage(self._parts).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _place(self, file: HubFile) -> Path:
        """Return where a file is now: whole, or as far as it came."""
        whole = self._parts / file.rfilename
        return whole if whole.exists() else self._parts / file.part

    async def _fetch_all(self, client: httpx2.AsyncClient, revision: str, files: list[HubFile]) -> None:
        for file in files:
            whole = self._parts / file.rfilename
            if not whole.exists():
                await self._fetch_file(client, revision, file)
                self._check_sum(file)
                (self._parts / file.part).replace(whole)

    async def _fetch_file(self, client: httpx2.AsyncClient, revision: str, file: HubFile) -> None:
        """Fetch a file, or what is missing of it; a connection that breaks off is made again."""
        part, failed = self._parts / file.part, 0
        while file.size is None or _size(part) != file.size:
            before = _size(part)
            try:
                await self._fetch_rest(
                    client, f"/{quote(self.model)}/resolve/{quote(revision)}/{quote(file.rfilename)}", part
                )
            except httpx2.HTTPError as exc:
                failed = 0 if _size(part) > before else failed + 1
                if failed == RETRIES:
                    raise self._unreachable(exc) from None
                await asyncio.sleep(RETRY_WAIT_S)
            else:
                if file.size is None:
                    return
                if _size(part) > file.size:  # of another version
                    self._forget(part)
                failed = 0 if before < _size(part) < file.size else failed + 1
                if failed == RETRIES:
                    raise self._unreachable(httpx2.RemoteProtocolError("it ends too early"))

    async def _fetch_rest(self, client: httpx2.AsyncClient, path: str, part: Path) -> None:
        have = _size(part)
        # No compression: ranges are of what is sent.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        async with client.stream("GET", path, headers=headers) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._forget(part)
                return
            if not answer.is_success:
                raise self._refused(answer.status_code)
            if have and answer.status_code != HTTPStatus.PARTIAL_CONTENT:  # it knows no ranges
                self._forget(part)
            with part.open("ab") as output:
                async for (
                    piece
                ) in answer.aiter_bytes():  # of any size: what waits to fill one is lost with the connection
                    output.write(piece)
                    self.done_bytes += len(piece)
                    if part.name.startswith(MODEL_FILE) and _HEAD_BYTES <= output.tell() == len(piece):
                        self._check_kind(piece[:_HEAD_BYTES])

    def _check_kind(self, head: bytes) -> None:
        """Go no further where the file is not of a Whisper model, which its first bytes say."""
        if problem := kind_problem(head):
            shutil.rmtree(self._parts, ignore_errors=True)
            raise DownloadError(f"{self.model} is no Whisper model ({problem}): name another one.")

    def _forget(self, part: Path) -> None:
        self.done_bytes -= _size(part)
        part.unlink(missing_ok=True)

    def _check_sum(self, file: HubFile) -> None:
        part, wanted = self._parts / file.part, file.checksum(self.model)
        if wanted is None:
            return
        kind, found = ("SHA-1", _git_sha1(part)) if len(wanted) == GIT_DIGITS else ("SHA-256", sha256_of(part))
        if found == wanted:
            return
        part.replace(part.with_name(file.rfilename + DAMAGED_SUFFIX))
        raise DownloadError(
            f"{file.rfilename} of {self.model} came damaged ({kind} {found[:12]}…, not {wanted[:12]}…) and was set "
            f"aside: download it again, from another {ENDPOINT_VARIABLE} if that goes on."
        )

    def _put_in_place(self, files: list[HubFile]) -> None:
        """Make the whole model visible at once."""
        sums = {file.rfilename: sha256_of(self._parts / file.rfilename) for file in files}
        for path in self._parts.iterdir():
            if path.name not in sums:
                path.unlink()
        (self._parts / CHECKSUMS).write_text(json.dumps(sums, indent=1), encoding="utf-8")
        if self._folder.exists():  # and was no longer whole
            shutil.rmtree(self._folder)
        self._parts.replace(self._folder)

    # --- what can go wrong, in words

    @property
    def _kept(self) -> str:
        return f": {size_text(self.done_bytes)} are kept, and it goes on from there" if self.done_bytes else ""

    def _unreachable(self, error: httpx2.HTTPError) -> DownloadError:
        cure = f"check the network, or set {ENDPOINT_VARIABLE} to a mirror, and try again{self._kept}"
        if isinstance(error, httpx2.TimeoutException):
            return DownloadError(f"{hub_name()} has sent nothing of {self.model} for {TIMEOUT_S:g} s: {cure}.")
        if self.done_bytes:
            return DownloadError(f"{hub_name()} broke off while it sent {self.model}: {cure}.")
        said = one_line(str(error)) or type(error).__name__
        return DownloadError(f"{hub_name()} cannot be reached for {self.model} ({said}): {cure}.")

    def _refused(self, status: int) -> DownloadError:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):  # the hub says either of what is not there
            return DownloadError(
                f"{hub_name()} has no model {self.model} for everybody (HTTP {status}): check its name, or set "
                "HF_TOKEN to see models of your own."
            )
        if status == HTTPStatus.FORBIDDEN:
            return DownloadError(
                f"{hub_name()} refuses to give {self.model} (HTTP 403): accept its terms on its page and set HF_TOKEN, "
                "or name another model."
            )
        return DownloadError(f"{hub_name()} failed to give {self.model} (HTTP {status}): try again later{self._kept}.")

    def _not_written(self, error: OSError) -> DownloadError:
        left = (self.total_bytes or 0) - self.done_bytes
        return DownloadError(weights.not_written_text(self.model, self._folder.parent, left, error))


def download(model: str) -> None:
    """Fetch a model and return when it is there, shown on standard error if somebody reads that.

    Raises
    ------
    DownloadError
        If it cannot be had; what came is kept, and the next call goes on from there.
    MissingExtraError
        If nothing here could run it.
    """
    if find_spec("faster_whisper") is None:
        raise MissingExtraError("faster-whisper", "local", "run a Whisper model")
    where = _screen(model)
    Download.begin(model).wait(where)


async def bring(model: str) -> None:
    """Do as `download`, without holding up a loop; shown only if nobody else shows it already."""
    known = Download.under_way(model)
    where = _screen(model) if known is None else None
    await Download.begin(model).waited(where, mine=known is None)


def _screen(model: str) -> Screen | None:
    """Return where a person looks; a log gets a line, so that it is known what is waited for."""
    where = screen()
    if where is None:
        sys.stderr.write(f"Downloading {model} from {hub_name()}.\n")
    return where


def hub_name() -> str:
    """Return the host that models are fetched from."""
    return urlsplit(_endpoint()).hostname or _endpoint()


def _endpoint() -> str:
    given = os.getenv(ENDPOINT_VARIABLE, "").strip()
    if not given:
        return HUB
    try:
        return normalise_base_url(given if "://" in given else f"https://{given}")
    except SpeachesError:
        raise DownloadError(
            f"{ENDPOINT_VARIABLE} cannot be used: give the address of a hub alone, such as https://hf-mirror.com, "
            "without a user, a password or a query."
        ) from None


@contextmanager
def _alone(parts: Path, model: str) -> Iterator[None]:
    """Keep other processes from writing into the same files."""
    import filelock

    lock = parts.with_suffix(".lock")
    try:
        with filelock.FileLock(lock, timeout=0):
            try:
                yield
            finally:
                with suppress(OSError):  # where it cannot be deleted while it is held
                    lock.unlink()
    except filelock.Timeout:
        raise DownloadError(f"Another program downloads {model} just now: wait until it is done.") from None


def _client() -> httpx2.AsyncClient:
    """Return a client of the hub; a token goes to the hub itself alone, not to a mirror."""
    if os.getenv(OFFLINE_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}:
        raise DownloadError(f"Nothing is downloaded as long as {OFFLINE_VARIABLE} is set: unset it, or copy the model.")
    url = _endpoint()
    try:
        return httpx2.AsyncClient(
            base_url=url,
            headers=bearer(_token()) if url == HUB else {},
            timeout=TIMEOUT_S,
            follow_redirects=True,  # large files are elsewhere
            trust_env=not is_loopback(urlsplit(url).hostname or ""),
            verify=trusted_certificates(url),
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as exc:  # it quotes a proxy's address, password and all
        raise bad_environment(exc, url) from None


def _token() -> str | None:
    from huggingface_hub import get_token

    return read_key(get_token())


def _is_wanted(name: str) -> bool:
    return not {"/", "\\"} & set(name) and any(fnmatch(name, pattern) for pattern in FILES)


def _git_sha1(path: Path) -> str:
    """Return the checksum that Git gives a (small) file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
