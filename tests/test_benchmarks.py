"""The benchmark harness: it judges fairly, leaves no row out, and its clients do the same work. No speed is tested."""

import asyncio
import itertools
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import chart, environments, report, rows
from benchmarks.calls import ENVIRONMENTS
from benchmarks.clients import make as make_client
from benchmarks.comparison import Bound, Spread, ratios
from benchmarks.processes import Server, Worker, clean_environment
from benchmarks.server import FIRST, SHORT
from benchmarks.turns import Measurements, in_turns

from .conftest import PROJECT, Make

AT_MOST, AT_LEAST = Bound(1.15), Bound(0.95, at_least=True)
CLIENTS = list(ENVIRONMENTS)
PACKAGES = {"openai_package": "openai", "openrouter_package": "openrouter"}


def around(middle: float, width: float = 0.0) -> list[float]:
    """Twenty measurements, the first and the last `width` apart."""
    return [middle + width * (step / 19 - 0.5) for step in range(20)]


@pytest.mark.parametrize(
    ("bound", "values", "verdict"),
    [
        (AT_MOST, around(1.10, 0.02), "met"),
        (AT_MOST, around(1.15), "met"),
        (AT_MOST, around(1.30, 0.02), "not met"),
        (AT_MOST, around(1.14, 0.30), "noise"),
        (AT_MOST, around(1.16, 0.30), "noise"),
        (AT_LEAST, around(1.00, 0.02), "met"),
        (AT_LEAST, around(0.95), "met"),
        (AT_LEAST, around(0.90, 0.02), "not met"),
        (AT_LEAST, around(0.96, 0.30), "noise"),
        (AT_MOST, [1.16], "not met"),
    ],
)
def test_a_verdict_is_given_only_where_noise_cannot_have_made_it(
    bound: Bound, values: list[float], verdict: str
) -> None:
    assert bound.verdict(Spread.of(values)) == verdict


