"""`tts.batch(cluster=...)`: the same batches, sent from the workers of a Dask cluster."""

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import dask.config
import httpx
import psutil
import pytest
import soundfile
from distributed import Client, LocalCluster
from openrouter_speech import OpenRouter, __version__, errors
from openrouter_speech.batch import cluster as clusters
from openrouter_speech.batch import runner
from openrouter_speech.batch.cluster import Plan, RowWorker
from openrouter_speech.mock import MockServer

from ..conftest import KEY, inputs
from ..wire_server import Connection, WireServer, http, silence
from .conftest import ROWS, SETTINGS, Run, jsonl, metadata, query, states

TEXTS = [row["input"] for row in ROWS]
SOUND = bytes(range(200)) * 20
LOCAL: dict[str, Any] = {
    "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1, "memory_limit": None,
    "silence_logs": "CRITICAL",
}  # fmt: skip

ONE_WAY = pytest.mark.parametrize("connect", ["sync"], indirect=True)
"""For what does not depend on the way of calling."""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files of the cluster."""
    return tmp_path_factory.mktemp("dask")


@pytest.fixture(scope="module")
def cluster(scratch: Path) -> Iterator[LocalCluster]:
    """A cluster of one process, as an operator would start it."""
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
        environment = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_SPEECH_CACHE_DIR": str(scratch), "TMPDIR": str(scratch)}
        with LocalCluster(n_workers=1, env=environment, local_directory=str(scratch), **LOCAL) as running:
            yield running


@pytest.fixture
def address(cluster: LocalCluster) -> str:
    return str(cluster.scheduler_address)


def test_a_cluster_does_what_one_process_does(batch: Run, server: MockServer, address: str, tmp_path: Path) -> None:
    server.script([503, 400, "close", "cut", "ok", "ok"])
    result = batch(cluster=address)
    assert (result.done, result.failed, result.maybe_billed) == (3, 1, 2)
    assert states(tmp_path / "out") == {
        "row-0": "done", "row-1": "failed", "row-2": "maybe_billed", "row-3": "maybe_billed", "row-4": "done",
        "row-5": "done",
    }  # fmt: skip
    assert (tmp_path / "out" / ".batch" / "incomplete" / "4.bin").stat().st_size > 0
    for row in metadata(tmp_path / "out"):
        assert (tmp_path / "out" / row["file_name"]).stat().st_size > 1000
        assert row["duration"] > 0
    assert sorted(path.name for path in (tmp_path / "out" / ".batch").iterdir()) == [
        "incoming",
        "incomplete",
        "ledger.sqlite",
    ]


@ONE_WAY
def test_converted_and_large_audio_is_measured_and_put_in_place(
    batch: Run, server: MockServer, address: str, tmp_path: Path
) -> None:
    rows = [{"id": "a", "input": "One."}, {"id": "b", "input": "Two.", "response_format": "mp3"}]
    assert batch(rows, tmp_path / "here", convert_to="flac").done == 2
    assert batch(rows, tmp_path / "there", convert_to="flac", cluster=address).done == 2
    here, there = metadata(tmp_path / "here"), metadata(tmp_path / "there")
    assert [row["file_name"] for row in there] == ["audio/a.flac", "audio/b.flac"]
    for one, other in zip(here, there, strict=True):
        assert {**one, "generation_id": ""} == {**other, "generation_id": ""}
        assert soundfile.info(tmp_path / "there" / other["file_name"]).duration == other["duration"]


@ONE_WAY
def test_a_worker_that_is_killed_leaves_its_rows_maybe_billed_and_the_next_one_goes_on(
    cluster: LocalCluster, batch: Run, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_MOST_IN_A_ROW", 2)  # the rows of one worker count as one
    monkeypatch.setattr(clusters, "_LOOK", 0.1)
    ((_, nanny),) = cluster.workers.items()

    def kill() -> None:
        wire.wait_for_request(3)
        psutil.Process(nanny.process.pid).kill()

    with WireServer(silence, silence, silence, http(body=SOUND)) as wire:
        killing = threading.Thread(target=kill)
        killing.start()
        result = batch(client={"server_url": wire.url}, cluster=address, concurrency=3)
        killing.join()
        assert (result.done, result.maybe_billed) == (3, 3)
        errors_ = {error for (error,) in query(tmp_path / "out", "SELECT error FROM rows WHERE state = 'maybe_billed'")}
        (error,) = errors_
        assert error.startswith("The worker tcp://127.0.0.1:")
        assert error.endswith("The request may have been sent.")
        assert batch(client={"server_url": wire.url}, cluster=address).new_done == 0
        assert len(wire.requests) == 6


DRIVER = f"""
import sys
from openrouter_speech import OpenRouter

