"""The benchmark: verdicts, rows, and equal work for all clients. No speed is tested."""

import asyncio
import itertools
import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from attrs import asdict
from openrouter_speech.mock import MockServer

from benchmarks import processes, report, rows, throughput
from benchmarks.__main__ import main
from benchmarks.clients import CLIENTS
from benchmarks.comparison import Measurements, Spread, ratios, verdict
from benchmarks.processes import Process, clean_environment
from benchmarks.server import FIRST, FRAME, SHORT, Server

from .conftest import PROJECT, Make
from .contract.prism import PRISM

OURS, AIOHTTP, TUNED = "openrouter-speech", "openrouter-speech[aiohttp]", "bare httpx, tuned"
BOUNDS = {
    "import and construct, ready to call": ["at most 1.25 x"],
    "one sync call, 4 KiB response": ["at most 1.15 x"],
    "one async call": ["at most 1.15 x"],
    "50 async calls at once": ["at least 1 x", "at least 1 x", "at least 3 x", "at least 3 x"],
    "stream 256 MiB": ["at least 0.95 x", "at most 1.1 x", "at most 4 MiB", "at most 4 MiB"],
    "save_speech of 1 GiB": ["at least 0.8 x", "at most 4 MiB"],
    "retry decision": ["at most 5 us", "at most 5 us", "at most 5 us"],
    "openrouter-speech --help": ["at most 2 x"],
    "make generate, make check-generated": ["at most 5 s", "at most 5 s"],
    "wheel; installed with its dependencies": ["at most 300 KB", "at most 0.6 x"],
}


def around(middle: float, width: float = 0.0) -> list[float]:
    """Return twenty measurements, `width` apart from first to last."""
    return [middle + width * (step / 19 - 0.5) for step in range(20)]


@pytest.mark.parametrize(
    ("bound", "values", "expected"),
    [
        ("at most 1.15", around(1.10, 0.02), "met"),
        ("at most 1.15", around(1.15), "met"),
        ("at most 1.15", around(1.30, 0.02), "not met"),
        ("at most 1.15", around(1.14, 0.30), "noise"),
        ("at most 1.15", around(1.16, 0.30), "noise"),
        ("at most 1.15", [1.16], "not met"),
        ("at least 0.95", around(0.95), "met"),
        ("at least 0.95", around(0.90, 0.02), "not met"),
        ("at least 0.95", around(0.96, 0.30), "noise"),
    ],
)
def test_a_bound_within_the_spread_is_noise(bound: str, values: list[float], expected: str) -> None:
    assert verdict(bound, Spread.of(values)) == expected


@pytest.mark.parametrize(("count", "interval"), [(1, (1, 1)), (5, (1, 5)), (6, (1, 6)), (9, (2, 8)), (100, (40, 61))])
def test_the_medians_interval_is_that_of_the_sign_test(count: int, interval: tuple[int, int]) -> None:
    assert Spread.of(range(count, 0, -1)).interval == interval  # 95 %, from tables of order statistics


def test_outliers_and_a_slow_turn_change_nothing() -> None:
    assert Spread.of([*around(1.0)[1:], 900.0]) == Spread.of([*around(1.0)[1:], 1.0])
    load = [1.0, 7.0, 2.0, 30.0, 4.0, 1.5]
    assert Spread.of(ratios([1.1 * value for value in load], load)).interval == pytest.approx((1.1, 1.1))


def test_the_clients_take_turns_at_going_first() -> None:
    count, order, found = itertools.count(), list[str](), Measurements()
    found.take_turns("case", 3, "abc", lambda client: order.append(client) or next(count))  # type: ignore[func-returns-value]
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert found.values["case"] == {"a": [5, 7, 9], "b": [3, 8, 10], "c": [4, 6, 11]}  # the first turn does not count


