"""What a notebook shows: a player, the waveform, what is known of the audio, and the chapters. HTML without scripts.

Everything is in the output itself, so a saved notebook still plays, and nothing is loaded from elsewhere.
"""

import base64
import sys
from array import array
from collections.abc import Iterable, Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any, Protocol

from . import _samples
from ._core import audio, wav
from ._core.audio import AudioInfo
from .errors import ConfigurationError

LARGEST = 10_000_000
"""Bytes of audio that are put into a notebook."""
_BARS = 240
_HEIGHT = 48
"""Pixels of the waveform. Its color is that of the text."""
_TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "opus": "audio/ogg"}


class _Chapter(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def start_ms(self) -> int: ...


def of_audio(content: bytes, info: AudioInfo, plain: str, facts: Mapping[str, object]) -> dict[str, str]:
    """Return what a notebook shows for audio.

    Args:
        content: The audio.
        info: Its format.
        plain: The text for a terminal.
        facts: What is known of the audio; None is left out.
    """
    return _bundle(plain, _figure(content, info), facts, ())


def of_file(
    path: Path, info: AudioInfo, plain: str, facts: Mapping[str, object], chapters: Iterable[_Chapter] = ()
) -> dict[str, str]:
    """As `of_audio`, for a file. One that is gone, or too large, is described but not played."""
    content = b""
    with suppress(OSError):
        if path.is_file():  # neither a pipe nor a device
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
    return _bundle(plain, _figure(content, info), {"file": path} | dict(facts), chapters)


def _bundle(plain: str, figure: str, facts: Mapping[str, object], chapters: Iterable[_Chapter]) -> dict[str, str]:
    known = (f"{escape(name)}: {escape(str(value))}" for name, value in facts.items() if value is not None)
    listed = "".join(f"<li>{_time(chapter.start_ms)} {escape(chapter.title)}</li>" for chapter in chapters)
    page = f"<figure style='margin:0;max-width:40em'>{figure}<figcaption>{' · '.join(known)}</figcaption>"
    page += f"<ol aria-label='Chapters'>{listed}</ol>" if listed else ""
    return {"text/plain": plain, "text/html": f"{page}</figure>"}


def _figure(content: bytes, info: AudioInfo) -> str:
    """Return the waveform and the player."""
    if not content:
        return ""
    if len(content) > LARGEST:
        return f"<p>More than {LARGEST // 1_000_000} MB of audio are not put into a notebook: open the file.</p>"
    kind = _TYPES.get(info.format, f"audio/{info.format}")
    if wav.is_wav(content):
        kind = "audio/wav"
    elif info.format == "pcm":
        rate, channels = info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS
        content, kind = wav.header(len(content), rate, channels) + content, "audio/wav"
    encoded = base64.b64encode(content).decode()
    player = f"<audio controls style='width:100%' src='data:{escape(kind)};base64,{encoded}'></audio>"
    return _waveform(content, info) + player


def _waveform(content: bytes, info: AudioInfo) -> str:
    """Return the loudest sample of each moment as a bar; nothing if the samples cannot be read here."""
    try:
        found = _samples.samples(content, info)
    except (ConfigurationError, ValueError):
        return ""
    levels = array("h", found.data)
    if sys.byteorder == "big":
        levels.byteswap()
    size = max(-(-len(levels) // _BARS), 1)
    moments = (levels[start : start + size] for start in range(0, len(levels), size))
    path = ""
    for number, moment in enumerate(moments):
        highest, lowest = max(moment), min(moment)
        half = max(highest, -lowest) / 32768 * (_HEIGHT / 2 - 1) + 0.5
        path += f"M{number + 0.5} {_HEIGHT / 2 - half:.1f}V{_HEIGHT / 2 + half:.1f}"
    return (
        f"<svg role='img' aria-label='Waveform' viewBox='0 0 {_BARS} {_HEIGHT}' preserveAspectRatio='none' "
        f"style='width:100%;height:{_HEIGHT}px'><path d='{path}' stroke='currentColor' stroke-width='.7'/></svg>"
    )


def _time(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def facts(described: Any) -> dict[str, object]:
    """Return what is known of a response or of a saved file."""
    seconds, first = described.duration, described.time_to_first_audio
    return {
        "format": described.audio_format,
        "length": None if seconds is None else f"{seconds:.2f} s",
        "rate": None if described.sample_rate is None else f"{described.sample_rate} Hz",
        "first audio after": None if first is None else f"{first:.2f} s",
        "generation": described.generation_id,
    }
