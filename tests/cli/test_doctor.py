"""`openrouter-speech doctor`: what is set up, at no cost."""

import json
import os
import re
import tomllib
from typing import Any

import httpx
import pytest
import typer
from openrouter_speech import errors
from openrouter_speech._http import environment
from openrouter_speech._http.environment import Problem
from openrouter_speech.cli import doctor
from openrouter_speech.cli.app import app
from openrouter_speech.mock import MockServer

from ..conftest import KEY, PROJECT
from ..wire_server import WireServer, http, refusing
from .conftest import Outcome, Run

COMMANDS: Any = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_a_good_set_up_is_ready(run: Run, server: MockServer) -> None:
    outcome = run("doctor")
    assert (outcome.code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[-1] == "Ready."
    assert not [line for line in lines if line.startswith("wrong")]
    assert f"{server.url} responds" in outcome.stdout
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


@pytest.mark.parametrize("url", [None, "ftp://127.0.0.1", "nowhere", "https://me:secret@127.0.0.1"])
def test_a_server_that_is_not_there_is_told(run: Run, url: str | None) -> None:
    with refusing() as closed:
        outcome = run("doctor", "--server-url", url or closed)
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


def wrong(outcome: Outcome) -> list[str]:
    """What is wrong, a line each, without its first two words."""
    return [line.split(maxsplit=2)[2] for line in outcome.stdout.splitlines() if line.startswith("wrong")]


VARIABLES = [
    ("SPEECH_SPEED", "fast"), ("SPEECH_SPEED", "nan"), ("SPEECH_TIMEOUT", "0"), ("SPEECH_TIMEOUT", "nan"),
    ("SPEECH_RETRIES", "-1"), ("SPEECH_RETRIES", "two"), ("SPEECH_RETRY_WAIT", "-1"), ("SPEECH_RETRY_FOR", "inf"),
    ("SPEECH_RETRY_MAYBE_BILLED", "perhaps"), ("SPEECH_JSON", "maybe"), ("SPEECH_DEBUG", "much"),
    ("SPEECH_PROVIDER_OPTIONS", "{"), ("SPEECH_PROVIDER_OPTIONS", "[" * 100_000), ("SPEECH_HEADERS", "no colon"),
    ("SPEECH_HEADERS", "Bad Name: x"), ("SPEECH_LIMIT", "3"), ("SPEECH_LIMIT_UNIT", "words"),
    ("SPEECH_PAUSE", "-1"), ("SPEECH_CONCURRENCY", "0"), ("HTTP_REFERER", "a\nb"), ("X_OPEN_ROUTER_TITLE", "a\x1bb"),
    ("X_OPEN_ROUTER_CATEGORIES", "a\rb"), ("SPEECH_VOICE", "\udce9"), ("SPEECH_SERVER_URL", "http://127.0.0.1:99999"),
    ("SPEECH_SERVER_URL", "http://127.0.0.1:0"), ("SPEECH_SERVER_URL", "http://127.0.0.1:port"),
    ("SPEECH_SERVER_URL", "http://[::1"), ("SPEECH_SERVER_URL", "https://api.test/v1?key=1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), VARIABLES, ids=[f"{name}={value[:20]!r}" for name, value in VARIABLES])
def test_a_variable_that_cannot_be_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OPENROUTER_SPEECH_SERVER_URL", "http://api.test")
    monkeypatch.setattr("httpx.get", lambda *_, **__: httpx.Response(404))
    monkeypatch.setenv(f"OPENROUTER_{name}", value)
    url = os.environ["OPENROUTER_SPEECH_SERVER_URL"]
    (finding,) = [found for found in (*doctor._options(COMMANDS), *doctor._server(url, usable=True)) if not found.fine]
    assert finding.words.startswith(f"OPENROUTER_{name}: ")


def test_each_variable_that_cannot_be_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where it is one of this command's own."""
    for name, value in (
        ("JSON", "maybe"),
        ("SPEED", "nan"),
        ("HEADERS", "no colon"),
        ("PROVIDER_OPTIONS", "{"),
        ("LIMIT", "x"),
    ):
        monkeypatch.setenv(f"OPENROUTER_SPEECH_{name}", value)
    assert len(wrong(run("doctor"))) == 5


ENVIRONMENTS = [
    ("ALL_PROXY", "socks5://me:secret@127.0.0.1:1"), ("http_proxy", "unheard-of://me:secret@127.0.0.1"),
    ("HTTP_PROXY", "http://me:secret@127.0.0.1:port"), ("SSL_CERT_FILE", "/missing/file"),
    ("SSL_CERT_FILE", "/dev/null"), ("NO_PROXY", "[::1]:x"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ENVIRONMENTS)
def test_an_environment_in_which_nothing_works_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    if name.upper() == "HTTP_PROXY":
        monkeypatch.setenv("OPENROUTER_SPEECH_SERVER_URL", "http://api.test")
    monkeypatch.setattr(environment, "find_spec", lambda _: None)  # for SOCKS
    monkeypatch.setenv(name, value)
    outcome = run("doctor")
    (line,) = wrong(outcome)
    assert name in line
    assert "secret" not in outcome.stdout


def test_what_is_found_in_the_environment_is_told(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is not looked for in it."""
    monkeypatch.setenv("ALL_PROXY", "http://me:secret@proxy.test:99999")
    problem = Problem("ALL_PROXY", "http://me:secret@proxy.test:99999 has no port that there is (me:secret)")
    monkeypatch.setattr(doctor, "check_environment", lambda: [problem])
    outcome = run("doctor")
    assert wrong(outcome) == ["http://proxy.test:99999 has no port that there is (me:***)"]
    assert not server.requests


@pytest.mark.parametrize(
    "look", ["_versions", "_key", "_options", "_proxies", "_terminal", "_extras", "check_environment"]
)
def test_what_cannot_be_looked_at_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, look: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(doctor, look, fail)
    (line,) = wrong(run("doctor"))
    assert line.endswith("cannot be checked: out of order")


def test_a_package_without_metadata_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(_: str) -> str:
        raise KeyError("Version")

    monkeypatch.setattr("importlib.metadata.version", version)
    outcome = run("doctor")
    assert outcome.code == 0
    assert "not installed: pip install 'openrouter-speech[cli]'" in outcome.stdout


def test_a_variable_is_not_blamed_for_what_else_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.ConfigurationError("No client can be made here.")

    monkeypatch.setattr("openrouter_speech.cli.options.Settings.open_router", fail)
    monkeypatch.setenv("OPENROUTER_SPEECH_SPEED", "2")
    assert list(doctor._options(COMMANDS)) == []
