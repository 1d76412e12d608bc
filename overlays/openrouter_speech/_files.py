"""Audio files: written under a temporary name and moved into place when complete, so a failure leaves the old file."""

import errno
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from . import _convert
from ._core import audio
from ._core.audio import AudioInfo
from .errors import APIConnectionError, AudioError, FileWriteError, SuffixMismatchError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_FITTING = {("wav", "pcm"), ("opus", "ogg"), ("ogg", "opus")}
"""(suffix, format): pcm gets a WAV header; Opus comes in Ogg files."""

_NOT_SAVED = "The audio was not saved: "
_WRITTEN = {"mp3", "pcm", "wav"}
"""The formats that a suffix alone can request."""

_BLOCK = 1 << 20
"""Bytes to copy at a time."""

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
    """An open audio file. This one writes the audio as is."""

    def __init__(self, file: BinaryIO, info: AudioInfo) -> None:
        self._file = file
        self._info = info

    def write(self, chunk: bytes) -> None:
        """Add audio."""
        self._file.write(chunk)

    def finish(self) -> None:
        """Complete the file, after all of the audio."""

    def raw(self) -> bytes | None:
        """Return the audio as it came, if the file holds something else."""
        return None

    def close(self) -> None:
        """Free what the sink uses, beside the file."""


class _ConvertingSink(AudioSink):
    """Audio in the format of the file's suffix."""

    def __init__(self, file: BinaryIO, info: AudioInfo, target: str) -> None:
        super().__init__(file, info)
        self._converter = _convert.Converter(Path(file.name), info, target)
        self.write, self.finish = self._converter.write, self._converter.finish  # type: ignore[method-assign]

    def raw(self) -> bytes:
        return self._converter.raw()

    def close(self) -> None:
        self._converter.close()


class _HeadedSink(AudioSink):
    """pcm with a WAV header."""

    def __init__(self, file: BinaryIO, info: AudioInfo) -> None:
        from ._core import wav  # noqa: PLC0415  (here and below: only needed for WAV)

        self._wav = wav
        super().__init__(file, info)
        self._written = 0
        # A pipe cannot seek; in a file the sizes are filled in at the end.
        self._is_regular = _is_regular(file)
        file.write(self._header(0 if self._is_regular else None))

    def write(self, chunk: bytes) -> None:
        """Add audio.

        Raises:
            ValueError: The chunk does not fit into a WAV file; none of it was written.
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
        rate, channels = self._info.sample_rate, self._info.channels
        return self._wav.header(size, rate or audio.PCM_SAMPLE_RATE, channels or audio.PCM_CHANNELS)


class _RepairedSink(AudioSink):
    """WAV in a regular file. At the end its sizes are filled in, and concatenated files are merged."""

    def finish(self) -> None:
        """Complete the file.

        Raises:
            ValueError: It is several WAV files that do not fit together; they are left as is.
        """
        from ._core import wav  # noqa: PLC0415

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
            for start, end in repair.keep:  # data only moves towards the start, so nothing unread is overwritten
                for position in range(start, end, _BLOCK):
                    self._file.write(content[position : min(position + _BLOCK, end)])
        self._file.truncate(repair.size)
        for position, edit in repair.edits:
            self._file.seek(position)
            self._file.write(edit)


class _PipedSink(AudioSink):
    """WAV in a pipe or a device: one header without sizes, then the samples as they arrive."""

    def __init__(self, file: BinaryIO, info: AudioInfo) -> None:
        from ._core import wav  # noqa: PLC0415

        super().__init__(file, info)
        self._reader = wav.Reader()

    def write(self, chunk: bytes) -> None:
        """Add audio.

        Raises:
            ValueError: Another WAV file begins that does not fit the first.
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


def _sink(file: BinaryIO, info: AudioInfo, suffix: str | None) -> AudioSink:
    if info.format == "pcm" and suffix == "wav":
        return _HeadedSink(file, info)
    if info.format == "wav":
        return (_RepairedSink if _is_regular(file) else _PipedSink)(file, info)
    return AudioSink(file, info)


def format_of(path: StrPath) -> str | None:
    """Return the audio format that a path's suffix stands for; None if it stands for none."""
    return audio.SUFFIXES.get(Path(path).suffix.lower())


