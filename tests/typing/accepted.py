"""Correct code of a user: type checkers in strict mode report nothing. It never runs."""

import os
from pathlib import Path
from typing import assert_type

import httpx
from openrouter_speech import (
    AsyncSpeechStream,
    OpenRouter,
    SavedSpeech,
    SpeechResponse,
    SpeechStream,
    components,
    errors,
    utils,
)
from openrouter_speech.mock import MockServer

BACKOFF = utils.BackoffStrategy(500, 60_000, 1.5, 3_600_000)
RETRIES = utils.RetryConfig("backoff", BACKOFF, True, ["429", "5XX"], max_retries=5)

OpenRouter("key")
OpenRouter(os.getenv("OPENROUTER_API_KEY", ""), timeout_ms=5_000, retry_config=None)
OpenRouter(api_key=lambda: "key", http_referer="https://example.com", x_open_router_title="Title")
OpenRouter(x_open_router_categories=["cli-agent", "cloud-agent"], server_url="https://example.com/api/v1")
OpenRouter(client=httpx.Client(), async_client=httpx.AsyncClient(), retry_config=RETRIES, timeout_ms=1.5)


def buffered() -> None:
    with OpenRouter() as open_router:
        speech = open_router.tts.create_speech(
            input="Hello",
            model="a/b",
            voice="alloy",
            http_referer="https://example.com",
            x_open_router_title="Title",
            x_open_router_categories=("one", "two"),
            provider=components.SpeechRequestProvider.from_dict({"options": {"openai": {"instructions": "Warmly"}}}),
            response_format=components.ResponseFormatEnum.MP3,
            speed=1,
            retries=RETRIES,
            server_url="https://example.com",
            timeout_ms=10_000,
            http_headers={"X-Any": "value"},
            extra_body={"language": "fr", "seed": 5},
        )
        open_router.tts.create_speech(
            input="Hello", model="a/b", voice="alloy", provider={"options": {}}, response_format="opus", retries=None
        )
    assert_type(speech, SpeechResponse)
    response: httpx.Response = speech
    assert_type(response.content, bytes)
    assert_type(speech.audio_format, str)
    assert_type(speech.sample_rate, int | None)
    assert_type(speech.channels, int | None)
    assert_type(speech.duration, float | None)
    assert_type(speech.generation_id, str | None)
    assert_type(speech.time_to_first_audio, float | None)
    assert_type(speech.save("a.mp3"), Path)
    assert_type(speech.save(Path("a.mp3")), Path)


def streamed(open_router: OpenRouter) -> None:
    with open_router.tts.stream_speech(input="Hello", model="a/b", voice="alloy") as stream:
        assert_type(stream, SpeechStream)
        for piece in stream.iter_bytes(chunk_size=4096):
            assert_type(piece, bytes)
        for piece in stream:
            assert_type(piece, bytes)
        assert_type(stream.read(), bytes)
        assert_type(stream.save("a.pcm"), Path)
        stream.close()


def saved(open_router: OpenRouter) -> None:
    speech = open_router.tts.save_speech("a.wav", input="Hello", model="a/b", voice="alloy", speed=0.5)
    assert_type(speech, SavedSpeech)
    assert_type(speech.path, Path)
    assert_type(speech.duration, float | None)


async def awaited() -> None:
    async with OpenRouter() as open_router:
        tts = open_router.tts
        assert_type(await tts.create_speech_async(input="Hello", model="a/b", voice="alloy"), SpeechResponse)
        assert_type(await tts.save_speech_async("a.mp3", input="Hello", model="a/b", voice="alloy"), SavedSpeech)
        async with tts.stream_speech_async(input="Hello", model="a/b", voice="alloy") as stream:
            assert_type(stream, AsyncSpeechStream)
            async for piece in stream.iter_bytes():
                assert_type(piece, bytes)
            async for piece in stream:
                assert_type(piece, bytes)
            assert_type(await stream.read(), bytes)
            await stream.close()


def failed() -> None:
    try:
        buffered()
    except errors.TooManyRequestsResponseError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status_code, int | None)
        assert_type(error.data, components.ErrorResponse | None)
    except errors.TruncatedAudioError as error:
        assert_type(error.audio, bytes)
        assert_type(error.bytes_received, int)
    except errors.APIConnectionError as error:
        assert_type(error.maybe_billed, bool)
    except errors.OpenRouterError as error:
        assert_type(error.message, str)
        assert_type(error.raw_response, httpx.Response | None)


with MockServer(port=0, voice_engine="tones") as server:
    assert_type(server.url, str)
