"""Audio as 16-bit samples: for numpy, and for the waveform in a notebook."""

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from ._core import audio, wav
from ._core.audio import AudioInfo
from .errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np


class Samples(NamedTuple):
    """16-bit little-endian samples."""

    data: bytes
    """Whole frames: a sample of each channel."""
    sample_rate: int
    """Hz."""
    channels: int


def samples(content: bytes, info: AudioInfo) -> Samples:
    """Return the samples of some audio. pcm and 16-bit wav need no package, other formats soundfile.

    Raises:
        ConfigurationError: soundfile is missing.
        ValueError: The audio cannot be decoded.
    """
    if wav.is_wav(content):
        found = list(wav.spans(content))
        if found and all((s.layout.encoding, s.layout.sample_width, s.layout.byte_order) == (1, 2, "<") for s in found):
            first = found[0].layout
            wav.check_kinds(found)
            data = b"".join(content[span.start : span.start + span.size] for span in found)
            return Samples(data, first.sample_rate, first.channels)
    elif info.format == "pcm":
        size = len(content) - len(content) % info.frame_size
        return Samples(content[:size], info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS)
    return _decoded(content, info)


def to_numpy(content: bytes, info: AudioInfo) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Return the samples as an array with one row per frame and one column per channel.

    Raises:
        ConfigurationError: numpy or soundfile is missing.
        ValueError: The audio cannot be decoded.
    """
    try:
        import numpy as np  # noqa: PLC0415  (only needed here)
    except ImportError:
        raise ConfigurationError("to_numpy() needs numpy: pip install numpy") from None
    found = samples(content, info)
    return np.frombuffer(found.data, "<i2").astype(np.int16).reshape(-1, found.channels)


def _decoded(content: bytes, info: AudioInfo) -> Samples:
    try:
        import soundfile  # noqa: PLC0415  (an optional extra)
    except ImportError:
        raise ConfigurationError(
            f"Reading the samples of {info.format} audio needs soundfile: pip install 'openrouter-speech[convert]'"
        ) from None
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            data = file.buffer_read(dtype="int16")
            return Samples(bytes(data), file.samplerate, file.channels)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise ValueError(f"The samples cannot be read: {error}") from error
