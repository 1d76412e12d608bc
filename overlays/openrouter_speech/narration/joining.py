"""Parts to one file, in constant memory: each is decoded, block by block, and the whole is encoded once."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from attrs import frozen

from .. import _files as files
from .._core import audio, mp3, wav
from .._core.audio import AudioInfo
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
    info, frames = _info(list(filter(None, parts)))
    rate = info.sample_rate or audio.PCM_SAMPLE_RATE
    silences = [round(pause * rate / 1000) for pause in pauses_ms]
    if files.format_of(target) == "wav":
        wav.check_size((frames + sum(silences)) * info.frame_size)
    with _sink(target, scratch, info) as sink:
        written, spans = 0, []
        for file, silence in zip(parts, silences, strict=True):
            for block in _silence(silence, info.frame_size):
                sink.write(block)
            written += silence
            begin = written
            for block in _decoded(file):
                sink.write(block)
                written += len(block) // info.frame_size
                yield written / rate
            spans.append((begin, written - begin))
    return Joined(rate, tuple(spans), written)


def _libraries() -> tuple[Any, Any]:
    """miniaudio and soundfile, loaded where they are needed."""
    with extra.needed():
        import miniaudio  # noqa: PLC0415
        import soundfile  # noqa: PLC0415
    return miniaudio, soundfile


class _Samples(NamedTuple):
    """What is in a part, once it is decoded."""

    info: AudioInfo
    frames: int
    blocks: Iterator[bytes]
    """Its samples with 16 bits."""


_RAW = {(1, 1): "PCM_U8", (1, 2): "PCM_16", (1, 3): "PCM_24", (1, 4): "PCM_32", (3, 4): "FLOAT", (3, 8): "DOUBLE"}
_RAW |= {(6, 1): "ALAW", (7, 1): "ULAW"}
"""What soundfile calls the samples of a WAV file, by their encoding and width in bytes."""


@contextmanager
def _opening(part: Path) -> Iterator[_Samples]:
    """Open a part. What a library says of a file that it cannot read becomes a sentence."""
    miniaudio, soundfile = _libraries()
    try:
        with part.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            if part.suffix == ".mp3":
                yield _mp3(content, miniaudio)
            elif wav.is_wav(content):
                yield _wav(content, miniaudio, soundfile)
            else:
                yield _other(file, miniaudio, soundfile)
    except (soundfile.LibsndfileError, miniaudio.MiniaudioError, ValueError) as error:
        raise ValueError(
            f"The part {part} cannot be decoded ({error}): remove it, and the same call asks for it again"
        ) from error


def _mp3(content: mmap, miniaudio: Any) -> _Samples:
    """Each file that is in it gets a decoder of its own: one would stop after the first."""
    segments = list(mp3.segments(content))
    if not segments:
        raise ValueError("there is no frame of mp3 in it")
    rate, channels = segments[0].header.sample_rate, segments[0].header.channels

    def blocks() -> Iterator[bytes]:
        for segment in segments:
            encoded = content[segment.start : segment.end]
            for samples in miniaudio.stream_memory(
                encoded, nchannels=channels, sample_rate=rate, frames_to_read=_FRAMES
            ):
                yield samples.tobytes()

    frames = sum(round(segment.samples * rate / segment.header.sample_rate) for segment in segments)
    return _Samples(AudioInfo("pcm", rate, channels), frames, blocks())


def _wav(content: mmap, miniaudio: Any, soundfile: Any) -> _Samples:
    """By our own reading of where the samples are, which copes with headers that don't know."""
    spans = list(wav.spans(content))
    wav.check_kinds(spans)
    layout = spans[0].layout if spans else None
    subtype = _RAW.get((layout.encoding, layout.sample_width)) if layout else None
    if layout is None or subtype is None:
        return _other(BytesIO(content), miniaudio, soundfile)
    endian = "LITTLE" if layout.byte_order == "<" else "BIG"

    def blocks() -> Iterator[bytes]:
        for span in spans:
            end = span.start + span.size
            if (subtype, endian) == ("PCM_16", "LITTLE"):
                size = _FRAMES * layout.frame_size
                yield from (content[at : min(at + size, end)] for at in range(span.start, end, size))
                continue
            raw = BytesIO(content[span.start : end])
            with soundfile.SoundFile(raw, "r", layout.sample_rate, layout.channels, subtype, endian, "RAW") as opened:
                yield from _read(opened, miniaudio)

    frames = sum(span.size for span in spans) // layout.frame_size
    return _Samples(AudioInfo("pcm", layout.sample_rate, layout.channels), frames, blocks())


