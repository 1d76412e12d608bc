"""A voice without a model or a network: each letter has its own sound, and the voice's name sets the pitch.

Nobody will mistake it for a person, but it has what tests need: longer texts take longer, voices differ, and the
same request gives the same samples.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SAMPLE_RATE = 24_000
"""Hz, the rate of the API's pcm."""
SPEEDS = (0.25, 4.0)
"""The slowest and the fastest; other speeds are clamped."""

_VOWELS = {"a": (800, 1200), "e": (500, 1900), "i": (320, 2300), "o": (500, 900), "u": (350, 800), "y": (320, 2000)}
"""The two lowest resonances of the mouth, in Hz: https://en.wikipedia.org/wiki/Formant, rounded."""
_HISSED = frozenset("cfhkpqstxz")
_PAUSES = {" ": 0.06, ",": 0.15, ";": 0.15, ":": 0.15, ".": 0.3, "!": 0.3, "?": 0.3, "\n": 0.4}
"""Seconds of silence."""
_VOWEL_LENGTH, _CONSONANT_LENGTH = 0.11, 0.07
_FADE = 0.008
_LOUDNESS = 9_000


def speak(text: str, voice: str = "", speed: float = 1.0) -> Samples:
    """Speak a text: 16-bit samples, one channel, at `SAMPLE_RATE`.

    Args:
        text: The text; characters of every script have a sound.
        voice: The name of a voice; each has its own pitch and timbre.
        speed: 1 is the normal pace; 2 takes half the time.
    """
    slowest, fastest = SPEEDS
    pace = min(max(speed, slowest), fastest)
    sounds = [_sound(character, voice, pace) for character in text.lower()]
    return np.concatenate(sounds or [_sound(" ", voice, pace)])  # a success is never without audio


@lru_cache(maxsize=4096)
def _sound(character: str, voice: str, pace: float) -> Samples:
    if character in _PAUSES or not character.isprintable():
        return np.zeros(_length(_PAUSES.get(character, _PAUSES[" "]), pace), np.int16)
    if character in _HISSED:
        noise = np.random.default_rng(ord(character)).uniform(-0.3, 0.3, _length(_CONSONANT_LENGTH, pace))
        return _shaped(noise)
    is_vowel = character in _VOWELS or not character.isascii()
    times = np.arange(_length(_VOWEL_LENGTH if is_vowel else _CONSONANT_LENGTH, pace)) / SAMPLE_RATE
    pitch, timbre = _traits(voice)
    return _shaped(_hum(times, pitch, [formant * timbre for formant in _formants(character)]))


def _hum(times: NDArray[np.float64], pitch: float, formants: list[float]) -> NDArray[np.float64]:
    """Sum the harmonics of a pitch; the closer to a formant, the louder."""
    harmonics = np.arange(1, int(4000 / pitch) + 1) * pitch
    strengths = (1 / (1 + ((harmonics - np.array(formants)[:, None]) / 120) ** 2)).sum(axis=0) + 0.03
    wave: NDArray[np.float64] = strengths @ np.sin(2 * np.pi * harmonics[:, None] * times)
    wave /= np.abs(wave).max()
    return wave


def _formants(character: str) -> tuple[float, float]:
    if character in _VOWELS:
        return _VOWELS[character]
    number = ord(character)  # any other letter: arbitrary formants, always the same ones
    return 250 + number * 37 % 500, 900 + number * 101 % 1400


@lru_cache(maxsize=256)
def _traits(voice: str) -> tuple[float, float]:
    """Derive the pitch in Hz and the scale of the formants from a voice's name."""
    digest = hashlib.sha256(voice.encode()).digest()
    return 85 + digest[0] / 255 * 155, 0.85 + digest[1] / 255 * 0.35


def _length(seconds: float, pace: float) -> int:
    return round(seconds / pace * SAMPLE_RATE)


def _shaped(wave: NDArray[np.float64]) -> Samples:
    """Fade in and out, so that consecutive sounds do not click."""
    fade = min(round(_FADE * SAMPLE_RATE), len(wave) // 2)
    slope = np.ones(len(wave))
    slope[:fade] = np.linspace(0, 1, fade, endpoint=False)
    slope[len(wave) - fade :] = np.linspace(1, 0, fade, endpoint=False)
    return (wave * slope * _LOUDNESS).astype(np.int16)
