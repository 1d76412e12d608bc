"""A narration from its first request to its file.

`narrate` and `narrate_async` are the two shells; they differ in `await` and in what runs the requests at once. All
else is in `_Run`.
"""

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from time import sleep
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from attrs import evolve

from ..audio import AudioFacts
from ..errors import APIStatusError, AudioError, NotAudioError, OpenRouterError, SaveError, SuffixMismatchError
from ..exchange import sleep_async
from ..frames import Answer
from ..streams import AsyncSpeechStream, SpeechStream
from . import joining, lock, manifest, plan
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

_OF_ALL = {401, 402, 404, 408, 429}
"""Statuses that are not about the text: another one would have had the same answer."""

OnProgress = Callable[[NarrationProgress], object]


class Arrived(NamedTuple):
    """A part whose audio has come."""

    part: Stored
    facts: AudioFacts
    bytes_received: int


class Ask(Protocol):
    """Sends the request for a text, once, and hands its answer on."""

    def __call__(self, text: str, receive: Callable[[Answer], Arrived], /) -> Arrived: ...


class AskAsync(Protocol):
    """As `Ask`."""

    async def __call__(self, text: str, receive: Callable[[Answer], Awaitable[Arrived]], /) -> Arrived: ...


def narrate(job: Job, ask: Ask, concurrency: int, on_progress: OnProgress | None) -> Narration:
    """Ask for what is missing, and join all."""
    with _begun(job, concurrency, on_progress) as run:
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

    with _begun(job, concurrency, on_progress) as run:
        run.report()
        await _ask_all_async(run, ask)
        with closing(run.join()) as steps:
            while True:
                try:
                    run.report(next(steps))
                except StopIteration as end:
                    return cast("Narration", end.value)
                await asyncio.sleep(0)  # encoding takes its time; others have theirs in between


@contextmanager
def _begun(job: Job, concurrency: int, on_progress: OnProgress | None) -> Iterator["_Run"]:
    """A narration that has its folder for itself, and leaves its manifest up to date."""
    plan.whole_number("concurrency", concurrency, 1)
    with lock.held(job.folder.path) as alone:
        job.folder.open(alone=alone)
        # Looked up again: while the folder was not ours yet, another narration may have brought parts.
        run = _Run(job.looked_up(), concurrency, on_progress)
        with run.recorded():
            yield run


