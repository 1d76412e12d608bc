"""What callers of a narration are given: its cost beforehand, its progress, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from .._files import StrPath

__all__ = ["Chapter", "Narration", "NarrationPlan", "NarrationProgress"]

if TYPE_CHECKING:
    from .captions import Cue


@frozen
class Chapter:
    """Where a paragraph begins."""

    title: str
    """The beginning of the paragraph."""
    start_ms: int


@frozen
class NarrationPlan:
    """What a narration will cost; nothing was sent or written for it.

    The same text twice is asked for once: `requests` and `characters` count it once.
    """

    folder: Path
    """Where the parts are kept."""
    paragraphs: int
    """Paragraphs that have something to speak."""
    requests: int
    """Requests in all."""
    characters: int
    """Characters in all of them."""
    missing_requests: int
    """Requests whose audio is not in the folder yet."""
    missing_characters: int
    """Characters in those."""


@frozen
class NarrationProgress:
    """How far a narration is. Parts that the folder held already count as done."""

    parts: int
    """Pieces that the text was cut into."""
    characters: int
    """Characters in them."""
    parts_done: int = 0
    characters_done: int = 0
    audio_seconds: float = 0.0
    """Seconds of audio that are there."""
    bytes_received: int = 0
    """Bytes of audio that came for this call; what the folder held is not in it."""
    waiting_seconds: float | None = None
    """Seconds until the next request, where the server asked for a pause and all wait for its end; None otherwise."""
    joined_seconds: float = 0.0
    """Seconds of audio that are in the file, once all parts are there and it is written."""


@frozen
class Narration:
    """A text as one audio file."""

    path: Path
    duration: float
    """Seconds; the sum of the parts and the pauses."""
    parts: int
    """Pieces that the text was cut into, the silent ones left out."""
    requests: int
    """Requests in all, those of earlier calls included."""
    characters: int
    """Characters in all of them."""
    new_requests: int
    """Requests that this call was answered with audio; a request that failed is not in it."""
    new_characters: int
    """Characters in those."""
    chapters: tuple[Chapter, ...] = field(repr=False)
    """Where each paragraph begins."""
    manifest: Path
    """The file that tells what the folder holds, and when each part begins."""
    cues: "tuple[Cue, ...]" = field(repr=False)
    """The captions, as `srt` and `vtt` write them."""

    def srt(self) -> str:
        """Captions as SubRip text, a sentence each, or a piece of a long one.

        Each part's first caption begins exactly where the part does; the others' times are shared out by characters.
        """
        from . import captions  # noqa: PLC0415

        return captions.srt(self.cues)

    def vtt(self) -> str:
        """Captions as WebVTT text; otherwise as `srt`."""
        from . import captions  # noqa: PLC0415

        return captions.vtt(self.cues)

    def save_captions(self, path: StrPath) -> Path:
        """Write the captions to a file; its suffix picks their format: .srt or .vtt.

        Raises:
            ValueError: The suffix is another one.
            OSError: The file cannot be written; the message says why.
        """
        from . import captions  # noqa: PLC0415

        return captions.save(self.cues, path)
