"""`openrouter-speech doctor`: what is set up, at no cost."""

import json
import re
import tomllib

import pytest
from openrouter_speech.cli import doctor
from openrouter_speech.mock import MockServer

from ..conftest import KEY, PROJECT
from ..wire_server import WireServer, http
from .conftest import Run


def test_a_good_set_up_is_ready(run: Run, server: MockServer) -> None:
    outcome = run("doctor")
    assert (outcome.code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[-1] == "Ready."
    assert not [line for line in lines if line.startswith("wrong")]
    assert f"{server.url} answers" in outcome.stdout
    assert "miniaudio" in outcome.stdout


def test_it_costs_nothing_and_sends_no_key(run: Run, server: MockServer) -> None:
    run("doctor")
    (request,) = server.requests
    assert request.method == "GET"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("key", [None, "", "two words"])
def test_a_key_that_is_none_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    """Not itself, though."""
    if key is None:
        monkeypatch.delenv("OPENROUTER_API_KEY")
    else:
        monkeypatch.setenv("OPENROUTER_API_KEY", key)
    outcome = run("doctor")
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("wrong")]
    assert line.split()[1] == "key"
    assert not key or key not in outcome.stdout
    assert outcome.code == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://127.0.0.1", "nowhere", "https://me:secret@127.0.0.1"])
def test_a_server_that_is_not_there_is_told(run: Run, url: str) -> None:
    outcome = run("doctor", "--server-url", url)
    assert outcome.code == 1
    assert "wrong server" in outcome.stdout
    assert "secret" not in outcome.stdout


def test_a_server_in_trouble_is_told(run: Run) -> None:
    with WireServer(http(502)) as wire:
        outcome = run("doctor", "--server-url", wire.url)
    assert outcome.code == 1
    assert "status 502" in outcome.stdout


def test_proxies_are_shown_without_their_password(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outcome = run("doctor")
    assert outcome.code == 0
    assert "http://proxy.example:3128 for https" in outcome.stdout
    assert "none for 127.0.0.1" in outcome.stdout
    assert "secret" not in outcome.stdout


def test_a_missing_extra_is_no_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._EXTRAS, "play", ("no-such-distribution",))
    outcome = run("doctor")
    assert outcome.code == 0
    assert "not installed: pip install 'openrouter-speech[play]'" in outcome.stdout


def test_defaults_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_SPEECH_VOICE")
    outcome = run("doctor")
    assert "model    any/model" in outcome.stdout
    assert "--voice or OPENROUTER_SPEECH_VOICE" in outcome.stdout


def test_it_is_json_for_programs(run: Run) -> None:
    outcome = run("doctor", "--json")
    told = json.loads(outcome.stdout)
    assert told["ready"] is True
    assert {"versions", "key", "server", "proxies", "cli", "play", "long", "mock", "aiohttp"} <= {
        finding["what"] for finding in told["findings"]
    }
    assert KEY not in outcome.stdout


def test_the_extras_are_those_of_the_project() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra: {re.split("[>=<]", item)[0] for item in items} for extra, items in extras.items()}
    assert named == {extra: set(names) for extra, names in doctor._EXTRAS.items()}
