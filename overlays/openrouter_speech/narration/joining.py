"""Parts to one file, in constant memory: each is decoded, block by block, and the whole is encoded once."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

from attrs import frozen

from .. import audio, files
from ..audio import AudioFacts
from . import extra

_FRAMES = 1 << 16
"""Frames of one block: 2.7 s, which take a few milliseconds to encode."""


@frozen
class Joined:
    """What lies where in the file."""

    sample_rate: int
    spans: tuple[tuple[int, int], ...]
    """Where each part begins, and how long it is, in frames."""
    frames: int
    """Of the whole."""

    @property
    def duration_ms(self) -> int:
        """Of the whole."""
        return self._milliseconds(self.frames)

    @property
    def milliseconds(self) -> list[tuple[int, int]]:
        """Where each part begins, and how long it is."""
        return [(self._milliseconds(begin), self._milliseconds(frames)) for begin, frames in self.spans]

    def _milliseconds(self, frames: int) -> int:
        return round(frames * 1000 / self.sample_rate)


class _Sink(Protocol):
    def write(self, chunk: bytes, /) -> None: ...


def check_installed() -> None:
    """Find out that what joins is there, before there is something to join.

    Raises:
        ConfigurationError: It is not.
    """
    _libraries()


def join(
    parts: Sequence[Path | None], pauses_ms: Sequence[float], target: Path, scratch: Path
) -> Generator[float, None, Joined]:
    """Join parts, and move the file into its place.

    Args:
        parts: The files, in their order; None for a part without audio.
        pauses_ms: Milliseconds of silence before each.
        target: The file: .wav, .pcm or .mp3.
        scratch: A file to write while the whole is encoded; it is removed.

    Yields:
        After each block, the seconds that are written; whoever asks for no more leaves no file.

    Raises:
        ValueError: The parts do not fit together, or not into a WAV file.
        OSError: The file cannot be written.
    """
    facts, frames = _facts(list(filter(None, parts)))
    rate = facts.sample_rate or audio.PCM_SAMPLE_RATE
    silences = [round(pause * rate / 1000) for pause in pauses_ms]
    if files.format_of(target) == "wav":
        audio.wav_header((frames + sum(silences)) * facts.frame_size, rate, facts.channels or 1)
    with _sink(target, scratch, facts) as sink:
        written, spans = 0, []
        for file, silence in zip(parts, silences, strict=True):
            for block in _silence(silence, facts.frame_size):
                sink.write(block)
            written += silence
            begin = written
            for block in _decoded(file):
                sink.write(block)
                written += len(block) // facts.frame_size
                yield written / rate
            spans.append((begin, written - begin))
    return Joined(rate, tuple(spans), written)


def _libraries() -> tuple[Any, Any]:
    """miniaudio and soundfile, loaded where they are needed."""
    with extra.needed():
        import miniaudio  # noqa: PLC0415
        import soundfile  # noqa: PLC0415
    return miniaudio, soundfile


@contextmanager
def _opening(file: Path) -> Iterator[tuple[Any, Any]]:
    """The libraries; what one of them says of a file that it cannot read becomes a sentence."""
    miniaudio, soundfile = _libraries()
    try:
        yield miniaudio, soundfile
    except (soundfile.LibsndfileError, miniaudio.MiniaudioError) as error:
        raise ValueError(
            f"The part {file} cannot be decoded ({error}): remove it, and the same call asks for it again"
        ) from error


def _facts(parts: Iterable[Path]) -> tuple[AudioFacts, int]:
    """What all parts are, and how many frames they have."""
    first, facts, frames = None, AudioFacts("pcm"), 0
    for part in parts:
        own, length = _facts_of(part)
        frames += length
        if first is None:
            first, facts = part, own
        if own != facts:
            raise ValueError(
                f"The parts do not fit together: {first} has {_described(facts)}, {part} has {_described(own)}. "
                "Remove those of the wrong kind, and the same call asks for them again"
            )
    return facts, frames


def _facts_of(part: Path) -> tuple[AudioFacts, int]:
    with _opening(part) as (miniaudio, soundfile):
        # soundfile guesses the length of an mp3 whose encoder left no note, and stops there; miniaudio counts.
        if part.suffix == ".mp3":
            info = miniaudio.mp3_get_file_info(str(part))
            return AudioFacts("pcm", info.sample_rate, info.nchannels), info.num_frames
        with soundfile.SoundFile(part) as opened:
            return AudioFacts("pcm", opened.samplerate, opened.channels), opened.frames


def _described(facts: AudioFacts) -> str:
    return f"{facts.sample_rate} Hz and {facts.channels} channel{'s' if facts.channels != 1 else ''}"


def _decoded(file: Path | None) -> Iterator[bytes]:
    if file is None:
        return
    with _opening(file) as (miniaudio, soundfile):
        if file.suffix == ".mp3":
            for samples in miniaudio.mp3_stream_file(str(file), _FRAMES):
                yield samples.tobytes()
            return
        with soundfile.SoundFile(file) as opened:
            while block := bytes(opened.buffer_read(_FRAMES, dtype="int16")):
                yield block


def _silence(frames: int, frame_size: int) -> Iterator[bytes]:
    for begun in range(0, frames, _FRAMES):
        yield bytes(min(_FRAMES, frames - begun) * frame_size)


@contextmanager
def _sink(target: Path, scratch: Path, facts: AudioFacts) -> Iterator[_Sink]:
    """What takes 16-bit samples and makes the target of them."""
    if files.format_of(target) != "mp3":
        with files.saving(target, facts) as sink:
            yield sink
        return
    try:
        with _Encoder(scratch, facts) as encoder:
            yield encoder
        # The encoder goes back to the beginning at its end, which no half-written file of `files` allows.
        with files.saving(target, AudioFacts("mp3")) as sink, scratch.open("rb") as encoded:
            while block := encoded.read(1 << 16):
                sink.write(block)
    finally:
        scratch.unlink(missing_ok=True)


class _Encoder:
    """An mp3 file that takes samples."""

    def __init__(self, file: Path, facts: AudioFacts) -> None:
        _, soundfile = _libraries()
        try:
            self._file = soundfile.SoundFile(
                file, "w", facts.sample_rate, facts.channels, format="MP3", subtype="MPEG_LAYER_III"
            )
        except soundfile.LibsndfileError as error:
            raise ValueError(f"mp3 cannot hold {_described(facts)} ({error}): choose .wav") from error

    def write(self, chunk: bytes, /) -> None:
        self._file.buffer_write(chunk, dtype="int16")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