@pytest.mark.parametrize(("count", "interval"), [(5, (1, 5)), (6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (100, (40, 61))])
def test_the_interval_of_a_median_is_that_of_the_sign_test(count: int, interval: tuple[int, int]) -> None:
    """As tables of order statistics give it, for 95 %; too few measurements leave nothing out."""
    assert Spread.of(range(count, 0, -1)).interval == interval


def test_one_stray_measurement_changes_nothing() -> None:
    assert Spread.of([*around(1.0)[1:], 900.0]) == Spread.of([*around(1.0)[1:], 1.0])


def test_what_befalls_both_of_a_pair_cancels_out() -> None:
    weather = [1.0, 7.0, 2.0, 30.0, 4.0, 1.5]
    spread = Spread.of(ratios([1.1 * value for value in weather], weather))
    assert spread.interval == pytest.approx((1.1, 1.1))


ORDER = {
    "import and construct, ready to call": ["at most 1.25 x"],
    "one sync call, 4 KiB answer": ["at most 1.15 x"],
    "one async call": ["at most 1.15 x"],
    "50 async calls at once": ["at least 1 x", "at least 1 x", "at least 3 x", "at least 3 x"],
    "stream 256 MiB": ["at least 0.95 x", "at most 1.1 x", "at most 4 MiB", "at most 4 MiB"],
    "save_speech of 1 GiB": ["at least 0.8 x", "at most 4 MiB"],
    "retry decision": ["at most 5 us", "at most 5 us", "at most 5 us"],
    "openrouter-speech --help": ["at most 2 x"],
    "make generate, make check-generated": ["at most 5 s", "at most 5 s"],
    "wheel; installed with its dependencies": ["at most 300 KB", "at most 0.6 x"],
}
"""What has to be reached."""


def bounds(results: dict[str, Any]) -> dict[str, list[str]]:
    return {row["what"]: [line["bound"] for line in row["lines"] if "bound" in line] for row in results["rows"]}


def made_up(**changes: dict[str, list[float]]) -> Measurements:
    """Measurements that meet everything, but for the changes."""
    measurements = Measurements()
    for line in (line for row in rows.ROWS for line in row.lines):
        for client in CLIENTS:
            measurements.values[line.case][client] = around(1.0 * line.scale)
    for case in ("50 at once", "50 kept going"):
        measurements.values[case]["ours_aiohttp"] = around(4.0)
    measurements.values["installed"]["openrouter_package"] = around(2e6)
    measurements.busy["one call"] = {"ours": 0.11, "bare_httpx": 0.23}
    for case, values in changes.items():
        measurements.values[case.replace("_", " ")] |= values
    return measurements


MEASURED: dict[str, Any] = {
    "commit": "0123456789abcdef",
    "changed": False,
    "date": "2026-01-01",
    "machine": "a machine",
    "load": 0.5,
    "server_limits": {"calls per second": 70_000},
}


def document(measurements: Measurements) -> dict[str, Any]:
    content = json.dumps(report.document(rows.judged(measurements), MEASURED, measurements))
    results: dict[str, Any] = json.loads(content)
    return results


def verdicts(measurements: Measurements) -> dict[str, str]:
    return {row["what"]: row["verdict"] for row in document(measurements)["rows"]}


def test_every_row_has_its_bounds() -> None:
    assert bounds(document(made_up())) == ORDER


def test_what_meets_everything_is_met() -> None:
    assert verdicts(made_up()) == dict.fromkeys(ORDER, "met")


@pytest.mark.parametrize(
    ("case", "values", "row", "verdict"),
    [
        ("ready_to_call", {"ours": around(0.0013)}, "import and construct, ready to call", "not met"),
        ("one_call", {"ours": around(1.16e-6)}, "one sync call, 4 KiB answer", "not met"),
        ("one_call", {"ours": around(1.14e-6, 1e-6)}, "one sync call, 4 KiB answer", "noise"),
        ("one_awaited_call", {"ours": around(1.16e-6)}, "one async call", "not met"),
        ("50_at_once", {"ours": around(0.9)}, "50 async calls at once", "not met"),
        ("50_kept_going", {"tuned_httpx": around(1.1)}, "50 async calls at once", "not met"),
        ("50_at_once", {"ours_aiohttp": around(2.9)}, "50 async calls at once", "not met"),
        ("stream", {"ours": around(0.94)}, "stream 256 MiB", "not met"),
        ("first_audio", {"ours": around(1.2e-6)}, "stream 256 MiB", "not met"),
        ("growth_over_1_GiB", {"ours": [1 << 20, 5 << 20, 6 << 20]}, "stream 256 MiB", "noise"),
        ("growth_over_a_file_of_1_GiB", {"ours": [5 << 20]}, "save_speech of 1 GiB", "not met"),
        ("save", {"ours": around(0.79)}, "save_speech of 1 GiB", "not met"),
        ("decision:_no_connection", {"ours": around(6e-6)}, "retry decision", "not met"),
        ("--help", {"ours": around(0.0021)}, "openrouter-speech --help", "not met"),
        ("make_check-generated", {"ours": [5.1]}, "make generate, make check-generated", "not met"),
        ("wheel", {"ours": [300_001]}, "wheel; installed with its dependencies", "not met"),
        ("installed", {"ours": [1.3e6] * 20}, "wheel; installed with its dependencies", "not met"),
    ],
)
def test_a_row_that_misses_its_bound_says_so(case: str, values: dict[str, list[float]], row: str, verdict: str) -> None:
    """That row, and no other."""
    assert verdicts(made_up(**{case: values})) == {**dict.fromkeys(ORDER, "met"), row: verdict}


def test_a_row_that_was_not_measured_says_why() -> None:
    measurements = made_up()
    del measurements.values["--help"]
    measurements.missing["--help"] = "it does not run yet"
    assert verdicts(measurements)["openrouter-speech --help"] == "not measured"
    assert "not measured: it does not run yet" in report.text(rows.judged(measurements), MEASURED, measurements)


def test_what_is_told_without_a_bound_spoils_no_row() -> None:
    measurements = made_up()
    for case in ("instructions of a call", "functions of a call", "to the first answer"):
        del measurements.values[case]
    assert verdicts(measurements) == dict.fromkeys(ORDER, "met")


def test_the_text_names_each_row_each_bound_and_each_client() -> None:
    measurements = made_up(one_call={"ours": around(1e-6, 1e-7), "openai_package": around(2e-6)})
    text = report.text(rows.judged(measurements), MEASURED, measurements)
    for row, its_bounds in ORDER.items():
        assert f"\n{row}: MET\n" in text
        assert all(f", {bound}: met\n" in text for bound in its_bounds)
    assert all(name in text for name in report.NAMES.values())
    assert "busy 23% of the time at most (bare httpx)" in text


def test_a_ratio_that_may_be_noise_is_marked() -> None:
    measurements = made_up(one_call={"ours": around(1.01e-6, 1e-7), "openai_package": around(2e-6)})
    (lines,) = (row["lines"] for row in document(measurements)["rows"] if row["what"].startswith("one sync call"))
    clients = lines[0]["clients"]
    assert {name: figures.get("may_be_noise") for name, figures in clients.items()} == {
        "openrouter-speech": True,
        "bare httpx": None,
        "openai": False,
        "openrouter": True,
    }
    text = report.text(rows.judged(measurements), MEASURED, measurements)
    assert re.search(r"openrouter-speech .*1\.010 x~", text)
    assert re.search(r"openai .*2\.000 x(?!~)", text)


def test_each_client_has_its_turns_and_another_is_first_each_time() -> None:
    had: list[str] = []
    values = itertools.count()

    def turn(name: str) -> Callable[[], float]:
        def action() -> float:
            had.append(name)
            return next(values)

        return action

    measurements = Measurements()
    in_turns(measurements, "case", 3, {name: turn(name) for name in "abc"}, busy=lambda: 0.0)
    assert "".join(had) == "abc" + "bca" + "cab" + "abc"
    assert measurements.values["case"] == {"a": [5, 7, 9], "b": [3, 8, 10], "c": [4, 6, 11]}  # the first does not count
    assert measurements.busy["case"] == {"a": 0, "b": 0, "c": 0}


SVG = "{http://www.w3.org/2000/svg}"


def widths(svg: str, colour: str) -> list[float]:
    return [float(bar.attrib["width"]) for bar in ElementTree.fromstring(svg).iter(f"{SVG}rect")
            if bar.attrib["class"] == colour]  # fmt: skip


def test_the_chart_draws_what_takes_longer_longer() -> None:
    slow = {"openai_package": around(2e-6), "openrouter_package": around(4e-6)}
    svg = chart.drawn(document(made_up(one_call=slow)))
    assert max(widths(svg, "openrouter")) == pytest.approx(2 * max(widths(svg, "openai")), rel=0.01)
    assert "prefers-color-scheme: dark" in svg


def test_the_chart_turns_a_speed_into_a_time() -> None:
    svg = chart.drawn(document(made_up(stream={"openai_package": around(0.25)})))
    assert "Streaming 256 MiB: openrouter-speech 1.00, openai 4.00, openrouter 1.00" in svg


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROJECT / "benchmarks" / "results.json").read_text())
    return content


