"""Voices turn text into samples: the built-in synthesizer, or an installed speech program."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from . import synthesizer
from .synthesizer import SAMPLE_RATE, Samples

Voice = Callable[[str, str, float], Samples]
"""Takes a text, the name of a voice and a speed; returns 16-bit samples, one channel, at `SAMPLE_RATE`."""

ENGINES = ("tones", "auto", "flite", "espeak-ng")

EngineName = Literal["tones", "auto", "flite", "espeak-ng"]

_FLITE_VOICES = ("slt", "kal16", "awb", "rms")
_ESPEAK_VOICES = ("en+f2", "en+m3", "en+f4", "en+m7")
_WORDS_A_MINUTE = 175
"""espeak-ng's default."""
_LONGEST = 60
"""Seconds before a speech program is killed."""


def voice(engine: str) -> Voice:
    """Return the voice of an engine.

    Args:
        engine: "tones" is built in; "flite" and "espeak-ng" are programs that say real words; "auto" is the first of
            those that is installed, or else "tones".

    Raises:
        ValueError: There is no such engine, or it is not installed.
    """
    if engine not in ENGINES:
        raise ValueError(f"voice_engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    if engine == "auto":
        engine = next((name for name in ("flite", "espeak-ng") if shutil.which(name)), "tones")
    if engine == "tones":
        return synthesizer.speak
    if not shutil.which(engine):
        raise ValueError(f'voice_engine="{engine}" needs the program {engine}; on Debian: apt install {engine}')
    return _flite if engine == "flite" else _espeak


def _flite(text: str, name: str, speed: float) -> Samples:
    return _spoken(
        text,
        lambda source, target: [
            "flite", "-voice", _pick(name, _FLITE_VOICES), "--setf", f"duration_stretch={1 / _clamped(speed):.3f}",
            "-f", source, "-o", target,
        ],
    )  # fmt: skip


def _espeak(text: str, name: str, speed: float) -> Samples:
    pace = round(_WORDS_A_MINUTE * _clamped(speed))
    return _spoken(
        text,
        lambda source, target: [
            "espeak-ng", "-v", _pick(name, _ESPEAK_VOICES), "-s", str(pace), "-f", source, "-w", target,
        ],
    )  # fmt: skip


def _spoken(text: str, command: Callable[[str, str], list[str]]) -> Samples:
    """Run a speech program. The text goes through a file, since the length of an argument is limited."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "text"), Path(folder, "speech.wav")
        source.write_text(re.sub(r"[\x00-\x08\x0b-\x1f]", " ", text), encoding="utf-8")
        subprocess.run(command(str(source), str(target)), check=True, timeout=_LONGEST, capture_output=True)  # noqa: S603
        wave, rate = soundfile.read(target, dtype="int16", always_2d=True)
    if len(wave) == 0:  # the program can pronounce nothing in the text
        return synthesizer.speak(text)
    mono = wave[:, 0]
    positions = np.arange(0, len(mono), rate / SAMPLE_RATE)
    resampled: Samples = np.interp(positions, np.arange(len(mono)), mono).astype(np.int16)
    return resampled


def _pick(name: str, voices: tuple[str, ...]) -> str:
    return name if name in voices else voices[sum(name.encode()) % len(voices)]


def _clamped(speed: float) -> float:
    slowest, fastest = synthesizer.SPEEDS
    return min(max(speed, slowest), fastest)
