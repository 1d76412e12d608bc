"""The content of the manifest: the settings, and each part with its times. Chapters and captions, too. Pure: no I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict

from . import captions, joining
from .doubts import Verdict
from .joining import Joined
from .plan import Part
from .results import Chapter
from .storage import StoredPart


def content(
    parts: Sequence[Part],
    stored: Mapping[str, StoredPart],
    about: Mapping[str, Any],
    joined: Joined | None,
    suspicious: Mapping[str, Verdict] = {},
) -> dict[str, Any]:
    """Build the manifest; it has no times until the parts are joined.

    Args:
        parts: All parts, in order.
        stored: The parts in the folder, by key.
        about: The entries about the text and the settings.
        joined: The layout of the file.
        suspicious: The suspicious parts, by key.
    """
    times: Sequence[tuple[int, int] | None] = joined.milliseconds if joined else [None] * len(parts)
    return {
        **about,
        "duration_ms": joined.duration_ms if joined else None,
        "chapters": [asdict(chapter) for chapter in chapters(parts, joined)] if joined else [],
        "parts": [
            {
                **_entry(part, stored.get(part.key or ""), time),
                "suspicious": list(suspicious[part.key].reasons) if part.key and part.key in suspicious else [],
            }
            for part, time in zip(parts, times, strict=True)
        ],
    }


def chapters(parts: Sequence[Part], joined: Joined) -> list[Chapter]:
    """Return the chapters, where there are headings."""
    return joining.chapters((part.chapter for part in parts), joined)


def cues(parts: Sequence[Part], joined: Joined, language: str) -> Iterator[captions.Cue]:
    """Yield the captions: the sentences of each part, spread over its time."""
    second = joined.sample_rate / 1000
    end_ms = 0
    for part, (start, frames) in zip(parts, joined.spans, strict=True):
        if part.key and frames:
            speakers = part.speakers or [None] * len(part.texts)
            pieces = [
                (piece, speaker)
                for text, speaker in zip(part.texts, speakers, strict=True)
                for piece in captions.texts(text, language, speaker)
            ]
            texts, speakers = zip(*pieces, strict=True)
            for cue in captions.share_out(texts, max(end_ms, start / second), frames / second, speakers):
                yield cue
                end_ms = cue.end_ms


def _entry(part: Part, stored: StoredPart | None, time: tuple[int, int] | None) -> dict[str, Any]:
    known_ms = round(stored.seconds * 1000) if stored else None
    start_ms, duration_ms = time or (None, known_ms)
    return {
        "key": part.key,
        "paragraph": part.paragraph,
        "paragraphs": len(part.paragraphs),
        "text": part.text,
        "characters": len(part.text),
        "speakers": list(part.speakers),
        "file": f"{stored.file.parent.name}/{stored.file.name}" if stored else None,
        "bytes": stored.bytes if stored else None,
        "start_ms": start_ms,
        "duration_ms": duration_ms,
        "generation_id": stored.generation_id if stored else None,
        "cost": stored.cost if stored else None,
        "peak": round(stored.sound.peak, 4) if stored and stored.sound else None,
        "end_peak": round(stored.sound.end, 4) if stored and stored.sound else None,
    }
