"""`openrouter-speech batch`: many texts to a file each, and what became of them."""

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from openrouter_speech import BatchProgress
from openrouter_speech.cli.batch import Teller
from openrouter_speech.cli.progress import Watcher
from openrouter_speech.mock import MockServer

from ..wire_server import Connection, WireServer, http
from .conftest import Run, Terminal

Start = Callable[..., Terminal]
SOUND = bytes(range(200)) * 20


@pytest.fixture(autouse=True)
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"id": f"r{number}", "input": f"Text {number}."}) + "\n" for number in range(3)))
    return path


def test_a_second_run_requests_nothing(run: Run, server: MockServer, tmp_path: Path) -> None:
    outcome = run("batch", "rows.jsonl", "-o", "out")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("out: 3 of 3 rows are done, 3 of them now (")
    assert outcome.stdout.endswith("; out/metadata.jsonl\n")
    assert (tmp_path / "out" / "audio" / "r2.wav").exists()
    again = run("batch", "run", "rows.jsonl", "-o", "out")
    assert again.stdout == "out: 3 of 3 rows are done, 0 of them now (0.00 s); out/metadata.jsonl\n"
    assert len(server.requests) == 3


def test_rows_may_come_from_a_pipe_and_bring_the_model(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENROUTER_SPEECH_MODEL")
    row = b'{"input": "Hello", "model": "own/model"}\n'
    assert run("batch", "-", "-o", "out", "--name", "{number}", "--format", "mp3", stdin=row).code == 0
    assert server.requests[0].json["model"] == "own/model"
    assert Path("out/audio/1.mp3").exists()
    outcome = run("batch", "-", "-o", "other", stdin=b'{"input": "Hello"}\n')
    assert outcome.stderr.splitlines()[0] == "Line 1 has no model: give it in the row, or for all rows"


def test_what_failed_is_shown_and_retried_on_request(run: Run, server: MockServer) -> None:
    server.script(["ok", 400, "close"])
    outcome = run("batch", "rows.jsonl", "-o", "out", "--concurrency", "1", "--convert-to", "ogg")
    assert outcome.code == 1
    assert "1 of 3 rows are done, 1 of them now" in outcome.stdout
    assert "1 failed, 1 may have been billed" in outcome.stdout
    assert outcome.stderr == "Hint: openrouter-speech batch retry out --failed\n"
    shown = run("batch", "status", "out")
    assert shown.code == 0
    first, failed, billed = shown.stdout.splitlines()
    assert first == "out: 1 of 3 rows are done, 1 failed, 1 may have been billed"
    assert failed.startswith("  r1: failed: 400: ")
    assert billed.startswith("  r2: maybe billed: No response from ")
    described = json.loads(run("batch", "status", "out", "--json").stdout)
    assert (described["rows"], described["failed"], described["without_audio"][0]["id"]) == (3, 1, "r1")
    assert run("batch", "retry", "out", "--failed").code == 1
    assert len(server.requests) == 4
    assert run("batch", "retry", "out", "--retry-maybe-billed").code == 0
    assert len(server.requests) == 5
    assert {request.json["model"] for request in server.requests} == {"any/model"}
    assert sorted(path.name for path in Path("out/audio").iterdir()) == ["r0.ogg", "r1.ogg", "r2.ogg"]


def test_events_are_json_on_request(run: Run, server: MockServer) -> None:
    server.script([400])
    outcome = run("batch", "rows.jsonl", "-o", "out", "--json", "--concurrency", "1")
    *events, end = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [(event["event"], event["id"], event["state"]) for event in events] == [
        ("row", "r0", "failed"), ("row", "r1", "done"), ("row", "r2", "done")
    ]  # fmt: skip
    assert events[1]["file"] == "out/audio/r1.wav"
    assert (end["event"], end["done"], end["failed"]) == ("end", 2, 1)


def test_costs_are_limited_and_told(run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("batch", "rows.jsonl", "-o", "out", "--concurrency", "1")
    refused = run(*command, "--max-cost", "1")
    assert (refused.code, refused.stderr.partition(":")[2].partition("\n")[0]) == (
        2, " --max-cost cannot be kept: what any/model costs is not known before it is paid. Leave it out"
    )  # fmt: skip
    monkeypatch.setenv("OPENROUTER_SPEECH_MODEL", "hexgrad/kokoro-82m")
    monkeypatch.setenv("OPENROUTER_SPEECH_VOICE", "af_sky")
    command = ("batch", "rows.jsonl", "-o", "costs", "--concurrency", "1")
    stopped = run(*command, "--max-cost", "0.0001")
    assert (stopped.code, stopped.stderr) == (
        1, "Hint: 1 row left: the same command with a higher --max-cost goes on\n"
    )  # fmt: skip
    assert "2 of 3 rows are done, 2 of them now (" in stopped.stdout
    assert "), 1 left, $0.0001 at most; costs/metadata.jsonl" in stopped.stdout
    looked_up = run("batch", "retry", "costs", "--max-cost", "0", "--cost")  # sends nothing
    assert ", 1 left, $0.0000112; costs" in looked_up.stdout
    assert run(*command, "--max-cost", "0.0001").code == 0  # by now, what was paid counts
    assert run("batch", "status", "costs").stdout == (
        "costs: 3 of 3 rows are done, $0.0000112 (the cost of 1 row is not known)\n"
    )
    described = json.loads(run("batch", "status", "costs", "--json").stdout)
    assert (described["cost"], described["unpriced"]) == ("0.0000112", 1)
    end = json.loads(run(*command, "--cost", "--json").stdout)
    assert (end["cost"], end["unpriced"], end["estimate"], end["left"]) == ("0.0000168", 0, "0.0000168", 0)
    assert len([request for request in server.requests if request.method == "POST"]) == 3


def test_the_metadata_is_exported_in_any_format(run: Run, tmp_path: Path) -> None:
    run("batch", "rows.jsonl", "-o", "out", "--metadata", "csv")
    assert [path.name for path in (tmp_path / "out").glob("metadata*")] == ["metadata.csv"]
    assert run("batch", "export", "out").stdout == "out/metadata.jsonl\n"
    assert [path.name for path in (tmp_path / "out").glob("metadata*")] == ["metadata.jsonl"]
    assert run("batch", "export", "out", "-o", "all.parquet").code == 0
    assert (tmp_path / "all.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jsonl", "-o", "out"], "The rows cannot be read: there is no such file: missing.jsonl"),
        ([], "Missing argument 'INPUT'"),
        (["rows.jsonl"], "Missing option '--output'"),
        (["rows.jsonl", "-o", "out", "--upload", "nowhere://x"], "--upload must be a URL such as s3://bucket/folder"),
        (["rows.jsonl", "-o", "out", "--concurrency", "0"], "--concurrency"),
        (["rows.jsonl", "-o", "out", "--rate", "0"], "'--rate'"),
        (["rows.jsonl", "-o", "out", "--shard", "4/3"], "--shard must be a part of the rows"),
        (["rows.jsonl", "-o", "out", "--name", "x"], "--name must have {id} or {number}"),
        (["rows.jsonl", "-o", "out", "--cluster", "x"], '--cluster must be "local", "local:4" for 4 processes, or'),
        (["rows.jsonl", "-o", "out", "--convert-to", "aac"], "'aac' is not one of 'flac', 'mp3', 'ogg', 'opus', 'wav'"),
        (["status", "out"], "out has no batch"),
        (["retry", "out"], "out has no batch"),
        (["export", "out"], "out has no batch"),
    ],
)
def test_wrong_usage_sends_nothing_and_writes_nothing(
    run: Run, server: MockServer, tmp_path: Path, arguments: list[str], words: str
) -> None:
    outcome = run("batch", *arguments)
    assert words in outcome.stderr.splitlines()[0]
    assert outcome.code == 2
    assert not server.requests
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_wrong_rows_are_listed_and_skipped_on_request(run: Run, server: MockServer, rows: Path) -> None:
    rows.write_text(rows.read_text() + '{"input": ""}\n{"text": "a"}\n')
    outcome = run("batch", "rows.jsonl", "-o", "out")
    assert outcome.code == 2
    assert outcome.stderr.splitlines() == [
        "Line 4 input is empty: give at least one character",
        "Line 5 has the unknown column 'text'; did you mean 'input'?",
        "Error: rows.jsonl has 2 wrong rows",
        "Hint: correct them, or go on without them: --skip-invalid",
    ]
    assert not server.requests
    outcome = run("batch", "rows.jsonl", "-o", "out", "--skip-invalid")
    assert outcome.code == 0
    assert "3 of 3 rows are done" in outcome.stdout
    assert "2 wrong ones skipped" in outcome.stdout


