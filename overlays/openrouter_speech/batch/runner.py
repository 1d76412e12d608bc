"""Run a batch, from reading its rows to its metadata.

`run` and `run_async` are two thin shells: threads in one, tasks in the other. Everything else is in `_Run`.
"""

import errno
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, evolve, field, frozen

from .. import _convert
from .._core import retries
from .._core.audio import AudioInfo
from .._core.checks import plain
from .._core.retries import RetryConfig
from .._engine import lock, loops
from .._engine.loops import Work
from .._engine.scheduler import PATIENT, Request, Scheduler
from .._http.body import OpenResponse
from .._http.costs import CostLookup
from .._http.sending import Call
from ..errors import APIConnectionError, AudioError, ConfigurationError, FileWriteError, OpenRouterError
from ..streams import AsyncSpeechStream, SpeechStream
from . import START, MetadataFormat, metadata
from .costs import Account, Lookups, Prices
from .ledger import Ledger, Shard, Todo, remove
from .recorder import Change, Recorder
from .remote import Remote
from .results import Batch, BatchProgress, BatchRow, State
from .rows import RowChecker
from .sources import PARAMETERS, Source, source_of
from .store import Arrived, Facts, Store, check_pattern

if TYPE_CHECKING:
    from .cluster import Cluster

_ABOUT_ALL_ROWS = {401, 402}
"""Statuses that any other row would have met, too."""
_MOST_IN_A_ROW = 100
"""Rows that may fail for good one after the other before the run ends: something is wrong with all of them."""
_SMALL = 1 << 18
"""Bytes of audio to keep in memory until they are written, if the server says the length."""
_UNWRITTEN = 60.0
"""Seconds after which systems have written a file to disk: Linux takes 30."""

OnProgress = Callable[[BatchProgress], object]
OnRow = Callable[[BatchRow], object]


Placed = tuple[Arrived, Facts]
"""Audio, and the file that holds it now."""


class Send(Protocol):
    """Sends the request for a row once, and passes the response to `receive`."""

    def __call__(self, params: Mapping[str, Any], receive: Callable[[OpenResponse], Arrived], /) -> Arrived: ...


class SendAsync(Protocol):
    """As `Send`."""

    async def __call__(
        self, params: Mapping[str, Any], receive: Callable[[OpenResponse], Awaitable[Arrived]], /
    ) -> Arrived: ...


@frozen
class BatchJob:
    """Everything that a batch needs."""

    source: Source | None
    """None to go on with the rows that the ledger has."""
    folder: Path
    checker: RowChecker
    settings: dict[str, Any]
    """What the ledger must agree with. It holds no API key and no headers."""
    retry: RetryConfig
    concurrency: int
    rate: float | None
    shard: Shard | None
    skip_invalid: bool
    retry_failed: bool
    metadata: MetadataFormat
    remote: Remote | None
    convert_to: str | None
    cluster: "Cluster | None"
    on_progress: OnProgress | None
    on_row: OnRow | None
    max_cost: Decimal | None
    cost: bool
    """Whether to look up what rows cost."""
    prices: Prices
    costs: CostLookup

    @property
    def ledger(self) -> Path:
        """The path of the ledger."""
        return ledger_of(self.folder)


def ledger_of(folder: Path) -> Path:
    """Return the path of a batch's ledger."""
    return folder / ".batch" / "ledger.sqlite"