def _ask_all(run: "_Run", ask: Ask, concurrency: int) -> None:
    # Loaded here: only narrations need it.
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # noqa: PLC0415

    under_way: dict[Future[Arrived], Request] = {}
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

    under_way: dict[Task[Arrived], Request] = {}
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
        self.work = Work([Request(key, text) for key, text in job.missing.items()], job.retry, concurrency)
        self._job = job
        self._stored: dict[str, Stored] = {}
        self._unsaved: list[SaveError] = []
        self._on_progress = on_progress
        self._ahead = 0.0
        self._last_manifest = float("-inf")
        self._times = job.times
        self._fit = job.fit()
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

    def receiver(self, request: Request) -> Callable[[Answer], Arrived]:
        """What keeps the audio of a request."""

        def receive(answer: Answer) -> Arrived:
            stream = SpeechStream(answer)
            try:
                file = stream.save(self._place(request, stream))
            except (NotAudioError, SuffixMismatchError) as error:
                return self._kept(request, answer, stream, self._rescued(request, error))
            return self._kept(request, answer, stream, file)

        return receive

    def receiver_async(self, request: Request) -> Callable[[Answer], Awaitable[Arrived]]:
        """As `receiver`."""

        async def receive(answer: Answer) -> Arrived:
            stream = AsyncSpeechStream(answer)
            try:
                file = await stream.save(self._place(request, stream))
            except (NotAudioError, SuffixMismatchError) as error:
                return self._kept(request, answer, stream, self._rescued(request, error))
            return self._kept(request, answer, stream, file)

        return receive

    def settle(self, request: Request, outcome: Arrived | BaseException) -> None:
        """Take note of what became of a request, and tell it."""
        self.take(request, outcome)
        if isinstance(outcome, Arrived) or self.work.held(self.now()):
            self.report()

    def take(self, request: Request, outcome: Arrived | BaseException) -> None:
        """Take note of what became of a request."""
        if isinstance(outcome, BaseException):
            self.work.failed(request, outcome, self.now())
            if self.work.error is outcome:
                self._locate(outcome, request)
            elif isinstance(outcome, SaveError):
                self._unsaved.append(outcome)
            return
        self.work.succeeded(request)
        part = outcome.part
        self._progress = evolve(self._progress, bytes_received=self._progress.bytes_received + outcome.bytes_received)
        self._add(request.key, part)
        longer = self._times[request.key] * (part.seconds - self._job.least_seconds(request.key))
        try:
            self._fit.add(part.file, outcome.facts, longer)
            self._fit.check()
        except ValueError as error:  # no further part is paid for
            self.work.error = self.work.error or SuffixMismatchError(str(error), saved_to=part.file)
        if time.monotonic() - self._last_manifest >= _BETWEEN_MANIFESTS:
            with suppress(OSError):  # the part is there, and there is a manifest at the end
                self._write_manifest()

    def raise_error(self) -> None:
        """Raise what ended the work, if anything did; the audio of parts that could not be written goes with it."""
        error = self.work.error
        if error is not None and self._unsaved:
            raise error from ExceptionGroup("Other parts came, and could not be written either", self._unsaved)
        if error is not None:
            raise error

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
                goes_on = "" if isinstance(error, SuffixMismatchError) else "; the same call goes on from there"
                error.add_note(
                    f"{len(self._stored)} of {len(self._job.requests)} parts are in {self._job.folder.path}{goes_on}."
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

    def _place(self, request: Request, stream: SpeechStream | AsyncSpeechStream) -> "Path":
        return self._job.folder.place(request.key, stream.audio_format)

    def _rescued(self, request: Request, error: NotAudioError | SuffixMismatchError) -> "Path":
        """The file for what could not be saved as a part. A text is none: it is not what was paid for."""
        if isinstance(error, SuffixMismatchError) and error.saved_to:
            return error.saved_to
        try:
            error.audio.decode()
        except UnicodeDecodeError:
            return self._job.folder.keep(request.key, error.audio)
        raise error

    def _kept(
        self, request: Request, answer: Answer, stream: SpeechStream | AsyncSpeechStream, file: "Path"
    ) -> Arrived:
        """The part in a file that was just written; what is none stays where it is, and is an error."""
        folder = self._job.folder
        part = folder.look_at(file, stream.generation_id)
        if part:
            return Arrived(part, folder.facts(part), stream.bytes_received)
        where = plan.whereabouts(self._job.parts, request.key)
        if file.suffix in SUFFIXES:
            file = folder.put_aside(file)
        if folder.place(request.key, stream.audio_format).suffix in SUFFIXES:
            reason = f"The server called it {stream.audio_format}, but no audio can be read in it"
        else:
            reason = f"The server sent {stream.audio_format}, which cannot be joined"
        raise AudioError(
            f"{reason}. What came for {where} is kept: {file}. Remove that file, and the same call asks for the part "
            "again, and pays again",
            answer.response,
            bytes_received=stream.bytes_received,
        )

    def _locate(self, error: BaseException, request: Request) -> None:
        """Say which part of the text an error is about."""
        if not isinstance(error, OpenRouterError) or not (error.status_code or error.maybe_billed):
            return
        where = plan.whereabouts(self._job.parts, request.key)
        if error.status_code in _OF_ALL or where in str(error):
            return
        if isinstance(error, APIStatusError) and error.status_code and error.status_code < 500:
            error.add_note(
                f"{where[0].upper()}{where[1:]} was refused: edit it, and call again with the text as it is then. What "
                "came for the other paragraphs is not paid for again."
            )
        else:
            error.add_note(f"This happened at {where}.")

    def _write_manifest(self, joined: joining.Joined | None = None) -> None:
        job = self._job
        job.folder.write_manifest(manifest.content(job.parts, self._stored, job.about, joined))
        self._last_manifest = time.monotonic()
