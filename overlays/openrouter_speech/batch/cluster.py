"""Send the rows of a batch from the workers of a Dask cluster. Needs the extra `cluster`.

The driver keeps everything that decides: the scheduler, the ledger, the names of files. A worker is a Dask actor: it is
handed rows, sends each once, leaves the audio in the folder, and returns what came of it. So all of them share one
width, one rate and one wait after a 429, and Dask has nothing to run again.
"""

import asyncio
import os
import pickle
import re
import secrets
import sys
import tempfile
import warnings
from asyncio import Event, Future, Task
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve, field, frozen

from .._engine import extra
from .._version import __version__
from ..errors import APIConnectionError, ConfigurationError, OpenRouterError
from .remote import Remote
from .runner import check_conversion, receiver_async
from .store import Arrived, Store

if TYPE_CHECKING:
    from .runner import BatchJob, SendAsync

_ADDRESS = re.compile(r"local(:[1-9]\d*)?|(tcp|tls)://[^/\s]+:\d+")
_WAIT = 30.0
"""Seconds to wait for the first worker, for a worker to answer, and for another one if all are lost."""
_CONNECT = 10.0
"""Seconds to wait for the scheduler."""
_LOOK = 1.0
"""Seconds between looks at which workers there are."""
_RECENT = 64
"""Calls of a worker to remember: more than are under way at a time."""
_GATHERING = 0.001
"""Seconds for which a worker gathers what has ended, and the driver waits for new rows: an exchange takes a
millisecond of both, however many rows are in it."""

Row = tuple[int, str, Mapping[str, Any]]
"""The number, the id and the parameters of a row."""
Sending = Callable[[], "AbstractAsyncContextManager[SendAsync]"]
"""Makes what sends rows, in a worker. It can be pickled, and holds no API key."""


@frozen
class Cluster:
    """A cluster to send from."""

    address: str
    """"local", "local:4" for as many processes, or the address of a scheduler."""
    sending: Sending
    key: str = field(repr=False)
    """The API key, for processes of our own. It goes nowhere else."""

    @property
    def processes(self) -> int | None:
        """How many processes of our own to start; None if the cluster is there."""
        kind, _, count = self.address.partition(":")
        return None if kind != "local" else int(count or os.cpu_count() or 1)


def check_address(address: object) -> str:
    """Check where a cluster is.

    Raises:
        TypeError, ValueError: It is no such place.
    """
    if not isinstance(address, str):
        raise TypeError(f"cluster must be a str, not {type(address).__name__}")
    if not _ADDRESS.fullmatch(address):
        raise ValueError(
            'cluster must be "local", "local:4" for 4 processes, or the address of a Dask scheduler such as '
            f'"tcp://10.0.0.5:8786", not {address!r}'
        )
    return address


# In a worker


@frozen
class Plan:
    """What a worker has to know."""

    version: str
    python: str
    sending: Sending
    folder: Path
    mark: str
    """What the driver has written into the folder."""
    name: str
    rows: int
    upload: str | None
    convert_to: str | None
    is_local: bool