def prepare(
    call: Call,
    rows: object,
    folder: Path,
    params: Mapping[str, Any],
    *,
    check_model: Callable[[Mapping[str, Any]], object],
    name: str,
    concurrency: int,
    rate: float | None,
    shard: str | None,
    skip_invalid: bool,
    retry_failed: bool,
    metadata_format: MetadataFormat,
    upload: str | None,
    convert_to: str | None,
    cluster: "Cluster | None",
    on_progress: OnProgress | None,
    on_row: OnRow | None,
    max_cost: Decimal | None,
    cost: bool,
    prices: Prices,
    costs: CostLookup,
) -> BatchJob:
    """Prepare a batch. Nothing is read or written.

    Args:
        call: A call with the settings of all requests.
        rows: As for `tts.TTS.batch`, like all that follow; None for those that the ledger has.
        folder: The folder.
        params: The parameters for all rows.
        check_model: Refuses a row that its model would refuse.
        name: The pattern for names.
        concurrency: The most requests in flight.
        rate: The most requests per second.
        shard: The part of the rows to take.
        skip_invalid: Whether to go on without wrong rows.
        retry_failed: Whether to send rows again that failed.
        metadata_format: The format of the metadata.
        upload: The URL to upload audio and metadata to.
        convert_to: The format to convert the audio to.
        cluster: The cluster that sends the requests.
        on_progress: Called with the progress.
        on_row: Called with each row whose work has ended.
        max_cost: US dollars that all requests may cost.
        cost: Whether to look up what rows cost.
        prices: Looks up prices, if one of these two is given.
        costs: Looks up costs.
    """
    if isinstance(concurrency, bool) or not isinstance(concurrency, int):
        raise TypeError(f"concurrency must be a whole number, not {type(concurrency).__name__}")
    if concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, not {concurrency}")
    if rate is not None and not 0 < rate < float("inf"):
        raise ValueError(f"rate must be more than 0 requests per second, and finite, not {rate}")
    if metadata_format not in metadata.NAMES:
        raise ValueError(f"metadata must be one of {', '.join(metadata.NAMES)}, not {metadata_format!r}")
    metadata.writer_for(Path(metadata.NAMES[metadata_format]))
    check_conversion(convert_to)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(20, "The batch cannot be stored: it is not a folder", str(folder))
    shared = {key: plain(value) for key, value in params.items() if key in PARAMETERS and value is not None}
    part = None if shard is None else Shard.of(shard)
    return BatchJob(
        source=None if rows is None else source_of(rows),
        folder=folder,
        checker=RowChecker(shared, check_model),
        settings={
            "server_url": call.server_url,
            "name": check_pattern(name),
            "shard": None if part is None else f"{part.number}/{part.count}",
            "upload": upload,
            "convert_to": convert_to,
            "extra_body": plain(params.get("extra_body")),
            **dict(sorted(shared.items())),
        },
        retry=PATIENT if call.retry is retries.DEFAULT else call.retry,
        concurrency=concurrency,
        rate=rate,
        shard=part,
        skip_invalid=skip_invalid,
        retry_failed=retry_failed,
        metadata=metadata_format,
        remote=None if upload is None else Remote(upload),
        convert_to=convert_to,
        cluster=cluster,
        on_progress=on_progress,
        on_row=on_row,
        max_cost=max_cost,
        cost=cost,
        prices=prices,
        costs=costs,
    )


def check_conversion(convert_to: object) -> None:
    """Check that audio can be converted to a format; None is not converted.

    Raises:
        ValueError: There is no such format.
        ConfigurationError: The extra is not installed.
    """
    if convert_to is not None and convert_to not in _convert.TARGETS:
        raise ValueError(f"convert_to must be one of {', '.join(_convert.TARGETS)}, not {convert_to!r}")
    if convert_to is not None and not _convert.is_installed():
        raise ConfigurationError(f"A conversion needs the package soundfile: {_convert.MISSING}")


def run(job: BatchJob, send: Send) -> Batch:
    """Send the rows that are new, and describe all that are done."""

    def resolve(changes: list[Change]) -> None:
        for change in changes:
            _set(change)

    with _begun(job, resolve) as running:
        from concurrent.futures import Future  # noqa: PLC0415  (here and below: only this needs it)

        def sent(row: "RowRequest") -> Placed:
            job.checker.check_model(row.params)
            future = Future[Any]()
            running.recorder.sent(row.number, future)
            future.result()
            row.has_left = True
            arrived = send(row.params, receiver(running.store, row.number))
            facts = running.put(row, arrived)
            noted = Future[Any]() if running.uploads else None
            running.recorder.done(row.number, facts, arrived.generation_id, noted)
            if noted is not None:
                noted.result()
                running.is_recorded(row)
            return arrived, facts

        for model in running.account.models:
            with running.account.pricing(model) as take:
                take(job.prices.endpoints(model))
        running.begin()
        loops.run(running, sent, job.concurrency)
        running.raise_error()
        if job.cost:
            lookups = running.lookups(resolve)
            loops.run(lookups, lambda request: job.costs.ask(request.key), job.concurrency)
            running.raise_error(lookups)
    return running.result()