def test_the_results_have_every_row(committed: dict[str, Any]) -> None:
    assert bounds(committed) == ORDER
    assert not committed["measured"]["quick"]


def test_the_results_say_of_what_they_are(committed: dict[str, Any]) -> None:
    """A commit, and the versions that everything else is built with."""
    measured = committed["measured"]
    assert re.fullmatch("[0-9a-f]{40}", measured["commit"])
    pinned = dict(line.split("==") for line in (PROJECT / "constraints.txt").read_text().splitlines() if "==" in line)
    for package in ("openrouter", "openai", "httpx", "attrs"):
        assert measured["versions"][package] == pinned[package]


def test_the_chart_is_that_of_the_results(committed: dict[str, Any]) -> None:
    svg = (PROJECT / "benchmarks" / "chart.svg").read_text()
    assert svg == chart.drawn(committed)
    for client in chart.BARS:
        assert f">{client}<" in svg


@pytest.fixture(scope="module")
def bench_server() -> Iterator[Server]:
    with Server() as server:
        yield server


def asked(server: Server, answer: str, *pieces: bytes) -> bytes:
    """What comes back for a request that is sent in these pieces; `/stats` asks for no more than its own answer."""
    head, body = b"POST /%s/api/v1/audio/speech HTTP/1.1\r\ncontent-length: 4\r\n\r\n" % answer.encode(), b"body"
    with server.connect() as connection:
        for piece in pieces or (head + body,):
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 20), b""))


