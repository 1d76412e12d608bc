"""Captions: the time of each sentence, as SubRip or WebVTT. Pure, except for `save`."""

import re
from collections.abc import Iterable, Iterator, Sequence
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
    speaker: str | None = None
    """Who speaks, if the text is a script."""


def texts(paragraph: str, language: str, speaker: str | None = None) -> Iterator[str]:
    """Yield the texts of captions: a sentence each, or clauses and words of a long one.

    The first leaves room for the name of the speaker.
    """
    if speaker:
        name = "x" * len(speaker) + ":"
        first, *others = texts(f"{name} {paragraph}", language)
        if first == name and others:  # the name takes a line, and the next caption may have only one beside it
            first, others = "", [*others[0].split("\n"), *others[1:]]
        yield from filter(None, [first.removeprefix(name).lstrip(), *others])
        return
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


def share_out(
    pieces: Iterable[str], start_ms: float, duration_ms: float, speakers: Sequence[str | None] = ()
) -> Iterator[Cue]:
    """Divide the time of one part among the texts of its captions, in proportion to their characters.

    Texts that would be too short to read share a caption, if they fit, and one person says them. No caption overlaps
    another.

    Args:
        pieces: The texts.
        start_ms: When the part begins.
        duration_ms: How long it is.
        speakers: The speaker of each text.
    """
    pieces = list(pieces)
    pace = duration_ms / sum(map(len, pieces))
    cues: list[tuple[str | None, list[str]]] = []
    for piece, speaker in zip(pieces, speakers or [None] * len(pieces), strict=True):
        last_speaker, last = cues[-1] if cues else (None, [])
        short = min(sum(map(len, last)), len(piece)) * pace < SHORTEST_MS
        if last and short and speaker == last_speaker and "\n".join([*last, piece]).count("\n") < LINES:
            last.append(piece)
        else:
            cues.append((speaker, [piece]))
    spoken, end = 0, 0
    for speaker, cue in cues:
        begin = max(end, round(start_ms + spoken * pace))
        spoken += sum(map(len, cue))
        end = max(begin + 1, round(start_ms + spoken * pace))
        yield Cue(begin, end, "\n".join(cue), speaker)


def srt(cues: Iterable[Cue]) -> str:
    """Format cues as SubRip, which has no escapes: `-->` inside a caption becomes `→`.

    The first caption of a speaker begins with the name. If it is too long for the line, it has its own.
    """
    written, speaker = [], None
    for number, cue in enumerate(cues, 1):
        text = cue.text
        if cue.speaker and cue.speaker != speaker:
            first, _, rest = text.partition("\n")
            fits = len(cue.speaker) + 2 + len(first) <= LINE
            text = f"{cue.speaker}:{' ' if fits or rest else chr(10)}{text}"
        speaker = cue.speaker
        times = f"{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}"
        written.append(f"{number}\n{times}\n{text.replace('-->', '→')}\n\n")
    return "".join(written)


def vtt(cues: Iterable[Cue]) -> str:
    """Format cues as WebVTT, with the speakers as voices: https://www.w3.org/TR/webvtt1/#cue-text."""
    return "WEBVTT\n" + "".join(
        f"\n{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n"
        f"{f'<v {_escaped(cue.speaker)}>' if cue.speaker else ''}{_escaped(cue.text)}\n"
        for cue in cues
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