class RowWorker:
    """Sends rows. Dask creates it in a worker, whose event loop runs the methods.

    If the driver is killed, Dask lets go of it, and Python frees what it has, once no row is in flight.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._resources = AsyncExitStack()
        self._turn = 0
        self._turns = deque[int](maxlen=_RECENT)
        self._news = Event()
        self._ended: list[tuple[int, bytes]] = []
        self._tasks = set[Task[None]]()
        self._sees_folder = False

    async def open(self) -> None:
        """Get ready.

        Raises:
            ConfigurationError: Something is missing here; the message says what.
        """
        import signal  # noqa: PLC0415  (here and below: only a worker needs it)

        plan, here = self._plan, python()
        if (plan.version, plan.python) != (__version__, here):
            raise ConfigurationError(
                f"it has openrouter-speech {__version__} and Python {here}, and this process has {plan.version} and "
                f"{plan.python}: install the same on both"
            )
        if plan.is_local:  # Ctrl-C reaches all processes of a terminal, and the driver decides
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        check_conversion(plan.convert_to)
        self._store = self._opened_store()
        self._send = await self._resources.enter_async_context(plan.sending())

    def _opened_store(self) -> Store:
        plan = self._plan
        remote = None if plan.upload is None else Remote(plan.upload)
        folder = plan.folder
        self._sees_folder = _has_mark(folder, plan.mark)
        if not self._sees_folder:
            if remote is None:
                raise ConfigurationError(
                    f"it does not see the folder {folder}: put it where all machines see it under this path, or "
                    "upload the audio (upload=...)"
                )
            folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="openrouter-speech-")))
        store = Store(folder, plan.name, plan.rows, remote, plan.convert_to)
        store.incoming(0, "").parent.mkdir(parents=True, exist_ok=True)
        return store

    async def work(self, turn: int, rows: list[Row]) -> list[tuple[int, bytes]]:
        """Begin to send rows, wait until any has ended, and return the outcomes so far, pickled.

        A newer call ends the wait at once, so that rows need not wait. Calls may overtake each other.

        Raises:
            RuntimeError: The call was made before.
        """
        if turn in self._turns or turn <= self._turn - _RECENT:  # should Dask repeat a call, nothing is sent twice
            raise RuntimeError("a call was repeated")
        self._turns.append(turn)
        for row in rows:
            task = asyncio.ensure_future(self._work(*row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if turn > self._turn:
            self._turn = turn
            self._news.set()
            news = self._news = Event()
            if not self._ended:
                await news.wait()
        if turn == self._turn:
            await asyncio.sleep(_GATHERING)
        ended, self._ended = self._ended, []
        return ended

    async def close(self) -> None:
        """Abandon what is in flight, and free everything."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._resources.aclose()

    async def _work(self, number: int, name: str, params: Mapping[str, Any]) -> None:
        try:
            outcome: Arrived | Exception = await self._arrived(number, name, params)
        except Exception as error:  # noqa: BLE001  (the driver knows what becomes of it)
            outcome = error
        self._ended.append((number, pickled(outcome)))
        self._news.set()

    async def _arrived(self, number: int, name: str, params: Mapping[str, Any]) -> Arrived:
        store = self._store
        arrived = await self._send(params, receiver_async(store, number))
        uploads = store.remote is not None
        form = arrived.info.format
        place = store.place(number, name, form) if uploads else store.waiting(number, form)
        put = partial(store.put_once, number, place, arrived)
        try:
            facts = put() if isinstance(arrived.content, bytes) and not uploads else await asyncio.to_thread(put)
        except OSError:  # the driver has reserves, and reports what fails there, too
            content = arrived.content
            return arrived if isinstance(content, bytes) else evolve(arrived, content=content.read_bytes())
        if not self._sees_folder:
            store.is_recorded(number)
        return evolve(arrived, content=b"", facts=facts)