async def run_async(job: BatchJob, send: SendAsync) -> Batch:
    """As `run`."""
    import asyncio  # noqa: PLC0415

    loop = asyncio.get_running_loop()

    def set_all(changes: list[Change]) -> None:
        for change in changes:
            if not change.future.done():  # cancelled
                _set(change)

    def resolve(changes: list[Change]) -> None:
        if changes:
            loop.call_soon_threadsafe(set_all, changes)

    with _begun(job, resolve) as running:

        async def sent(row: "RowRequest") -> Placed:
            job.checker.check_model(row.params)
            future = loop.create_future()
            running.recorder.sent(row.number, future)
            await future
            row.has_left = True
            arrived = await send_row(row)
            if isinstance(arrived.content, bytes) and not running.uploads:
                facts = running.put(row, arrived)
            else:  # it takes long to measure, or to upload
                facts = await asyncio.to_thread(running.put, row, arrived)
            noted = loop.create_future() if running.uploads else None
            running.recorder.done(row.number, facts, arrived.generation_id, noted)
            if noted is not None:
                await noted
                running.is_recorded(row)
            return arrived, facts

        for model in running.account.models:
            with running.account.pricing(model) as take:
                take(await job.prices.endpoints_async(model))
        async with running.sender(send) as send_row:
            running.begin()
            await loops.run_async(running, sent, patient=True)
        running.raise_error()
        if job.cost:
            lookups = running.lookups(resolve)
            await loops.run_async(lookups, lambda request: job.costs.ask_async(request.key))
            running.raise_error(lookups)
    return running.result()


def finished(running: Coroutine[Any, Any, Batch]) -> Batch:
    """Wait for a batch that has no sync form."""
    import asyncio  # noqa: PLC0415
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(running)
    with ThreadPoolExecutor(1, "openrouter-speech") as pool:  # a notebook has a loop in this thread
        return pool.submit(asyncio.run, running).result()


def _set(change: Change) -> None:
    if change.error is None:
        change.future.set_result(None)
    else:
        change.future.set_exception(change.error)


@define(eq=False)
class RowRequest(Request):
    """The request for a row."""

    number: int
    params: dict[str, Any]
    size: int
    has_left: bool = field(default=False, init=False)
    """Whether the request may have left."""

    @property
    def model(self) -> str | None:
        """The model, if the row names one."""
        return self.params.get("model")


@contextmanager
def _begun(job: BatchJob, resolve: Callable[[list[Change]], None]) -> Iterator["_Run"]:
    """Lock the folder, bring its ledger up to date, and write down what happens until the end of the block."""
    place = job.ledger.parent
    if job.source is None and not job.ledger.exists():
        raise ConfigurationError(f"{job.folder} has no batch")
    made = [folder for folder in (place, job.folder) if not folder.exists()]
    try:
        with lock.held(place, "batch", "batch"), _ledger(job.ledger) as ledger:
            store = _brought_up_to_date(job, ledger)
            running = _Run(job, ledger, store, Recorder(job.ledger, resolve))
            try:
                yield running
            except BaseException:
                with suppress(Exception):  # the error that ended the run says so already
                    running.recorder.close()
                raise
            running.finish()
            store.close()
    finally:
        for folder in made:  # unless something is in it
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _ledger(path: Path) -> Iterator[Ledger]:
    """Open a ledger, and close it. One that got no rows is removed."""
    ledger = Ledger(path)
    try:
        yield ledger
    finally:
        is_empty = ledger.about("settings") is None
        ledger.close()
        if is_empty:
            remove(path)


def _brought_up_to_date(job: BatchJob, ledger: Ledger) -> Store:
    """Take in the rows, and settle what an earlier run left open."""
    _check_settings(job, ledger)
    found = None if job.source is None else job.source.fingerprint()
    fingerprint = found and f"{found} {job.skip_invalid}"
    if job.source is not None and (fingerprint is None or ledger.about("source") != fingerprint):
        for count in ledger.read(job.source, job.checker, skip_invalid=job.skip_invalid, shard=job.shard):
            if job.on_progress is not None:
                job.on_progress(BatchProgress(rows=count, reading=True))
        ledger.note("settings", json.dumps(job.settings))
        ledger.note("source", fingerprint or "")
    store = Store(job.folder, job.settings["name"], sum(ledger.counts().values()), job.remote, job.convert_to)
    store.open()
    _recover(job, ledger, store)
    states: list[State] = ["failed"] if job.retry_failed else []
    ledger.again([*states, "maybe_billed"] if job.retry.retry_maybe_billed else states)
    return store


