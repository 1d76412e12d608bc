"""Join parts into one file, in constant memory: decode each block by block, and encode the whole once.

Most parts end in silence, and their samples stay as they are. Where one does not, both sides of the join are faded, so
that it does not click. Parts with another rate than most are resampled.
"""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from itertools import chain
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from attrs import frozen

from .. import _files as files
from .._core import audio, mp3, wav
from .._core.audio import AudioInfo
from . import extra, fit, id3
from .doubts import Sound
from .results import Chapter

_FRAMES = 1 << 16
"""Frames per block: 2.7 s at 24 kHz, a few milliseconds to encode."""
_FULL_SCALE = 1 << 15
_CLICK = _FULL_SCALE // 100
"""The smallest step between two samples that is heard as a click at a join: -40 dB."""
_FADE = 0.005
"""Seconds."""
_FILTER = 0.1
"""Seconds: more than the filter of the resampler is long."""
_END = 0.02
"""Seconds: enough for a period of a low voice."""
_EVERY = 7
"""Samples from one that is measured to the next, for speed. It is odd, so as not to skip a channel."""


@frozen
class Joined:
    """The layout of the file."""

    sample_rate: int
    spans: tuple[tuple[int, int], ...]
    """The start and the length of each part, in frames."""
    frames: int
    """Length of the file."""

    @property
    def duration_ms(self) -> int:
        """Length of the file."""
        return self._milliseconds(self.frames)

    @property
    def milliseconds(self) -> list[tuple[int, int]]:
        """The start and the length of each part, in milliseconds."""
        return [(self._milliseconds(begin), self._milliseconds(frames)) for begin, frames in self.spans]

    def _milliseconds(self, frames: int) -> int:
        return round(frames * 1000 / self.sample_rate)


def sound(part: Path) -> Sound:
    """Measure how loud a part is.

    Raises:
        ValueError: It cannot be decoded.
        OSError: It cannot be read.
    """
    peak, tail = 0, b""
    with _opening(part) as opened:
        info = opened.info
        size = round(_rate(info) * _END) * info.frame_size
        for block in opened.blocks:
            peak = max(peak, _peak(block, _EVERY))
            tail = (tail + block)[-size:]
    end = _peak(tail)
    return Sound(max(peak, end) / _FULL_SCALE, end / _FULL_SCALE)


def _peak(samples: bytes, step: int = 1) -> int:
    values = array("h", samples)[::step]
    return max(map(abs, (min(values), max(values)))) if values else 0


def chapters(titles: Iterable[str | None], joined: Joined) -> list[Chapter]:
    """Return the chapters: where the parts that have a title begin."""
    return [
        Chapter(title, start_ms) for title, (start_ms, _) in zip(titles, joined.milliseconds, strict=False) if title
    ]


class _Sink(Protocol):
    def write(self, chunk: bytes, /) -> None: ...


def check_installed() -> None:
    """Fail early if the audio libraries are missing.

    Raises:
        ConfigurationError: The extra `long` is not installed.
    """
    _libraries()


def join(
    parts: Sequence[Path | None],
    pauses_ms: Sequence[float],
    target: Path,
    scratch: Path,
    titles: Sequence[str | None] = (),
) -> Generator[float, None, Joined]:
    """Join parts, and move the file into place.

    Args:
        parts: The files, in order; None for a part without audio.
        pauses_ms: Milliseconds of silence before each part.
        target: The file: .wav, .pcm or .mp3.
        scratch: A temporary file for encoding; it is removed.
        titles: The title of the chapter that begins with each part, or None. An mp3 file gets an ID3 tag with them.

    Yields:
        The seconds written so far, after each block. Closing the generator early leaves no file.

    Raises:
        ValueError: A part cannot be decoded, or the parts do not fit into a WAV file.
        ConfigurationError: The parts have different formats, and the package that resamples them is not installed.
        OSError: The file cannot be written.
    """
    info, frames = _info(list(filter(None, parts)), target)
    rate = _rate(info)
    silences = [round(pause * rate / 1000) for pause in pauses_ms]
    if files.format_of(target) == "wav":
        wav.check_size((frames + sum(silences)) * info.frame_size)
    written = 0
    spans: list[tuple[int, int]] = []

    def tag() -> bytes:
        joined = Joined(rate, tuple(spans), written)
        return id3.chapters_tag(chapters(titles, joined), joined.duration_ms)

    with _sink(target, scratch, info, tag) as sink:
        seams = _Seams(sink, info)
        for file, silence in zip(parts, silences, strict=True):
            seams.join()
            for block in _silence(silence, info.frame_size):
                seams.write(block)
            written += silence
            begin = written
            seams.join()
            for block in _decoded(file, info):
                seams.write(block)
                written += len(block) // info.frame_size
                yield written / rate
            spans.append((begin, written - begin))
        seams.end()
    return Joined(rate, tuple(spans), written)


def _libraries() -> tuple[Any, Any]:
    """Import miniaudio and soundfile on first use."""
    with extra.needed():
        import miniaudio  # noqa: PLC0415
        import soundfile  # noqa: PLC0415
    return miniaudio, soundfile


class _Samples(NamedTuple):
    """A decoded part."""

    info: AudioInfo
    frames: int
    blocks: Iterator[bytes]
    """The samples, 16 bits each."""


_RAW = {(1, 1): "PCM_U8", (1, 2): "PCM_16", (1, 3): "PCM_24", (1, 4): "PCM_32", (3, 4): "FLOAT", (3, 8): "DOUBLE"}
_RAW |= {(6, 1): "ALAW", (7, 1): "ULAW"}
"""soundfile's subtypes for the samples of a WAV file, by encoding and width in bytes."""


