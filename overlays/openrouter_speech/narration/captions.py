"""Captions: the time of each sentence, as SubRip or WebVTT. Pure, except for `save`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from .. import _files as files
from .._files import StrPath
from . import storage

__all__ = ["Cue"]

LONGEST = 84
"""Characters per caption: two lines, as on television."""


@frozen
class Cue:
    """One caption."""

    start_ms: int
    end_ms: int
    text: str


def share_out(pieces: Iterable[str], start_ms: float, duration_ms: float) -> Iterator[Cue]:
    """Divide the time of one part among its pieces, in proportion to their characters."""
    pieces = list(pieces)
    total = sum(map(len, pieces))
    spoken = 0
    for piece in pieces:
        begin = round(start_ms + duration_ms * spoken / total)
        spoken += len(piece)
        yield Cue(begin, max(begin + 1, round(start_ms + duration_ms * spoken / total)), " ".join(piece.split()))


def srt(cues: Iterable[Cue]) -> str:
    """Format cues as SubRip, which has no escapes: `-->` inside a caption becomes `→`."""
    return "".join(
        f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{cue.text.replace('-->', '→')}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """Format cues as WebVTT: https://www.w3.org/TR/webvtt1/#cue-text."""
    return "WEBVTT\n" + "".join(
        f"\n{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{_escaped(cue.text)}\n" for cue in cues
    )


def save(cues: Iterable[Cue], path: StrPath) -> Path:
    """Write captions to a file; its suffix picks the format."""
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