def check_suffix(path: StrPath, audio_format: str, *, convert: bool = False) -> None:
    """Reject a suffix that does not match the format, since players rely on it.

    Args:
        path: The file.
        audio_format: The format of the audio.
        convert: Whether it is converted if that is possible.

    Raises:
        ValueError: The suffix contradicts the format, or stands for none. Devices and pipes may have any name.
    """
    if fits(path, audio_format) or _is_special(Path(os.path.realpath(path))):
        return
    if convert and _convert.converts(audio_format, format_of(path)):
        return
    raise ValueError(_contradiction(path, audio_format))


def format_to_request(
    path: StrPath, requested: str | None, *, known: Sequence[str] | None = None, convert: bool = False
) -> str | None:
    """Choose a format that the file can hold. Fail early, before anything is paid for.

    Args:
        path: The file.
        requested: The caller's format, if any.
        known: The formats of the model, if they are known.
        convert: Whether to choose one that has to be converted if the model has no other.

    Raises:
        ValueError: The suffix contradicts the format, or stands for none.
        OSError: The file cannot be written.
    """
    check_writable(path)
    if requested is not None:
        check_suffix(path, requested, convert=convert)
        return requested
    suffix = format_of(path)
    wanted = "pcm" if suffix == "wav" else suffix if suffix in _WRITTEN else None
    if wanted is not None and wanted in (known or _WRITTEN):
        return wanted
    if _is_special(Path(os.path.realpath(path))):
        return None
    if suffix in _convert.TARGETS and convert:
        if _convert.is_installed():
            return known[0] if known else audio.DEFAULT_FORMAT
        if wanted is None:
            raise ValueError(f"{Path(path).name} needs a conversion: {_convert.MISSING}, or name it .mp3 or .wav")
    if wanted is not None:
        return wanted
    named = f"an unsupported suffix, {Path(path).suffix}" if Path(path).suffix else "no suffix"
    raise ValueError(
        f"{Path(path).name} has {named}: name it .mp3, .pcm or .wav"
        + (f', or pass response_format="{suffix}" if the model supports it' if suffix else "")
    )