def _other(file: Any, miniaudio: Any, soundfile: Any) -> _Samples:
    opened = soundfile.SoundFile(file)
    return _Samples(AudioInfo("pcm", opened.samplerate, opened.channels), opened.frames, _read(opened, miniaudio))


def _read(opened: Any, miniaudio: Any) -> Iterator[bytes]:
    with opened:
        if opened.subtype not in {"FLOAT", "DOUBLE"}:
            while block := bytes(opened.buffer_read(_FRAMES, dtype="int16")):
                yield block
            return
        floats, integers = miniaudio.SampleFormat.FLOAT32, miniaudio.SampleFormat.SIGNED16
        while block := bytes(opened.buffer_read(_FRAMES, dtype="float32")):  # as integers, it would make zeros of them
            yield bytes(miniaudio.convert_sample_format(floats, block, integers))


def _info(parts: Iterable[Path]) -> tuple[AudioInfo, int]:
    """What all parts are, and how many frames they have."""
    first, info, frames = None, AudioInfo("pcm"), 0
    for part in parts:
        with _opening(part) as opened:
            own = opened.info
            frames += opened.frames
        if first is None:
            first, info = part, own
        if own != info:
            raise ValueError(
                f"The parts do not fit together: {first} has {_described(info)}, {part} has {_described(own)}. "
                "Remove those of the wrong kind, and the same call asks for them again"
            )
    return info, frames


def _described(info: AudioInfo) -> str:
    return f"{info.sample_rate} Hz and {info.channels} channel{'s' if info.channels != 1 else ''}"


def _decoded(file: Path | None) -> Iterator[bytes]:
    if file is not None:
        with _opening(file) as opened:
            yield from opened.blocks


def _silence(frames: int, frame_size: int) -> Iterator[bytes]:
    for begun in range(0, frames, _FRAMES):
        yield bytes(min(_FRAMES, frames - begun) * frame_size)


@contextmanager
def _sink(target: Path, scratch: Path, info: AudioInfo) -> Iterator[_Sink]:
    """What takes 16-bit samples and makes the target of them."""
    if files.format_of(target) != "mp3":
        with files.saving(target, info) as sink:
            yield sink
        return
    try:
        with _Encoder(scratch, info) as encoder:
            yield encoder
        # The encoder goes back to the beginning at its end, which no half-written file of `files` allows.
        with files.saving(target, AudioInfo("mp3")) as sink, scratch.open("rb") as encoded:
            while block := encoded.read(1 << 16):
                sink.write(block)
    finally:
        scratch.unlink(missing_ok=True)


class _Encoder:
    """An mp3 file that takes samples."""

    def __init__(self, file: Path, info: AudioInfo) -> None:
        _, soundfile = _libraries()
        try:
            self._file = soundfile.SoundFile(
                file, "w", info.sample_rate, info.channels, format="MP3", subtype="MPEG_LAYER_III"
            )
        except soundfile.LibsndfileError as error:
            raise ValueError(f"mp3 cannot hold {_described(info)} ({error}): choose .wav") from error

    def write(self, chunk: bytes, /) -> None:
        self._file.buffer_write(chunk, dtype="int16")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