def _check_settings(job: BatchJob, ledger: Ledger) -> None:
    known = json.loads(ledger.about("settings") or "null")
    if known is None:
        return
    for name in {**known, **job.settings}:
        ours, theirs = job.settings.get(name), known.get(name)
        if ours != theirs:
            raise ConfigurationError(
                f"The folder {job.folder} is of another batch: its {name} is {theirs!r:.60}, not {ours!r:.60}. Choose "
                "another folder"
            )


def _recover(job: BatchJob, ledger: Ledger, store: Store) -> None:
    """Settle the rows that a killed process left as sent, and those whose file a power failure took."""

    def arrived(row: Todo) -> Arrived | None:
        file = store.arrived(row.number)
        if file is None and store.remote is None:  # it may be in place already
            wanted = row.params.get("response_format") or job.settings.get("response_format") or "pcm"
            place = store.place(row.number, row.id, job.convert_to or wanted)
            file = job.folder / place
            if not file.exists() or ledger.holds(place, row.number):
                return None
        return None if file is None else Arrived(file, AudioInfo(file.suffix[1:]), None)

    recorder = Recorder(job.ledger, lambda _: None)
    try:
        # A worker of a cluster may have gone on after its driver was killed.
        ledger.not_lost([row.number for row in ledger.in_state("maybe_billed") if store.arrived(row.number)])
        for row in ledger.in_state("sent"):
            if audio := arrived(row):
                place = store.place(row.number, row.id, audio.info.format)
                recorder.done(row.number, store.put(row.number, place, audio), None)
            else:
                recorder.ended(row.number, "maybe_billed", "The run ended while this request was in flight", lost=True)
        if store.remote is None and ledger.about("boot") != _boot():
            for number, file, size in ledger.finished_since(_UNWRITTEN):
                if not store.is_whole(file, size):
                    store.put_aside(file)
                    words = f"The audio arrived, but {file} did not reach the disk"
                    recorder.ended(number, "maybe_billed", words, lost=True)
    finally:
        recorder.close()
    store.forget_uploaded()
    ledger.note("boot", _boot())


