"""`openrouter-speech narrate`: turn a text of any length into one file, requested in parts."""

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

from attrs import asdict

from .. import _files as files
from .._core.bodies import escaped
from .._engine.scheduler import PATIENT
from ..errors import OpenRouterError
from ..narration.results import Narration, NarrationPlan, NarrationProgress
from . import progress, texts
from .failures import WrongUsageError, before_sending, by_option, reported
from .options import Settings


def narrate(
    *, book: Path, output: Path, dry_run: bool, captions: tuple[str, ...], concurrency: int,
    cutting: dict[str, Any], say: list[str], voice_of: list[str], retry_suspicious: bool,
    cost: bool, max_cost: str | None, settings: Settings,
) -> None:  # fmt: skip
    """Run the command.

    Args:
        book: The text file; `-` is standard input.
        output: The audio file.
        dry_run: Show the cost, and send nothing.
        captions: Suffixes of the caption files to write next to the audio.
        concurrency: Requests in flight at once.
        cutting: `limit`, `limit_unit`, `language`, `heading`, `pause_ms`, `folder` and `turns` of `tts.TTS.narrate`.
        say: Respellings, "GIF=jif", or names of files with such lines.
        voice_of: Speakers and their voices, "ALICE=nova".
        retry_suspicious: Request suspicious parts once more.
        cost: Look up what the parts cost.
        max_cost: US dollars.
        settings: The options shared with `say`.
    """
    with reported(settings, interrupted="the finished parts are kept; run the same command again to resume"):
        if str(output) == "-":
            raise WrongUsageError("A narration needs a file: name one with -o")
        beside = [output.with_suffix(suffix) for suffix in captions]
        with before_sending():
            _check_outputs(book, output, beside)
            text = texts.read(None, book)
            params = {
                **cutting, "say": _respellings(say), "voices": dict(_pair("--voice-of", each) for each in voice_of),
                **settings.request(), "response_format": settings.format, "retries": settings.retry(PATIENT)
            }  # fmt: skip
            open_router = settings.open_router(sends=not dry_run)
            plan = open_router.tts.plan_narration(text, output, **params)
            texts.check_output(book, plan.folder / "manifest.json", "The manifest")
        if dry_run:
            most = _estimate(settings, str(params["model"]), plan)
            facts = {"dry_run": True, **asdict(plan), "estimate": None if most is None else f"{most:f}"}
            _report(facts, f"{_cost(plan)}; {_at_most(most)}" if plan.missing_requests else _cost(plan), settings)
            return
        if sys.stderr.isatty():
            print(escaped(_cost(plan)), file=sys.stderr)
        with progress.watched(output.name, debug=settings.debug) as watcher:

            async def narrated() -> Narration:  # async, so that Ctrl-C ends it at once
                async with open_router:
                    return await open_router.tts.narrate_async(
                        text, output, concurrency=concurrency, retry_suspicious=retry_suspicious, max_cost=max_cost,
                        on_progress=Teller(watcher), **params,
                    )  # fmt: skip

            try:
                narration = asyncio.run(narrated())
            except ValueError as error:
                if str(error).startswith("max_cost"):  # found out by a look-up of prices, which costs nothing
                    raise WrongUsageError(by_option(str(error))) from error
                raise
        written = [str(narration.save_captions(file)) for file in beside]
        fields = asdict(narration, filter=lambda attribute, _: attribute.name not in {"chapters", "cues", "_costs"})
        spent = None
        try:
            if cost:
                with open_router, progress.watched("cost", debug=settings.debug) as watcher:
                    watcher.show("waiting until the service knows it")
                    spent = f"{narration.cost():f}"
        finally:
            _report({**fields, "captions": written, "cost": spent}, _outcome(narration, written, spent), settings)


def _check_outputs(book: Path, output: Path, captions: list[Path]) -> None:
    """Check that the files can be written and replace no input, before anything is paid for."""
    texts.check_output(book, output)
    for file in captions:
        files.check_writable(file)
        texts.check_output(book, file, "The captions")
        if file.exists() and output.exists() and file.samefile(output):
            raise WrongUsageError(f"The captions {file} and the audio {output} are the same file")


_MOST_SHOWN = 3
"""Suspicious parts in the line for people."""


