"""Audio files: written beside their place and moved into it at the end, so that a failure leaves an old one whole."""

import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from . import audio
from .audio import AudioFacts
from .errors import APIConnectionError, AudioError, FileWriteError, SuffixMismatchError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_FITTING = {("wav", "pcm"), ("opus", "ogg"), ("ogg", "opus")}
"""(suffix, format): pcm is given a header; Opus lies in Ogg files."""

_NOT_SAVED = "The audio was not saved: "
_WRITTEN = {"mp3", "pcm", "wav"}
"""The formats that a suffix alone can ask for."""

_BLOCK = 1 << 20
"""Bytes that are moved at a time."""

StrPath = str | os.PathLike[str]

_REASONS = {
    errno.ENOENT: "the folder {folder} does not exist; create it first",
    errno.ENOTDIR: "{folder} is not a folder",
    errno.EISDIR: "it is a folder; name a file in it",
    errno.EACCES: "no permission to write in {folder}",
    errno.EPERM: "no permission to write in {folder}",
    errno.EROFS: "{folder} is on a read-only file system",
    errno.ENOSPC: "the disk of {folder} is full",
    errno.EDQUOT: "the disk quota for {folder} is used up",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the file is larger than the system allows",
    errno.EPIPE: "nobody reads {target} any more",
}


class AudioSink:
    """An open audio file that is not in its place yet. Here the audio is written as it comes."""

    def __init__(self, file: BinaryIO, facts: AudioFacts) -> None:
        self._file = file
        self._facts = facts

    def write(self, chunk: bytes) -> None:
        """Add audio."""
        self._file.write(chunk)

    def finish(self) -> None:
        """Complete the file, once all audio is in it."""


class _HeadedSink(AudioSink):
    """pcm in a WAV file."""

    def __init__(self, file: BinaryIO, facts: AudioFacts) -> None:
        from . import wav  # noqa: PLC0415  (here and below: for those only who write WAV)

        self._wav = wav
        super().__init__(file, facts)
        self._written = 0
        # Nobody can go back in a pipe; elsewhere the sizes are filled in at the end, when they are known.
        self._is_regular = _is_regular(file)
        file.write(self._header(0 if self._is_regular else None))

    def write(self, chunk: bytes) -> None:
        """Add audio.

        Raises:
            ValueError: It does not fit into a WAV file; nothing of this chunk was written.
        """
        self._wav.check_size(self._written + len(chunk))
        super().write(chunk)
        self._written += len(chunk)

    def finish(self) -> None:
        if self._is_regular:
            header = self._header(self._written)
            self._file.seek(0)
            self._file.write(header)

    def _header(self, size: int | None) -> bytes:
        rate, channels = self._facts.sample_rate, self._facts.channels
        return self._wav.header(size, rate or audio.PCM_SAMPLE_RATE, channels or audio.PCM_CHANNELS)


class _RepairedSink(AudioSink):
    """WAV as it comes, in a file. In the end its sizes are filled in, and several files become one."""

    def finish(self) -> None:
        """Complete the file.

        Raises:
            ValueError: It is several WAV files that do not fit together; they are left as they came.
        """
        from . import wav  # noqa: PLC0415

        self._file.flush()
        path = Path(self._file.name)
        if not path.stat().st_size:
            return
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            repair = wav.repair(content)
            if repair is None:
                return
            if repair.keep:
                self._file.seek(0)
            for start, end in repair.keep:  # each moves towards the beginning: nothing unread is overwritten
                for position in range(start, end, _BLOCK):
                    self._file.write(content[position : min(position + _BLOCK, end)])
        self._file.truncate(repair.size)
        for position, edit in repair.edits:
            self._file.seek(position)
            self._file.write(edit)


class _PipedSink(AudioSink):
    """WAV in a pipe or a device: one header without sizes, and the samples as they come."""

    def __init__(self, file: BinaryIO, facts: AudioFacts) -> None:
        from . import wav  # noqa: PLC0415

        super().__init__(file, facts)
        self._reader = wav.Reader()

    def write(self, chunk: bytes) -> None:
        """Add audio.

        Raises:
            ValueError: Another WAV file begins, which does not fit to the first.
        """
        begins = self._reader.layout is None
        samples = self._reader.feed(chunk)
        if begins and self._reader.layout:
            super().write(self._reader.open_head)
        super().write(samples)

    def finish(self) -> None:
        super().write(self._reader.end() if self._reader.layout else self._reader.rest)


