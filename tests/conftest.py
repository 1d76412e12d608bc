"""Shared fixtures: a clean environment, no network, no sleep, a mock server, one interface for sync and async calls."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import Any, cast

import certifi
import httpx
import pytest
from hypothesis import HealthCheck, settings
from openrouter_speech import OpenRouter, SavedSpeech, SpeechResponse
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import SpeechParams

PROJECT = Path(__file__).parent.parent
REQUEST: SpeechParams = {"input": "Hello world", "model": "elevenlabs/eleven-turbo-v2", "voice": "alloy"}
"""The required parameters of a call."""
KEY = "sk-or-v1-this-must-never-be-shown"

# Hypothesis must not fail a test because the machine is busy.
settings.register_profile("any-load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-load")


FOREIGN = re.compile(
    r"(OPENROUTER|OPENAI|GIT|LC|MAKE|PIP|PYTEST(?!_(CURRENT_TEST|XDIST)))_.*"  # settings of programs, including ours
    r"|PYTHON.*|(HTTPS?|ALL|NO|FTP|WSS?)_PROXY|SSL_CERT_(FILE|DIR)|SSLKEYLOGFILE|(REQUESTS|CURL)_CA_BUNDLE"
    r"|LANG|LANGUAGE|COLUMNS|LINES|TERM|COLORTERM|NO_COLOR|(FORCE|PY|CLI)_?COLORS?(_FORCE)?|TTY_.*"
    r"|CI|GITHUB_ACTIONS|BUILD_NUMBER"  # they change what pytest and typer print
    r"|M(AKE)?FLAGS|MAKELEVEL|MAKEOVERRIDES|ARGS|BASE|UPSTREAM|VENV|OUT",  # what an outer make passes on
    re.IGNORECASE,
)
"""Names of variables set by the person or program that runs the tests."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove environment variables that could affect the tests, and what the user has cached."""
    for name in [name for name in os.environ if FOREIGN.fullmatch(name)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENROUTER_SPEECH_CACHE_DIR", str(tmp_path / ".cache"))


@pytest.fixture(scope="session", autouse=True)
def signals_reach_children() -> None:
    """Let child processes receive signals, even under `nohup` or in the background.

    Ignored signals are inherited by child processes. Handlers, such as one that does nothing, are not.
    """
    for number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that uses the network."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(("127.", "::1")):
            raise AssertionError(f"a test connected to {address}")
        connect(self, address)

    def guarded_lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if any(character.isalpha() for character in name) and ":" not in name and name != "localhost":
            raise AssertionError(f"a test looked up {name}")
        return getaddrinfo(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


_sleep, _sleep_async = time.sleep, asyncio.sleep


def _refuse_to_sleep(seconds: float, caller: FrameType | None) -> None:
    module = str(caller.f_globals.get("__name__")) if caller else ""
    # Command line tests configure waits of up to 0.01 s.
    if seconds > 0.01 and module.partition(".")[0] == "openrouter_speech":
        raise AssertionError(f"{module} would sleep for {seconds} s; use the fixture `slept`, or patch its `sleep`")


def guarded_sleep(seconds: float) -> None:
    _refuse_to_sleep(seconds, sys._getframe(1))
    _sleep(seconds)


async def guarded_sleep_async(delay: float, result: Any = None) -> Any:
    _refuse_to_sleep(delay, sys._getframe(1))
    return await _sleep_async(delay, result)


@pytest.fixture(scope="session", autouse=True)
def no_sleep() -> Iterator[None]:
    """Fail a test in which the package really sleeps."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "sleep", guarded_sleep)
        patched.setattr(asyncio, "sleep", guarded_sleep_async)
        for name, module in list(sys.modules.items()):  # loaded modules may have imported it by name
            if name.startswith("openrouter_speech.") and getattr(module, "sleep", None) is _sleep:
                patched.setattr(module, "sleep", guarded_sleep)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one certificate instead of all of certifi's, which take longer to read than most calls."""
    bundle = tmp_path_factory.mktemp("certificates") / "one.pem"
    certificate, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    bundle.write_text(certificate + end, "utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(certifi, "where", lambda: str(bundle))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


OUR_PLUGIN_ALONE = [
    f"-pno:{plugin.name}" for plugin in entry_points(group="pytest11") if plugin.name != "openrouter-speech"
]
"""Arguments for a nested pytest: loading third-party plugins would take longer than the test itself."""

Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def make() -> Make:
    """Run make in the project, as a person would."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = ["make", "--no-print-directory", f"VENV={sys.prefix}", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )

    return run


_RUN_ALL = """
import json, sys
for name, text in json.load(sys.stdin).items():
    print("#", name, flush=True)
    exec(compile(text, name, "exec"), {"__name__": "__main__"})
"""


def run_programs(programs: dict[str, str], folder: Path, **environment: str) -> dict[str, str]:
    """Run programs by name, one after the other in a process of their own, and return what each prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN_ALL], input=json.dumps(programs), cwd=folder,
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^# (.*)\n((?:[^#].*\n)*)", done.stdout, re.MULTILINE))


def sleeps_in(module: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the sleeps of a module, in seconds, instead of sleeping."""
    seconds: list[float] = []

    async def sleep_async(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(f"{module}.sleep", seconds.append)
    monkeypatch.setattr(f"{module}.sleep_async", sleep_async)
    return seconds


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the sleeps between attempts."""
    return sleeps_in("openrouter_speech._http.sending", monkeypatch)


def inputs(server: MockServer) -> list[str]:
    """Return the texts that arrived."""
    return [request.json["input"] for request in server.requests]


Connect = Callable[..., "Caller"]


class Caller:
    """One client, called either synchronously or asynchronously."""

    def __init__(self, open_router: OpenRouter, runner: asyncio.Runner | None) -> None:
        self.open_router = open_router
        self._runner = runner

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `tts`, or its async twin."""
        tts = self.open_router.tts
        if self._runner:
            return self._runner.run(getattr(tts, f"{method}_async")(*arguments, **options))
        return getattr(tts, method)(*arguments, **options)

    def create(self, **params: Any) -> SpeechResponse:
        return cast("SpeechResponse", self.call("create_speech", **REQUEST | params))

    def read_stream(self, chunk_size: int | None = None, **params: Any) -> list[bytes]:
        """Read all chunks of a stream."""
        request = cast("SpeechParams", REQUEST | params)
        if not self._runner:
            with self.open_router.tts.stream_speech(**request) as stream:
                return list(stream.iter_bytes(chunk_size))

        async def read() -> list[bytes]:
            async with self.open_router.tts.stream_speech_async(**request) as stream:
                return [chunk async for chunk in stream.iter_bytes(chunk_size)]

        return self._runner.run(read())

    def save(self, path: Path, *, convert: bool = True, **params: Any) -> SavedSpeech:
        return cast("SavedSpeech", self.call("save_speech", path, convert=convert, **REQUEST | params))

    def close(self, *given: httpx.Client | httpx.AsyncClient) -> None:
        """Close the client and the given httpx clients. It may be closed already."""
        runner, self._runner = self._runner or asyncio.Runner(), None
        with runner:
            for client in given:
                runner.run(client.aclose()) if isinstance(client, httpx.AsyncClient) else client.close()
            runner.run(self.open_router.aclose())


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Create a client from the arguments of `OpenRouter`. The test runs once per way of calling it."""
    yield from connecting(request.param)


def connecting(way: str) -> Iterator[Connect]:
    """As the fixture `connect`, for one way: "sync", "async" (over httpx) or "aiohttp"."""
    callers: list[Caller] = []
    given: list[httpx.Client | httpx.AsyncClient] = []

    def make(*args: Any, **options: Any) -> Caller:
        clients = [options.get("client"), options.get("async_client")]
        given.extend(client for client in clients if isinstance(client, httpx.Client | httpx.AsyncClient))
        runner = None if way == "sync" else asyncio.Runner()
        if runner and options.get("async_client") is None:
            options["async_transport"] = "aiohttp" if way == "aiohttp" else "httpx"
        callers.append(Caller(OpenRouter(*args or (KEY,), **options), runner))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close(*given)