def judge(case: str = "", changes: dict[str, list[float]] | None = None, missing: str = "") -> dict[str, Any]:
    """Judge measurements that meet all bounds, but for the changes to a case."""
    found = Measurements()
    for line in itertools.chain(*rows.ROWS.values()):
        found.values[line.case] = {client: around(line.scale) for client in CLIENTS}
    found.values["50 at once"][AIOHTTP] = found.values["50 kept going"][AIOHTTP] = around(4.0)
    found.values["installed"]["openrouter"] = around(2e6)
    found.busy["one call"] = {OURS: [0.11], "bare httpx": [0.2, 0.26]}
    found.values.get(case, {}).update(changes or {})
    if missing:
        del found.values[missing]
        found.take_turns(missing, 3, [OURS], lambda _: float(processes.run("false")))
    measured = {"commit": "0123456789abcdef", "changed": False, "date": "2026-01-01", "machine": "a machine"}
    return report.judge(found, {**measured, "load": 0.5, "server_limits": {"calls per second": 70_000}})


def verdicts(results: dict[str, Any]) -> dict[str, str]:
    return {row["what"]: row["verdict"] for row in results["rows"]}


def test_every_row_has_bounds_that_can_be_met() -> None:
    found = {row["what"]: [line["bound"] for line in row["lines"] if "bound" in line] for row in judge()["rows"]}
    assert found == BOUNDS
    assert verdicts(judge()) == dict.fromkeys(BOUNDS, "met")


@pytest.mark.parametrize(
    ("case", "client", "values", "row", "verdict"),
    [
        ("ready to call", OURS, around(0.0013), "import and construct, ready to call", "not met"),
        ("one call", OURS, around(1.16e-6), "one sync call, 4 KiB response", "not met"),
        ("one call", OURS, around(1.14e-6, 1e-6), "one sync call, 4 KiB response", "noise"),
        ("50 kept going", TUNED, around(1.1), "50 async calls at once", "not met"),
        ("50 at once", AIOHTTP, around(2.9), "50 async calls at once", "not met"),
        ("stream", OURS, around(0.94), "stream 256 MiB", "not met"),
        ("first audio", OURS, around(1.2e-6), "stream 256 MiB", "not met"),
        ("growth over 1 GiB", OURS, [1 << 20, 5 << 20, 6 << 20], "stream 256 MiB", "noise"),
        ("save", OURS, around(0.79), "save_speech of 1 GiB", "not met"),
        ("decision: no connection", OURS, around(6e-6), "retry decision", "not met"),
        ("make check-generated", OURS, [5.1], "make generate, make check-generated", "not met"),
        ("wheel", OURS, [300_001], "wheel; installed with its dependencies", "not met"),
        ("installed", OURS, around(1.3e6), "wheel; installed with its dependencies", "not met"),
    ],
)
def test_only_the_row_that_misses_a_bound_fails(case: str, client: str, values: Any, row: str, verdict: str) -> None:
    assert verdicts(judge(case, {client: values})) == {**dict.fromkeys(BOUNDS, "met"), row: verdict}


def test_a_failed_case_is_not_measured() -> None:
    results = judge(missing="--help")
    assert verdicts(results)["openrouter-speech --help"] == "not measured"
    assert re.search("not measured: it failed: .*false", report.text(results))
    assert verdicts(judge(missing="functions of a call")) == dict.fromkeys(BOUNDS, "met")  # it has no bound


def test_the_text_lists_rows_bounds_and_clients_and_marks_noise() -> None:
    text = report.text(judge("one call", {OURS: around(1.01e-6, 1e-7), "openai": around(2e-6)}))
    for row, bounds in BOUNDS.items():
        assert f"\n{row}: MET\n" in text
        assert all(f", {bound}: met\n" in text for bound in bounds)
    assert all(f"\n    {client} " in text for client in CLIENTS)
    assert re.search(r"openrouter-speech .*1\.010 x~", text)
    assert re.search(r"openai .*2\.000 x(?!~)", text)
    assert "busy at most 23% of the time (bare httpx)" in text
    assert "\n10 met: import and construct, ready to call; one sync call" in text


