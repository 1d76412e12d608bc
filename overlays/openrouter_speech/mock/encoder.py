"""Encode samples in the requested format, with the API's content type."""

import io

import soundfile

from .._core import wav
from .synthesizer import SAMPLE_RATE, Samples

CHANNELS = 1


def encode(samples: Samples, audio_format: str) -> tuple[bytes, str]:
    """Return the encoded audio and its content type.

    Raises:
        ValueError: There is no encoder for the format.
    """
    pcm = samples.astype("<i2").tobytes()
    if audio_format == "pcm":
        return pcm, f"audio/pcm;rate={SAMPLE_RATE};channels={CHANNELS}"
    if audio_format == "wav":
        return wav.header(len(pcm), SAMPLE_RATE, CHANNELS) + pcm, "audio/wav"
    if audio_format == "mp3":
        encoded = io.BytesIO()
        soundfile.write(encoded, samples, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III")
        return encoded.getvalue(), "audio/mpeg"
    raise ValueError(f"response_format: the mock server has no encoder for {audio_format!r}; it has mp3, pcm and wav")
