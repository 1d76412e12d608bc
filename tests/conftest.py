"""What tests share: a clean environment, no network but loopback, a mock server, one way to call sync and async."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from openrouter_speech import OpenRouter, SavedSpeech, SpeechResponse
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import SpeechParams

PROJECT = Path(__file__).parent.parent
REQUEST: SpeechParams = {"input": "Hello world", "model": "elevenlabs/eleven-turbo-v2", "voice": "alloy"}
"""The least that a call needs."""
KEY = "sk-or-v1-this-must-never-be-shown"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests has a say in them."""
    for name in ("API_KEY", "HTTP_REFERER", "X_OPEN_ROUTER_TITLE", "X_OPEN_ROUTER_CATEGORIES"):
        monkeypatch.delenv(f"OPENROUTER_{name}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(("127.", "::1")):
            raise AssertionError(f"a test reached for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


_CLIENTS = (httpx.Client, httpx.AsyncClient)

Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def make() -> Make:
    """Runs make in the project, as a person would."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        inherited = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "ARGS"}  # what an outer make passes on
        outer = {name: value for name, value in os.environ.items() if name not in inherited}
        command = ["make", "--no-print-directory", f"VENV={sys.prefix}", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env={**outer, **environment}, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been slept between attempts."""
    seconds: list[float] = []

    async def sleep_async(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr("openrouter_speech.exchange.sleep", seconds.append)
    monkeypatch.setattr("openrouter_speech.exchange.sleep_async", sleep_async)
    return seconds


Connect = Callable[..., "Caller"]


class Caller:
    """One client, whose calls are made in one of the two ways."""

    def __init__(self, open_router: OpenRouter, runner: asyncio.Runner | None) -> None:
        self.open_router = open_router
        self._runner = runner

    def create(self, **params: Any) -> SpeechResponse:
        tts, request = self.open_router.tts, cast("SpeechParams", REQUEST | params)
        return self._runner.run(tts.create_speech_async(**request)) if self._runner else tts.create_speech(**request)

    def read_stream(self, chunk_size: int | None = None, **params: Any) -> list[bytes]:
        """All pieces of a stream."""
        request = cast("SpeechParams", REQUEST | params)
        if not self._runner:
            with self.open_router.tts.stream_speech(**request) as stream:
                return list(stream.iter_bytes(chunk_size))

        async def read() -> list[bytes]:
            async with self.open_router.tts.stream_speech_async(**request) as stream:
                return [piece async for piece in stream.iter_bytes(chunk_size)]

        return self._runner.run(read())

    def save(self, path: Path, **params: Any) -> SavedSpeech:
        tts, request = self.open_router.tts, cast("SpeechParams", REQUEST | params)
        if self._runner:
            return self._runner.run(tts.save_speech_async(path, **request))
        return tts.save_speech(path, **request)

    def close(self, *given: httpx.Client | httpx.AsyncClient) -> None:
        """Close it, in the way that goes with its calls, and the clients it was given. A second time does nothing."""
        runner, self._runner = self._runner or asyncio.Runner(), None
        with runner:
            for client in given:
                if isinstance(client, httpx.AsyncClient):
                    runner.run(client.aclose())
                else:
                    client.close()
            runner.run(self.open_router.aclose())


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes a client, given the arguments of `OpenRouter`; the test runs once for each way of calling it."""
    yield from connecting(request.param)


def connecting(way: str) -> Iterator[Connect]:
    """As the fixture `connect`, for one way: "sync", "async" (over httpx), or "aiohttp"."""
    callers: list[Caller] = []
    given: list[httpx.Client | httpx.AsyncClient] = []

    def make(*args: Any, **options: Any) -> Caller:
        given.extend(options[name] for name in ("client", "async_client") if isinstance(options.get(name), _CLIENTS))
        runner = None if way == "sync" else asyncio.Runner()
        if runner and options.get("async_client") is None:
            options["async_transport"] = "aiohttp" if way == "aiohttp" else "httpx"
        callers.append(Caller(OpenRouter(*args or (KEY,), **options), runner))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close(*given)
