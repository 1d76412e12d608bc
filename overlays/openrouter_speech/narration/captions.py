"""Captions: the time of each sentence, as SubRip or WebVTT. Pure, except for `save`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from .. import _files as files
from .._files import StrPath
from . import sentences
from .splitting import Splitter

__all__ = ["Cue"]

LINE, LINES = 42, 2
"""Characters per line, and lines per caption, as on television."""
SHORTEST_MS = 1_000


@frozen
class Cue:
    """One caption."""

    start_ms: int
    end_ms: int
    text: str
    """One or two lines, separated by "\\n"."""


def texts(paragraph: str, language: str) -> Iterator[str]:
    """Yield the texts of captions: a sentence each, or clauses and words of a long one."""
    start = 0
    for end in sentences.ends(paragraph, language):
        yield from _texts(" ".join(paragraph[start:end].split()), language, LINE * LINES)
        start = end


def _texts(text: str, language: str, limit: int) -> Iterator[str]:
    for piece in Splitter(limit, language=language).parts(text):
        lines = list(Splitter(LINE, language=language).parts(piece))
        if len(lines) <= LINES:
            yield "\n".join(lines)
        else:  # a line ends early, before a long word
            yield from _texts(piece, language, max(LINE, limit * 3 // 4))


def share_out(pieces: Iterable[str], start_ms: float, duration_ms: float) -> Iterator[Cue]:
    """Divide the time of one part among the texts of its captions, in proportion to their characters.

    Texts that would be too short to read share a caption, if they fit. No caption overlaps another.
    """
    pieces = list(pieces)
    pace = duration_ms / sum(map(len, pieces))
    cues: list[list[str]] = []
    for piece in pieces:
        last = cues[-1] if cues else []
        short = min(sum(map(len, last)), len(piece)) * pace < SHORTEST_MS
        if last and short and "\n".join([*last, piece]).count("\n") < LINES:
            last.append(piece)
        else:
            cues.append([piece])
    spoken, end = 0, 0
    for cue in cues:
        begin = max(end, round(start_ms + spoken * pace))
        spoken += sum(map(len, cue))
        end = max(begin + 1, round(start_ms + spoken * pace))
        yield Cue(begin, end, "\n".join(cue))


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
    files.write_text(path, formats[path.suffix.lower()](cues))
    return path


def _time(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _escaped(text: str) -> str:
    return re.sub("[&<>]", lambda match: _ESCAPES[match[0]], text)