def check_writable(path: StrPath) -> None:
    """Fail early if a file cannot be written, before its audio is paid for.

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


def saving(path: StrPath, info: AudioInfo) -> "Saving":
    """Open a file for audio in this format. The end of the block moves it into place; an exception removes it.

    pcm in a `.wav` file gets a header. Exceptions of the caller's code pass through unchanged.

    Raises:
        ValueError: The suffix contradicts the audio.
        OSError: The file cannot be written; the message says why.
    """
    check_suffix(path, info.format)
    return Saving(path, info, keep=False)


def keeping(path: StrPath, info: AudioInfo, *, convert: bool = False) -> "Saving":
    """As `saving`, for audio that was paid for: none of it is lost.

    If `convert` is True, audio that contradicts the suffix is converted if the extra `convert` is installed.
    If the file cannot be written, the audio is kept in memory. If the suffix contradicts it, it goes to a file next to
    `path`. Either error is raised at the end of the block, when the audio is complete.

    Raises:
        SuffixMismatchError: The suffix contradicts the audio; `saved_to` is the file that holds it.
        FileWriteError: The file cannot be written; `audio` holds the audio.
        AudioError, APITimeoutError: Raised by the block; the audio that was written is added to `audio`.
    """
    return Saving(path, info, keep=True, convert=convert)


class Saving:
    """The context manager that `saving` and `keeping` return."""

    def __init__(self, path: StrPath, info: AudioInfo, *, keep: bool, convert: bool = False) -> None:
        self._requested = self._path = Path(path)
        self._info = info
        self._keep = keep
        self._target = Path(os.path.realpath(path))  # follow links, so as not to replace the link itself
        self._is_special = _is_special(self._target)
        self._misnamed = not (fits(path, info.format) or self._is_special or os.path.isdir(self._target))  # noqa: PTH112
        self._converts = convert and self._misnamed and _convert.converts(info.format, format_of(path))
        self._misnamed = self._misnamed and not self._converts
        if self._misnamed:
            self._path = self._target = self._target.with_suffix(true_suffix(info.format))
        self._start = self._written = 0
        """Bytes of the header, and of the audio after it."""
        self._file: Replacement | None = None
        self._failure: OSError | ValueError | None = None
        self._keep_existing = self._misnamed
        self._in_memory: list[bytes] = []

    def __enter__(self) -> Self:
        """Open the file."""
        try:
            self._file = Replacement(self._target)
            file = cast("BinaryIO", self._file.file)
            self._sink = AudioSink(file, self._info)  # until the right one is open
            self._sink = self._opened(file)
            self._start = 0 if self._is_special else self._file.file.tell()
        except OSError as error:
            self._fail(error)
        return self

    def _opened(self, file: BinaryIO) -> AudioSink:
        suffix = format_of(self._path)
        return _ConvertingSink(file, self._info, str(suffix)) if self._converts else _sink(file, self._info, suffix)

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

    def has_sound(self, info: AudioInfo) -> bool | None:
        """Whether the file has sound in this format; None if it cannot be read back."""
        if self._file is None:
            return audio.has_sound(b"".join(self._in_memory), info)
        if self._is_special:
            return None
        if (raw := self._sink.raw()) is not None:
            return audio.has_sound(raw, info)
        with suppress(OSError), mmap(self._file.file.fileno(), 0, access=ACCESS_READ) as content:
            return audio.has_sound(content, info)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Move the file into place, or remove it."""
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
                saved_to = self._file.commit(keep_existing=self._keep_existing)
        except OSError as error:
            self._fail(error)
        if self._failure is not None:
            raise self._write_error(self._failure, saved_to) from self._failure
        if self._misnamed:
            raise SuffixMismatchError(
                f"{_contradiction(self._requested, self._info.format)}. The audio is saved as {saved_to}.",
                saved_to=saved_to,
            )

    def _fail(self, error: OSError | ValueError) -> None:
        """Raise, or keep the audio elsewhere: in a .pcm file if too large for WAV, or else in memory."""
        if not self._keep:
            self._discard()
            if isinstance(error, OSError):
                raise _with_explanation(error, self._target) from error
            raise error
        first, self._failure = self._failure is None, error
        if first and isinstance(error, ValueError) and self._start:
            with suppress(OSError):
                self._continue_as_pcm()
                return
        self._in_memory = [self._content()]
        self._discard()

    def _continue_as_pcm(self) -> None:
        """Move audio that is too large for WAV to a .pcm file."""
        other = Replacement(self._target.with_suffix(".pcm"))
        try:
            if self._file is not None:
                self._file.copy(self._start, other)
        except OSError:
            other.discard()
            raise
        self._discard()
        self._file, self._sink = other, _sink(cast("BinaryIO", other.file), self._info, "pcm")
        self._start, self._keep_existing = 0, True

    def _content(self) -> bytes:
        """Return the audio so far, as it arrived."""
        if self._file is None or self._is_special:
            return b"".join(self._in_memory)
        if (raw := self._sink.raw()) is not None:
            return raw
        return self._file.read(self._start)[: self._written]

    def _discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._sink.close()
            file.discard()

    def _write_error(self, failure: OSError | ValueError, saved_to: Path | None) -> FileWriteError:
        if not isinstance(failure, OSError):
            number = errno.EFBIG if saved_to else errno.EINVAL
            failure = OSError(number, f"{_NOT_SAVED}{failure}", str(self._target))
        content = b"" if saved_to else self._content()
        held = "The audio that was not written" if self._is_special else "All of the audio"
        where = f"saved as {saved_to}" if saved_to else f"in this error's `audio`, {len(content)} bytes"
        return FileWriteError(
            f"{_explanation(failure, self._target)}. {held} is {where}.",
            cause=_with_explanation(failure, self._target),
            saved_to=saved_to,
            audio=content,
        )


def fits(path: StrPath, audio_format: str) -> bool:
    """Whether a file of this name holds audio in this format."""
    suffix = Path(path).suffix.lower()
    named = audio.SUFFIXES.get(suffix, suffix[1:])
    return named == audio_format or (named, audio_format) in _FITTING


def _contradiction(path: StrPath, audio_format: str) -> str:
    """Describe a wrong suffix, and the fix."""
    names = [
        name
        for name, format_ in audio.SUFFIXES.items()
        if format_ == audio_format or (format_, audio_format) in _FITTING
    ]
    fitting = " or ".join(names) or "another suffix"
    suffix, name = format_of(path), Path(path).name
    if suffix is None:
        return f"The audio is {audio_format}, but the name {name} does not say so: name it {fitting}"
    return (
        f"The audio is {audio_format}, which a file named {name} cannot hold: name it {fitting}, "
        f'or pass response_format="{suffix}"'
    )


def true_suffix(audio_format: str) -> str:
    """Return the suffix for audio in this format. pcm is saved as WAV, so that players know its rate."""
    if audio_format == "pcm":
        return ".wav"
    names = [name for name, format_ in audio.SUFFIXES.items() if format_ == audio_format]
    return names[0] if names else f".{audio_format}" if re.fullmatch("[a-z0-9]{1,10}", audio_format) else ".bin"


