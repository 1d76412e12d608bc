"""Audio on disk, so that identical requests are paid for once."""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from attrs import field, frozen

from .. import _files as files
from .._core.audio import DEFAULT_FORMAT
from .._core.retries import logger
from .._generated import PreparedRequest

if TYPE_CHECKING:
    from decimal import Decimal

    from .._files import StrPath

_VERSION = 1
_SUFFIX = ".speech"
_TRIM_EVERY = 64
"""Entries that are added before old ones are looked for. The first one also looks."""
_TRIM_TO = 0.9
"""The share of the size that is kept when there is too much."""

_LOGGED = frozenset({"session_id", "trace", "user"})
"""Fields that are only logged, and change nothing of the audio."""
_NOT_HEARD = frozenset({
    "accept", "authorization", "content-type", "http-referer", "user-agent", "x-openrouter-categories",
    "x-openrouter-title",
})  # fmt: skip
"""Headers that change nothing of the audio."""
_OF_THE_CONNECTION = frozenset({
    b"connection", b"content-encoding", b"content-length", b"keep-alive", b"set-cookie", b"transfer-encoding",
})  # fmt: skip
"""Headers that say nothing of the audio."""


@frozen
class Hit:
    """Audio of an earlier request."""

    headers: list[tuple[str, str]]
    audio: bytes = field(repr=False)