def test_the_mock_server_is_measured_also_without_prism(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(throughput, "CONNECTIONS", (1, 2))
    monkeypatch.setattr(throughput, "REQUESTS", 6)
    found = throughput.measure(quick=True)
    assert found["missing"] == {}
    for servers in found["requests_per_second"].values():
        assert list(servers) == ["mock server"]
        assert servers["mock server"]["median"] > 0
    mock_server = {"measured": {**judge()["measured"]}, **found}
    text = report.text({**judge(), "mock_server": mock_server})
    assert text.count("    mock server  ") == 4
    assert "Prism is left out: it needs Node.js" in text


def test_each_connection_sends_its_requests(server: MockServer) -> None:
    server.reset()
    assert throughput.rate(server.url, throughput.CASES["a documented error"], connections=3, requests=2) > 0
    assert [request.status for request in server.requests] == [429] * 6
    with pytest.raises(RuntimeError, match="404"):
        throughput.rate(server.url.removesuffix("/v1"), "", connections=1, requests=1)
    server.script(["cut"])
    with pytest.raises(OSError, match="closed"):
        throughput.rate(server.url, "", connections=1, requests=1)


def test_the_mock_server_alone_leaves_the_other_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, before = tmp_path / "results.json", judge()
    file.write_text(json.dumps(before))
    found = {"requests_per_second": {"speech": {"mock server": asdict(Spread.of([1.0]))}}, "missing": {"some": "why"}}
    found = json.loads(json.dumps(found))  # with lists for tuples
    monkeypatch.setattr(throughput, "measure", lambda quick: found)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--mock", "--folder", str(tmp_path)])
    main()
    after = json.loads(file.read_text())
    assert after.pop("mock_server")["requests_per_second"] == found["requests_per_second"]
    assert after == before


def test_a_bar_of_the_chart_is_as_long_as_the_time() -> None:
    svg = report.chart(judge("one call", {"openai": around(2e-6), "openrouter": around(4e-6)}))
    bars = [bar.attrib for bar in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")]
    widest = {bar["class"]: float(bar["width"]) for bar in sorted(bars, key=lambda bar: float(bar["width"]))}
    assert widest["openrouter"] == pytest.approx(2 * widest["openai"], rel=0.01)
    speed = report.chart(judge("stream", {"openai": around(0.25)}))
    assert "Streaming 256 MiB: openrouter-speech 1.00, openai 4.00, openrouter 1.00" in speed


def test_the_committed_results_come_from_a_full_run_of_pinned_versions() -> None:
    results = json.loads((PROJECT / "benchmarks" / "results.json").read_text())
    found = [[line["bound"] for line in row["lines"] if "bound" in line] for row in results["rows"]]
    assert found == list(BOUNDS.values())
    assert (PROJECT / "benchmarks" / "chart.svg").read_text() == report.chart(results)
    assert not results["measured"]["quick"]
    assert re.fullmatch("[0-9a-f]{40}", results["measured"]["commit"])
    assert not results["mock_server"]["measured"]["quick"]
    assert results["mock_server"]["prism"] == PRISM.package
    pins = (PROJECT / "constraints.txt").read_text().splitlines()
    for package in ("openrouter", "openai", "httpx", "attrs"):
        assert f"{package}=={results['measured']['versions'][package]}" in pins


@pytest.fixture(scope="module")
def bench_server() -> Iterator[Server]:
    with Server() as server, server.connect():
        yield server
    with pytest.raises(ConnectionRefusedError):
        server.connect()


@pytest.mark.parametrize(
    ("path", "length"), [(b"short", SHORT), (b"stream-2", 2 << 20), (b"mp3-2", 2 << 20), (b"first-0", FIRST)]
)
def test_the_server_sends_what_the_path_selects(bench_server: Server, path: bytes, length: int) -> None:
    def exchange(*pieces: bytes) -> bytes:
        with bench_server.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 20), b""))

    before, request = bench_server.busy(), (b"POST /%b/x HTTP/1.1\r\nConte" % path, b"nt-Length: 4\r\n\r\nbo", b"dy")
    assert exchange(*request[:2]) == b""
    head, _, body = exchange(*request).partition(b"\r\n\r\n")
    content_type = b"audio/mpeg" if path.startswith(b"mp3") else b"audio/pcm;rate=24000;channels=1"
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n" % (content_type, length))
    assert len(head) % 2  # so that chunks of the response end within a frame
    assert body == (FRAME * (length // 96 + 1) if path.startswith(b"mp3") else bytes(length))[:length]
    assert bench_server.busy() > before > 0


def test_the_mp3_that_is_streamed_is_audio(bench_server: Server) -> None:
    made: Any = CLIENTS["openrouter-speech"][0](bench_server.url("mp3-2"))
    assert sum(map(len, made.stream())) == 2 << 20
    made.sync.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_does_the_same_work(client: str, bench_server: Server, tmp_path: Path) -> None:
    if client in {"openai", "openrouter"}:
        pytest.importorskip(client, reason="`make interop` installs it")
    made: Any = CLIENTS[client][0](bench_server.url("stream-1"))
    whole, file = bytes(1 << 20), tmp_path / "saved.pcm"
    assert made.call() == whole
    assert b"".join(made.stream()) == whole
    made.save(file)
    assert file.read_bytes() == whole
    with asyncio.Runner() as runner:
        assert runner.run(made.call_async()) == whole
        runner.run(made.aclose())


def test_a_worker_measures(bench_server: Server) -> None:
    short, first, stream, long = map(bench_server.url, ("short", "first-0", "stream-1", "stream-32"))
    with Process(sys.executable, "worker", OURS) as worker:
        for line, least in {
            f"{short} seconds(client.call, 3)": 0,
            f"{short} seconds_async(client.call_async, 3)": 0,
            f"{short} rate(client.call_async, callers=5, rounds=2, calls=2)": 0,
            f"{first} first_audio(client.stream, 3)": 0,
            f"{stream} seconds(lambda: drain(client.stream()), 2)": 0,
            f"{stream} seconds(lambda: client.save(file), 1) * file.exists()": 0,
            f"{stream} 1 - file.exists()": 0,  # it is removed
            f"{short} functions(client.call)": 100,
            f"{short} allocated(client.call)": SHORT,
            f"{short} decision(503) + decision(None) + decision(429, {{'Retry-After': '2'}})": 0,
        }.items():
            assert worker.measure(line) > least
        if sys.platform == "linux":
            assert worker.measure(f"{long} growth(lambda: drain(client.stream()))") < 16 << 20
            assert worker.measure(f"{long} growth(client.call)") > 31 << 20  # it holds all of the audio


def test_a_failed_worker_stays_failed() -> None:
    with Process(sys.executable, "worker", "nobody") as worker:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="nobody"):
                worker.measure("http://127.0.0.1:1 seconds(client.call, 1)")


def test_environment_variables_do_not_affect_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "no_proxy", "OPENROUTER_API_KEY", "OPENAI_BASE_URL", "PYTHONPATH", "MAKEFLAGS"):
        monkeypatch.setenv(name, "x")
        assert name not in clean_environment()
    assert "PATH" in clean_environment()


