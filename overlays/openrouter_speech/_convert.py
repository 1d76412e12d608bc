"""Convert audio to the format of a file's suffix, while it arrives. Needs the extra `convert`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ._core import audio
from ._core.audio import AudioInfo

if TYPE_CHECKING:
    import soundfile

TARGETS = {
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "OPUS"),
    "opus": ("OGG", "OPUS"),
    "wav": ("WAV", "PCM_16"),
}
"""soundfile's names for the formats that can be made."""
SOURCES = frozenset({"mp3", "pcm", "wav"})
"""The formats that can be converted: those that OpenRouter sends, and WAV."""

MISSING = "pip install 'openrouter-speech[convert]'"

_OPUS_RATES = frozenset({8_000, 12_000, 16_000, 24_000, 48_000})
"""Hz. Opus has no other rates (RFC 6716 section 2); audio with another one becomes Vorbis."""
_BLOCK = 1 << 16
"""Frames to convert at a time."""


def is_installed() -> bool:
    """Whether the extra is installed."""
    return find_spec("soundfile") is not None


def converts(source: str, target: str | None) -> bool:
    """Whether audio of one format can be converted to another one here."""
    return source in SOURCES and target in TARGETS and source != target and is_installed()


def measured(path: Path) -> tuple[float | None, int | None]:
    """Return the duration in seconds and the sample rate of a file that was converted. None if it cannot be read."""
    import soundfile  # noqa: PLC0415  (only needed to convert)

    try:
        about = soundfile.info(str(path))
    except soundfile.SoundFileError:
        return None, None
    return about.frames / about.samplerate, about.samplerate


class Converter:
    """An encoder that also keeps the audio as it came, in case it fails.

    pcm is converted as it arrives, the other formats at the end, since their decoder has to move in the file.
    """

    def __init__(self, path: Path, info: AudioInfo, target: str) -> None:
        """Start with an empty file."""
        import tempfile  # noqa: PLC0415  (here and below: only needed to convert)

        self._path, self._info, self._target = path, info, target
        self._raw = tempfile.TemporaryFile(buffering=0, dir=path.parent)  # noqa: SIM115
        self._kept = 0
        self._encoder: soundfile.SoundFile | None = None
        self._frames = 0
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        """Add audio.

        Raises:
            ValueError: It cannot be encoded.
            OSError: The disk is full.
        """
        if self._info.format == "pcm":
            samples = self._rest + chunk
            end = len(samples) - len(samples) % self._info.frame_size
            self._rest = samples[end:]
            rate, channels = self._info.sample_rate, self._info.channels
            self._encode(samples[:end], rate or audio.PCM_SAMPLE_RATE, channels or audio.PCM_CHANNELS)
        left = memoryview(chunk)
        while left:  # unbuffered: what was written can be read back, even if the disk is full
            left = left[self._raw.write(left) :]
        self._kept += len(chunk)

    def finish(self) -> None:
        """Complete the file.

        Raises:
            ValueError: It cannot be decoded or encoded, or the disk is full.
        """
        import soundfile  # noqa: PLC0415

        if self._info.format != "pcm":
            self._raw.seek(0)
            problem = f"The {self._info.format} audio cannot be decoded"
            with self._explaining(problem), soundfile.SoundFile(self._raw) as decoder:
                for block in decoder.blocks(_BLOCK, dtype="int16"):
                    self._encode(block.tobytes(), decoder.samplerate, decoder.channels)
        with self._explaining(f"The audio cannot be converted to {self._target}"):
            self._end()
            # The library does not report a full disk. An mp3 may lose some of the silence at its end.
            if soundfile.info(str(self._path)).frames < self._frames - _BLOCK // 8:
                raise ValueError(f"The {self._target} file is not complete: the disk may be full")

    def raw(self) -> bytes:
        """Return the audio as it came."""
        self._raw.seek(0)
        return self._raw.read(self._kept)

    def close(self) -> None:
        """Forget the audio as it came."""
        with suppress(RuntimeError):
            self._end()
        self._raw.close()

    def _encode(self, samples: bytes, rate: int, channels: int) -> None:
        import soundfile  # noqa: PLC0415

        if self._encoder is None:
            container, coding = TARGETS[self._target]
            if coding == "OPUS" and rate not in _OPUS_RATES:
                coding = "VORBIS"
            with self._explaining(f"{self._target} cannot hold {channels} channels at {rate} Hz"):
                self._encoder = soundfile.SoundFile(str(self._path), "w", rate, channels, coding, format=container)
        with self._explaining(f"The audio cannot be converted to {self._target}"):
            self._encoder.buffer_write(samples, "int16")
        self._frames += len(samples) // (2 * channels)

    def _end(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()

    @contextmanager
    def _explaining(self, problem: str) -> Iterator[None]:
        import soundfile  # noqa: PLC0415

        try:
            yield
        except (soundfile.SoundFileError, AssertionError) as error:  # it asserts that all frames were written
            raise ValueError(f"{problem}: {error}" if str(error) else problem) from error
