"""Captions: when each sentence is heard, as SubRip and WebVTT write it. Pure, but for `save`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from .. import _files as files
from .._files import StrPath
from . import storage

__all__ = ["Cue"]

LONGEST = 84
"""Characters of one caption: two lines, as long as television has them."""


@frozen
class Cue:
    """One caption."""

    start_ms: int
    end_ms: int
    text: str


def share_out(pieces: Iterable[str], start_ms: float, duration_ms: float) -> Iterator[Cue]:
    """Cues for the pieces of one part, each of which is given as much of the time as it has of the characters."""
    pieces = list(pieces)
    total = sum(map(len, pieces))
    spoken = 0
    for piece in pieces:
        begin = round(start_ms + duration_ms * spoken / total)
        spoken += len(piece)
        yield Cue(begin, max(begin + 1, round(start_ms + duration_ms * spoken / total)), " ".join(piece.split()))


def srt(cues: Iterable[Cue]) -> str:
    """As SubRip text. It has no escapes: an arrow inside a caption is written with another character."""
    return "".join(
        f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{cue.text.replace('-->', '→')}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """As WebVTT text: https://www.w3.org/TR/webvtt1/#cue-text."""
    return "WEBVTT\n" + "".join(
        f"\n{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{_escaped(cue.text)}\n" for cue in cues
    )


def save(cues: Iterable[Cue], path: StrPath) -> Path:
    """Write captions to a file, in the format of its suffix."""
    path = Path(path)
    formats = {".srt": srt, ".vtt": vtt}
    if path.suffix.lower() not in formats:
        raise ValueError(f"Captions are saved as .srt or .vtt, not as {path.name}")
    files.check_writable(path)
    storage.write_text(path, formats[path.suffix.lower()](cues))
    return path


def _time(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _escaped(text: str) -> str:
    return re.sub("[&<>]", lambda match: _ESCAPES[match[0]], text)