@frozen
class SpeechCache:
    """A folder with the audio of earlier requests, for any number of processes at once.

    An entry is stored once its audio is whole; what cannot be read or written counts as missing. Neither keys nor texts
    are stored, only a hash.

    Args:
        folder: The folder. It is created when something is stored.
        max_bytes: The total size; the entries that were not used for the longest time go first.
        max_age_s: Seconds after which an unused entry goes.

    Raises:
        ValueError: A limit is not positive.
    """

    folder: Path = field(converter=Path)
    max_bytes: int = 1 << 30
    max_age_s: float = 90 * 86_400
    _added: list[int] = field(factory=lambda: [0], repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in ("max_bytes", "max_age_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0, not {getattr(self, name)!r}")

    def load(self, key: str) -> Hit | None:
        """Return the audio of a request. A damaged entry is deleted."""
        file = self._file(key)
        try:
            content = file.read_bytes()
        except OSError:
            return None
        try:
            facts = json.loads(content[_facts_at(content) : -_LENGTH])
            audio = content[: facts["size"]]
            if facts["version"] == _VERSION and facts["sha256"] == hashlib.sha256(audio).hexdigest():
                with suppress(OSError):
                    os.utime(file)  # the entries that were used last are kept
                return Hit([(str(name), str(value)) for name, value in facts["headers"]], audio)
        except (KeyError, TypeError, ValueError, RecursionError):
            pass
        logger.info("%s is damaged, and is deleted", file)
        with suppress(OSError):
            file.unlink()
        return None

    def recorder(self, key: str) -> "Recorder":
        """Record the audio of a request while it arrives."""
        return Recorder(self, self._file(key))

    def entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Yield the file of each entry."""
        for file in self.folder.glob(f"speech/*/*{_SUFFIX}"):
            with suppress(OSError):  # another process removed it
                yield file, file.stat()

    def clear(self) -> int:
        """Remove all entries. Returns how many there were."""
        removed = 0
        for file, _ in self.entries():
            with suppress(OSError):
                file.unlink()
                removed += 1
        return removed

    def trim(self) -> None:
        """Remove entries that are too old or too many."""
        oldest = time.time() - self.max_age_s
        kept = []
        for file, facts in self.entries():
            if facts.st_mtime < oldest:
                with suppress(OSError):
                    file.unlink()
            else:
                kept.append((facts.st_mtime, facts.st_size, file))
        total = sum(size for _, size, _ in kept)
        if total <= self.max_bytes:
            return
        for _, size, file in sorted(kept):
            if total <= self.max_bytes * _TRIM_TO:
                break
            with suppress(OSError):
                file.unlink()
                total -= size

    def added(self) -> None:
        """Count an entry, and trim now and then."""
        if self._added[0] % _TRIM_EVERY == 0:
            self.trim()
        self._added[0] += 1

    def _file(self, key: str) -> Path:
        return self.folder / "speech" / key[:2] / f"{key}{_SUFFIX}"


_LENGTH = 8
"""Bytes at the end of an entry: the length of the facts before them. The audio comes first."""


def _facts_at(content: bytes) -> int:
    return len(content) - _LENGTH - int(content[-_LENGTH:])


class Recorder:
    """Stores audio as it arrives, and makes it an entry once it is whole. A failure costs the entry, not the call."""

    def __init__(self, cache: SpeechCache, target: Path) -> None:
        self._cache = cache
        self._target = target
        self._file: files.Replacement | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._is_over = False

    def write(self, chunk: bytes) -> None:
        """Add audio."""
        if self._is_over:
            return
        with self._caring():
            if self._file is None:
                self._target.parent.mkdir(parents=True, exist_ok=True)
                self._file = files.Replacement(self._target)
            self._file.file.write(chunk)
            self._hash.update(chunk)
            self._size += len(chunk)

    def commit(self, headers: httpx.Headers) -> None:
        """Make it an entry."""
        if self._is_over or self._file is None:
            return
        kept = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers.raw
            if name.lower() not in _OF_THE_CONNECTION
        ]
        facts = {"version": _VERSION, "size": self._size, "sha256": self._hash.hexdigest(), "headers": kept}
        text = json.dumps(facts).encode()
        with self._caring():
            self._file.file.write(text + f"{len(text):0{_LENGTH}d}".encode())
            self._file.commit()
            self._cache.added()
        self.discard()

    def discard(self) -> None:
        """Forget what was recorded, unless it is an entry."""
        self._is_over = True
        file, self._file = self._file, None
        if file is not None:
            file.discard()

    @contextmanager
    def _caring(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            logger.info("the audio cannot be kept in %s: %s", self._cache.folder, error)
            self.discard()


def key(request: PreparedRequest, server_url: str, headers: Mapping[str, str]) -> str:
    """Name a request by all that decides how it sounds."""
    body = {"response_format": DEFAULT_FORMAT} | json.loads(request.body)
    heard = {
        "server": server_url,
        "path": request.path,
        "body": {name: value for name, value in body.items() if name not in _LOGGED},
        "headers": sorted((name.lower(), value) for name, value in headers.items() if name.lower() not in _NOT_HEARD),
    }
    return hashlib.sha256(json.dumps(heard, sort_keys=True).encode()).hexdigest()


def speech_cache(given: "StrPath | SpeechCache | None") -> SpeechCache | None:
    """Return the cache that the user asked for."""
    return given if given is None or isinstance(given, SpeechCache) else SpeechCache(given)


def response_of(hit: Hit, request: httpx.Request) -> httpx.Response:
    """Make the response of a hit."""
    return httpx.Response(200, headers=hit.headers, stream=httpx.ByteStream(hit.audio), request=request)


def info(cache: SpeechCache) -> dict[str, Any]:
    """Sum up a cache."""
    found = [facts for _, facts in cache.entries()]
    return {
        "folder": str(cache.folder),
        "entries": len(found),
        "bytes": sum(facts.st_size for facts in found),
        "max_bytes": cache.max_bytes,
        "max_age_s": cache.max_age_s,
    }


class _Free:
    """What audio of an earlier request costs."""

    def look_up(self, generation: str, timeout_ms: float) -> "Decimal":  # noqa: ARG002
        return _nothing()

    async def look_up_async(self, generation: str, timeout_ms: float) -> "Decimal":  # noqa: ARG002
        return _nothing()


def _nothing() -> "Decimal":
    from decimal import Decimal  # noqa: PLC0415

    return Decimal(0)


FREE = _Free()
