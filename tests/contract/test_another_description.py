"""The contract tests with a description that is not ours."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from openrouter_speech.contract import Report, run

from .peer import KEY, SILENCE, SILENT_MP3, Peer, PeerServer, anything, is_number, is_text

ANOTHER = Path(__file__).with_name("another.yaml")
BINARY = "application/octet-stream"


def detail(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"detail": message}).encode()


def is_speed(value: Any) -> bool:
    return value is None or (is_number(value) and 0 < value <= 4)


RULES = {
    "model": is_text,
    "input": lambda value: is_text(value) and len(value) <= 4096,
    "voice": lambda value: value in ("alloy", "nova"),
    "response_format": lambda value: value in ("mp3", "opus", "pcm"),
    "speed": is_speed,
}
CONFORMING = Peer(
    path="/v1/audio/speech", error=detail, refusal=422, required=("model", "input", "voice"), rules=RULES,
    default_format="mp3", pcm=(BINARY, SILENCE), mp3=(BINARY, SILENT_MP3), generation=dict,
)  # fmt: skip


def judged(peer: Peer) -> Report:
    with PeerServer(peer) as server:
        return run(server.url.removesuffix("/api/v1"), KEY, description=ANOTHER, examples=15)


def test_a_conforming_server_passes() -> None:
    report = judged(CONFORMING)
    never = {verdict.rule.name for verdict in report.verdicts if verdict.state == "never seen"}
    assert report.broken == [], report.text()
    assert never == {"examples", "generation-ids"}
    assert "broken" not in report.facts.values()
    assert report.percent > 80


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "pcm in the place of mp3": ({"mp3": (BINARY, SILENCE)}, "audio"),
    "another status": ({"refusal": 400}, "statuses"),
    "a speed of 0 is taken": (
        {"rules": RULES | {"speed": lambda value: value is None or is_number(value)}},
        "invalid-requests",
    ),
    "null is refused": (
        {"rules": RULES | {"speed": lambda value: is_number(value) and 0 < value <= 4}},
        "valid-requests",
    ),
    "any voice is taken": ({"rules": RULES | {"voice": anything}}, "invalid-requests"),
    "no key is needed": ({"knows_key": anything}, "security"),
    "JSON in the place of audio": ({"mp3": ("application/json", b"{}")}, "content-types"),
}


@pytest.mark.parametrize(("changes", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_broken_server_is_named_by_its_rule(changes: dict[str, Any], rule: str) -> None:
    report = judged(evolve(CONFORMING, **changes))
    assert rule in report.broken, report.text()