def python() -> str:
    """Return the version of Python, as far as pickles depend on it."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def pickled(outcome: Arrived | Exception) -> bytes:
    """Pickle an outcome. An error that cannot be pickled becomes one with its message."""
    try:
        content = pickle.dumps(outcome)
        if isinstance(outcome, Exception):
            pickle.loads(content)  # noqa: S301  (our own)
    except Exception:  # noqa: BLE001  (whatever a foreign class raises)
        return pickle.dumps(RuntimeError(f"{type(outcome).__name__}: {outcome}"))
    return content


def _has_mark(folder: Path, mark: str) -> bool:
    try:
        return _mark(folder).read_text() == mark
    except OSError:
        return False


def _mark(folder: Path) -> Path:
    return folder / ".batch" / "cluster"


# In the driver


@asynccontextmanager
async def opened(cluster: Cluster, job: "BatchJob", rows: int) -> AsyncIterator["WorkerPool"]:
    """Start or find a cluster, and yield its workers.

    Args:
        cluster: The cluster.
        job: The batch.
        rows: How many rows it has.

    Raises:
        ConfigurationError: The extra is not installed, or a worker lacks something.
        APIConnectionError: There is no scheduler, or no worker. Nothing was sent.
    """
    with extra.needed("A cluster", "cluster"):
        import cryptography  # noqa: F401, PLC0415  (for certificates)
        import distributed  # noqa: F401, PLC0415  (it takes half a second)
    folder = job.folder.absolute()
    plan = Plan(
        version=__version__,
        python=python(),
        sending=cluster.sending,
        folder=folder,
        mark=secrets.token_hex(),
        name=job.settings["name"],
        rows=rows,
        upload=job.settings["upload"],
        convert_to=job.convert_to,
        is_local=cluster.processes is not None,
    )
    mark = _mark(folder)
    mark.write_text(plan.mark)
    try:
        connecting = _connected(cluster.address) if cluster.processes is None else _started(cluster)
        async with connecting as client, WorkerPool(client, cluster.address, plan) as pool:
            yield pool
    finally:
        mark.unlink(missing_ok=True)


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Any]:
    from distributed import Client  # noqa: PLC0415

    client = Client(address, asynchronous=True, set_as_default=False, timeout=_CONNECT)
    try:
        async with asyncio.timeout(_CONNECT):  # another kind of server may accept, and never answer
            await client
    except Exception as error:  # depending on what answers
        with suppress(Exception):
            await client.close()
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _unavailable(f"No Dask scheduler answers at {address} ({reason})") from error
    async with client:
        yield client


@asynccontextmanager
async def _started(cluster: Cluster) -> AsyncIterator[Any]:
    """Start a scheduler, and processes that end with this one."""
    import dask.config  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    variables = {"PYTHONHASHSEED", "__DASK_PARENT_PID"} - os.environ.keys()  # Dask sets them
    folder = tempfile.TemporaryDirectory(prefix="openrouter-speech-")
    settings = {
        "temporary-directory": folder.name,
        "distributed.nanny.pre-spawn-environ": {},
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.worker.profile.enabled": False,
    }
    try:
        with folder, dask.config.set(settings):
            local = LocalCluster(
                n_workers=cluster.processes,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                security=True,  # certificates of its own: other users of the machine cannot connect
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # or it takes 8787, of all interfaces
                memory_limit=None,
                env={"OPENROUTER_API_KEY": cluster.key},
                silence_logs="CRITICAL",
                asynchronous=True,
            )
            try:
                await local
            except RuntimeError as error:
                await local.close()
                raise ConfigurationError(
                    f"The processes of the cluster do not start ({error}). They read the script that made the call: it "
                    'has to make it under `if __name__ == "__main__":`'
                ) from error
            async with local, Client(local, asynchronous=True, set_as_default=False, direct_to_workers=True) as client:
                yield client
    finally:
        for name in variables:
            os.environ.pop(name, None)


class WorkerPool:
    """The workers, as the driver sees them. Rows go to the one with the fewest."""

    def __init__(self, client: Any, address: str, plan: Plan) -> None:
        """Set up the pool.

        Args:
            client: A Dask client of this event loop.
            address: What the caller named.
            plan: What the workers have to know.
        """
        self._client = client
        self._address = address
        self._plan = plan
        self._workers = dict[str, _Worker]()
        self._known = set[str]()
        """Addresses of workers that were tried."""
        self._has_some = Event()
        self._look_now = Event()
        self._watching: Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Wait for workers."""
        try:
            async with asyncio.timeout(_WAIT):
                while not (found := await self._client.nthreads()):
                    await self._pause()
        except TimeoutError:
            raise _unavailable(
                f"The cluster {self._address} has no worker after {_WAIT:.0f} s: start one, such as "
                f"`dask worker {self._address}`"
            ) from None
        await asyncio.gather(*map(self._attach, found))
        self._watching = asyncio.ensure_future(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the workers go."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await asyncio.gather(*(worker.close() for worker in self._workers.values()))

    async def send(self, number: int, name: str, params: Mapping[str, Any]) -> Arrived:
        """Send the request of a row.

        Raises:
            APIConnectionError: The worker was lost; the request may have been sent. Or there is no worker.
        """
        if not self._workers:
            try:
                async with asyncio.timeout(_WAIT):
                    await self._has_some.wait()
            except TimeoutError:
                raise _unavailable(f"The cluster {self._address} has no worker left after {_WAIT:.0f} s") from None
        worker = min(self._workers.values(), key=lambda worker: len(worker.rows))
        return await worker.send(number, name, params)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._look_now.wait()
        self._look_now.clear()

    async def _watch(self) -> None:
        """Notice workers that come and go."""
        while True:
            await self._pause()
            try:
                found = set(await self._client.nthreads())
            except Exception as error:  # noqa: BLE001  (the scheduler is gone, and Dask has many for this)
                found = set()
                reason = str(error)
            else:
                reason = "it left the cluster"
            for address in self._workers.keys() - found:
                self._workers[address].lose(reason)
            self._known &= found  # one that comes back is another process
            for address in found - self._known:
                try:
                    await self._attach(address)
                except OpenRouterError as error:
                    warnings.warn(str(error), UserWarning, stacklevel=1)

    async def _attach(self, address: str) -> None:
        self._known.add(address)
        try:
            async with asyncio.timeout(_WAIT):
                with self._client.as_current():  # where actors look for it
                    actor = await self._client.submit(
                        RowWorker,
                        self._plan,
                        key=f"openrouter-speech-{secrets.token_hex(8)}",
                        actor=True,
                        workers=[address],
                        allow_other_workers=False,
                        retries=0,
                    )
                    await actor.open()
        except TimeoutError:
            raise _unavailable(f"The worker {address} does not answer within {_WAIT:.0f} s: is it busy?") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"The worker {address} cannot be used: {error}") from error
        except Exception as error:  # an old version of this package, for example
            raise ConfigurationError(
                f"The worker {address} cannot be used ({type(error).__name__}: {error}): install the same "
                "openrouter-speech and the same extras there"
            ) from error
        self._workers[address] = _Worker(self._client, actor, address, self._forget)
        self._has_some.set()

    def _forget(self, address: str) -> None:
        del self._workers[address]
        if not self._workers:
            self._has_some.clear()
        self._look_now.set()