class _Run(Work[RowRequest, Placed]):
    """The state of a batch in progress."""

    def __init__(self, job: BatchJob, ledger: Ledger, store: Store, recorder: Recorder) -> None:
        is_asked = job.cost or job.max_cost is not None
        self.account = account = Account(ledger if is_asked else None, job.settings.get("model", ""), job.max_cost)
        requests = (RowRequest(row.id, "", row.number, row.params, row.size) for row in ledger.todo())
        pace: Any = {"start": START, "rate": job.rate}
        super().__init__(
            Scheduler(requests, job.retry, job.concurrency, **pace, ends=self._ends, admits=account.admits)
        )
        counts = ledger.counts()
        self.recorder = recorder
        self._job = job
        self._ledger = ledger
        self.store = store
        self._in_a_row = 0
        self._last_error: BaseException | None = None
        self._unsaved = list[FileWriteError]()
        self._metadata = job.folder / metadata.NAMES[job.metadata]
        self._has_described = False
        self._invalid = int(ledger.about("invalid") or 0)
        self._progress = BatchProgress(
            sum(counts.values()), done=counts["done"], failed=counts["failed"], maybe_billed=counts["maybe_billed"]
        )

    def begin(self) -> None:
        """Report the progress before anything is sent. `Account.begin` says what is raised."""
        self.account.begin()
        self._report(self._progress)

    @property
    def uploads(self) -> bool:
        """Whether the audio is uploaded."""
        return self.store.remote is not None

    @asynccontextmanager
    async def sender(self, send: SendAsync) -> AsyncIterator[Callable[[RowRequest], Awaitable[Arrived]]]:
        """Yield what sends the request of a row: `send`, or a worker of a cluster."""
        cluster = self._job.cluster
        if cluster is None or self.scheduler.is_over:
            yield lambda row: send(row.params, receiver_async(self.store, row.number))
            return
        from .cluster import opened  # noqa: PLC0415  (it needs the extra)

        async with opened(cluster, self._job, self._progress.rows) as pool:
            yield lambda row: pool.send(row.number, row.key, row.params)

    def is_recorded(self, row: RowRequest) -> None:
        """Let go of the local file of audio that was uploaded."""
        self.store.is_recorded(row.number)

    def put(self, row: RowRequest, arrived: Arrived) -> Facts:
        """Put the audio of a row in its place."""
        return self.store.put(row.number, self.store.place(row.number, row.key, arrived.info.format), arrived)

    def settle(self, request: RowRequest, outcome: Placed | BaseException) -> None:
        """Record the outcome of a request, and report the progress."""
        self.take(request, outcome)
        self._report(self._progress)

    def take(self, request: RowRequest, outcome: Placed | BaseException) -> None:
        """Record the outcome of a request."""
        if isinstance(outcome, BaseException):
            self._failed(request, outcome)
            return
        self.scheduler.succeeded(request)
        self._in_a_row = 0
        if self.store.is_full and self.scheduler.error is None:
            self.scheduler.error = OSError(errno.ENOSPC, "The disk is full: free some space", str(self._job.folder))
        arrived, facts = outcome
        self.account.arrived()
        if arrived.from_cache:
            self.account.known(request, Decimal(0))
            self.recorder.cost(request.number, Decimal(0))
        progress = self._progress
        self._progress = evolve(
            progress,
            done=progress.done + 1,
            new_done=progress.new_done + 1,
            new_audio_seconds=progress.new_audio_seconds + (facts.duration or 0.0),
        )
        if self._job.on_row is not None:
            remote = self.store.remote
            file = self._job.folder / facts.file if remote is None else f"{remote.url}/{facts.file}"
            row = BatchRow(request.key, "done", request.retries + 1, file, facts.duration, arrived.generation_id)
            self._job.on_row(row)

    def is_ending(self, in_flight: int) -> None:
        """Report that an interrupted run waits for the requests in flight."""
        self._report(evolve(self._progress, ending=in_flight))

    def lookups(self, resolve: Callable[[list[Change]], None]) -> Lookups:
        """Finish what was sent, and prepare the look-ups of what it cost."""
        self.finish()
        self.recorder = Recorder(self._job.ledger, resolve)
        self._progress = evolve(self._progress, looking_up=True)
        self._report(self._progress)
        pace = {"concurrency": self._job.concurrency, "rate": self._job.rate}
        return Lookups(self._ledger, self.recorder, self.account, lambda: self._report(self._progress), **pace)

    def finish(self) -> None:
        """Write down what is left, and describe the rows that are done.

        Raises:
            OSError: Something could not be written.
        """
        self.recorder.close()
        self._write_metadata()

    def raise_error(self, lookups: Lookups | None = None) -> None:
        """Raise the error that ended the run, if any, or that ended the look-ups."""
        if (error := (lookups or self).scheduler.error) is not None:
            now = self._progress
            error.add_note(f"{now.done:,} of {now.rows:,} rows are done; the same call goes on from there.")
            if self._unsaved:
                raise error from ExceptionGroup("More audio arrived, and could not be written", self._unsaved)
            raise error

    def _write_metadata(self) -> None:
        """Describe the rows that are done, unless nothing has changed."""
        described = f"{self._progress.done} {self._ledger.costs().rows}"
        has_new = self._progress.new_done and not self._has_described
        if has_new or described != self._ledger.about("described") or not self._metadata.exists():
            metadata.write(self._ledger.done(), self._metadata)
            if self.store.remote is not None:
                self.store.remote.upload(self._metadata, self._metadata.name)
            self._ledger.note("described", described)
            self._has_described = True
        metadata.remove_others(self._metadata, self.store.remote)

    def result(self) -> Batch:
        """Return the batch as it stands."""
        now = self._progress
        return Batch(
            folder=self._job.folder,
            rows=now.rows,
            done=now.done,
            failed=now.failed,
            maybe_billed=now.maybe_billed,
            new_done=now.new_done,
            new_audio_seconds=now.new_audio_seconds,
            invalid=self._invalid,
            metadata=self._metadata,
            left=now.rows - now.done - now.failed - now.maybe_billed,
            **self.account.facts,
        )

    def _failed(self, request: RowRequest, error: BaseException) -> None:
        is_lost = request.has_left and getattr(error, "maybe_billed", True)
        if not is_lost:
            self.account.not_billed(request)
        if self.scheduler.failed(request, error, self.now()):
            self.recorder.ended(request.number, "new", str(error), lost=is_lost)
            return
        if isinstance(error, AudioError) and error.audio and (kept := self.store.keep(request.number, error.audio)):
            error.add_note(f"What arrived is in {kept}")
        if isinstance(error, FileWriteError) and error is not self.scheduler.error:
            self._unsaved.append(error)
        state = self._state_after(request, error)
        if state is None:  # the next run finds out
            return
        words = " ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])
        self.recorder.ended(request.number, state, words, lost=is_lost)
        if state == "new":
            return
        counted = {state: getattr(self._progress, state) + 1}
        self._progress = evolve(self._progress, **counted)
        if self._job.on_row is not None:
            self._job.on_row(BatchRow(request.key, state, request.retries + 1, error=words))

    def _state_after(self, request: RowRequest, error: BaseException) -> State | None:
        """Return the state of a row whose request will not be sent again in this run."""
        if not request.has_left:
            return "new"
        if not isinstance(error, OpenRouterError):
            return None
        if error.maybe_billed:
            return "maybe_billed"
        return "new" if _is_about_all_rows(request, error) else "failed"

    def _ends(self, request: RowRequest, error: BaseException) -> bool:
        self._in_a_row += error is not self._last_error  # the rows of a worker that is lost share one
        self._last_error = error
        return _is_about_all_rows(request, error) or self._in_a_row >= _MOST_IN_A_ROW

    def _report(self, progress: BatchProgress) -> None:
        if self._job.on_progress is not None:
            self._job.on_progress(
                evolve(progress, waiting_seconds=self.scheduler.held(self.now()) or None, **self.account.facts)
            )


