"""`openrouter-speech batch`: many texts to a file of audio each, with a ledger that makes it resumable."""

import asyncio
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

import typer
from attrs import asdict

from .._core.bodies import escaped
from .._engine.scheduler import PATIENT
from ..batch import metadata
from ..batch.ledger import Ledger
from ..batch.results import Batch, BatchProgress, BatchRow
from ..batch.runner import ledger_of
from ..batch.sources import PARAMETERS
from ..errors import InvalidRowsError
from . import progress
from .failures import REFUSED, WrongUsageError, before_sending, one_line, reported
from .options import Settings

_LINE_EVERY = 30.0
"""Seconds between the lines without a terminal."""
_BAR_EVERY = 0.1
"""Seconds between updates of the bar."""
_SHOWN = 20
"""Rows without audio to show."""


def run(rows: str, folder: Path, options: dict[str, Any], settings: Settings) -> None:
    """Send the rows of an input.

    Args:
        rows: A file, a folder, or `-`.
        folder: The folder of the batch.
        options: `name`, `concurrency`, `rate`, `max_cost`, `cost`, `shard`, `skip_invalid` and `metadata` of
            `tts.TTS.batch`.
        settings: The options shared with `say`.
    """
    with reported(settings, interrupted="run the same command again to go on; nothing is sent twice"):
        with before_sending():
            params = {**settings.request(complete=False), "response_format": settings.format}
        batch = _sent(rows, folder, {**params, **options}, settings)
    _end(batch)


def retry(folder: Path, options: dict[str, Any], settings: Settings) -> None:
    """Go on with the rows that a folder has."""
    with reported(settings, interrupted="run the same command again to go on; nothing is sent twice"):
        with before_sending(), _opened(folder) as ledger:
            known = json.loads(ledger.about("settings") or "{}")
        params = {name: known[name] for name in PARAMETERS if name in known}
        about = {
            **{name: known.get(name) for name in ("name", "shard", "upload", "convert_to")},
            "http_headers": settings.headers(),
        }
        batch = _sent(None, folder, {**params, **about, **options}, settings)
    _end(batch)


def status(folder: Path, settings_json: bool) -> None:
    """Show how far a batch is. It may be running."""
    with reported(Settings(json=settings_json)), before_sending():
        with _opened(folder) as ledger:
            counts, costs = ledger.counts(), ledger.costs()
            problems = list(islice(ledger.problems(), 1000 if settings_json else _SHOWN))
        rows = sum(counts.values())
        if settings_json:
            listed = [dict(zip(("id", "state", "error"), problem, strict=True)) for problem in problems]
            known = {"cost": f"{costs.sum:f}", "unpriced": counts["done"] - costs.rows}
            print(json.dumps({"folder": str(folder), "rows": rows, **counts, **known, "without_audio": listed}))
            return
        words = {"new": "to send", "sent": "in flight", "failed": "failed", "maybe_billed": "may have been billed"}
        rest = [f"{counts[state]:,} {said}" for state, said in words.items() if counts[state]]
        spent = [_spent(costs.sum, counts["done"] - costs.rows)] if costs.rows else []
        print(escaped(f"{folder}: " + ", ".join([f"{counts['done']:,} of {rows:,} rows are done", *rest, *spent])))
        for name, state, error in problems:
            print(f"  {one_line(': '.join(filter(None, [name, state.replace('_', ' '), error])))}")
        if (more := counts["failed"] + counts["maybe_billed"] + counts["sent"] - len(problems)) > 0:
            print(f"  and {more:,} more")


def export(folder: Path, output: Path | None) -> None:
    """Write the metadata of a batch."""
    with reported(Settings()), before_sending():
        target = output or folder / metadata.NAMES["jsonl"]
        with _opened(folder) as ledger:
            metadata.write(ledger.done(), target)
        metadata.remove_others(target)
        print(escaped(str(target)))