@contextmanager
def _opening(part: Path) -> Iterator[_Samples]:
    """Open a part; turn the errors of the libraries into one that says what to do."""
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
            f"The part {part} cannot be decoded ({error}): remove it, and the same call requests it again"
        ) from error


def _mp3(content: mmap, miniaudio: Any) -> _Samples:
    """Decode each mp3 file in the content with a new decoder: a single one stops after the first."""
    segments = list(mp3.segments(content))
    if not segments:
        raise ValueError("it has no mp3 frames")
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
    """Locate the samples with our own parser, which copes with headers of unknown size."""
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
        while block := bytes(opened.buffer_read(_FRAMES, dtype="float32")):  # read as integers, floats become zeros
            yield bytes(miniaudio.convert_sample_format(floats, block, integers))


def _info(parts: Iterable[Path], target: Path) -> tuple[AudioInfo, int]:
    """Return the format of most of the audio that the file can hold, and the frames of all of it in this format."""
    seconds: dict[AudioInfo, float] = {}
    for part in parts:
        with _opening(part) as opened:
            seconds[opened.info] = seconds.get(opened.info, 0) + opened.frames / _rate(opened.info)
    if len(seconds) > 1:
        _resampler()
    fitting = [info for info in seconds if fit.holds(target, info)] or seconds
    info = max(fitting, key=seconds.__getitem__)
    return info, round(sum(seconds.values()) * _rate(info))


def _rate(info: AudioInfo) -> int:
    return info.sample_rate or audio.PCM_SAMPLE_RATE


def _channels(info: AudioInfo) -> int:
    return info.channels or audio.PCM_CHANNELS


def _decoded(file: Path | None, info: AudioInfo) -> Iterator[bytes]:
    if file is not None:
        with _opening(file) as opened:
            yield from opened.blocks if opened.info == info else _resampled(opened, info)


def can_resample() -> bool:
    """Whether parts with different formats can be joined. Nothing is imported."""
    return find_spec("samplerate") is not None


def _resampler() -> Any:
    """Import samplerate on first use."""
    with extra.needed():
        import samplerate  # noqa: PLC0415
    return samplerate


def _resampled(samples: _Samples, info: AudioInfo) -> Iterator[bytes]:
    """Yield the samples of a part in another format."""
    miniaudio, _ = _libraries()
    integers, floats = miniaudio.SampleFormat.SIGNED16, miniaudio.SampleFormat.FLOAT32
    rate, inward, outward = _rate(samples.info), _channels(samples.info), _channels(info)
    ratio = _rate(info) / rate
    converter = _resampler().Resampler("sinc_fastest", outward)
    left = round(samples.frames * ratio) * info.frame_size
    # Silence at the end moves the last samples out of the filter.
    for block in chain(samples.blocks, [bytes(round(rate * _FILTER) * samples.info.frame_size)]):
        mixed = bytes(miniaudio.convert_frames(integers, inward, rate, block, floats, outward, rate))
        view = memoryview(mixed).cast("f", [len(mixed) // 4 // outward, outward])
        if resampled := converter.process(view, ratio).tobytes():
            converted = bytes(miniaudio.convert_sample_format(floats, resampled, integers))[:left]
            left -= len(converted)
            yield converted


class _Seams:
    """Passes samples on to a sink, and fades both sides of a join that would click. It holds the last ones back."""

    def __init__(self, sink: _Sink, info: AudioInfo) -> None:
        self._sink = sink
        self._channels = _channels(info)
        self._size = round(_rate(info) * _FADE) * info.frame_size
        self._held = b""
        self._is_join = False

    def join(self) -> None:
        """Say that the next samples are of something else."""
        self._is_join = bool(self._held)

    def write(self, block: bytes) -> None:
        """Add samples."""
        if not block:
            return
        if self._is_join and self._clicks(block):
            self._held = self._faded(self._held, out=True)
            block = self._faded(block[: self._size]) + block[self._size :]
        self._is_join = False
        samples = self._held + block
        self._sink.write(samples[: -self._size])
        self._held = samples[-self._size :]

    def end(self) -> None:
        """Write the rest."""
        self._sink.write(self._held)

    def _clicks(self, block: bytes) -> bool:
        before, after = array("h", self._held)[-self._channels :], array("h", block[: 2 * self._channels])
        return any(abs(one - two) > _CLICK for one, two in zip(before, after, strict=True))

    def _faded(self, samples: bytes, *, out: bool = False) -> bytes:
        values = array("h", samples)
        frames = len(values) // self._channels
        for number in range(len(values)):
            frame = number // self._channels
            values[number] = values[number] * (frames - 1 - frame if out else frame) // max(1, frames - 1)
        return values.tobytes()


def _silence(frames: int, frame_size: int) -> Iterator[bytes]:
    for begun in range(0, frames, _FRAMES):
        yield bytes(min(_FRAMES, frames - begun) * frame_size)


@contextmanager
def _sink(target: Path, scratch: Path, info: AudioInfo, tag: Callable[[], bytes]) -> Iterator[_Sink]:
    """Open a sink that takes 16-bit samples and writes the target; an mp3 file begins with the tag."""
    if files.format_of(target) != "mp3":
        with files.saving(target, info) as sink:
            yield sink
        return
    try:
        with _Encoder(scratch, info) as encoder:
            yield encoder
        # The encoder seeks back to the beginning when it closes; a file that `files` is saving cannot.
        with files.saving(target, AudioInfo("mp3")) as sink, scratch.open("rb") as encoded:
            sink.write(tag())
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
            raise ValueError(f"mp3 cannot hold {fit.described(info)} ({error}): choose .wav") from error

    def write(self, chunk: bytes, /) -> None:
        self._file.buffer_write(chunk, dtype="int16")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
