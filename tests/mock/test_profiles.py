"""The profile "live": as strict as the real service is known to be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech.mock import MockServer

from ..conftest import KEY, REQUEST


@pytest.fixture(scope="module")
def live() -> Iterator[MockServer]:
    with MockServer(profile="live") as running:
        yield running


def create(server: MockServer, **params: Any) -> Any:
    with OpenRouter(KEY, server_url=server.url, retry_config=None, check_models=False) as open_router:
        return open_router.tts.create_speech(**{**REQUEST, **params})


def test_the_body_is_checked_before_the_key(live: MockServer) -> None:
    url = f"{live.url}/audio/speech"
    wrong = httpx.post(url, json={"input": "Hello", "speed": "fast"})
    assert wrong.status_code == 400
    assert wrong.json()["error"]["name"] == "ZodError"
    issues = json.loads(wrong.json()["error"]["message"])
    assert {".".join(issue["path"]) for issue in issues} == {"model", "speed"}
    assert httpx.post(url, json={"input": "Hello", "model": "a/b"}).status_code == 401


@pytest.mark.parametrize(
    ("params", "provider", "reason"),
    [
        ({"model": "hexgrad/kokoro-82m", "voice": None}, "DeepInfra", "voice is required"),
        ({"model": "fish-audio/s2.1-pro-free"}, "Fish Audio", "does not accept a voice"),
        ({"model": "google/gemini-2.5-flash-preview-tts", "response_format": "mp3"}, "Google", "must be pcm"),
        ({"model": "minimax/speech-02-hd"}, "MiniMax", "must be mp3"),
    ],
)
def test_a_model_refuses_what_it_lacks(live: MockServer, params: dict[str, Any], provider: str, reason: str) -> None:
    message = f"Provider returned error: {provider}: .*{reason}"
    with pytest.raises(errors.BadRequestResponseError, match=message) as raised:
        create(live, **params)
    metadata = json.loads(raised.value.body)["error"]["metadata"]
    assert metadata["provider_name"] == provider


def test_a_model_has_a_rate_of_its_own(live: MockServer) -> None:
    usual = create(live, model="mistralai/voxtral-mini-tts-2603")
    fish = create(live, model="fish-audio/s2.1-pro", response_format="pcm")
    assert (usual.sample_rate, fish.sample_rate) == (24_000, 44_100)
    assert fish.duration == pytest.approx(usual.duration, abs=0.001)
    assert fish.headers["x-provider-name"] == "Fish Audio"


def test_faults_and_profiles_combine(live: MockServer) -> None:
    live.script(["cut", "ok"])
    with pytest.raises(errors.AudioError):
        create(live, model="fish-audio/s2.1-pro")
    live.script(["cut"])
    with pytest.raises(errors.BadRequestResponseError, match="must be mp3"):
        create(live, model="minimax/speech-02-hd")
    assert create(live).content


@pytest.mark.parametrize(
    ("fault", "throttled", "wait"),
    [("in-flight", True, None), ("429; retry-after=2; form=metadata-seconds", True, 2), ("402", False, None)],
)
def test_waits_that_only_the_body_tells(live: MockServer, fault: str, throttled: bool, wait: float | None) -> None:
    live.script([fault])
    with pytest.raises(errors.APIStatusError) as raised:
        create(live)
    assert (raised.value.throttled, raised.value.retry_after) == (throttled, wait)


def test_rules_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- {model: 'own/*', voice: refused, rate: 16000, formats: [pcm]}")
    with MockServer(profile=tmp_path / "rules.yaml") as server:
        assert create(server, model="own/a", voice=None).sample_rate == 16_000
        assert create(server, model="another/a", response_format="mp3").audio_format == "mp3"
        with pytest.raises(errors.BadRequestResponseError, match="does not accept a voice"):
            create(server, model="own/a")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("[", "is not YAML"),
        ("model: a", "must be a list of rules"),
        ("- {voice: required}", "rule 1 has no model"),
        ("- {model: a}\n- {model: b, voise: required}", "rule 2 has the unknown field 'voise'"),
        ("- {model: a, voice: maybe}", "rule 1: 'voice' must be in"),
        ("- {model: a, rate: 5}", "rule 1: 'rate' must be in"),
        ("- {model: a, formats: mp3}", "rule 1: formats must be a list"),
    ],
)
def test_wrong_rules_are_named(tmp_path: Path, rules: str, message: str) -> None:
    (tmp_path / "rules.yaml").write_text(rules)
    with pytest.raises(ValueError, match=message):
        MockServer(profile=tmp_path / "rules.yaml")
