"""`openrouter-speech doctor`: check the setup, at no cost."""

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

from ..conftest import PROJECT
from ..wire_server import WireServer, http, refusing
from .conftest import Outcome, Run

COMMANDS: Any = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def wrong(outcome: Outcome) -> list[str]:
    """Return the lines marked as wrong, without the mark."""
    return [line.split(maxsplit=1)[1] for line in outcome.stdout.splitlines() if line.startswith("wrong")]


def test_a_good_setup_is_ready_and_nothing_is_paid_for(run: Run, server: MockServer) -> None:
    outcome = run("doctor")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines()[-1] == "Ready."
    assert wrong(outcome) == []
    for words in (f"{server.url} responds", "miniaudio", "model    any/model"):
        assert words in outcome.stdout
    (request,) = server.requests
    assert request.method == "GET"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("key", ["", "two words"])
def test_a_missing_or_invalid_key_is_reported_and_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", key)
    outcome = run("doctor")
    (line,) = wrong(outcome)
    assert line.split()[0] == "key"
    assert not key or key not in outcome.stdout
    assert outcome.code == 1


@pytest.mark.parametrize("url", [None, "ftp://127.0.0.1", "nowhere", "https://me:secret@127.0.0.1"])
def test_an_unreachable_server_is_reported(run: Run, url: str | None) -> None:
    with refusing() as closed:
        outcome = run("doctor", "--server-url", url or closed)
    assert outcome.code == 1
    assert "wrong server" in outcome.stdout
    assert "secret" not in outcome.stdout


def test_a_failing_server_is_reported(run: Run) -> None:
    with WireServer(http(502)) as wire:
        outcome = run("doctor", "--server-url", wire.url)
    assert (outcome.code, "status 502" in outcome.stdout) == (1, True)


def test_proxies_are_shown_without_their_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outcome = run("doctor")
    assert outcome.code == 0
    assert "http://proxy.example:3128 for https" in outcome.stdout
    assert "none for 127.0.0.1" in outcome.stdout
    assert "secret" not in outcome.stdout


def test_missing_extras_and_defaults_are_no_problem(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._EXTRAS, "play", ("no-such-distribution",))
    monkeypatch.delenv("OPENROUTER_SPEECH_VOICE")
    outcome = run("doctor")
    assert outcome.code == 0
    assert "not installed: pip install 'openrouter-speech[play]'" in outcome.stdout
    assert "--voice or OPENROUTER_SPEECH_VOICE" in outcome.stdout


def test_the_json_has_all_findings(run: Run) -> None:
    outcome = run("doctor", "--json")
    result = json.loads(outcome.stdout)
    assert result["ready"] is True
    assert {"versions", "key", "server", "proxies", "cli", "play", "long", "mock", "aiohttp"} <= {
        finding["what"] for finding in result["findings"]
    }


def test_the_extras_are_those_of_the_project() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra: {re.split(r"[\[>=<]", item)[0] for item in items} for extra, items in extras.items()}
    assert named == {extra: set(names) for extra, names in doctor._EXTRAS.items()}


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
def test_an_invalid_variable_is_one_finding(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OPENROUTER_SPEECH_SERVER_URL", "http://api.test")
    monkeypatch.setattr("httpx.get", lambda *_, **__: httpx.Response(404))
    monkeypatch.setenv(f"OPENROUTER_{name}", value)
    url = os.environ["OPENROUTER_SPEECH_SERVER_URL"]
    (finding,) = [found for found in (*doctor._options(COMMANDS), *doctor._server(url, usable=True)) if not found.fine]
    assert finding.words.startswith(f"OPENROUTER_{name}: ")


def test_each_invalid_variable_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one of this command's own."""
    values = {"JSON": "maybe", "SPEED": "nan", "HEADERS": "no colon", "PROVIDER_OPTIONS": "{", "LIMIT": "x"}
    for name, value in values.items():
        monkeypatch.setenv(f"OPENROUTER_SPEECH_{name}", value)
    assert len(wrong(run("doctor"))) == 5


ENVIRONMENTS = [
    ("ALL_PROXY", "socks5://me:secret@127.0.0.1:1"), ("http_proxy", "unheard-of://me:secret@127.0.0.1"),
    ("HTTP_PROXY", "http://me:secret@127.0.0.1:port"), ("SSL_CERT_FILE", "/missing/file"),
    ("SSL_CERT_FILE", "/dev/null"), ("NO_PROXY", "[::1]:x"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ENVIRONMENTS)
def test_an_environment_in_which_calls_fail_is_reported(
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


def test_with_a_broken_environment_the_server_is_not_checked(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://me:secret@proxy.test:99999")
    problem = Problem("ALL_PROXY", "http://me:secret@proxy.test:99999 has no valid port (me:secret)")
    monkeypatch.setattr(doctor, "check_environment", lambda: [problem])
    assert wrong(run("doctor")) == ["variable http://proxy.test:99999 has no valid port (me:***)"]
    assert not server.requests


@pytest.mark.parametrize("check", ["_versions", "check_environment"])
def test_a_check_that_fails_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch, check: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(doctor, check, fail)
    (line,) = wrong(run("doctor"))
    assert line.endswith("cannot be checked: out of order")


def test_a_package_with_damaged_metadata_is_not_installed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(_: str) -> str:
        raise KeyError("Version")

    monkeypatch.setattr("importlib.metadata.version", version)
    outcome = run("doctor")
    assert outcome.code == 0
    assert "not installed: pip install 'openrouter-speech[cli]'" in outcome.stdout


def test_a_variable_is_not_blamed_for_another_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.ConfigurationError("No client can be made here.")

    monkeypatch.setattr("openrouter_speech.cli.options.Settings.open_router", fail)
    monkeypatch.setenv("OPENROUTER_SPEECH_SPEED", "2")
    assert list(doctor._options(COMMANDS)) == []