class Teller:
    """Shows the progress of a batch: on a bar, or every half minute in a line."""

    def __init__(
        self,
        watcher: progress.Watcher,
        say: Callable[[BatchProgress, str], None] | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Set up the teller.

        Args:
            watcher: The bar.
            say: Prints a line; None if there is a bar.
            clock: The time in seconds.
        """
        self._watcher = watcher
        self._say = say
        self._clock = clock
        self._begun: float | None = None
        self._shown = clock()

    @property
    def has_begun(self) -> bool:
        """Whether all rows are read, and requests may have been sent."""
        return self._begun is not None

    def __call__(self, now: BatchProgress) -> None:
        time = self._clock()
        if self._begun is None and not now.reading:
            self._begun = time
        urgent = now.waiting_seconds is not None or now.ending or now.done == now.rows
        if time - self._shown < (_BAR_EVERY if self._say is None else _LINE_EVERY) and not (urgent and not self._say):
            return
        self._shown = time
        words = ", ".join(filter(None, self._details(now, time)))
        if self._say is None:
            self._watcher.show(words, now.done, None if now.reading else now.rows)
        else:
            self._say(now, words)

    def _details(self, now: BatchProgress, time: float) -> list[str]:
        if now.reading:
            return [f"{now.rows:,} rows read"]
        if now.ending:
            return [f"waiting for {now.ending} in flight, which are paid for; Ctrl-C again leaves them"]
        if now.looking_up:
            return [f"waiting until the service knows what {progress.counted(now.unpriced, 'row')} cost"]
        spent = time - (self._begun or time)
        rate = now.new_done / spent if spent else 0.0
        left = (now.rows - now.done - now.failed - now.maybe_billed) / rate if rate else None
        return [
            f"{now.done:,} of {now.rows:,} rows",
            f"{rate:.1f} rows/s" if rate else "",
            f"{progress.length(now.new_audio_seconds)} of audio",
            _cost(now),
            f"{now.failed:,} failed" if now.failed else "",
            f"{now.maybe_billed:,} maybe billed" if now.maybe_billed else "",
            f"throttled: next request in {now.waiting_seconds:.0f} s" if now.waiting_seconds else "",
            f"{progress.length(left, exactly=False)} left" if left else "",
        ]


def _cost(now: BatchProgress | Batch) -> str:
    """What rows cost, or at most; nothing if that is not known, or nobody asked."""
    if now.cost is not None and not now.unpriced:
        return _spent(now.cost, 0)
    if now.estimate is not None:
        return f"${now.estimate:.4f} at most"
    return _spent(now.cost, now.unpriced) if now.cost else ""


def _spent(cost: Decimal, unpriced: int) -> str:
    return f"${cost:f}" + (f" (the cost of {progress.counted(unpriced, 'row')} is not known)" if unpriced else "")


def _sent(rows: str | None, folder: Path, params: dict[str, Any], settings: Settings) -> Batch:
    open_router = settings.open_router()
    terminal = sys.stderr.isatty() and not settings.debug
    with progress.watched(folder.name, debug=settings.debug) as watcher:
        teller = Teller(watcher, None if terminal else _say_json if settings.json else _say)

        async def sent() -> Batch:  # async, so that Ctrl-C can wait for what is in flight
            async with open_router:
                return await open_router.tts.batch_async(
                    rows,
                    folder,
                    retries=settings.retry(PATIENT),
                    on_progress=teller,
                    on_row=_tell_row if settings.json else None,
                    **params,
                )

        try:
            batch = asyncio.run(sent())
        except InvalidRowsError as error:
            problems, error.__notes__ = error.problems, []
            for problem in problems:
                print(one_line(problem), file=sys.stderr)
            raise WrongUsageError(str(error), "correct them, or go on without them: --skip-invalid") from error
        except (TypeError, ValueError, OSError):
            if teller.has_begun:
                raise
            with before_sending():
                raise
    if settings.json:
        _print_event("end", batch)
    else:
        print(escaped(_outcome(batch)), flush=True)
    return batch


def _end(batch: Batch) -> None:
    if batch.failed or batch.maybe_billed:
        again = "--failed" if batch.failed else "--retry-maybe-billed, at the risk of paying twice"
        print(one_line(f"Hint: openrouter-speech batch retry {batch.folder} {again}"), file=sys.stderr)
    if batch.left:
        left = progress.counted(batch.left, "row")
        print(f"Hint: {left} left: the same command with a higher --max-cost goes on", file=sys.stderr)
    if batch.done < batch.rows:
        raise typer.Exit(REFUSED)


def _tell_row(row: BatchRow) -> None:
    _print_event("row", row)


def _say(_: BatchProgress, words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _say_json(now: BatchProgress, _: str) -> None:
    _print_event("progress", now)


def _print_event(name: str, facts: Batch | BatchProgress | BatchRow) -> None:
    def plain(value: object) -> str:
        return f"{value:f}" if isinstance(value, Decimal) else str(value)

    print(json.dumps({"event": name, **asdict(facts)}, default=plain), flush=True)


def _opened(folder: Path) -> Any:
    from contextlib import closing

    path = ledger_of(folder)
    if not path.exists():
        raise WrongUsageError(f"{folder} has no batch")
    return closing(Ledger(path))


def _outcome(batch: Batch) -> str:
    audio = progress.length(batch.new_audio_seconds)
    rest = [
        f"{batch.failed:,} failed" if batch.failed else "",
        f"{batch.maybe_billed:,} may have been billed" if batch.maybe_billed else "",
        f"{batch.left:,} left" if batch.left else "",
        f"{batch.invalid:,} wrong ones skipped" if batch.invalid else "",
        _cost(batch),
    ]
    done = f"{batch.folder}: {batch.done:,} of {batch.rows:,} rows are done, {batch.new_done:,} of them now ({audio})"
    return "; ".join([", ".join([done, *filter(None, rest)]), str(batch.metadata)])
