"""`tts.batch` and `tts.batch_async`: many texts, whatever happens on the way."""

import asyncio
import errno
import hashlib
import inspect
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import soundfile
from openrouter_speech import Batch, BatchProgress, BatchRow, OpenRouter, _files, errors
from openrouter_speech._core import wav as wav_format
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig
from openrouter_speech._engine import lock
from openrouter_speech.batch import ledger, recorder, runner
from openrouter_speech.batch.recorder import Recorder
from openrouter_speech.batch.store import Store
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import TTS

from ..conftest import KEY, Connect, inputs
from .conftest import ROWS, SETTINGS, Run, jsonl, metadata, query, states

TEXTS = [row["input"] for row in ROWS]
TWICE = RetryConfig("backoff", BackoffStrategy(1, 1, 1, 1000, 0), True, max_retries=10, retry_maybe_billed=True)


def test_each_row_becomes_a_file_that_the_metadata_describes(batch: Run, server: MockServer, tmp_path: Path) -> None:
    out, last = tmp_path / "out", {"id": "Grüße/7", "input": "A fast one.", "speed": 2, "response_format": "mp3"}
    result = batch([*ROWS, last], name="{number:03}-{id}")
    assert (result.rows, result.done, result.new_done) == (7, 7, 7)
    assert inputs(server) == [*TEXTS, "A fast one."]
    assert [request.json["speed"] for request in server.requests] == [4] * 6 + [2]
    described = metadata(out)
    assert [row["text"] for row in described] == inputs(server)
    assert described[0]["file_name"] == "audio/001-row-0.wav"
    assert described[6]["file_name"].startswith("audio/007-Grüße_7-")
    assert described[6]["file_name"].endswith(".mp3")
    for row, request in zip(described, server.requests, strict=True):
        content = (out / row["file_name"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["attempts"] == 1
        assert row["generation_id"].startswith("gen-")
        assert request.status == 200
    for row in described[:6]:
        info = soundfile.info(out / row["file_name"])
        assert (info.samplerate, info.duration) == (row["sample_rate"], row["duration"])
    assert result.new_audio_seconds == pytest.approx(sum(row["duration"] for row in described))
    assert result.metadata == out / "metadata.jsonl"
    visible = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert visible == {"audio", "metadata.jsonl"}  # all that AudioFolder sees


def test_a_row_is_sent_as_a_call_of_its_own_would_be(connect: Connect, tmp_path: Path) -> None:
    """What rows have in common is prepared once, and nothing of one row is left in the next."""
    shared: dict[str, Any] = {
        "model": SETTINGS["model"], "voice": "alloy", "extra_body": {"x_new": [1]}, "http_referer": "https://app.example"
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"input": "Own speed and voice.", "speed": 2, "voice": "nova"},
        {"input": "Nothing of its own: ü 😀."},
        {"input": "Another format.", "response_format": "mp3"},
        {"input": "Another model.", "model": "openai/gpt-4o-mini-tts-2025-12-15", "instructions": "Warmly."},
        {"input": "The first model again.", "provider": {"options": {"openai": {"instructions": "Softly."}}}},
    ]
    sent: list[tuple[Any, dict[str, str]]] = []
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        keys.append(headers.pop("authorization"))
        sent.append((json.loads(request.content), headers))
        return httpx.Response(200, headers={"content-type": "audio/pcm;rate=16000"}, content=SOUND)

    transport, numbers = httpx.MockTransport(answer), itertools.count()
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    caller = connect(lambda: f"sk-or-v1-{next(numbers)}", check_models=False, **clients)
    caller.call("batch", rows, tmp_path / "out", concurrency=1, **shared)
    for row in rows:
        caller.create(**{"response_format": "pcm", **shared, **row})
    assert sent[:5] == sent[5:]
    assert len(set(keys)) == 10  # the key is asked for each time


SOUND = bytes(range(200)) * 20


def answering(content_type: str = "audio/pcm;rate=16000", content: bytes = SOUND, *, failing: bool = False) -> Any:
    """Return the arguments of a client that gets this response, with its length, to each request.

    With `failing`, the first is throttled, and the second refused.
    """
    statuses = iter([429, 400] if failing else [])

    def answer(_: httpx.Request) -> httpx.Response:
        if status := next(statuses, None):
            return httpx.Response(status, headers={"retry-after": "5"})
        return httpx.Response(200, headers={"content-type": content_type}, content=content)

    transport = httpx.MockTransport(answer)
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


def wav(size: int, sound: bytes) -> bytes:
    """Return a WAV file whose header says this size."""
    return wav_format.header(size, 16_000, 1) + sound


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("audio/pcm;rate=16000", SOUND),
        ("audio/wav", wav(len(SOUND), SOUND)),
        ("audio/wav", wav(0x7FFFFFFF, SOUND)),  # a placeholder, which is filled in
    ],
)
def test_audio_is_the_same_in_memory_and_in_pieces(
    batch: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content_type: str, content: bytes
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    assert batch(ROWS[:1], small, client=answering(content_type, content)).done == 1
    monkeypatch.setattr(runner, "_SMALL", 0)
    assert batch(ROWS[:1], large, client=answering(content_type, content)).done == 1
    (row,) = metadata(small)
    assert metadata(large) == [row]
    assert (small / row["file_name"]).read_bytes() == wav(len(SOUND), SOUND)
    assert (row["duration"], row["sample_rate"]) == (0.125, 16_000)
    assert not list((large / ".batch" / "incoming").iterdir())


def test_audio_is_converted_on_request(batch: Run, tmp_path: Path) -> None:
    rows = [{"id": "a", "input": "One."}, {"id": "b", "input": "Two.", "response_format": "mp3"}]
    assert batch(rows, convert_to="flac").done == 2
    for row in metadata(tmp_path / "out"):
        assert row["file_name"].endswith(".flac")
        info = soundfile.info(tmp_path / "out" / row["file_name"])
        assert (info.format, info.duration, info.samplerate) == ("FLAC", row["duration"], row["sample_rate"])
    with pytest.raises(errors.ConfigurationError, match="its convert_to is 'flac', not 'ogg'"):
        batch(rows, convert_to="ogg")


def test_the_same_call_asks_for_nothing_again(batch: Run, server: MockServer, tmp_path: Path) -> None:
    rows = jsonl(tmp_path / "rows.jsonl")
    batch(rows)
    before = (tmp_path / "out" / "metadata.jsonl").stat().st_mtime_ns
    result = batch(rows)
    assert (result.done, result.new_done, len(server.requests)) == (6, 0, 6)
    assert (tmp_path / "out" / "metadata.jsonl").stat().st_mtime_ns == before


def test_failures_are_retried_recorded_or_left_as_the_error_says(
    batch: Run, server: MockServer, tmp_path: Path
) -> None:
    ended: list[BatchRow] = []
    server.script([503, 400, "close", "cut", "ok", "ok"])
    result = batch(concurrency=1, on_row=ended.append)
    assert (result.done, result.failed, result.maybe_billed) == (3, 1, 2)
    assert states(tmp_path / "out") == {
        "row-0": "done", "row-1": "failed", "row-2": "maybe_billed", "row-3": "maybe_billed", "row-4": "done",
        "row-5": "done",
    }  # fmt: skip
    assert {row.id: (row.state, row.attempts) for row in ended}["row-0"] == ("done", 2)
    assert {row.id: row.attempts for row in ended}["row-2"] == 1
    kept = tmp_path / "out" / ".batch" / "incomplete" / "4.bin"
    assert kept.stat().st_size > 0  # half of the audio may have been paid for
    (error,) = query(tmp_path / "out", "SELECT error FROM rows WHERE id = 'row-3'")[0]
    assert str(kept) in error

    again = batch()
    assert (again.new_done, again.failed, again.maybe_billed) == (0, 1, 2)
    assert len(server.requests) == 7
    assert batch(retry_failed=True).new_done == 1
    assert batch(None, retries=TWICE).new_done == 2
    assert len(server.requests) == 10
    assert sorted(set(inputs(server))) == TEXTS
    assert {row["id"]: row["attempts"] for row in metadata(tmp_path / "out")} == {
        "row-0": 2, "row-1": 2, "row-2": 2, "row-3": 2, "row-4": 1, "row-5": 1,
    }  # fmt: skip


@pytest.mark.parametrize("fault", [401, 402, 404])
def test_what_all_rows_would_meet_ends_the_batch_and_leaves_them_new(
    batch: Run, server: MockServer, tmp_path: Path, fault: int
) -> None:
    server.script(["ok", fault])
    with pytest.raises(errors.APIStatusError) as raised:
        batch()
    assert raised.value.__notes__ == ["1 of 6 rows are done; the same call goes on from there."]
    assert list(states(tmp_path / "out").values()) == ["done", *["new"] * 5]
    assert batch().done == 6
    assert len(server.requests) == 7


def test_a_wrong_model_of_one_row_is_its_own_failure(batch: Run, server: MockServer) -> None:
    server.script([404])
    result = batch([{"input": "a", "model": "no/model"}, "b"])
    assert (result.done, result.failed) == (1, 1)


def test_a_lost_network_ends_the_batch(batch: Run, tmp_path: Path) -> None:
    with pytest.raises(errors.APIConnectionError):
        batch(client={"server_url": "http://127.0.0.1:1/api/v1"}, retries=None)
    assert set(states(tmp_path / "out").values()) == {"new"}


def test_too_many_failures_in_a_row_end_the_batch(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_MOST_IN_A_ROW", 2)
    server.script([400, "ok", 400, 400])
    with pytest.raises(errors.BadRequestResponseError):
        batch()
    assert list(states(tmp_path / "out").values()) == ["failed", "done", "failed", "failed", "new", "new"]


def test_a_request_is_on_disk_as_sent_before_it_leaves(batch: Run, tmp_path: Path) -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(states(tmp_path / "out")[f"row-{len(seen)}"])
        return httpx.Response(200, headers={"content-type": "audio/pcm"}, content=bytes(range(200)))

    transport = httpx.MockTransport(answer)
    batch(client={"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)})
    assert seen == ["sent"] * 6


def test_a_row_that_waits_for_its_retry_is_new_on_disk(batch: Run, server: MockServer, tmp_path: Path) -> None:
    """So that a kill meanwhile does not count it as perhaps billed."""
    seen: list[dict[str, str]] = []
    server.script([503])
    batch(ROWS[:2], on_row=lambda _: seen.append(states(tmp_path / "out")))
    assert seen[0]["row-0"] == "new"


KILLED = """
import os, sys
from openrouter_speech import OpenRouter
from openrouter_speech.batch import {module} as module

folder, url, rows = sys.argv[1:]
original = module.{name}


def ending(*arguments, **named):
    ending.calls += 1
    if ending.calls == {call} and {before}:
        os._exit(9)
    result = original(*arguments, **named)
    if ending.calls == {call}:
        os._exit(9)
    return result


ending.calls = 0
module.{name} = ending
with OpenRouter("key", server_url=url) as open_router:
    open_router.tts.batch(rows, folder, concurrency=1, **{settings})
"""


@pytest.mark.parametrize(
    ("module", "name", "before", "sent", "billed"),
    [
        ("ledger", "Ledger._add", False, 0, 0),
        ("recorder", "_commit", True, 0, 0),  # about to be marked as sent
        ("recorder", "_commit", False, 0, 1),  # marked; whether it left is not known afterwards
        ("runner", "receiver", False, 0, 1),
        ("store", "Store.incoming", True, 1, 1),  # the response is there, and nothing of it is written
        ("store", "Store.put", True, 1, 0),  # it has arrived, and is not in place
        ("store", "Store.put", False, 1, 0),  # it is in place, and the ledger does not know
        ("recorder", "Recorder.done", False, 1, 0),
    ],
)
def test_a_kill_loses_no_row_and_pays_for_none_twice(
    module: str, name: str, before: bool, sent: int, billed: int, server: MockServer, tmp_path: Path
) -> None:
    server.reset()
    rows, out = jsonl(tmp_path / "rows.jsonl", ROWS[:3]), tmp_path / "out"
    code = KILLED.format(module=module, name=name, call=1, before=before, settings=SETTINGS)
    done = subprocess.run([sys.executable, "-c", code, out, server.url, rows], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (9, b"")
    assert len(server.requests) == sent
    with OpenRouter(KEY, server_url=server.url) as open_router:
        result = open_router.tts.batch(rows, out, concurrency=1, **SETTINGS)
        assert (result.done, result.maybe_billed) == (3 - billed, billed)
        texts = inputs(server)
        assert len(texts) == len(set(texts)) == max(sent, 0) + result.new_done
        assert [row["attempts"] for row in metadata(out)] == [1] * (3 - billed)
        result = open_router.tts.batch(rows, out, concurrency=1, retries=TWICE, **SETTINGS)
    assert (result.done, result.new_done) == (3, billed)
    assert len(list((out / "audio").iterdir())) == 3


def test_audio_that_arrived_in_pieces_before_a_kill_is_taken(batch: Run, server: MockServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(ROWS[:2])
    (out / "audio" / "row-1.wav").rename(out / ".batch" / "incoming" / "2.wav")
    partial = (".batch/incoming/.3.wav.1234.part", ".batch/.reserve.01234567.part", ".metadata.jsonl.01234567.part")
    for half in partial:
        (out / half).write_text("half")
    query(out, "UPDATE rows SET state = 'sent', file = NULL WHERE number = 2")
    assert batch(ROWS[:2]).done == 2
    assert len(server.requests) == 2
    assert not list((out / ".batch" / "incoming").iterdir())
    assert not any((out / half).exists() for half in partial)
    assert metadata(out)[1]["file_name"] == "audio/row-1.wav"


def test_files_that_a_power_failure_took_are_missed_after_the_restart(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    batch()
    (out / "audio" / "row-1.wav").write_bytes(b"")
    assert batch().done == 6  # the system has not been restarted: what was written is there
    monkeypatch.setattr(runner, "_boot", lambda: "another")
    result = batch()
    assert (result.done, result.maybe_billed) == (5, 1)
    assert states(out)["row-1"] == "maybe_billed"
    assert len(server.requests) == 6
    assert (out / ".batch" / "incomplete" / "row-1.wav").exists()
    assert batch(retries=TWICE).done == 6
    assert metadata(out)[1]["file_name"] == "audio/row-1.wav"


def full(*_: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_loses_no_audio_and_ends_the_batch(
    batch: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(Store, "_put_at_once", full)
    with pytest.raises(OSError, match="The disk is full: free some space") as raised:
        batch(client=answering())
    assert raised.value.errno == errno.ENOSPC
    assert list(states(out).values()) == ["done"] + ["new"] * 5
    assert not (out / ".batch" / "reserve").exists()
    monkeypatch.undo()
    sizes: list[int] = []
    again = batch(client=answering(), on_row=lambda _: sizes.append((out / ".batch" / "reserve").stat().st_size))
    assert again.new_done == 5
    assert sizes == [1 << 23] * 5
    assert not (out / ".batch" / "reserve").exists()


@pytest.mark.parametrize("in_memory", [True, False])
def test_audio_that_cannot_be_written_at_all_is_in_the_error(
    batch: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    replacement = _files.Replacement.__init__

    def full_for_audio(self: _files.Replacement, target: Path) -> None:
        if target.parent.name == "incoming":
            full()
        replacement(self, target)

    monkeypatch.setattr(_files.Replacement, "__init__", full_for_audio)
    monkeypatch.setattr(Store, "_put_at_once", full)
    monkeypatch.setattr(runner, "_SMALL", 10_000 if in_memory else 0)
    with pytest.raises(errors.FileWriteError) as raised:
        batch(client=answering())
    assert raised.value.audio == SOUND
    assert list(states(tmp_path / "out").values()) == ["maybe_billed"] + ["new"] * 5


@pytest.mark.parametrize("kind", [KeyError, sqlite3.OperationalError])
def test_an_unexpected_failure_of_the_ledger_is_raised_too(
    batch: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise kind

    monkeypatch.setattr(recorder, "_commit", fail)
    with pytest.raises((KeyError, OSError)):
        batch()
    assert not server.requests


def test_a_ledger_that_cannot_be_written_sends_nothing_more(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Recorder.__init__

    def read_only(self: Recorder, *arguments: Any) -> None:
        query(
            tmp_path / "out",
            "CREATE TRIGGER IF NOT EXISTS fail BEFORE UPDATE ON rows BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        started(self, *arguments)

    monkeypatch.setattr(Recorder, "__init__", read_only)
    with pytest.raises(OSError, match=r"The ledger failed \(no\)"):
        batch()
    assert not server.requests
    assert set(states(tmp_path / "out").values()) == {"new"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"voice": "nova"}, "its voice is 'alloy', not 'nova'"),
        ({"response_format": "mp3"}, "its response_format is None, not 'mp3'"),
        ({"name": "{number}"}, "its name is '{id}', not '{number}'"),
        ({"shard": "1/2"}, "its shard is None, not '1/2'"),
        ({"rows": ["other"]}, "none of its rows is in The iterable"),
    ],
)
def test_the_folder_of_another_batch_is_refused(
    batch: Run, server: MockServer, changed: dict[str, Any], words: str
) -> None:
    batch()
    with pytest.raises(errors.ConfigurationError, match=words):
        batch(**changed)
    assert len(server.requests) == 6
    assert batch().done == 6


def test_an_edited_input_keeps_what_is_done(batch: Run, server: MockServer, tmp_path: Path) -> None:
    server.script(["ok", 400])
    batch(ROWS[:3])
    corrected = {"id": "row-1", "input": "Corrected."}
    result = batch([ROWS[0], corrected, ROWS[3]])
    assert (result.rows, result.done) == (4, 4)  # what is done stays
    assert inputs(server)[3:] == ["Corrected.", TEXTS[3]]
    with pytest.raises(errors.InvalidRowsError) as raised:
        batch([{"id": "row-0", "input": "Other."}, corrected])
    assert raised.value.problems == (
        "Row 1 has the id 'row-0' of a row that is done with other content: give it another id",
    )
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"rows": [{"input": ""}]}, errors.InvalidRowsError, "has 1 wrong row"),
        ({"rows": []}, errors.InvalidRowsError, "has no rows"),
        ({"rows": None}, errors.ConfigurationError, "has no batch"),
        ({"concurrency": 0}, ValueError, "concurrency must be 1 or more"),
        ({"concurrency": 1.5}, TypeError, "concurrency must be a whole number"),
        ({"rate": 0}, ValueError, "rate must be more than 0"),
        ({"shard": "17/16"}, ValueError, "shard must be a part"),
        ({"metadata": "xml"}, ValueError, "metadata must be one of jsonl, csv, parquet"),
        ({"name": "audio"}, ValueError, "name must have {id} or {number}"),
        ({"name": "{id.x}"}, ValueError, "name must have {id} or {number}"),
        ({"voice": 5}, TypeError, "voice must be a str"),
        ({"voise": "x"}, TypeError, "unexpected keyword argument 'voise'; did you mean 'voice'?"),
        ({"input": "x"}, TypeError, "unexpected keyword argument 'input'"),
    ],
)
def test_wrong_usage_sends_nothing_and_leaves_no_folder(
    batch: Run, server: MockServer, tmp_path: Path, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        batch(**options)
    assert not server.requests
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_or_the_ledger_is_refused(batch: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="it is not a folder"):
        batch(ROWS, tmp_path / "file")
    (tmp_path / "out" / ".batch").mkdir(parents=True)
    (tmp_path / "out" / ".batch" / "ledger.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(OSError, match="The ledger failed") as raised:
        batch()
    assert (tmp_path / "out" / ".batch" / "ledger.sqlite").read_bytes() == b"x" * 5000
    assert raised.value.filename not in [file.path for file in psutil.Process().open_files()]


def test_a_second_batch_in_the_folder_is_refused(batch: Run, server: MockServer, tmp_path: Path) -> None:
    with lock.held(tmp_path / "out" / ".batch", "batch", "batch"):
        with pytest.raises(errors.ConfigurationError, match=f"in use by another batch .process {os.getpid()} on "):
            batch()
    assert not server.requests


def test_shards_do_all_rows_once(batch: Run, server: MockServer, tmp_path: Path) -> None:
    rows = [*ROWS, {"id": "wrong", "input": ""}]
    results = [batch(rows, tmp_path / part[0], shard=part, skip_invalid=True) for part in ("1/3", "2/3", "3/3")]
    assert sorted(inputs(server)) == TEXTS
    assert [result.invalid for result in results] == [1, 1, 1]


def test_the_progress_is_reported(batch: Run, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_REPORTED", 40)
    seen: list[BatchProgress] = []
    rows = ({"input": f"Text {number}."} for number in range(80))
    result: Batch = batch(rows, on_progress=seen.append, concurrency=9, client=answering(failing=True))
    assert [now.rows for now in seen if now.reading] == [40, 80]
    first, last = next(now for now in seen if not now.reading), seen[-1]
    assert (first.rows, first.done) == (80, 0)
    assert (last.rows, last.done, last.failed, last.new_done) == (80, 79, 1, 79)
    assert last.new_audio_seconds == result.new_audio_seconds
    assert any(now.waiting_seconds for now in seen)
    assert slept


def test_as_many_requests_are_in_flight_as_may_be(batch: Run) -> None:
    """More than one pool of httpx has connections."""
    width = 24
    all_there = threading.Barrier(width)
    arrived = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if next(arrived) >= width:  # each success lets one more begin
                all_there.wait(20)
            self.send_response(200)
            self.send_header("Content-Type", "audio/pcm;rate=16000")
            self.send_header("Content-Length", str(len(SOUND)))
            self.end_headers()
            self.wfile.write(SOUND)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True  # they are not waited for if this fails
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            rows = [f"Text {number}." for number in range(2 * width)]
            url = f"http://127.0.0.1:{server.server_port}"
            assert batch(rows, concurrency=width, client={"server_url": url}, retries=None).done == 2 * width
        finally:
            server.shutdown()
            thread.join()


def test_an_exception_of_the_caller_ends_the_batch_and_the_same_call_goes_on(batch: Run, server: MockServer) -> None:
    def stop(row: BatchRow) -> None:
        raise KeyError(row.id)

    with pytest.raises(KeyError, match="row-0"):
        batch(on_row=stop)
    assert batch().done == 6
    assert inputs(server) == TEXTS


@pytest.mark.parametrize(("times", "state"), [(1, "done"), (2, "sent")])
def test_cancelling_waits_for_what_is_in_flight_and_again_leaves_it(times: int, state: str, tmp_path: Path) -> None:
    seen: list[BatchProgress] = []

    async def cancelled() -> None:
        arrived, gate = asyncio.Semaphore(0), asyncio.Event()

        async def answer(_: httpx.Request) -> httpx.Response:
            arrived.release()
            await gate.wait()
            return httpx.Response(200, headers={"content-type": "audio/pcm"}, content=SOUND)

        client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        async with client, OpenRouter(KEY, async_client=client) as open_router:
            running = asyncio.ensure_future(
                open_router.tts.batch_async(ROWS, tmp_path / "out", concurrency=2, on_progress=seen.append, **SETTINGS)
            )
            for _ in range(2):
                await arrived.acquire()
            for _ in range(times):
                running.cancel()
                for _ in range(5):
                    await asyncio.sleep(0)
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(cancelled())
    assert list(states(tmp_path / "out").values()) == [state] * 2 + ["new"] * 4
    assert 2 in [now.ending for now in seen]
    with OpenRouter(KEY, **answering()) as open_router:  # what was left may have been billed
        result = open_router.tts.batch(ROWS, tmp_path / "out", **SETTINGS)
    assert (result.done, result.maybe_billed) == ((6, 0) if state == "done" else (4, 2))


def test_no_thread_and_no_descriptor_is_left(batch: Run) -> None:
    before = {thread.name for thread in threading.enumerate()}
    batch()
    with pytest.raises(errors.InvalidRowsError):
        batch([])
    assert not [name for name in {thread.name for thread in threading.enumerate()} - before if "ledger" in name]


def test_the_ledger_holds_no_key_and_no_headers(batch: Run, tmp_path: Path) -> None:
    batch(http_headers={"X-Secret": "hidden"}, extra_body={"field": "value"})
    content = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert KEY.encode() not in content
    assert b"hidden" not in content
    assert json.loads(query(tmp_path / "out", "SELECT value FROM about WHERE name = 'settings'")[0][0])["speed"] == 4


def test_both_forms_have_the_same_parameters() -> None:
    assert inspect.signature(TTS.batch) == inspect.signature(TTS.batch_async)
