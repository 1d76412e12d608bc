"""What a batch reports: its progress, each row, and the result."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from attrs import frozen

__all__ = ["Batch", "BatchProgress", "BatchRow"]

State = Literal["new", "sent", "done", "failed", "maybe_billed"]
"""`maybe_billed`: the audio may exist and be charged, but did not arrive. Such a row is not sent again by itself."""


@frozen
class BatchRow:
    """A row whose work has ended."""

    id: str
    state: State
    attempts: int
    """Requests sent for it in this run."""
    file: Path | str | None = None
    """The audio; a URL if it was uploaded."""
    duration: float | None = None
    """Seconds; None for a format that is not parsed."""
    generation_id: str | None = None
    error: str | None = None
    """Why there is no audio."""


@frozen
class BatchProgress:
    """How far a batch is."""

    rows: int
    """All rows; while `reading`, those that were read so far."""
    done: int = 0
    failed: int = 0
    maybe_billed: int = 0
    new_done: int = 0
    """Rows that this run completed."""
    new_audio_seconds: float = 0.0
    """Seconds of audio that this run received."""
    cost: Decimal | None = None
    """US dollars that rows cost, of those whose cost is known. None without `cost` or `max_cost`."""
    unpriced: int = 0
    """Rows that are done and whose cost is not known, with `cost` or `max_cost`."""
    estimate: Decimal | None = None
    """US dollars that all requests cost at most: `cost`, and an estimate for the others, with those that are in flight
    or may have been billed. None without `cost` or `max_cost`, or if a model also charges for what it returns."""
    waiting_seconds: float | None = None
    """Seconds until the next request while the server has all of them wait; None otherwise."""
    reading: bool = False
    """Whether the rows are still being read and checked; nothing has been sent."""
    ending: int = 0
    """After an interruption: the requests in flight that are waited for, since they are paid for."""
    looking_up: bool = False
    """Whether all requests have ended, and costs are looked up."""


@frozen
class Batch:
    """A batch as it stands."""

    folder: Path
    rows: int
    done: int
    failed: int
    """Rows that failed for good; nothing was charged."""
    maybe_billed: int
    """Rows whose audio may have been charged, but did not arrive."""
    new_done: int
    """Rows that this call completed."""
    new_audio_seconds: float
    """Seconds of audio that this call received."""
    invalid: int
    """Wrong rows that were skipped."""
    metadata: Path
    """The file that describes all rows that are done."""
    left: int = 0
    """Rows that were not sent, since they might have passed `max_cost`. The same call with a higher one goes on."""
    cost: Decimal | None = None
    """As in `BatchProgress`, like the next two."""
    unpriced: int = 0
    estimate: Decimal | None = None
