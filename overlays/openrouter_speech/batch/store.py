"""The folder of a batch: the audio in `audio/`, what belongs to the batch itself in `.batch/`.

Datasets skip hidden folders, so that a program that loads the folder sees the audio and its metadata only.
"""

import hashlib
import mmap
import os
import re
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import evolve, frozen

from .. import _convert
from .. import _files as files
from .._core import audio, wav
from .._core.audio import AudioInfo
from . import metadata
from .ledger import hash_of
from .remote import Remote

_ONE_LEVEL, _TWO_LEVELS = 10_000, 2_000_000
"""Rows from which on there are 256 sub-folders, or 65,536. 2,000,000 rows are 7,812 on average in each of 256, and a
folder with over 10,000 is 25 standard deviations away."""
_UNSAFE = re.compile(r"[^\w.-]")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 120
"""Bytes, for file systems that allow 143 (encrypted ones) and a suffix."""
_RESERVE = 1 << 23
"""Bytes to give back when the disk is full: enough for what is in flight."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_SMALL = 1 << 20
"""Bytes of a file to read at once rather than to map."""


@frozen
class Facts:
    """What is known about a file of audio."""

    file: str
    """Its path in the folder."""
    bytes: int
    sha256: str
    duration: float | None
    sample_rate: int | None


@frozen
class Arrived:
    """Audio that arrived whole: in memory, or in a file of the store."""

    content: bytes | Path
    info: AudioInfo
    generation_id: str | None
    from_cache: bool = False
    facts: Facts | None = None
    """If the worker of a cluster put it into a file, or uploaded it. Then `content` is empty."""


class Store:
    """The files of one batch."""

    def __init__(
        self, folder: Path, pattern: str, rows: int, remote: Remote | None = None, convert_to: str | None = None
    ) -> None:
        """Set up the store; nothing is written.

        Args:
            folder: The folder.
            pattern: The name of each file, without its suffix: "{id}".
            rows: How many there are, which decides on sub-folders.
            remote: Where to upload the audio, instead of keeping it in the folder.
            convert_to: The format of the files, if the audio is converted.
        """
        self._folder = folder
        self.remote = remote
        self.convert_to = convert_to
        self._pattern = pattern
        self._levels = 0 if rows <= _ONE_LEVEL else 1 if rows <= _TWO_LEVELS else 2
        self._incoming = folder / ".batch" / "incoming"
        self._root = os.fspath(folder)
        self._made = set[str]()
        self._moving = threading.Lock()
        self._reserve = self._incoming.with_name("reserve")
        self.is_full = False
        """Whether the disk is full: the reserve was needed."""

    def open(self) -> None:
        """Create the folders and the reserve, and remove what a killed process left half-written.

        Raises:
            OSError: There is no space for the reserve, or no permission.
        """
        self._incoming.mkdir(parents=True, exist_ok=True)
        for folder in (self._incoming, self._incoming.parent):
            files.remove_partial(folder)
        for name in metadata.NAMES.values():
            files.remove_partial(self._folder, name)
        if not self._reserve.exists():
            with files.replacing(self._reserve) as file:
                for _ in range(_RESERVE >> 20):
                    file.write(bytes(1 << 20))

    def close(self) -> None:
        """Remove the reserve."""
        self._reserve.unlink(missing_ok=True)

    def incoming(self, number: int, audio_format: str) -> Path:
        """Return the place for audio that arrives in pieces."""
        return self._incoming / f"{number}{files.true_suffix(audio_format)}"

    def waiting(self, number: int, audio_format: str) -> str:
        """Return the path, in the folder, of audio that a worker of a cluster leaves for the driver to put in place."""
        return self.incoming(number, audio_format).relative_to(self._folder).as_posix()

    def arrived(self, number: int) -> Path | None:
        """Return the whole audio of a row that arrived in pieces, before a process was killed."""
        return next(self._incoming.glob(f"{number}.*"), None)

    def place(self, number: int, name: str, audio_format: str) -> str:
        """Return the path for the audio of a row, in the folder."""
        stem = _safe(self._pattern.format(id=name, number=number), name)
        digest = _digest(name) if self._levels else ""
        below = "".join(f"{digest[2 * level : 2 * level + 2]}/" for level in range(self._levels))
        return f"audio/{below}{stem}{files.true_suffix(audio_format)}"

    def put(self, number: int, place: str, arrived: Arrived) -> Facts:
        """Move the audio of a row to its place; to a numbered one if that is taken by a name that differs in case only.

        Audio in memory is first written where audio in pieces arrives, so that half-written files are in one folder.

        If the disk is full, the reserve makes room for what is in flight, which is paid for; then `is_full` is set.

        Raises:
            FileWriteError: Audio in memory cannot be written; `audio` holds it.
            OSError: Audio in a file cannot be moved or uploaded. The file stays, and the next run finds it.
        """
        if (facts := arrived.facts) is not None:
            return facts if self.remote else evolve(facts, file=self._moved(f"{self._root}/{facts.file}", place))
        try:
            return self.put_once(number, place, arrived)
        except OSError:
            if self._reserve.exists():
                self._reserve.unlink()
                self.is_full = True
            return self._put(number, place, arrived.content, arrived.info)

    def put_once(self, number: int, place: str, arrived: Arrived) -> Facts:
        """As `put`, without the reserve."""
        content, info = arrived.content, arrived.info
        if isinstance(content, bytes) and info.format != "wav" and self.remote is None:
            return self._put_at_once(number, place, content, info)
        return self._put(number, place, content, info)

    def _put_at_once(self, number: int, place: str, content: bytes, info: AudioInfo) -> Facts:
        """As `_put`, for audio that takes no more than a header: what that says need not be read again."""
        header = b""
        if info.format == "pcm":
            rate, channels = info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS
            info, header = AudioInfo("pcm", rate, channels), wav.header(len(content), rate, channels)
        written = f"{self._incoming}/.{number}.part"
        whole = header + content
        _write(written, whole)
        known = audio.info_from_audio(content, info)
        return Facts(
            self._moved(written, place),
            len(whole),
            hashlib.sha256(whole).hexdigest(),
            audio.duration(content, known),
            known.sample_rate,
        )

    def _put(self, number: int, place: str, content: bytes | Path, info: AudioInfo) -> Facts:
        path = content if isinstance(content, Path) else self.incoming(number, info.format)
        if isinstance(content, bytes):
            with files.keeping(path, info) as sink:
                sink.write(content)
        with _content(path) as mapped:
            facts = _facts(mapped, AudioInfo("wav") if place.endswith(".wav") else info, place)
        if facts.duration is None and info.format == self.convert_to:
            duration, sample_rate = _convert.measured(path)
            facts = evolve(facts, duration=duration, sample_rate=sample_rate)
        if self.remote is not None:  # the file stays until the ledger knows
            self.remote.upload(path, place)
            return facts
        return evolve(facts, file=self._moved(os.fspath(path), place))

    def _moved(self, written: str, place: str) -> str:
        target = f"{self._root}/{place}"
        if written == target:
            return place
        folder = target.rpartition("/")[0]
        if folder not in self._made:
            os.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        with self._moving:
            free = files.free_path(target, "-")
            os.rename(written, free)
        return free.removeprefix(f"{self._root}/")

    def is_recorded(self, number: int) -> None:
        """Remove the local file of audio that was uploaded, now that the ledger knows."""
        if file := self.arrived(number):
            file.unlink()

    def forget_uploaded(self) -> None:
        """Remove the local files of rows that the ledger knows: a killed process may have left some."""
        if self.remote is not None:
            for file in self._incoming.iterdir():
                file.unlink()

    def is_whole(self, file: str, size: int) -> bool:
        """Whether a file has the size that it should have."""
        try:
            return (self._folder / file).stat().st_size == size
        except OSError:
            return False

    def put_aside(self, file: str) -> None:
        """Move a file that is not whole out of the way, if it is there."""
        with suppress(FileNotFoundError):
            os.rename(self._folder / file, self._incomplete(file.rpartition("/")[2]))

    def _incomplete(self, name: str) -> Path:
        folder = self._folder / ".batch" / "incomplete"
        folder.mkdir(exist_ok=True)
        return Path(files.free_path(f"{folder}/{name}", "-"))

    def keep(self, number: int, content: bytes) -> Path | None:
        """Keep bytes that are not whole audio, but may have been paid for. Text is not audio, and not kept."""
        try:
            content.decode()
        except UnicodeDecodeError:
            file = self._incomplete(f"{number}.bin")
            with files.replacing(file) as opened:
                opened.write(content)
            return file
        return None


def check_pattern(pattern: object) -> str:
    """Check a pattern for names.

    Raises:
        TypeError, ValueError: It does not tell rows apart, or has unknown fields.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"name must be a str, not {type(pattern).__name__}")
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None]
        pattern.format(id="a", number=1)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        fields = []
    if not {"id", "number"} & set(fields):
        raise ValueError(f'name must have {{id}} or {{number}}, such as "{{number:06}}-{{id}}", and not {pattern!r}')
    return pattern


def _facts(content: bytes | mmap.mmap, info: AudioInfo, place: str) -> Facts:
    known = audio.info_from_audio(content, info)
    digest = hashlib.sha256(content).hexdigest()
    return Facts(place, len(content), digest, audio.duration(content, known), known.sample_rate)


def _digest(name: str) -> str:
    return f"{hash_of(name):016x}"


def _safe(name: str, of: str) -> str:
    """Return a name that every file system takes. One that has to change gets a piece of the hash of the row's id."""
    safe = _UNSAFE.sub("_", name).lstrip("._").encode()[:_LONGEST_NAME].decode(errors="ignore").rstrip(".")
    return safe if safe == name and not _DEVICES.fullmatch(name) else f"{safe}-{_digest(of)[:8]}"


def _write(path: str, content: bytes) -> None:
    """Write a file, in a third of the time that `open` takes."""
    descriptor = os.open(path, _CREATE, 0o666)
    try:
        left = memoryview(content)
        while left:  # where a disk gets full, the first write is short, and the second fails
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


@contextmanager
def _content(path: Path) -> Iterator[bytes | mmap.mmap]:
    with path.open("rb") as file:
        head = file.read(_SMALL)
        if len(head) < _SMALL:
            yield head
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped
