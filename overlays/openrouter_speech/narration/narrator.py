"""Run a narration, from its first request to its file.

`narrate` and `narrate_async` are two thin shells: threads in one, tasks in the other. Everything else is in `_Run`.
"""

import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from attrs import evolve

from .. import _files as files
from .._core.audio import AudioInfo
from .._engine import lock, loops
from .._engine.loops import Work
from .._engine.scheduler import Request, Scheduler
from .._http.body import OpenResponse
from ..errors import APIStatusError, AudioError, NotAudioError, OpenRouterError, SaveError, SuffixMismatchError
from ..streams import AsyncSpeechStream, SpeechStream
from . import joining, manifest, plan
from .doubts import Take, Usual, Verdict
from .job import NarrationJob, characters
from .results import Narration, NarrationProgress, SuspiciousPart
from .script import Speech
from .storage import AGAIN, SUFFIXES, StoredPart

if TYPE_CHECKING:
    from pathlib import Path

_MANIFEST_INTERVAL = 1.0
"""Seconds between updates of the manifest while parts arrive."""

_NOT_ABOUT_THE_TEXT = {401, 402, 404, 408, 429}
"""Statuses that any other text would have met, too."""

OnProgress = Callable[[NarrationProgress], object]


class Arrived(NamedTuple):
    """A part whose audio has arrived."""

    part: StoredPart
    info: AudioInfo
    bytes_received: int


class SendPart(Protocol):
    """Sends a request once, and passes the response to `receive`."""

    def __call__(self, speech: Speech, receive: Callable[[OpenResponse], Arrived], /) -> Arrived: ...


class SendPartAsync(Protocol):
    """As `SendPart`."""

    async def __call__(self, speech: Speech, receive: Callable[[OpenResponse], Awaitable[Arrived]], /) -> Arrived: ...


def narrate(job: NarrationJob, send: SendPart, concurrency: int, on_progress: OnProgress | None) -> Narration:
    """Request the missing parts, and join all of them."""
    with _begun(job, concurrency, on_progress) as run:
        run.report()

        def sent(request: Request) -> Arrived:
            return send(run.speech(request), run.receiver(request))

        loops.run(run, sent, concurrency)
        run.raise_error()
        if run.begins_again():
            loops.run(run, sent, concurrency)
            run.raise_error()
        with closing(run.join()) as steps:
            while True:
                try:
                    run.report(next(steps))
                except StopIteration as end:
                    return cast("Narration", end.value)


async def narrate_async(
    job: NarrationJob, send: SendPartAsync, concurrency: int, on_progress: OnProgress | None
) -> Narration:
    """As `narrate`."""
    import asyncio  # noqa: PLC0415  (as in `exchange`)

    with _begun(job, concurrency, on_progress) as run:
        run.report()

        async def sent(request: Request) -> Arrived:
            return await send(run.speech(request), run.receiver_async(request))

        await loops.run_async(run, sent)
        run.raise_error()
        if run.begins_again():
            await loops.run_async(run, sent)
            run.raise_error()
        with closing(run.join()) as steps:
            while True:
                try:
                    run.report(next(steps))
                except StopIteration as end:
                    return cast("Narration", end.value)
                await asyncio.sleep(0)  # encoding takes long; let other tasks run


@contextmanager
def _begun(job: NarrationJob, concurrency: int, on_progress: OnProgress | None) -> Iterator["_Run"]:
    """Lock the folder for a run, and leave its manifest up to date."""
    plan.whole_number("concurrency", concurrency, 1)
    with lock.held(job.folder.path, "narration", "long") as alone:
        job.folder.open(alone=alone)
        if alone:
            files.remove_partial(job.target.parent, job.target.name)
        # Looked up again: another narration may have added parts before we took the lock.
        run = _Run(job.looked_up(), concurrency, on_progress)
        with run.recorded():
            yield run


