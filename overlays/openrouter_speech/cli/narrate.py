"""`openrouter-speech narrate`: a text of any length as one file, asked for in parts."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from attrs import asdict

from .. import _files as files
from .._core.bodies import escaped
from ..narration.job import PATIENT
from ..narration.results import Narration, NarrationPlan, NarrationProgress
from . import progress, texts
from .failures import WrongUsageError, before_sending, reported
from .options import Settings


def narrate(
    *, book: Path, output: Path, dry_run: bool, captions: tuple[str, ...], concurrency: int,
    cutting: dict[str, Any], settings: Settings,
) -> None:  # fmt: skip
    """Carry out the command.

    Args:
        book: The text; `-` is standard input.
        output: The file.
        dry_run: Only tell what it would cost.
        captions: Suffixes of files with captions to write beside it.
        concurrency: Requests at once.
        cutting: `limit`, `limit_unit`, `pause_ms` and `folder` of `tts.TTS.narrate`.
        settings: What is shared with `say`.
    """
    with reported(settings, interrupted="what came is kept; the same command goes on from there"):
        if str(output) == "-":
            raise WrongUsageError("A narration is joined in a file: name one with -o")
        beside = [output.with_suffix(suffix) for suffix in captions]
        with before_sending():
            _check_outputs(book, output, beside)
            text = texts.read(None, book)
            params = {
                **cutting, **settings.request(), "response_format": settings.format, "retries": settings.retry(PATIENT)
            }  # fmt: skip
            open_router = settings.open_router(sends=not dry_run)
            plan = open_router.tts.plan_narration(text, output, **params)
            texts.check_output(book, plan.folder / "manifest.json", "The manifest")
        if dry_run:
            _tell({"dry_run": True, **asdict(plan)}, _cost(plan), settings)
            return
        if sys.stderr.isatty():
            print(escaped(_cost(plan)), file=sys.stderr)
        with progress.watched(output.name, debug=settings.debug) as watcher:

            async def narrated() -> Narration:  # awaited, so that Ctrl-C ends it at once
                async with open_router:
                    return await open_router.tts.narrate_async(
                        text, output, concurrency=concurrency, on_progress=Teller(watcher), **params
                    )

            narration = asyncio.run(narrated())
        written = [str(narration.save_captions(file)) for file in beside]
        facts = asdict(narration, filter=lambda attribute, _: attribute.name not in {"chapters", "cues"})
        _tell({**facts, "captions": written}, _outcome(narration, written), settings)


def _check_outputs(book: Path, output: Path, captions: list[Path]) -> None:
    """Find out what would keep files from being written, or what they would replace, before anything is paid for."""
    texts.check_output(book, output)
    for file in captions:
        files.check_writable(file)
        texts.check_output(book, file, "The captions")
        if file.exists() and output.exists() and file.samefile(output):
            raise WrongUsageError(f"The captions {file} and the audio {output} are the same file")


class Teller:
    """Tells the watcher how far a narration is."""

    def __init__(self, watcher: progress.Watcher) -> None:
        self._watcher = watcher
        self._begun = time.monotonic()
        self._before: int | None = None
        """Characters that were done when it began."""

    def __call__(self, now: NarrationProgress) -> None:
        if now.joined_seconds:
            whole = progress.length(now.audio_seconds)
            self._watcher.show(f"{whole} of audio, joined in one file", now.joined_seconds, now.audio_seconds)
            return
        if self._before is None:
            self._before = now.characters_done
        facts = [f"{now.parts_done} of {now.parts} parts", f"{progress.length(now.audio_seconds)} of audio"]
        if now.waiting_seconds is not None:
            facts.append(f"the server asks for a pause of {now.waiting_seconds:.0f} s")
        elif (made := now.characters_done - self._before) and now.characters_done < now.characters:
            left = (time.monotonic() - self._begun) / made * (now.characters - now.characters_done)
            facts.append(f"{progress.length(left, exactly=False)} left")
        self._watcher.show(", ".join(facts), now.characters_done, now.characters)


def _cost(plan: NarrationPlan) -> str:
    cost = f"{_counted(plan.missing_requests, 'request')}, {_counted(plan.missing_characters, 'character')} to ask for"
    there = plan.requests - plan.missing_requests
    return f"{cost}; {there:,} of {plan.requests:,} are in {plan.folder} already" if there else cost


def _outcome(narration: Narration, captions: list[str]) -> str:
    audio = f"{progress.length(narration.duration)} of audio in {_counted(narration.parts, 'part')}"
    asked = f"{_counted(narration.new_requests, 'request')}, {_counted(narration.new_characters, 'character')}"
    return "; ".join([f"{narration.path}: {audio}", f"asked for {asked}", *captions])


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tell(facts: dict[str, Any], line: str, settings: Settings) -> None:
    print(json.dumps(facts, default=str) if settings.json else escaped(line), flush=True)
