"""Audio files: written beside their place and moved into it at the end, so that a failure leaves an old one whole."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO

from . import audio
from .audio import AudioFacts

_FITTING = {("wav", "pcm"), ("opus", "ogg"), ("ogg", "opus")}
"""(suffix, format): pcm is given a header; Opus lies in Ogg files."""

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
        ValueError: The suffix contradicts the format.
    """
    suffix = format_of(path)
    if suffix is None or suffix == audio_format or (suffix, audio_format) in _FITTING:
        return
    names = [
        name
        for name, format_ in audio.SUFFIXES.items()
        if format_ == audio_format or (format_, audio_format) in _FITTING
    ]
    fitting = " or ".join(names) or "another suffix"
    raise ValueError(
        f"The audio is {audio_format}, which a file named {Path(path).name} cannot hold: name it {fitting}, "
        f'or ask for response_format="{suffix}"'
    )


def check_writable(path: StrPath) -> None:
    """Find out what would keep a file from being written, before the audio for it is paid for.

    Raises:
        OSError: The folder is missing or not writable, or the path is a folder.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _explained(errno.EISDIR, target)
    if not target.parent.exists():
        raise _explained(errno.ENOENT, target)
    if not target.parent.is_dir():
        raise _explained(errno.ENOTDIR, target)
    if not os.access(target.parent, os.W_OK | os.X_OK) and not _is_special(target):
        raise _explained(errno.EACCES, target)


@contextmanager
def saving(path: StrPath, facts: AudioFacts) -> Iterator[AudioSink]:
    """Open a file for audio of this kind. At the end of the block it is moved into its place; an exception removes it.

    A `.wav` file for pcm audio is given its header.

    Raises:
        ValueError: The suffix contradicts the audio.
        OSError: The file cannot be written; the message says why.
    """
    check_suffix(path, facts.format)
    target = Path(os.path.realpath(path))  # through links, so that it is not the link that is replaced
    try:
        with replacing(target) as file:
            sink = _sink(file, facts, format_of(path))
            yield sink
            sink.finish()
    except OSError as error:
        if error.errno in _REASONS:
            raise _explained(error.errno, target) from error
        raise


def _explained(number: int, target: Path) -> OSError:
    reason = _REASONS[number].format(folder=target.parent)
    return OSError(number, f"The audio was not saved: {reason}", str(target))


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, which is written to where it is."""
    return target.exists() and not target.is_file() and not target.is_dir()


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A file that takes its place at the end of the block; an exception leaves what is there."""
    if _is_special(target):
        with target.open("wb") as file:
            yield file
        return
    part = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.part")
    file = part.open("xb")
    try:
        with file:
            yield file
        with suppress(FileNotFoundError):
            part.chmod(target.stat().st_mode)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
