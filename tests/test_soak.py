"""A small soak test passes, and each kind of leak is detected."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter

from .conftest import PROJECT
from .soak import kills, leftovers
from .soak.calls import FORMS, WAYS, Call, drawn
from .soak.leftovers import GROWTH, Leftovers, beyond_policy, growth
from .soak.server import FAULTS


def test_a_small_soak_test_leaves_nothing() -> None:
    command = [sys.executable, "-m", "tests.soak", "--calls", "400", "--seed", "2"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    figures = {line[:36].strip(): line[36:].strip() for line in done.stdout.splitlines()}
    assert figures["calls"].startswith("400 (seed 2), in ")
    assert all(name in figures["ended with"] for name in ("audio", "left early", "TruncatedAudioError"))
    assert [what for what, figure in figures.items() if figure == "0  (limit: 0)"] == [
        "file descriptors left", "threads left", "tasks left", "temporary files left", "connections left at the server",
        "requests beyond the policy", "responses with wrong audio", "errors of other libraries",
    ]  # fmt: skip


def test_a_small_narration_survives_kills() -> None:
    command = [sys.executable, "-m", "tests.soak.narration", "--characters", "6000", "--kills", "1", "--seed", "3"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    figures = {line[:36].strip(): line[36:].strip() for line in done.stdout.splitlines()}
    assert figures["time"].endswith("with 1 kills")
    assert "the least is 4  (limit: 12)" in figures["requests that were paid for"]


def test_a_killed_batch_loses_nothing_and_pays_for_nothing_twice() -> None:
    command = [sys.executable, "-m", "tests.soak.kills", "--kills", "1", "--rows", "60", "--seed", "2"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_what_a_killed_batch_must_not_do_is_found(tmp_path: Path) -> None:
    with OpenRouter("any", client=httpx.Client(transport=httpx.MockTransport(answer_with_audio))) as open_router:
        open_router.tts.batch(["Row 0", "Row 1"], tmp_path, model="m")
    assert not kills.problems_of(tmp_path, 2, {"Row 0": [503, 200], "Row 1": [200]})
    (first, second) = sorted(tmp_path.glob("audio/*"))
    second.write_bytes(b"")
    found = kills.problems_of(tmp_path, 3, {"Row 0": [200, 503, 200], "Row 1": [None, 200], "Row 2": [200]})
    assert [problem.split(" ", 2)[2][:20] for problem in found[:2]] == ["was sent again after"] * 2
    assert any("have become" in problem for problem in found)
    assert any("is not what the ledger says" in problem for problem in found)
    assert first.exists()


def answer_with_audio(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "audio/pcm"}, content=bytes(range(200)))


@pytest.mark.parametrize("has_proc", [True, False])
def test_a_leaked_descriptor_is_found(has_proc: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_proc:
        monkeypatch.setattr(Path, "exists", lambda _: False)
    before = leftovers.descriptors()
    ends = os.pipe()
    assert leftovers.descriptors() - before == Counter(pipe=2)
    for end in ends:
        os.close(end)
    assert not leftovers.descriptors() - before


def test_a_leaked_thread_is_found() -> None:
    before, end = leftovers.threads(), threading.Event()
    thread = threading.Thread(target=end.wait, name="leaked")
    thread.start()
    try:
        assert leftovers.threads() - before == Counter(leaked=1)
    finally:
        end.set()
        thread.join()


def test_growth_ignores_the_first_quarter() -> None:
    mebibyte = 1 << 20
    assert growth([number * mebibyte for number in range(100)]) == 50 * mebibyte
    assert growth([0] * 25 + [60 * mebibyte] * 75) == 0  # imports at first use
    assert growth([1, 2, 3]) == 0
    assert leftovers.memory() > mebibyte


@pytest.mark.parametrize(
    ("faults", "allowed"),
    [(("ok",), 1), (("503", "ok"), 2), (("503", "429", "502", "500"), 3), (("cut", "503"), 1), (("529", "cut"), 2)],
)
def test_a_call_may_send_one_request_per_transient_fault(faults: tuple[str, ...], allowed: int) -> None:
    call = Call(7, "threads", "whole", faults, 0)
    assert call.allowed() == allowed
    assert beyond_policy({7: allowed}, {7: allowed}) == {}
    assert beyond_policy({7: allowed + 1}, {7: allowed}) == {7: 1}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"descriptors": Counter(socket=2)}, "file descriptors left: 2 (socket 2); the limit is 0."),
        ({"threads": Counter(a=1)}, "threads left: 1 (a 1); the limit is 0."),
        ({"tasks": ["a"]}, "tasks left: 1 (a 1); the limit is 0."),
        ({"files": [".a.part"]}, "temporary files left: 1 (.a.part 1); the limit is 0."),
        ({"connections": 3}, "connections left at the server: 3 (open 3); the limit is 0."),
        ({"beyond_policy": {7: 2}}, "requests beyond the policy: 2 (call 7 2); the limit is 0."),
        ({"wrong_audio": [5]}, "responses with wrong audio: 1 (call 5 1); the limit is 0."),
        ({"strange_errors": {"KeyError": 1}}, "errors of other libraries: 1 (KeyError 1); the limit is 0."),
        ({"most_connections": 97}, "connections at once: 97; the limit is 96."),
        ({"growth": GROWTH + 1}, "memory, last quarter vs. second: +8.0 MiB; the limit is 8 MiB."),
    ],
)
def test_an_exceeded_limit_is_reported(found: Any, sentence: str) -> None:
    assert Leftovers(**found).broken() == [sentence]
    assert Leftovers().broken() == []


def test_the_calls_are_of_all_kinds_and_follow_the_seed() -> None:
    calls = drawn(2_000, 1)
    assert calls == drawn(2_000, 1) != drawn(2_000, 2)
    assert {call.way for call in calls} == set(WAYS)
    assert {call.form for call in calls} == set(FORMS)
    assert {call.faults[0] for call in calls} == {"ok", *FAULTS}
    assert 0.27 < sum(call.faults[0] != "ok" for call in calls) / len(calls) < 0.33