class Teller:
    """Shows the progress of a narration."""

    def __init__(self, watcher: progress.Watcher) -> None:
        self._watcher = watcher
        self._begun = monotonic()
        self._before: int | None = None
        """Characters that were done at the start."""

    def __call__(self, now: NarrationProgress) -> None:
        if now.joined_seconds:
            whole = progress.length(now.audio_seconds)
            self._watcher.show(f"joining {whole} of audio into one file", now.joined_seconds, now.audio_seconds)
            return
        if self._before is None:
            self._before = now.characters_done
        details = [f"{now.parts_done} of {now.parts} parts", f"{progress.length(now.audio_seconds)} of audio"]
        if now.suspicious_parts:
            details.append(f"requesting {progress.counted(now.suspicious_parts, 'suspicious part')} once more")
        if now.waiting_seconds is not None:
            details.append(f"throttled: next request in {now.waiting_seconds:.0f} s")
        elif (made := now.characters_done - self._before) and now.characters_done < now.characters:
            left = (monotonic() - self._begun) / made * (now.characters - now.characters_done)
            details.append(f"{progress.length(left, exactly=False)} left")
        self._watcher.show(", ".join(details), now.characters_done, now.characters)


def _respellings(given: list[str]) -> dict[str, str]:
    """Read words and what to say, from options and files."""
    words: dict[str, str] = {}
    for each in given:
        if "=" in each:
            lines = [each]
        elif Path(each).is_file():
            lines = [
                line for line in texts.read(None, Path(each)).splitlines() if line.strip() and not line.startswith("#")
            ]
        else:
            raise WrongUsageError(f"--say takes WORD=SPOKEN, or a file of such lines; {each} is neither")
        words.update(_pair("--say", line) for line in lines)
    return words


def _pair(name: str, given: str) -> tuple[str, str]:
    left, equals, right = (each.strip() for each in given.partition("="))
    if not (left and equals):
        raise WrongUsageError(f"{name} takes two texts with = between them, not {given}")
    return left, right


def _cost(plan: NarrationPlan) -> str:
    cost = f"{_size(plan.missing_requests, plan.missing_characters)} to send"
    stored = plan.requests - plan.missing_requests
    return "; ".join([
        f"{cost}; {stored:,} of {plan.requests:,} already in {plan.folder}" if stored else cost,
        *(f"{word} respelled {progress.counted(count, 'time')}" for word, count in plan.respelled.items()),
        *(f"{progress.counted(count, 'paragraph')} by {name}" for name, count in plan.speakers.items()),
    ])  # fmt: skip


def _size(requests: int, characters: int) -> str:
    return f"{progress.counted(requests, 'request')}, {progress.counted(characters, 'character')}"


def _estimate(settings: Settings, model: str, plan: NarrationPlan) -> Decimal | None:
    """Look up the most that the missing parts can cost; None if that is not known, or nobody can be asked."""
    if not plan.missing_requests:
        return Decimal(0)
    try:
        with settings.open_router(needs_key=False) as open_router:
            return open_router.models.estimate(model, bytes=plan.missing_bytes, requests=plan.missing_requests)
    except (OpenRouterError, ValueError):
        return None


def _at_most(most: Decimal | None) -> str:
    return "cost unknown" if most is None else f"${most:.4f} at most"


def _outcome(narration: Narration, captions: list[str], spent: str | None) -> str:
    audio = f"{progress.length(narration.duration)} of audio in {progress.counted(narration.parts, 'part')}"
    sent = _size(narration.new_requests, narration.new_characters)
    suspicious = [f"{' and '.join(part.reasons)}: {part.where}" for part in narration.suspicious[:_MOST_SHOWN]]
    if left := len(narration.suspicious) - len(suspicious):
        suspicious.append(f"{left:,} more suspicious parts are in {narration.manifest}")
    cost = [] if spent is None else [f"${spent} for all parts"]
    return "; ".join([f"{narration.path}: {audio}", f"sent {sent}", *cost, *captions, *suspicious])


def _report(fields: dict[str, Any], line: str, settings: Settings) -> None:
    print(json.dumps(fields, default=str) if settings.json else escaped(line), flush=True)
