"""`openrouter-speech narrate`: turn a text of any length into one file, requested in parts."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from attrs import asdict

from .. import _files as files
from .._core.bodies import escaped
from .._engine.scheduler import PATIENT
from ..narration.results import Narration, NarrationPlan, NarrationProgress
from . import progress, texts
from .failures import WrongUsageError, before_sending, reported
from .options import Settings


def narrate(
    *, book: Path, output: Path, dry_run: bool, captions: tuple[str, ...], concurrency: int,
    cutting: dict[str, Any], settings: Settings,
) -> None:  # fmt: skip
    """Run the command.

    Args:
        book: The text file; `-` is standard input.
        output: The audio file.
        dry_run: Show the cost, and send nothing.
        captions: Suffixes of the caption files to write next to the audio.
        concurrency: Requests in flight at once.
        cutting: `limit`, `limit_unit`, `language`, `heading`, `pause_ms` and `folder` of `tts.TTS.narrate`.
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
                **cutting, **settings.request(), "response_format": settings.format, "retries": settings.retry(PATIENT)
            }  # fmt: skip
            open_router = settings.open_router(sends=not dry_run)
            plan = open_router.tts.plan_narration(text, output, **params)
            texts.check_output(book, plan.folder / "manifest.json", "The manifest")
        if dry_run:
            _report({"dry_run": True, **asdict(plan)}, _cost(plan), settings)
            return
        if sys.stderr.isatty():
            print(escaped(_cost(plan)), file=sys.stderr)
        with progress.watched(output.name, debug=settings.debug) as watcher:

            async def narrated() -> Narration:  # async, so that Ctrl-C ends it at once
                async with open_router:
                    return await open_router.tts.narrate_async(
                        text, output, concurrency=concurrency, on_progress=Teller(watcher), **params
                    )

            narration = asyncio.run(narrated())
        written = [str(narration.save_captions(file)) for file in beside]
        fields = asdict(narration, filter=lambda attribute, _: attribute.name not in {"chapters", "cues"})
        _report({**fields, "captions": written}, _outcome(narration, written), settings)


def _check_outputs(book: Path, output: Path, captions: list[Path]) -> None:
    """Check that the files can be written and replace no input, before anything is paid for."""
    texts.check_output(book, output)
    for file in captions:
        files.check_writable(file)
        texts.check_output(book, file, "The captions")
        if file.exists() and output.exists() and file.samefile(output):
            raise WrongUsageError(f"The captions {file} and the audio {output} are the same file")


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
        if now.waiting_seconds is not None:
            details.append(f"throttled: next request in {now.waiting_seconds:.0f} s")
        elif (made := now.characters_done - self._before) and now.characters_done < now.characters:
            left = (monotonic() - self._begun) / made * (now.characters - now.characters_done)
            details.append(f"{progress.length(left, exactly=False)} left")
        self._watcher.show(", ".join(details), now.characters_done, now.characters)


def _cost(plan: NarrationPlan) -> str:
    cost = f"{_counted(plan.missing_requests, 'request')}, {_counted(plan.missing_characters, 'character')} to send"
    stored = plan.requests - plan.missing_requests
    return f"{cost}; {stored:,} of {plan.requests:,} already in {plan.folder}" if stored else cost


def _outcome(narration: Narration, captions: list[str]) -> str:
    audio = f"{progress.length(narration.duration)} of audio in {_counted(narration.parts, 'part')}"
    sent = f"{_counted(narration.new_requests, 'request')}, {_counted(narration.new_characters, 'character')}"
    return "; ".join([f"{narration.path}: {audio}", f"sent {sent}", *captions])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _report(fields: dict[str, Any], line: str, settings: Settings) -> None:
    print(json.dumps(fields, default=str) if settings.json else escaped(line), flush=True)