@pytest.mark.parametrize(
    ("answer", "length"), [("short", SHORT), ("stream-2", 2 << 20), ("mp3-2", 2 << 20), ("first-0", FIRST)]
)
def test_the_server_answers_what_it_should(bench_server: Server, answer: str, length: int) -> None:
    head, _, body = asked(bench_server, answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    content_type = b"audio/mpeg" if answer.startswith("mp3") else b"audio/pcm;rate=24000;channels=1"
    assert b"Content-Type: %b\r\n" % content_type in head
    assert f"Content-Length: {length}\r\n".encode() in head
    assert body == bytes(length)


def test_the_server_waits_for_the_whole_request(bench_server: Server) -> None:
    pieces = [b"POST /short/x HTTP/1.1\r\nConte", b"nt-Length: 4\r\n\r\nbo", b"dy"]
    assert len(asked(bench_server, "short", *pieces)) == len(asked(bench_server, "short"))
    assert asked(bench_server, "short", *pieces[:2]) == b""


def test_the_server_tells_how_long_it_has_worked(bench_server: Server) -> None:
    before = bench_server.busy()
    asked(bench_server, "stream-64")
    assert bench_server.busy() > before > 0


def test_the_server_ends_with_the_one_who_started_it() -> None:
    with Server() as server:
        connection = server.connect()
    assert server._process.returncode == 0
    connection.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_does_the_same_work(client: str, bench_server: Server, tmp_path: Path) -> None:
    if client in PACKAGES:
        pytest.importorskip(PACKAGES[client], reason="`make interop` installs it")
    made = make_client(client, bench_server.url("stream-1"))
    whole, file = bytes(1 << 20), tmp_path / "saved.pcm"
    assert made.call() == whole
    assert b"".join(made.stream()) == whole
    made.save(file)
    assert file.read_bytes() == whole

    async def awaited() -> bytes:
        try:
            return await made.call_async()
        finally:
            await made.aclose()

    assert asyncio.run(awaited()) == whole


def test_a_worker_measures_what_it_is_asked_for(bench_server: Server, tmp_path: Path) -> None:
    short, stream = bench_server.url("short"), bench_server.url("stream-1")
    with Worker(Path(sys.executable), "ours") as worker:
        assert all(len(worker.ask(command, url=short, count=3)) == 3 for command in ("call", "call_async"))
        assert len(worker.ask("first_piece", url=bench_server.url("first-0"), count=3)) == 3
        assert all(worker.ask(many, url=short, callers=5, times=2) > 0 for many in ("at_once", "kept_going"))
        assert all(seconds > 0 for seconds in worker.ask("stream", url=stream, count=2))
        assert worker.ask("save", url=stream, path=str(tmp_path / "saved.pcm")) > 0
        assert list(tmp_path.iterdir()) == []
        counts = worker.ask("counts", url=short)
        assert counts["functions"] > 100
        assert counts["bytes"] > SHORT
        assert len(worker.ask("decision", count=1)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how high memory rose")
def test_a_worker_sees_memory_grow(bench_server: Server) -> None:
    """A client that holds all of the audio, as one of them may some day."""
    holding = """
from benchmarks.clients import __main__ as worker, bare_httpx
class Client(bare_httpx.Client):
    def stream(self):
        return iter([self.call()])
bare_httpx.Client = Client
worker.main()
"""
    command = json.dumps(
        {"do": "stream_growth", "short": bench_server.url("stream-1"), "long": bench_server.url("stream-32")}
    )
    for script, grows in ((holding, True), ("from benchmarks.clients.__main__ import main; main()", False)):
        result = subprocess.run(
            [sys.executable, "-c", script, "bare_httpx"],
            input=command, capture_output=True, text=True, check=True, cwd=PROJECT, env=clean_environment(),
        )  # fmt: skip
        assert (float(result.stdout) > 32 << 20) == grows


def test_a_worker_that_fails_ends_the_run() -> None:
    with Worker(Path(sys.executable), "nobody") as worker, pytest.raises(RuntimeError, match="nobody"):
        worker.ask("call", url="http://127.0.0.1:1", count=1)


def test_no_variable_changes_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "no_proxy", "OPENROUTER_API_KEY", "OPENAI_BASE_URL", "PYTHONPATH", "MAKEFLAGS"):
        monkeypatch.setenv(name, "x")
        assert name not in clean_environment()
    assert "PATH" in clean_environment()


def test_an_environment_is_made_once_and_again_when_the_wheel_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> None:
        commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            Path(command[3]).mkdir(parents=True)

    monkeypatch.setattr(environments, "_run", run)
    wheel = tmp_path / "ours.whl"
    wheel.write_bytes(b"one")
    made = environments.prepare(tmp_path / "bench", wheel)
    assert set(made) == set(ENVIRONMENTS.values())
    installs = {Path(command[0]).parts[-3]: command[-1] for command in commands if "install" in command}
    assert installs["ours-extras"] == f"openrouter-speech[aiohttp,cli] @ {wheel.as_uri()}"
    assert installs["openai"] == "openai"
    assert all(str(environments.CONSTRAINTS) in command for command in commands if "install" in command)
    commands.clear()
    environments.prepare(tmp_path / "bench", wheel)
    assert commands == []
    wheel.write_bytes(b"two")
    environments.prepare(tmp_path / "bench", wheel)
    assert {Path(command[0]).parts[-3] for command in commands if "install" in command} == {"ours", "ours-extras"}


@pytest.mark.parametrize(("quick", "written"), [("", "-m benchmarks"), ("1", "-m benchmarks --quick --folder out")])
def test_make_bench_writes_the_results_only_in_a_full_run(make: Make, quick: str, written: str) -> None:
    assert make("--dry-run", "bench", f"QUICK={quick}").stdout.strip().endswith(written)