def _is_regular(file: BinaryIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _sink(file: BinaryIO, facts: AudioFacts, suffix: str | None) -> AudioSink:
    if facts.format == "pcm" and suffix == "wav":
        return _HeadedSink(file, facts)
    if facts.format == "wav":
        return (_RepairedSink if _is_regular(file) else _PipedSink)(file, facts)
    return AudioSink(file, facts)


def format_of(path: StrPath) -> str | None:
    """The audio format that a path's suffix stands for; None for a suffix that stands for none."""
    return audio.SUFFIXES.get(Path(path).suffix.lower())


def check_suffix(path: StrPath, audio_format: str) -> None:
    """Refuse a suffix that says something else than the audio is: players go by it, and fail.

    Raises:
        ValueError: The suffix contradicts the format, or stands for none. Devices and pipes may have any name.
    """
    if _fits(path, audio_format) or _is_special(Path(os.path.realpath(path))):
        return
    raise ValueError(_contradiction(path, audio_format))


def format_to_request(path: StrPath, requested: str | None) -> str | None:
    """Tell which format to ask for, so that a file can hold it; checked before anything is paid for.

    Args:
        path: The file.
        requested: The format that the caller asks for, if any.

    Raises:
        ValueError: The suffix contradicts the format, or stands for none.
        OSError: The file cannot be written.
    """
    check_writable(path)
    if requested is not None:
        check_suffix(path, requested)
        return requested
    suffix = format_of(path)
    if suffix in _WRITTEN:
        return "pcm" if suffix == "wav" else suffix
    if _is_special(Path(os.path.realpath(path))):
        return None
    named = f"the suffix {Path(path).suffix}" if Path(path).suffix else "no suffix"
    raise ValueError(
        f"{Path(path).name} has {named}, which is not a format that is written here: name it .mp3, .pcm or .wav"
        + (f', or ask for response_format="{suffix}" if the model has it' if suffix else "")
    )


def check_writable(path: StrPath) -> None:
    """Find out what would keep a file from being written, before the audio for it is paid for.

    Raises:
        OSError: The folder is missing or not writable, or the path is a folder.
    """
    target = Path(os.path.realpath(path))
    with _explaining(target):
        if target.is_dir():
            raise OSError(errno.EISDIR, "")
        if not target.parent.exists():
            raise OSError(errno.ENOENT, "")
        if not target.parent.is_dir():
            raise OSError(errno.ENOTDIR, "")
        if not os.access(target.parent, os.W_OK | os.X_OK) and not _is_special(target):
            raise OSError(errno.EACCES, "")


def saving(path: StrPath, facts: AudioFacts) -> "Saving":
    """Open a file for audio of this kind. At the end of the block it is moved into its place; an exception removes it.

    A `.wav` file for pcm audio is given its header. What the caller's own code raises in the block is let through as it
    is.

    Raises:
        ValueError: The suffix contradicts the audio.
        OSError: The file cannot be written; the message says why.
    """
    check_suffix(path, facts.format)
    return Saving(path, facts, keep=False)


def keeping(path: StrPath, facts: AudioFacts) -> "Saving":
    """As `saving`, for audio that was paid for: nothing of it is lost.

    Where the file cannot be written, the audio goes on into memory. Where the suffix contradicts it, it goes into a
    file beside that one. In both cases the error comes at the end of the block, when all of the audio is there.

    Raises:
        SuffixMismatchError: The suffix contradicts the audio; `saved_to` is the file that holds it.
        FileWriteError: The file cannot be written; `audio` holds the audio.
        AudioError, APITimeoutError: As the block raises it, with what was written in `audio`.
    """
    return Saving(path, facts, keep=True)


class Saving:
    """An audio file while it is written: a context manager. See `saving` and `keeping`, which make it."""

    def __init__(self, path: StrPath, facts: AudioFacts, *, keep: bool) -> None:
        self._asked_for = self._path = Path(path)
        self._facts = facts
        self._keep = keep
        self._target = Path(os.path.realpath(path))  # through links, so that it is not the link that is replaced
        self._is_special = _is_special(self._target)
        self._misnamed = not (_fits(path, facts.format) or self._is_special or os.path.isdir(self._target))  # noqa: PTH112
        if self._misnamed:
            self._path = self._target = self._target.with_suffix(true_suffix(facts.format))
        self._start = self._written = 0
        """Bytes of the header, and of the audio behind it."""
        self._file: _Replacement | None = None
        self._failure: OSError | ValueError | None = None
        self._is_beside = self._misnamed
        self._in_memory: list[bytes] = []

    def __enter__(self) -> Self:
        """Open the file."""
        try:
            self._file = _Replacement(self._target)
            self._sink = _sink(cast("BinaryIO", self._file.file), self._facts, format_of(self._path))
            self._start = 0 if self._is_special else self._file.file.tell()
        except OSError as error:
            self._fail(error)
        return self

    def write(self, chunk: bytes) -> None:
        """Add audio."""
        if self._file is None:
            self._in_memory.append(chunk)
            return
        try:
            self._sink.write(chunk)
        except (OSError, ValueError) as error:
            self._fail(error)
            self.write(chunk)
        else:
            self._written += len(chunk)

    def has_sound(self, facts: AudioFacts) -> bool | None:
        """Whether there is sound of this format in what was written; None where that cannot be looked into."""
        if self._file is None:
            return audio.has_sound(b"".join(self._in_memory), facts)
        if self._is_special:
            return None
        with suppress(OSError), mmap(self._file.file.fileno(), 0, access=ACCESS_READ) as content:
            return audio.has_sound(content, facts)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Move the file into its place, or remove it."""
        try:
            if error is None:
                self._complete()
            elif self._keep and isinstance(error, AudioError | APIConnectionError):
                error.audio = self._content() + error.audio
        finally:
            self._discard()

    def _complete(self) -> None:
        saved_to = None
        try:
            if self._file is not None:
                self._sink.finish()
        except (OSError, ValueError) as error:
            self._fail(error)
        try:
            if self._file is not None:
                saved_to = self._file.commit(beside=self._is_beside)
        except OSError as error:
            self._fail(error)
        if self._failure is not None:
            raise self._write_error(self._failure, saved_to) from self._failure
        if self._misnamed:
            raise SuffixMismatchError(
                f"{_contradiction(self._asked_for, self._facts.format)}. What came is saved as {saved_to}.",
                saved_to=saved_to,
            )

    def _fail(self, error: OSError | ValueError) -> None:
        """Go on elsewhere, if the audio is to be kept: without the header that is too small for it, or in memory."""
        if not self._keep:
            self._discard()
            if isinstance(error, OSError):
                raise _explained(error, self._target) from error
            raise error
        first, self._failure = self._failure is None, error
        if first and isinstance(error, ValueError) and self._start:
            with suppress(OSError):
                self._go_on_without_header()
                return
        self._in_memory = [self._content()]
        self._discard()

    def _go_on_without_header(self) -> None:
        """What a WAV file cannot hold is pcm still."""
        other = _Replacement(self._target.with_suffix(".pcm"))
        try:
            if self._file is not None:
                self._file.copy(self._start, other)
        except OSError:
            other.discard()
            raise
        self._discard()
        self._file, self._sink = other, _sink(cast("BinaryIO", other.file), self._facts, "pcm")
        self._start, self._is_beside = 0, True

    def _content(self) -> bytes:
        """The audio so far, as it came."""
        if self._file is None or self._is_special:
            return b"".join(self._in_memory)
        return self._file.read(self._start)[: self._written]

    def _discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.discard()

    def _write_error(self, failure: OSError | ValueError, saved_to: Path | None) -> FileWriteError:
        if not isinstance(failure, OSError):
            number = errno.EFBIG if saved_to else errno.EINVAL
            failure = OSError(number, f"{_NOT_SAVED}{failure}", str(self._target))
        content = b"" if saved_to else self._content()
        held = "What was not written" if self._is_special else "All of the audio"
        where = f"saved as {saved_to}" if saved_to else f"in this error's `audio`, {len(content)} bytes"
        return FileWriteError(
            f"{_sentence(failure, self._target)}. {held} is {where}.",
            cause=_explained(failure, self._target),
            saved_to=saved_to,
            audio=content,
        )


def _fits(path: StrPath, audio_format: str) -> bool:
    suffix = Path(path).suffix.lower()
    named = audio.SUFFIXES.get(suffix, suffix[1:])
    return named == audio_format or (named, audio_format) in _FITTING


def _contradiction(path: StrPath, audio_format: str) -> str:
    """What is wrong with a suffix, and what to do."""
    names = [
        name
        for name, format_ in audio.SUFFIXES.items()
        if format_ == audio_format or (format_, audio_format) in _FITTING
    ]
    fitting = " or ".join(names) or "another suffix"
    suffix, name = format_of(path), Path(path).name
    if suffix is None:
        return f"The audio is {audio_format}, which the name {name} does not say: name it {fitting}"
    return (
        f"The audio is {audio_format}, which a file named {name} cannot hold: name it {fitting}, "
        f'or ask for response_format="{suffix}"'
    )


def true_suffix(audio_format: str) -> str:
    """The suffix for audio that came under another: pcm is given a header, so that players know its rate."""
    if audio_format == "pcm":
        return ".wav"
    names = [name for name, format_ in audio.SUFFIXES.items() if format_ == audio_format]
    return names[0] if names else f".{audio_format}" if re.fullmatch("[a-z0-9]{1,10}", audio_format) else ".bin"


def _sentence(error: OSError, target: Path) -> str:
    """Say what went wrong with a file."""
    said = error.strerror or str(error)
    if said.startswith(_NOT_SAVED):
        return said
    if error.errno == errno.ENOENT and target.parent.exists():
        reason = "its file was removed while it was written"
    elif error.errno in _REASONS:
        reason = _REASONS[error.errno].format(folder=target.parent, target=target)
    else:
        reason = said
    return f"{_NOT_SAVED}{reason}"


def _explained(error: OSError, target: Path) -> OSError:
    """The same error of the system's, with a sentence; one that there is no sentence for, as it is."""
    return OSError(error.errno, _sentence(error, target), str(target)) if error.errno in _REASONS else error


@contextmanager
def _explaining(target: Path) -> Iterator[None]:
    """Explain what goes wrong with a file in this block. Nothing but our own use of the file may be in it."""
    try:
        yield
    except OSError as error:
        raise _explained(error, target) from error


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, which is written to where it is, under any name."""
    try:
        mode = target.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


class _File(io.FileIO):
    """A file without a buffer, so that what was written is in it, and can be read back when no more can be written."""

    def write(self, content: "Buffer", /) -> int:
        """Write all of it."""
        left = memoryview(content).cast("B")
        size = len(left)
        while left:
            left = left[super().write(left) :]
        return size


class _Replacement:
    """A file that is written beside its place, if that is not a device or a pipe."""

    def __init__(self, target: Path) -> None:
        if os.path.isdir(target):  # noqa: PTH112  (which never raises)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        self._target = target
        self._part = (
            None if _is_special(target) else target.with_name(f".{target.name[:40]}.{os.urandom(4).hex()}.part")
        )
        self.file = _File(target, "w") if self._part is None else _File(self._part, "x+")

    def read(self, start: int) -> bytes:
        """Read back what was written, as far as that can be."""
        with suppress(OSError, ValueError):
            self.file.seek(start)
            return self.file.readall() or b""
        return b""

    def copy(self, start: int, other: "_Replacement") -> None:
        """Write what stands here from there on into another."""
        self.file.seek(start)
        while block := self.file.read(_BLOCK):
            other.file.write(block)

    def commit(self, *, beside: bool = False) -> Path:
        """Move it into its place, or to a free one beside it, and tell which."""
        target = self._target
        if self._part is None:
            self.file.close()
            return target
        if beside:
            target = _reserved(target)
        try:
            with suppress(OSError):  # not every file system has permissions
                self._part.chmod(target.stat().st_mode)
            if os.name == "nt":  # which does not move a file that is open
                self.file.close()
            self._part.replace(target)
        except OSError:
            if beside:
                target.unlink(missing_ok=True)
            raise
        self._part = None
        self.file.close()
        return target

    def discard(self) -> None:
        """Remove it, unless it is in its place."""
        with suppress(OSError):
            self.file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)


def _reserved(wanted: Path) -> Path:
    """Make an empty file under this name, or under the next that is free."""
    for number in count(1):
        with suppress(FileExistsError):
            wanted_or_next = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
            wanted_or_next.open("xb").close()
            return wanted_or_next
    raise AssertionError  # there is always a next number


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place at the end of the block; an exception leaves what is there."""
    replacement = _Replacement(target)
    try:
        yield cast("BinaryIO", replacement.file)
        replacement.commit()
    finally:
        replacement.discard()