def _explanation(error: OSError, target: Path) -> str:
    """Explain an error in a sentence."""
    said = error.strerror or str(error)
    if said.startswith(_NOT_SAVED):
        return said
    if error.errno == errno.ENOENT and target.parent.exists():
        reason = "the file was removed while it was being written"
    elif error.errno in _REASONS:
        reason = _REASONS[error.errno].format(folder=target.parent, target=target)
    else:
        reason = said
    return f"{_NOT_SAVED}{reason}"


def _with_explanation(error: OSError, target: Path) -> OSError:
    """Return the error with an explanation, or as is if there is none."""
    return OSError(error.errno, _explanation(error, target), str(target)) if error.errno in _REASONS else error


@contextmanager
def _explaining(target: Path) -> Iterator[None]:
    """Explain the block's `OSError`. Use it only around our own file operations."""
    try:
        yield
    except OSError as error:
        raise _with_explanation(error, target) from error


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, which is written in place, under any name."""
    try:
        mode = target.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


class _File(io.FileIO):
    """An unbuffered file: when writing fails, everything written so far can be read back."""

    def write(self, content: "Buffer", /) -> int:
        """Write all of the content."""
        left = memoryview(content).cast("B")
        size = len(left)
        while left:
            left = left[super().write(left) :]
        return size


class Replacement:
    """A file under a temporary name, next to the one that it replaces. Devices and pipes are written directly."""

    def __init__(self, target: Path) -> None:
        if os.path.isdir(target):  # noqa: PTH112  (never raises)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        self._target = target
        self._part = (
            None if _is_special(target) else target.with_name(f".{target.name[:40]}.{os.urandom(4).hex()}.part")
        )
        self.file = _File(target, "w") if self._part is None else _File(self._part, "x+")

    def read(self, start: int) -> bytes:
        """Read back what was written; empty if that fails."""
        with suppress(OSError, ValueError):
            self.file.seek(start)
            return self.file.readall() or b""
        return b""

    def copy(self, start: int, other: "Replacement") -> None:
        """Copy the content from `start` on to another file."""
        self.file.seek(start)
        while block := self.file.read(_BLOCK):
            other.file.write(block)

    def commit(self, *, keep_existing: bool = False) -> Path:
        """Move the file into place and return its path.

        Args:
            keep_existing: Do not replace an existing file: use a numbered name if the target is taken.
        """
        target = self._target
        if self._part is None:
            self.file.close()
            return target
        if keep_existing:
            target = _reserved(target)
        try:
            with suppress(OSError):  # not every file system has permissions
                self._part.chmod(target.stat().st_mode)
            if os.name == "nt":  # Windows cannot move an open file
                self.file.close()
            self._part.replace(target)
        except OSError:
            if keep_existing:
                target.unlink(missing_ok=True)
            raise
        self._part = None
        self.file.close()
        return target

    def discard(self) -> None:
        """Remove the file, unless it is in place."""
        with suppress(OSError):
            self.file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)


def _reserved(wanted: Path) -> Path:
    """Create an empty file with this name, or with the next free one."""
    for number in count(1):
        with suppress(FileExistsError):
            wanted_or_next = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
            wanted_or_next.open("xb").close()
            return wanted_or_next
    raise AssertionError  # there is always a next number


def free_path(path: str, mark: str) -> str:
    """Return this path, or one with a mark and a number before its suffix if it is taken."""
    number, free = 1, path
    while os.access(free, os.F_OK):  # unlike os.path.exists, it raises nothing to say no
        number += 1
        stem, suffix = os.path.splitext(path)  # noqa: PTH122
        free = f"{stem}{mark}{number}{suffix}"
    return free


def remove_partial(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left half-written in a folder: all, or what was to become the file of this name.

    No other process may be writing it.
    """
    for partial in folder.glob(".*.part"):
        if name is None or partial.name[: -len(".01234567.part")] == f".{name[:40]}":
            partial.unlink(missing_ok=True)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `target` at the end of the block; an exception leaves the old one."""
    replacement = Replacement(target)
    try:
        yield cast("BinaryIO", replacement.file)
        replacement.commit()
    finally:
        replacement.discard()


def write_text(path: StrPath, text: str) -> None:
    """Replace a text file atomically."""
    with replacing(Path(path)) as file:
        file.write(text.encode())
