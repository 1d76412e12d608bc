"""Encode samples in the requested format, with the API's content type."""

import io

import numpy as np
import soundfile

from .._core import wav
from .synthesizer import SAMPLE_RATE, Samples

CHANNELS = 1


def encode(samples: Samples, audio_format: str, rate: int = SAMPLE_RATE) -> tuple[bytes, str]:
    """Return the encoded audio and its content type.

    Args:
        samples: The samples, at `SAMPLE_RATE`.
        audio_format: "pcm", "wav" or "mp3".
        rate: The sample rate to encode pcm and wav at, in Hz.

    Raises:
        ValueError: There is no encoder for the format.
    """
    if rate != SAMPLE_RATE and audio_format != "mp3":
        places = np.arange(len(samples) * rate // SAMPLE_RATE) * (SAMPLE_RATE / rate)
        samples = np.interp(places, np.arange(len(samples)), samples).astype(samples.dtype)
    pcm = samples.astype("<i2").tobytes()
    if audio_format == "pcm":
        return pcm, f"audio/pcm;rate={rate};channels={CHANNELS}"
    if audio_format == "wav":
        return wav.header(len(pcm), rate, CHANNELS) + pcm, "audio/wav"
    if audio_format == "mp3":
        encoded = io.BytesIO()
        soundfile.write(encoded, samples, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III")
        return encoded.getvalue(), "audio/mpeg"
    raise ValueError(f"response_format: the mock server has no encoder for {audio_format!r}; it has mp3, pcm and wav")