def _is_about_all_rows(request: RowRequest, error: BaseException) -> bool:
    """Whether other rows would meet this error, too."""
    if not isinstance(error, OpenRouterError) or isinstance(error, OSError | ConfigurationError) or error.throttled:
        return True
    if isinstance(error, APIConnectionError):
        return not error.maybe_billed
    return error.status_code in _ABOUT_ALL_ROWS or (error.status_code == 404 and "model" not in request.params)


def receiver(store: Store, number: int) -> Callable[[OpenResponse], Arrived]:
    """Return a function that receives the audio of a row."""

    def receive(opened: OpenResponse) -> Arrived:
        stream = SpeechStream(opened)
        if _is_small(opened) and store.convert_to is None:
            content: bytes | Path = stream.read()
            stream.close()
        else:
            try:
                content = stream.save(store.incoming(number, store.convert_to or stream.audio_format))
            except FileWriteError as error:
                content = _rescued(error)
        info = _info(stream, None if isinstance(content, bytes) else store.convert_to)
        return Arrived(content, info, stream.generation_id, stream.from_cache)

    return receive


def receiver_async(store: Store, number: int) -> Callable[[OpenResponse], Awaitable[Arrived]]:
    """As `receiver`."""

    async def receive(opened: OpenResponse) -> Arrived:
        stream = AsyncSpeechStream(opened)
        if _is_small(opened) and store.convert_to is None:
            content: bytes | Path = await stream.read()
            await stream.close()
        else:
            try:
                content = await stream.save(store.incoming(number, store.convert_to or stream.audio_format))
            except FileWriteError as error:
                content = _rescued(error)
        info = _info(stream, None if isinstance(content, bytes) else store.convert_to)
        return Arrived(content, info, stream.generation_id, stream.from_cache)

    return receive


def _is_small(opened: OpenResponse) -> bool:
    length = opened.response.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= _SMALL


def _rescued(error: FileWriteError) -> bytes:
    """Return the audio that could not be written, to try it again with the space of the reserve."""
    if not error.audio:
        raise error
    return error.audio


def _info(stream: SpeechStream | AsyncSpeechStream, converted_to: str | None) -> AudioInfo:
    return AudioInfo(converted_to or stream.audio_format, stream.sample_rate, stream.channels)


def _boot() -> str:
    """Return what changes when the system starts; where nothing does, the time, so that files are always checked."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return str(time.time())