class _Run(Work[Request, Arrived]):
    """The state of a narration in progress: the stored parts, the requests to come, the progress to report."""

    def __init__(self, job: NarrationJob, concurrency: int, on_progress: OnProgress | None) -> None:
        self._concurrency = concurrency
        super().__init__(self._scheduled(job, job.missing))
        self._job = job
        self._stored: dict[str, StoredPart] = {}
        """The audio to use."""
        self._first: dict[str, StoredPart] = {}
        self._again = dict(job.again)
        self._asked_again: list[str] = []
        """The keys of the parts that this run requests a second time."""
        self._suspects: dict[str, Verdict] = {}
        self._unsaved: list[SaveError] = []
        self._on_progress = on_progress
        self._last_manifest = float("-inf")
        self._times = job.times
        self._fit = job.fit()
        self._progress = NarrationProgress(
            parts=self._times.total(),
            characters=sum(times * len(job.requests[key].text) for key, times in self._times.items()),
        )
        for key, part in job.stored.items():
            self._add(key, part)
            if (second := job.again.get(key)) and second.generation_id:  # the manifest says that it was used
                self._stored[key] = second

    def speech(self, request: Request) -> Speech:
        """Return what a request asks for."""
        return self._job.requests[request.key]

    def begins_again(self) -> bool:
        """Prepare to request suspicious parts once more, if there are any, and that is wanted."""
        if self._job.retry_suspicious:
            self._asked_again = [key for key in self._judged() if key not in self._again]
            self.scheduler = self._scheduled(self._job, self._asked_again)
        if self._asked_again:
            self._progress = evolve(self._progress, suspicious_parts=len(self._asked_again))
            self.report()
        return bool(self._asked_again)

    def receiver(self, request: Request) -> Callable[[OpenResponse], Arrived]:
        """Return a function that stores the audio of a request."""

        def receive(opened: OpenResponse) -> Arrived:
            stream = SpeechStream(opened)
            try:
                file = stream.save(self._place(request, stream))
            except (NotAudioError, SuffixMismatchError) as error:
                return self._kept(request, opened, stream, self._rescued(request, error))
            return self._kept(request, opened, stream, file)

        return receive

    def receiver_async(self, request: Request) -> Callable[[OpenResponse], Awaitable[Arrived]]:
        """As `receiver`."""

        async def receive(opened: OpenResponse) -> Arrived:
            stream = AsyncSpeechStream(opened)
            try:
                file = await stream.save(self._place(request, stream))
            except (NotAudioError, SuffixMismatchError) as error:
                return self._kept(request, opened, stream, self._rescued(request, error))
            return self._kept(request, opened, stream, file)

        return receive

    def settle(self, request: Request, outcome: Arrived | BaseException) -> None:
        """Record the outcome of a request, and report the progress."""
        self.take(request, outcome)
        if isinstance(outcome, Arrived) or self.scheduler.held(self.now()):
            self.report()

    def take(self, request: Request, outcome: Arrived | BaseException) -> None:
        """Record the outcome of a request."""
        if isinstance(outcome, BaseException):
            self.scheduler.failed(request, outcome, self.now())
            if self.scheduler.error is outcome:
                self._locate(outcome, request)
            elif isinstance(outcome, SaveError):
                self._unsaved.append(outcome)
            return
        self.scheduler.succeeded(request)
        part = outcome.part
        self._progress = evolve(self._progress, bytes_received=self._progress.bytes_received + outcome.bytes_received)
        if self._asked_again:
            self._again[request.key] = part
            return
        self._add(request.key, part)
        longer = self._times[request.key] * (part.seconds - self._job.least_seconds(request.key))
        try:
            self._fit.add(part.file, outcome.info, longer)
            self._fit.check()
        except ValueError as error:  # pay for no more parts
            self.scheduler.error = self.scheduler.error or SuffixMismatchError(str(error), saved_to=part.file)
        if time.monotonic() - self._last_manifest >= _MANIFEST_INTERVAL:
            with suppress(OSError):  # the part is stored, and the manifest is written again at the end
                self._write_manifest()

    def raise_error(self) -> None:
        """Raise the error that ended the run, if any, with the audio of the parts that could not be written."""
        error = self.scheduler.error
        if error is not None and self._unsaved:
            raise error from ExceptionGroup("Other parts arrived, but could not be written either", self._unsaved)
        if error is not None:
            raise error

    def report(self, joined_seconds: float = 0.0) -> None:
        """Report the progress."""
        if self._on_progress is not None:
            waiting = self.scheduler.held(self.now()) or None
            self._on_progress(evolve(self._progress, waiting_seconds=waiting, joined_seconds=joined_seconds))

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Update the manifest if the block fails, and add a note on how to go on to the error."""
        try:
            yield
        except BaseException as error:
            with suppress(OSError):
                self._write_manifest()
            if isinstance(error, Exception):
                how = "" if isinstance(error, SuffixMismatchError) else "; the same call goes on from there"
                error.add_note(
                    f"{len(self._stored)} of {len(self._job.requests)} parts are in {self._job.folder.path}{how}."
                )
            raise

    def join(self) -> Generator[float, None, Narration]:
        """Join the parts, and complete the manifest. Yields the seconds written so far."""
        job = self._job
        self._suspects = self._judged()
        joined = yield from joining.join(
            [self._stored[part.key].file if part.key else None for part in job.parts],
            [number * job.pause_ms for number in plan.pauses_before(job.parts)],
            job.target,
            job.folder.path / ".joined.mp3.part",
            [part.chapter for part in job.parts],
        )
        self._write_manifest(joined)
        new = [*job.missing.values(), *map(job.requests.__getitem__, self._asked_again)]
        return Narration(
            path=job.target,
            duration=joined.frames / joined.sample_rate,
            parts=self._progress.parts,
            requests=len(job.requests),
            characters=characters(job.requests.values()),
            new_requests=len(new),
            new_characters=characters(new),
            chapters=tuple(manifest.chapters(job.parts, joined)),
            manifest=job.folder.manifest,
            cues=tuple(manifest.cues(job.parts, joined, job.about["settings"]["language"])),
            suspicious=tuple(self._suspicious(key, verdict) for key, verdict in self._suspects.items()),
            costs=job.costs,
        )

    def _scheduled(self, job: NarrationJob, keys: Iterable[str]) -> Scheduler[Request]:
        return Scheduler([Request(key, job.requests[key].text) for key in keys], job.retry, self._concurrency)

    def _judged(self) -> dict[str, Verdict]:
        """Choose the better audio of each part that has two. Return the parts that are suspicious even so."""
        firsts = self._first = {key: _measured(self._first[key]) for key in self._job.requests}
        takes = {key: [part, *filter(None, [self._again.get(key)])] for key, part in firsts.items()}
        usual = Usual(self._take(key, part) for key, part in firsts.items())
        suspicious = {}
        for key, parts in takes.items():
            measured = map(_measured, parts)
            verdict, best = min(
                ((usual.judge(self._take(key, part)), part) for part in measured), key=lambda pair: pair[0].distance
            )
            self._stored[key] = best
            if verdict.reasons:
                suspicious[key] = verdict
        return suspicious

    def _suspicious(self, key: str, verdict: Verdict) -> SuspiciousPart:
        part, expected = self._stored[key], verdict.expected_seconds
        return SuspiciousPart(
            where=plan.whereabouts(self._job.parts, key),
            reasons=verdict.reasons,
            seconds=round(part.seconds, 2),
            expected_seconds=expected and round(expected, 2),
            file=part.file,
            requested_again=key in self._again,
        )

    def _take(self, key: str, part: StoredPart) -> Take:
        voices = self._job.requests[key].voices
        voice = voices[0] if len(voices) == 1 else voices[:0]  # mixed voices are compared with each other
        speed = self._job.about["settings"]["speed"]
        return Take(self._job.requests[key].text, voice, part.seconds, speed, part.sound)

    def _add(self, key: str, part: StoredPart) -> None:
        times, progress = self._times[key], self._progress
        self._first[key] = self._stored[key] = part
        self._progress = evolve(
            progress,
            parts_done=progress.parts_done + times,
            characters_done=progress.characters_done + times * len(self._job.requests[key].text),
            audio_seconds=progress.audio_seconds + times * part.seconds,
        )

    def _place(self, request: Request, stream: SpeechStream | AsyncSpeechStream) -> "Path":
        return self._job.folder.place(self._name(request), stream.audio_format)

    def _name(self, request: Request) -> str:
        return f"{request.key}{AGAIN if self._asked_again else ''}"

    def _rescued(self, request: Request, error: NotAudioError | SuffixMismatchError) -> "Path":
        """Return a file with the audio that could not be saved as a part. Text is not audio, and not kept."""
        if isinstance(error, SuffixMismatchError) and error.saved_to:
            return error.saved_to
        try:
            error.audio.decode()
        except UnicodeDecodeError:
            return self._job.folder.keep(self._name(request), error.audio)
        raise error

    def _kept(
        self, request: Request, opened: OpenResponse, stream: SpeechStream | AsyncSpeechStream, file: "Path"
    ) -> Arrived:
        """Return the part in a file that was just written. If it is unusable, keep the file, and raise an error."""
        folder = self._job.folder
        part = folder.look_at(file, stream.generation_id)
        if part:
            return Arrived(_measured(part), folder.info(part), stream.bytes_received)
        where = plan.whereabouts(self._job.parts, request.key)
        if file.suffix in SUFFIXES:
            file = folder.put_aside(file)
        if folder.place(self._name(request), stream.audio_format).suffix in SUFFIXES:
            reason = f"The server called this {stream.audio_format}, but no audio can be read from it"
        else:
            reason = f"The server sent {stream.audio_format}, which cannot be joined"
        raise AudioError(
            f"{reason}. The audio for {where} is kept: {file}. Remove that file, and the same call requests the part "
            "again, and pays again",
            opened.response,
            bytes_received=stream.bytes_received,
        )

    def _locate(self, error: BaseException, request: Request) -> None:
        """Add a note to an error that says which part of the text it is about."""
        if not isinstance(error, OpenRouterError) or not (error.status_code or error.maybe_billed):
            return
        where = plan.whereabouts(self._job.parts, request.key)
        if error.status_code in _NOT_ABOUT_THE_TEXT or where in str(error):
            return
        if isinstance(error, APIStatusError) and error.status_code and error.status_code < 500:
            error.add_note(
                f"{where[0].upper()}{where[1:]} was refused: edit it, and call again with the new text. The audio of "
                "the other paragraphs is not paid for again."
            )
        else:
            error.add_note(f"This happened at {where}.")

    def _write_manifest(self, joined: joining.Joined | None = None) -> None:
        job = self._job
        job.folder.write_manifest(manifest.content(job.parts, self._stored, job.about, joined, self._suspects))
        self._last_manifest = time.monotonic()


def _measured(part: StoredPart) -> StoredPart:
    """Return a part with its loudness, unless its audio cannot be decoded: joining explains why."""
    if part.sound is None:
        with suppress(ValueError, OSError):
            return evolve(part, sound=joining.sound(part.file))
    return part