def test_the_bar_shows_rows_and_the_rate(terminal: Start) -> None:
    command = terminal("batch", "rows.jsonl", "-o", "out")
    seen = command.seen()
    assert "3 of 3 rows" in seen
    assert "of audio" in seen
    assert command.code == 0


@pytest.mark.parametrize("cluster", [[], ["--cluster", "local:1"]], ids=["here", "cluster"])
def test_ctrl_c_waits_for_what_is_in_flight(terminal: Start, tmp_path: Path, cluster: list[str]) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer(connection: Connection) -> object:
        arrived.set()
        assert go_on.wait(10)
        return http(body=SOUND)(connection)

    with WireServer(answer) as wire:
        options = ["--concurrency", "1", "--server-url", wire.url, *cluster]
        command = terminal("batch", "rows.jsonl", "-o", "out", *options)
        assert arrived.wait(10)
        command.process.sendintr()
        command.process.expect("waiting for 1 in flight")
        go_on.set()
        seen = command.seen()
    assert "Interrupted." in seen
    assert "run the same command again to go on" in seen
    assert command.code == 130
    assert [path.name for path in (tmp_path / "out" / "audio").iterdir()] == ["r0.wav"]


def test_a_line_appears_every_half_minute_without_a_terminal() -> None:
    said: list[str] = []
    clock = iter([0, 1, 29, 31, 40, 62, 92, 122, 152])
    tell = Teller(Watcher(), lambda _, words: said.append(words), lambda: float(next(clock)))
    tell(BatchProgress(rows=5000, reading=True))
    tell(BatchProgress(rows=9000))
    tell(BatchProgress(rows=9000, done=300, new_done=300, new_audio_seconds=600))
    tell(BatchProgress(rows=9000, done=400, new_done=400, new_audio_seconds=700))
    tell(BatchProgress(rows=9000, done=1200, failed=5, maybe_billed=1, new_done=660, waiting_seconds=4.4))
    done = BatchProgress(rows=9, done=9, cost=Decimal("1E-7"), unpriced=2, estimate=Decimal("1.23456"))
    tell(done)
    tell(evolve(done, estimate=None))
    tell(evolve(done, looking_up=True))
    assert said == [
        "300 of 9,000 rows, 150.0 rows/s, 10:00 of audio, 58 s left",
        (
            "1,200 of 9,000 rows, 20.0 rows/s, 0.00 s of audio, 5 failed, 1 maybe billed, "
            "throttled: next request in 4 s, 6:29 left"
        ),
        "9 of 9 rows, 0.00 s of audio, $1.2346 at most",
        "9 of 9 rows, 0.00 s of audio, $0.0000001 (the cost of 2 rows is not known)",
        "waiting until the service knows what 2 rows cost",
    ]
