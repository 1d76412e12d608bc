"""The `openai` package, unmodified but for its `base_url`, works with the mock server as it does with the endpoint."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech.errors import BY_STATUS
from openrouter_speech.mock import MockServer

from ..conftest import KEY, REQUEST
from .conftest import OurAudio

openai = pytest.importorskip("openai", reason="openai is not installed; `make interop` installs it")


class Caller:
    """One of the package's clients, whose calls are made in one of the two ways."""

    def __init__(self, server: MockServer, runner: asyncio.Runner | None) -> None:
        kind = openai.AsyncOpenAI if runner else openai.OpenAI
        self._client = kind(base_url=server.url, api_key=KEY, max_retries=0)
        self._runner = runner

    def create(self, *, max_retries: int = 0, **params: Any) -> bytes:
        answer = self._client.with_options(max_retries=max_retries).audio.speech.create(**REQUEST, **params)
        content: bytes = (self._runner.run(answer) if self._runner else answer).content
        return content

    def save(self, path: Path, **params: Any) -> None:
        streaming = self._client.audio.speech.with_streaming_response.create(**REQUEST, **params)
        if not self._runner:
            with streaming as response:
                response.stream_to_file(path)
            return

        async def save() -> None:
            async with streaming as response:
                await response.stream_to_file(path)

        self._runner.run(save())

    def close(self) -> None:
        if self._runner:
            with self._runner:
                self._runner.run(self._client.close())
        else:
            self._client.close()


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest, server: MockServer) -> Iterator[Caller]:
    server.reset()
    caller = Caller(server, asyncio.Runner() if request.param == "async" else None)
    yield caller
    caller.close()


@pytest.mark.parametrize("response_format", ["mp3", "pcm"])
def test_it_gets_the_audio_that_our_client_gets(caller: Caller, our_audio: OurAudio, response_format: str) -> None:
    assert caller.create(response_format=response_format) == our_audio(response_format=response_format)


def test_it_streams_to_a_file(caller: Caller, our_audio: OurAudio, tmp_path: Path) -> None:
    caller.save(tmp_path / "hello.mp3", response_format="mp3")
    assert (tmp_path / "hello.mp3").read_bytes() == our_audio(response_format="mp3")


def test_its_own_parameters_are_taken(caller: Caller, server: MockServer) -> None:
    """Those too that openapi.yaml does not name: it lets a body have more fields."""
    assert caller.create(speed=1.5, instructions="Slowly.", stream_format="audio", extra_body={"user": "ü"})
    (request,) = server.requests
    sent = {"speed": 1.5, "instructions": "Slowly.", "stream_format": "audio", "user": "ü"}
    assert (request.status, request.json) == (200, {**REQUEST, **sent})


def error_class(status: int) -> Any:
    """The class that the package documents for a status."""
    named = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
    }
    return named.get(status, openai.InternalServerError if status >= 500 else openai.APIStatusError)


@pytest.mark.parametrize("status", BY_STATUS)
def test_a_documented_error_is_an_error_of_its_own(caller: Caller, server: MockServer, status: int) -> None:
    """The package keeps the member `error` of the body."""
    with pytest.raises(openai.OpenAIError) as raised:
        caller.create(extra_headers={"Prefer": f"code={status}"})
    assert type(raised.value) is error_class(status)
    assert raised.value.status_code == status
    assert raised.value.body == server.description.operations[0].answers[status].example["error"]


def test_a_format_that_is_not_documented_is_refused_by_name(caller: Caller) -> None:
    with pytest.raises(openai.BadRequestError, match="response_format") as raised:
        caller.create(response_format="flac")
    assert raised.value.status_code == 400


def test_a_closed_connection_is_an_error_of_its_own(caller: Caller, server: MockServer) -> None:
    server.script(["close"])
    with pytest.raises(openai.APIConnectionError):
        caller.create()


@pytest.mark.parametrize("form", ["seconds", "ms"])
def test_it_comes_back_when_it_was_told_to(
    caller: Caller, server: MockServer, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    slept: list[float] = []

    async def sleep_async(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("anyio.sleep", sleep_async)
    server.script([f"429; retry-after=7; form={form}", 503])
    assert caller.create(max_retries=2)
    assert slept[0] == 7
    assert [request.status for request in server.requests] == [429, 503, 200]