folder, url, rows, cluster = sys.argv[1:]
with OpenRouter("own-key", server_url=url) as open_router:
    open_router.tts.batch(rows, folder, concurrency=2, cluster=cluster, **{SETTINGS})
"""


@contextmanager
def driving(out: Path, wire: WireServer, rows: Path, cluster: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a batch in a process of its own, and kill it after the block."""
    command: list[str | Path] = [sys.executable, "-c", DRIVER, out, wire.url, rows, cluster]
    environment = os.environ | {"TMPDIR": str(rows.parent)}  # a killed one leaves its temporary files
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as driver:
        yield driver
        driver.kill()


def test_a_driver_that_is_killed_takes_its_processes_along_and_the_same_call_goes_on(tmp_path: Path) -> None:
    rows, out = jsonl(tmp_path / "rows.jsonl"), tmp_path / "out"
    with WireServer(http(body=SOUND), silence, silence, http(body=SOUND)) as wire:
        with driving(out, wire, rows, "local:1") as driver:
            wire.wait_for_request(3)
            processes = psutil.Process(driver.pid).children(recursive=True)
        assert len(processes) >= 1
        assert not psutil.wait_procs(processes, timeout=30)[1]
        assert wire.requests[0].header("authorization") == "Bearer own-key"
        with OpenRouter(KEY, server_url=wire.url) as open_router:
            result = open_router.tts.batch(rows, out, concurrency=1, **SETTINGS)
        assert (result.done, result.maybe_billed, result.new_done) == (4, 2, 3)
        assert len(wire.requests) == 6
    assert sorted(states(out).values()) == ["done"] * 4 + ["maybe_billed"] * 2


def test_a_worker_goes_on_after_the_driver_was_killed_and_frees_everything(tmp_path: Path, address: str) -> None:
    """What arrives then is found by the next run, even if the one before that has given it up."""
    rows, out, arrived = jsonl(tmp_path / "rows.jsonl", ROWS[:2]), tmp_path / "out", threading.Event()

    def late(connection: Connection) -> object:
        connection.wait_for(arrived)
        return http(body=SOUND)(connection)

    with WireServer(late) as wire, OpenRouter(KEY, server_url=wire.url) as open_router:
        with driving(out, wire, rows, address):
            wire.wait_for_request(2)
        result = open_router.tts.batch(rows, out, **SETTINGS)
        assert (result.done, result.maybe_billed) == (0, 2)
        arrived.set()
        wire.wait_until_closed()
        result = open_router.tts.batch(rows, out, **SETTINGS)
        assert (result.done, result.maybe_billed, len(wire.requests)) == (2, 0, 2)
        assert wire.requests[0].header("authorization") == f"Bearer {KEY}"


