"""A narration from its first request to its file.

`narrate` and `narrate_async` are the two shells; they differ in `await` and in what runs the requests at once. All
else is in `_Run`.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from time import sleep
from typing import TYPE_CHECKING, Protocol, cast

from attrs import evolve

from ..errors import AudioError
from ..exchange import sleep_async
from ..frames import Answer
from ..responses import SavedSpeech
from ..streams import AsyncSpeechStream, SpeechStream
from . import joining, manifest, plan
from .job import Job
from .results import Narration, NarrationProgress
from .storage import SUFFIXES, Stored
from .work import Request, Work

if TYPE_CHECKING:
    from asyncio import Task
    from concurrent.futures import Future
    from pathlib import Path

_BETWEEN_MANIFESTS = 1.0
"""Seconds: it is written again as parts come, but not for each of a thousand."""

OnProgress = Callable[[NarrationProgress], object]


class Ask(Protocol):
    """Sends the request for a text, once, and hands its answer on."""

    def __call__(self, text: str, receive: Callable[[Answer], SavedSpeech], /) -> SavedSpeech: ...


class AskAsync(Protocol):
    """As `Ask`."""

    async def __call__(self, text: str, receive: Callable[[Answer], Awaitable[SavedSpeech]], /) -> SavedSpeech: ...


def narrate(job: Job, ask: Ask, concurrency: int, on_progress: OnProgress | None) -> Narration:
    """Ask for what is missing, and join all."""
    run = _Run(job, concurrency, on_progress)
    with run.recorded():
        run.report()
        _ask_all(run, ask, concurrency)
        with closing(run.join()) as steps:
            while True:
                try:
                    run.report(next(steps))
                except StopIteration as end:
                    return cast("Narration", end.value)


async def narrate_async(job: Job, ask: AskAsync, concurrency: int, on_progress: OnProgress | None) -> Narration:
    """As `narrate`."""
    import asyncio  # noqa: PLC0415  (as in `exchange`)

    run = _Run(job, concurrency, on_progress)
    with run.recorded():
        run.report()
        await _ask_all_async(run, ask)
        with closing(run.join()) as steps:
            while True:
                try:
                    run.report(next(steps))
                except StopIteration as end:
                    return cast("Narration", end.value)
                await asyncio.sleep(0)  # encoding takes its time; others have theirs in between


def _ask_all(run: "_Run", ask: Ask, concurrency: int) -> None:
    # Loaded here: only narrations need it.
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # noqa: PLC0415

    under_way: dict[Future[SavedSpeech], Request] = {}
    with ThreadPoolExecutor(concurrency, "openrouter-speech-narration") as pool:
        try:
            while not run.work.is_over:
                for request in run.work.begin(run.now()):
                    under_way[pool.submit(ask, request.text, run.receiver(request))] = request
                delay = run.work.delay(run.now())
                if under_way:
                    for future in wait(under_way, delay, FIRST_COMPLETED).done:
                        run.settle(under_way.pop(future), future.exception() or future.result())
                elif delay:
                    until = run.now() + delay
                    sleep(delay)
                    run.has_reached(until)
        finally:
            wait(under_way)  # they cannot be called back, and are paid for
            for future, request in under_way.items():
                run.take(request, future.exception() or future.result())
    run.raise_error()


async def _ask_all_async(run: "_Run", ask: AskAsync) -> None:
    import asyncio  # noqa: PLC0415

    under_way: dict[Task[SavedSpeech], Request] = {}
    try:
        while not run.work.is_over:
            for request in run.work.begin(run.now()):
                under_way[asyncio.ensure_future(ask(request.text, run.receiver_async(request)))] = request
            delay = run.work.delay(run.now())
            if under_way:
                done, _ = await asyncio.wait(under_way, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    run.settle(under_way.pop(task), task.exception() or task.result())
            elif delay:
                until = run.now() + delay
                await sleep_async(delay)
                run.has_reached(until)
    except asyncio.CancelledError:
        for task in under_way:
            task.cancel()
        raise
    finally:
        outcomes = await asyncio.gather(*under_way, return_exceptions=True)
        for request, outcome in zip(under_way.values(), outcomes, strict=True):
            run.take(request, outcome)
    run.raise_error()


class _Run:
    """One narration while it goes on: what is there, what is asked for next, and what of that is told."""

    def __init__(self, job: Job, concurrency: int, on_progress: OnProgress | None) -> None:
        plan.whole_number("concurrency", concurrency, 1)
        job.folder.open()
        self.work = Work([Request(key, text) for key, text in job.missing.items()], job.retry, concurrency)
        self._job = job
        self._stored: dict[str, Stored] = {}
        self._on_progress = on_progress
        self._ahead = 0.0
        self._last_manifest = float("-inf")
        self._times = Counter(part.key for part in job.parts if part.key)
        self._progress = NarrationProgress(
            parts=self._times.total(),
            characters=sum(times * len(job.requests[key]) for key, times in self._times.items()),
        )
        for key, part in job.stored.items():
            self._add(key, part)

    def now(self) -> float:
        """The time, as `work` is told it."""
        return time.monotonic() + self._ahead

    def has_reached(self, moment: float) -> None:
        """Take a moment that was slept for as reached, even if the sleep ended a little early."""
        self._ahead += max(0.0, moment - self.now())

    def receiver(self, request: Request) -> Callable[[Answer], SavedSpeech]:
        """What keeps the audio of a request."""

        def receive(answer: Answer) -> SavedSpeech:
            stream = SpeechStream(answer)
            path = stream.save(self._place(request, answer))
            return _checked(SavedSpeech.from_stream(path, stream, answer.facts), answer)

        return receive

    def receiver_async(self, request: Request) -> Callable[[Answer], Awaitable[SavedSpeech]]:
        """As `receiver`."""

        async def receive(answer: Answer) -> SavedSpeech:
            stream = AsyncSpeechStream(answer)
            path = await stream.save(self._place(request, answer))
            return _checked(SavedSpeech.from_stream(path, stream, answer.facts), answer)

        return receive

    def settle(self, request: Request, outcome: SavedSpeech | BaseException) -> None:
        """Take note of what became of a request, and tell it."""
        self.take(request, outcome)
        if isinstance(outcome, SavedSpeech) or self.work.held(self.now()):
            self.report()

    def take(self, request: Request, outcome: SavedSpeech | BaseException) -> None:
        """Take note of what became of a request."""
        if isinstance(outcome, BaseException):
            self.work.failed(request, outcome, self.now())
            return
        self.work.succeeded(request)
        self._progress = evolve(self._progress, bytes_received=self._progress.bytes_received + outcome.bytes_received)
        size = outcome.path.stat().st_size
        self._add(request.key, Stored(outcome.path, size, outcome.duration or 0.0, outcome.generation_id))
        if time.monotonic() - self._last_manifest >= _BETWEEN_MANIFESTS:
            self._write_manifest()

    def raise_error(self) -> None:
        """Raise what ended the work, if anything did."""
        if self.work.error is not None:
            raise self.work.error

    def report(self, joined_seconds: float = 0.0) -> None:
        """Tell how far it is."""
        if self._on_progress is not None:
            waiting = self.work.held(self.now()) or None
            self._on_progress(evolve(self._progress, waiting_seconds=waiting, joined_seconds=joined_seconds))

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Whatever happens in the block, the manifest is up to date after it; an error says how to go on."""
        try:
            yield
        except BaseException as error:
            with suppress(OSError):
                self._write_manifest()
            if isinstance(error, Exception):
                error.add_note(
                    f"{len(self._stored)} of {len(self._job.requests)} parts are in {self._job.folder.path}; "
                    "the same call goes on from there."
                )
            raise

    def join(self) -> Generator[float, None, Narration]:
        """Make the file of the parts, and complete the manifest. Yields the seconds that are in the file so far."""
        job = self._job
        joined = yield from joining.join(
            [self._stored[part.key].file if part.key else None for part in job.parts],
            [number * job.pause_ms for number in plan.pauses_before(job.parts)],
            job.target,
            job.folder.path / ".joined.mp3.part",
        )
        self._write_manifest(joined)
        asked = job.missing
        return Narration(
            path=job.target,
            duration=joined.frames / joined.sample_rate,
            parts=self._progress.parts,
            requests=len(job.requests),
            characters=sum(map(len, job.requests.values())),
            asked_requests=len(asked),
            asked_characters=sum(map(len, asked.values())),
            chapters=tuple(manifest.chapters(job.parts, joined)),
            manifest=job.folder.manifest,
            cues=tuple(manifest.cues(job.parts, joined)),
        )

    def _add(self, key: str, part: Stored) -> None:
        times, progress = self._times[key], self._progress
        self._stored[key] = part
        self._progress = evolve(
            progress,
            parts_done=progress.parts_done + times,
            characters_done=progress.characters_done + times * len(self._job.requests[key]),
            audio_seconds=progress.audio_seconds + times * part.seconds,
        )

    def _place(self, request: Request, answer: Answer) -> "Path":
        place = self._job.folder.place(request.key, answer.facts.format)
        if place.suffix not in SUFFIXES:
            raise AudioError(f"The server sent {answer.facts.format}, which cannot be joined.", answer.response)
        return place

    def _write_manifest(self, joined: joining.Joined | None = None) -> None:
        job = self._job
        job.folder.write_manifest(manifest.content(job.parts, self._stored, job.about, joined))
        self._last_manifest = time.monotonic()


def _checked(saved: SavedSpeech, answer: Answer) -> SavedSpeech:
    """Refuse what is called mp3, and is not: it could not be joined."""
    if not saved.duration:
        saved.path.unlink()
        raise AudioError(f"The server called it {saved.audio_format}, but no audio can be read in it.", answer.response)
    return saved