class _Worker:
    """A worker, as the driver sees it.

    Rows are handed over together, and so are outcomes. At least one call waits in the worker while it has rows.
    """

    def __init__(self, client: Any, actor: Any, address: str, forget: Callable[[str], None]) -> None:
        self.rows = dict[int, Future[Arrived]]()
        """The rows that it has."""
        self._client = client
        self._actor = actor
        self._address = address
        self._forget = forget
        self._new: list[Row] = []
        self._turn = 0
        self._calls = set[Task[None]]()
        self._next: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_lost = False

    async def send(self, number: int, name: str, params: Mapping[str, Any]) -> Arrived:
        """Send the request of a row."""
        loop = asyncio.get_running_loop()
        future: Future[Arrived] = loop.create_future()
        self.rows[number] = future
        if not self._new:
            self._plan(loop.call_soon(self._call))
        self._new.append((number, name, params))
        return await future

    def lose(self, reason: str) -> None:
        """Give the worker up: nobody knows what became of its rows."""
        if self._is_lost:
            return
        self._is_lost = True
        self._plan(None)
        self._forget(self._address)
        error = APIConnectionError(
            f"The worker {self._address} was lost while it had this row ({reason}). The request may have been sent.",
            maybe_billed=True,
        )
        for future in self.rows.values():
            if not future.done():
                future.set_exception(error)
        for call in self._calls:
            call.cancel()

    async def close(self) -> None:
        """Abandon what is in flight, and free what the worker has."""
        self._plan(None)
        with suppress(Exception):  # it may be gone
            async with asyncio.timeout(_CONNECT):
                with self._client.as_current():
                    await self._actor.close()
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    def _plan(self, handle: "asyncio.Handle | None") -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = handle

    def _call(self) -> None:
        rows, self._new = self._new, []
        self._turn += 1
        call = asyncio.ensure_future(self._exchange(self._turn, rows))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _exchange(self, turn: int, rows: list[Row]) -> None:
        try:
            with self._client.as_current():
                ended = await self._actor.work(turn, rows)
        except Exception as error:  # noqa: BLE001  (Dask has many for this)
            self.lose(" ".join(str(error).split()) or type(error).__name__)
            return
        for number, content in ended:
            future = self.rows.pop(number)
            if future.done():  # cancelled
                continue
            outcome: Any = pickle.loads(content)  # noqa: S301  (from a worker of ours)
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if self.rows and not self._new and turn == self._turn:
            self._plan(asyncio.get_running_loop().call_later(_GATHERING, self._call))


def _unavailable(message: str) -> APIConnectionError:
    error = APIConnectionError(f"{message}. Nothing is lost: the same call goes on.")
    error.retryable = False
    return error