@ONE_WAY
def test_without_the_folder_a_worker_uploads_what_it_gets(
    batch: Run, server: MockServer, address: str, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_mark", lambda folder: folder / ".batch" / "elsewhere")
    with pytest.raises(
        errors.ConfigurationError, match=r"does not see the folder .*: put it where all machines see it"
    ):
        batch(cluster=address)
    assert not server.requests
    upload = f"file://{tmp_path}/store"
    left: list[Path] = []
    in_worker = "openrouter-speech-*/.batch/incoming/*"
    options = {"upload": upload, "on_row": lambda _: left.extend(scratch.glob(in_worker))}
    assert batch(folder=tmp_path / "uploaded", cluster=address, **options).done == 6
    assert not left
    assert len(list((tmp_path / "store" / "audio").iterdir())) == 6
    assert not list((tmp_path / "uploaded" / ".batch" / "incoming").iterdir())


@ONE_WAY
def test_a_worker_without_a_key_or_with_another_version_is_refused(
    cluster: LocalCluster, batch: Run, server: MockServer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(cluster, set_as_default=False) as client:
        client.run(exec, "import os; del os.environ['OPENROUTER_API_KEY']")
        with pytest.raises(errors.ConfigurationError, match=r"The worker tcp://.* cannot be used: No API key: set the"):
            batch(cluster=address)
        client.run(exec, f"import os; os.environ['OPENROUTER_API_KEY'] = {KEY!r}")
    monkeypatch.setattr(clusters, "__version__", "0.0.1")
    with pytest.raises(errors.ConfigurationError, match=r"cannot be used: it has openrouter-speech .*0\.0\.1"):
        batch(cluster=address)
    assert not server.requests


@ONE_WAY
def test_a_cluster_without_workers_or_without_a_scheduler_is_an_error(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_WAIT", 0.05)
    monkeypatch.setattr(clusters, "_CONNECT", 0.3)
    with LocalCluster(n_workers=0, **LOCAL) as empty:
        with pytest.raises(errors.APIConnectionError, match="has no worker after 0 s: start one, such as `dask worker"):
            batch(cluster=str(empty.scheduler_address))
    for url in (server.url, "http://127.0.0.1:1"):
        host = httpx.URL(url).netloc.decode()
        with pytest.raises(errors.APIConnectionError, match=f"No Dask scheduler answers at tcp://{host}"):
            batch(cluster=f"tcp://{host}")
    assert set(states(tmp_path / "out").values()) == {"new"}
    assert not server.requests


@ONE_WAY
@pytest.mark.parametrize(
    ("options", "client", "words"),
    [
        ({"cluster": 3}, {}, "cluster must be a str, not int"),
        ({"cluster": "local:0"}, {}, 'cluster must be "local", "local:4"'),
        ({"cluster": "10.0.0.5:8786"}, {}, "cluster must be .*not '10.0.0.5:8786'"),
        ({"convert_to": "aac"}, {}, "convert_to must be one of flac, mp3, ogg, opus, wav, not 'aac'"),
        ({"cluster": "local"}, {"api_key": lambda: KEY}, "cannot call the function given as api_key"),
        ({"cluster": "local"}, {"client": "own"}, "cannot use the httpx client that you passed"),
        (
            {"cluster": "tcp://127.0.0.1:1", "http_headers": {"authorization": "x"}},
            {},
            "http_headers has Authorization",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(
    batch: Run, tmp_path: Path, options: dict[str, Any], client: dict[str, Any], words: str
) -> None:
    with httpx.Client() as own, pytest.raises((TypeError, ValueError), match=words):
        batch(client=client if "client" not in client else {"client": own}, **options)
    assert not (tmp_path / "out").exists()


@ONE_WAY
def test_a_script_that_starts_itself_again_is_told_so(
    batch: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(_: object) -> None:
        raise RuntimeError("the process ended")

    monkeypatch.setattr("distributed.nanny.Nanny.instantiate", start)
    with pytest.raises(errors.ConfigurationError, match=r"do not start .*: it has to make it under `if __name__"):
        batch(cluster="local:1")
    assert not server.requests


@ONE_WAY
def test_the_extra_is_named_if_it_is_missing(batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(errors.ConfigurationError, match=r"A cluster needs the package distributed: .*\[cluster\]"):
        batch(cluster="local:1")


def response(status: int, content: bytes, content_type: str) -> httpx.Response:
    headers = {"content-type": content_type, "x-generation-id": "gen-1", "retry-after": "7"}
    return httpx.Response(status, headers=headers, content=content, request=httpx.Request("POST", "http://a"))


@pytest.mark.parametrize(
    "error",
    [
        *(errors.from_response(response(status, b'{"error": {"message": "No", "code": 1}}', "application/json"))
          for status in (400, 402, 429, 500, 504)),
        errors.TruncatedAudioError("cut", response(200, b"abc", "audio/pcm"), audio=b"abc"),
        errors.APITimeoutError("late", maybe_billed=True),
        errors.FileWriteError("full", cause=OSError(28, "No space"), audio=b"abc"),
    ],
    ids=lambda error: f"{type(error).__name__}",
)  # fmt: skip
def test_an_error_is_the_same_after_its_way_to_the_driver(error: errors.OpenRouterError) -> None:
    error.add_note("a note")
    copy = pickle.loads(clusters.pickled(error))
    assert type(copy) is type(error)
    for name in ("message", "status_code", "headers", "body", "generation_id", "retry_after", "throttled",
                 "maybe_billed", "audio", "errno", "__notes__"):  # fmt: skip
        assert getattr(copy, name, None) == getattr(error, name, None), name


class Odd(Exception):
    """It becomes a pickle that cannot be read."""

    def __reduce__(self) -> Any:
        return int, ("words",)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError(lambda: None), "ValueError: <function"),
        (Odd("words"), "Odd: words"),
    ],
)  # fmt: skip
def test_an_error_that_cannot_be_pickled_or_unpickled_arrives_in_words(error: Exception, words: str) -> None:
    assert str(pickle.loads(clusters.pickled(error))).startswith(words)


def test_a_call_that_is_repeated_sends_nothing() -> None:
    sent: list[str] = []

    @asynccontextmanager
    async def sending() -> AsyncIterator[Any]:
        async def send(params: dict[str, str], receive: object) -> Any:
            sent.append(params["input"])
            raise ValueError("no audio")

        yield send

    async def twice(folder: Path) -> None:
        (folder / ".batch").mkdir()
        (folder / ".batch" / "cluster").write_text("mark")
        about: dict[str, Any] = {
            "version": __version__,
            "python": clusters.python(),
            "name": "{id}",
            "rows": 1,
            "upload": None,
        }
        worker = RowWorker(Plan(sending=sending, folder=folder, mark="mark", convert_to=None, is_local=False, **about))
        await worker.open()
        assert len(await worker.work(1, [(1, "a", {"input": "a"})])) == 1
        with pytest.raises(RuntimeError, match="a call was repeated"):
            await worker.work(1, [(1, "a", {"input": "a"})])
        await worker.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(twice(Path(folder)))
    assert sent == ["a"]


@ONE_WAY
def test_processes_of_our_own_leave_nothing_behind_and_show_no_key(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    variables, children = dict(os.environ), set(psutil.Process().children(recursive=True))
    listening = set[str]()

    def look(_: object) -> None:
        for process in set(psutil.Process().children(recursive=True)) - children | {psutil.Process()}:
            listening.update(
                open_.laddr.ip for open_ in process.net_connections() if open_.status == psutil.CONN_LISTEN
            )

    begin, addresses = clusters.WorkerPool.__init__, list[str]()

    def recorded(self: clusters.WorkerPool, client: Client, *arguments: Any) -> None:
        addresses.append(client.scheduler.address)
        begin(self, client, *arguments)

    monkeypatch.setattr(clusters.WorkerPool, "__init__", recorded)
    assert batch(cluster="local:1", convert_to="ogg", on_row=look).done == 6
    assert listening == {"127.0.0.1"}
    assert addresses[0].startswith("tls://127.0.0.1:")  # other users of the machine have no certificate
    assert sorted(inputs(server)) == TEXTS
    assert os.environ == variables
    started = set(psutil.Process().children(recursive=True)) - children
    assert not [process for process in started if "resource_tracker" not in " ".join(process.cmdline())]
    assert not list(temporary.iterdir())
    assert KEY not in caplog.text
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
