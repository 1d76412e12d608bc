"""The key goes into one header of one request, and shows nowhere else."""

import asyncio
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter

from .conftest import KEY, PROJECT, REQUEST, Connect
from .wire.answers import FAULTS, GOOD, refuse
from .wire.conftest import FORMS, Use
from .wire_server import WireServer


def shown(value: object) -> Iterator[str]:
    """Everything that a value shows of itself."""
    yield repr(value)
    yield str(value)
    yield f"{value:}" if type(value).__format__ is not object.__format__ else ""
    yield repr(vars(value)) if hasattr(value, "__dict__") else ""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that led to it."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in seen:
            seen.append(current)
            waiting += [current.__cause__, current.__context__]
    yield from seen


def shown_by_error(error: BaseException) -> Iterator[str]:
    """What an exception shows: itself, its notes, its parts, its traceback with the local variables of our frames."""
    for link in chain(error):
        yield from shown(link)
        yield from getattr(link, "__notes__", [])
        for name in dir(link):
            if not name.startswith("__"):
                yield from shown(getattr(link, name, None))
        for frame in traceback.TracebackException.from_exception(link, capture_locals=True).stack:
            if Path(frame.filename).is_relative_to(PROJECT / "overlays"):
                yield f"{frame.name}: {frame.locals}"
    yield "".join(traceback.format_exception(error))


def check(texts: Iterator[str]) -> None:
    for text in texts:
        assert KEY not in text, f"the key shows in {text[:300]}"


ANSWERS = {**{name: row[0] for name, row in FAULTS.items()}, "audio": GOOD, "a 503": refuse(503)}
CASES = [(use, name) for name in ANSWERS for use in (FORMS if name in {"audio", "a 503"} else FORMS[:1])]


@pytest.mark.parametrize(("use", "name"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_no_outcome_of_a_call_shows_the_key(
    connect: Connect, slept: list[float], tmp_path: Path, caplog: pytest.LogCaptureFixture, use: Use, name: str
) -> None:
    caplog.set_level(logging.DEBUG)  # of every logger, httpx's and httpcore's too
    with WireServer(ANSWERS[name]) as server:
        caller = connect(server_url=server.url)
        try:
            use(caller, tmp_path, {})
        except Exception as error:  # noqa: BLE001
            check(shown_by_error(error))
            check(iter([pickle.dumps(error).decode("latin-1")]))
        assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
    check(text for record in caplog.records for text in (record.getMessage(), repr(vars(record))))
    check(shown(caller.open_router))
    check(shown(caller.open_router.tts))
    check(shown(caller.open_router._session))


def test_no_response_shows_the_key(connect: Connect) -> None:
    with WireServer(GOOD) as server:
        speech = connect(server_url=server.url).create()
    check(shown(speech))
    check(shown(speech.request))
    assert "authorization" not in speech.request.headers
    assert KEY.encode() not in pickle.dumps(speech)


def test_no_stream_shows_the_key() -> None:
    with (
        WireServer(GOOD) as server,
        OpenRouter(KEY, server_url=server.url) as open_router,
        open_router.tts.stream_speech(**REQUEST) as stream,
    ):
        check(shown(stream))
        check(shown(stream.response.request.headers.raw))


class Wrong:
    """An api_key that is no key and has one inside."""

    def __repr__(self) -> str:
        return KEY


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": KEY, "server_url": "example.test"},
        {"api_key": KEY, "timeout_ms": -1},
        {"api_key": KEY, "x_open_router_title": "a\nb"},
        {"api_key": KEY, "client": 5},
        {"api_key": KEY.encode()},
        {"api_key": Wrong()},
    ],
    ids=range(6),
)
def test_a_wrong_setting_does_not_show_the_key(arguments: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        OpenRouter(**arguments)
    check(shown_by_error(raised.value))


@pytest.mark.parametrize("key", [f"{KEY} {KEY}", f"{KEY}é", KEY.encode, lambda: f"{KEY}\n{KEY}"], ids=range(4))
def test_what_cannot_be_a_key_does_not_show(connect: Connect, key: str | Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="key") as raised:
        connect(key).create()
    check(shown_by_error(raised.value))


def test_a_wrong_parameter_does_not_show_the_key(connect: Connect) -> None:
    with pytest.raises(TypeError) as raised:
        connect(KEY).create(speed="fast")
    check(shown_by_error(raised.value))


def test_a_client_is_not_pickled_with_its_key() -> None:
    open_router = OpenRouter(KEY)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(open_router._session._credential)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.copy(open_router._session._credential)


def test_a_cancelled_call_does_not_show_the_key() -> None:
    async def main() -> None:
        sent = asyncio.Event()

        def answer(request: httpx.Request) -> httpx.Response:
            sent.set()
            return httpx.Response(200, stream=Endless(), headers={"content-type": "audio/pcm"})

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client,
            OpenRouter(KEY, async_client=client) as open_router,
        ):
            call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
            await sent.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await call
        check(shown_by_error(raised.value))

    asyncio.run(main())


class Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> Any:
        await asyncio.Event().wait()
        yield b""


def test_the_key_is_not_in_the_body() -> None:
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url) as open_router:
        open_router.tts.create_speech(**REQUEST)
        assert KEY not in json.dumps(server.requests[0].body.decode())
