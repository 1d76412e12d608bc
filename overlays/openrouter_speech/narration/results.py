"""The plan, the progress and the result of a narration, as returned to callers."""

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from .._files import StrPath
from ..streams import COST_TIMEOUT_MS

__all__ = ["Chapter", "Narration", "NarrationPlan", "NarrationProgress", "SuspiciousPart"]

if TYPE_CHECKING:
    from decimal import Decimal

    from .._http.body import Costs
    from .captions import Cue


@frozen
class Chapter:
    """The start of a chapter: a part that begins with a heading."""

    title: str
    """The heading."""
    start_ms: int


@frozen
class NarrationPlan:
    """The cost of a narration, known before anything is sent or written.

    A text that occurs twice is requested once: `requests` and `characters` count it once.
    """

    folder: Path
    """The folder for the parts."""
    paragraphs: int
    """Paragraphs with something to speak."""
    requests: int
    """All requests."""
    characters: int
    """Characters in all requests."""
    missing_requests: int
    """Requests whose audio is not in the folder yet."""
    missing_characters: int
    """Characters in the missing requests."""
    missing_bytes: int
    """UTF-8 bytes in the missing requests, with their instructions."""
    respelled: dict[str, int] = field(factory=dict)
    """How often each word of `say` occurs."""
    speakers: dict[str, int] = field(factory=dict)
    """Paragraphs of each speaker of `voices`."""


@frozen
class NarrationProgress:
    """The progress of a narration. Parts that were already in the folder count as done."""

    parts: int
    """All parts of the text."""
    characters: int
    """Characters in all parts."""
    parts_done: int = 0
    characters_done: int = 0
    audio_seconds: float = 0.0
    """Seconds of audio in the parts that are done."""
    bytes_received: int = 0
    """Bytes of audio received by this call, without the parts that were already in the folder."""
    waiting_seconds: float | None = None
    """Seconds until the next request while the server has all of them wait; None otherwise."""
    suspicious_parts: int = 0
    """Parts that are requested once more, since the others are done and `retry_suspicious` is set."""
    joined_seconds: float = 0.0
    """Seconds of audio written to the file, once all parts are done."""


@frozen
class SuspiciousPart:
    """A part whose audio does not seem to be all of its text."""

    where: str
    """Its paragraphs, counted from 1, and its first words."""
    reasons: tuple[str, ...]
    """"too short", "too long", "silent" or "cut off", by comparison with the other parts of the same voice."""
    seconds: float
    expected_seconds: float | None
    """None if there are too few parts to compare with."""
    file: Path
    """Its audio."""
    requested_again: bool
    """Whether it was requested twice already. The better audio is used."""


@frozen
class Narration:
    """A text as one audio file."""

    path: Path
    duration: float
    """Seconds: the sum of the parts and the pauses."""
    parts: int
    """Parts of the text, without the silent ones."""
    requests: int
    """All requests, including those of earlier calls."""
    characters: int
    """Characters in all requests."""
    new_requests: int
    """Requests of this call that returned audio; failed ones are not counted."""
    new_characters: int
    """Characters in the new requests."""
    chapters: tuple[Chapter, ...] = field(repr=False)
    """The chapters; none where the text has no headings."""
    manifest: Path
    """The file that lists the contents of the folder, and when each part begins."""
    cues: "tuple[Cue, ...]" = field(repr=False)
    """The captions that `srt` and `vtt` write."""
    suspicious: tuple[SuspiciousPart, ...] = ()
    """Parts to listen to, or to request again with `retry_suspicious`."""
    _costs: "Costs | None" = field(default=None, repr=False, eq=False)

    def cost(self, *, timeout_ms: float = COST_TIMEOUT_MS) -> "Decimal":
        """Look up what all parts cost, in US dollars, and note it in the manifest. Otherwise as `SpeechResponse.cost`.

        Parts of unknown origin, such as those of a manifest that was lost, are not counted.

        Args:
            timeout_ms: Milliseconds to wait for each part's cost at most.
        """
        from . import costs  # noqa: PLC0415

        return costs.total(self.manifest, self._costs, timeout_ms)

    async def cost_async(self, *, timeout_ms: float = COST_TIMEOUT_MS) -> "Decimal":
        """As `cost`."""
        from . import costs  # noqa: PLC0415

        return await costs.total_async(self.manifest, self._costs, timeout_ms)

    def srt(self) -> str:
        """Return the captions as SubRip text: one per sentence, or several for a long one; two lines at most.

        The first caption of a part starts exactly with the part. The other times are estimated from the characters.
        """
        from . import captions  # noqa: PLC0415

        return captions.srt(self.cues)

    def vtt(self) -> str:
        """Return the captions as WebVTT text; otherwise as `srt`."""
        from . import captions  # noqa: PLC0415

        return captions.vtt(self.cues)

    def save_captions(self, path: StrPath) -> Path:
        """Write the captions to a file; its suffix picks the format: .srt or .vtt.

        Raises:
            ValueError: The suffix is neither.
            OSError: The file cannot be written; the message says why.
        """
        from . import captions  # noqa: PLC0415

        return captions.save(self.cues, path)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return what a notebook shows."""
        from .. import _files, _notebook  # noqa: PLC0415  (few programs need it)
        from .._core.audio import AudioInfo  # noqa: PLC0415

        facts = {"length": f"{self.duration:.2f} s", "parts": self.parts, "requests": self.requests}
        info = AudioInfo(_files.format_of(self.path) or "pcm")
        return _notebook.of_file(self.path, info, repr(self), facts, self.chapters)