def test_environments_are_rebuilt_if_the_wheel_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installs: dict[str, str] = {}

    def run(*command: str | Path) -> None:
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)
        else:
            installs[Path(command[0]).parts[-3]] = " ".join(map(str, command))

    def prepare(content: bytes) -> list[str]:
        installs.clear()
        wheel.write_bytes(content)
        processes.prepare_environments(tmp_path / "bench", wheel)
        return list(installs)

    monkeypatch.setattr(processes, "run", run)
    wheel = tmp_path / "ours.whl"
    assert prepare(b"one") == list(CLIENTS)
    constraint = f" --constraint {PROJECT / 'constraints.txt'} "
    assert installs[AIOHTTP].endswith(f"{constraint}openrouter-speech[aiohttp,cli] @ {wheel.as_uri()}")
    assert installs["openai"].endswith(f"{constraint}openai")
    assert prepare(b"one") == []
    assert prepare(b"two") == [OURS, AIOHTTP]


@pytest.mark.parametrize(("quick", "written"), [("", "-m benchmarks"), ("1", "-m benchmarks --quick --folder out")])
def test_only_a_full_make_bench_overwrites_the_results(make: Make, quick: str, written: str) -> None:
    assert make("--dry-run", "bench", f"QUICK={quick}").stdout.strip().endswith(written)
