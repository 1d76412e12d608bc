"""The `openrouter` package, which is the reference, works unmodified with the mock server as with the endpoint."""

import asyncio
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any

import pytest
from openrouter_speech import OpenRouter
from openrouter_speech.errors import BY_STATUS
from openrouter_speech.mock import MockServer

from ..conftest import KEY, REQUEST
from .conftest import OurAudio

openrouter = pytest.importorskip("openrouter", reason="openrouter is not installed; `make interop` installs it")

Create = Callable[..., bytes]
PROVIDER = {"options": {"openai": {"instructions": "Speak warmly."}}}


@pytest.fixture(params=["sync", "async"])
def create(request: pytest.FixtureRequest, server: MockServer) -> Iterator[Create]:
    """Makes a call in both ways, and gives its audio."""
    server.reset()
    settings = {"api_key": KEY, "server_url": server.url, "retry_config": None, "x_open_router_title": "Bedtime"}

    async def read(client: Any, params: dict[str, Any]) -> bytes:
        content: bytes = await (await client.tts.create_speech_async(**(REQUEST | params))).aread()
        return content

    if request.param == "sync":
        with openrouter.OpenRouter(**settings) as client:
            yield lambda **params: client.tts.create_speech(**(REQUEST | params)).read()
        return
    with asyncio.Runner() as runner:
        client = openrouter.OpenRouter(**settings)
        yield lambda **params: runner.run(read(client, params))
        runner.run(client.__aexit__(None, None, None))


@pytest.mark.parametrize("response_format", ["mp3", "pcm"])
def test_it_gets_the_audio_that_our_client_gets(create: Create, our_audio: OurAudio, response_format: str) -> None:
    assert create(response_format=response_format) == our_audio(response_format=response_format)


NEW = {
    "input": [{"text": "Hello", "voice": "nova"}, {"text": "Goodbye", "instructions": "Sadly"}],
    "instructions": "Slowly.",
    "input_references": [
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "text", "text": "Ah"},
        {"type": "input_audio", "input_audio": {"url": "https://example.com/a.wav"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ],
    "session_id": "s",
    "trace": {"trace_id": "t", "span_name": "n", "own": "kept"},
    "user": "ü",
    "provider": {**PROVIDER, "zdr": True, "data_collection": "deny"},
    "speed": 1.5,
}


def test_what_it_sends_is_what_we_send(create: Create, server: MockServer) -> None:
    """Each parameter that it has, except for the headers."""
    create(response_format="pcm", **NEW)
    with OpenRouter(KEY, server_url=server.url) as ours:
        params: Any = {**REQUEST, **NEW, "response_format": "pcm"}
        ours.tts.create_speech(**params)
    theirs, ours_sent = server.requests
    assert theirs.status == 200
    assert theirs.json == ours_sent.json
    assert theirs.headers["x-openrouter-title"] == "Bedtime"


def test_our_parameters_are_theirs() -> None:
    theirs = set(signature(openrouter.tts.TTS.create_speech).parameters) - {"self"}
    assert theirs <= set(signature(OpenRouter("key").tts.create_speech).parameters)


@pytest.mark.parametrize(("status", "ours"), BY_STATUS.items())
def test_a_documented_error_is_an_error_of_its_own(
    create: Create, server: MockServer, status: int, ours: type[Exception]
) -> None:
    """Its class has the name of ours, and its data is the documented example."""
    with pytest.raises(openrouter.errors.OpenRouterError) as raised:
        create(http_headers={"Prefer": f"code={status}"})
    assert type(raised.value) is getattr(openrouter.errors, ours.__name__)
    assert raised.value.status_code == status
    assert raised.value.data.model_dump(exclude_unset=True) == server.description.operations[0].answers[status].example


def test_a_wrong_value_is_refused_by_name(create: Create) -> None:
    with pytest.raises(openrouter.errors.BadRequestResponseError, match=r"^voice: "):
        create(voice="")


@pytest.mark.filterwarnings(r"ignore:ast\.\w+ is deprecated")  # a dependency of theirs, from Python 3.12 on
def test_it_finds_models_their_endpoints_and_what_a_call_cost(server: MockServer) -> None:
    with (
        openrouter.OpenRouter(api_key=KEY, server_url=server.url) as theirs,
        OpenRouter(KEY, server_url=server.url) as ours,
    ):
        found = {model.id: model for model in theirs.models.list(output_modalities="speech").result.data}
        listed = {model.id: model for model in ours.models.list()}
        assert found.keys() == listed.keys()
        for name, model in listed.items():
            assert found[name].supported_voices == (None if model.voices is None else list(model.voices))
            assert found[name].pricing.prompt == str(model.raw["pricing"]["prompt"])
        endpoints = theirs.endpoints.list(author="hexgrad", slug="kokoro-82m").data.endpoints
        assert [one.provider_name for one in endpoints] == [
            one.provider for one in ours.models.endpoints("hexgrad/kokoro-82m")
        ]
        speech = ours.tts.create_speech(**REQUEST)
        assert str(theirs.generations.get_generation(id=speech.generation_id).data.total_cost) == str(speech.cost())
