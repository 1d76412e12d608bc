"""The key is sent in one header of one request, and is visible nowhere else."""

import asyncio
import copy
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter

from .conftest import KEY, PROJECT, REQUEST, Connect
from .wire.answers import FAULTS, GOOD, Body, refuse, transports
from .wire.conftest import FORMS, Use
from .wire_server import WireServer


def shown(value: object) -> Iterator[str]:
    """Everything that a value shows of itself."""
    yield repr(value)
    yield str(value)
    yield f"{value:}" if type(value).__format__ is not object.__format__ else ""
    yield repr(vars(value)) if hasattr(value, "__dict__") else ""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its causes and contexts."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in seen:
            seen.append(current)
            waiting += [current.__cause__, current.__context__]
    yield from seen


def shown_by_error(error: BaseException) -> Iterator[str]:
    """What an exception shows: itself, its notes and attributes, its traceback with our frames' local variables."""
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


def check(texts: Iterable[str]) -> None:
    for text in texts:
        assert KEY not in text, f"the key shows in {text[:300]}"


BOTH = {"audio": GOOD, "a 503": refuse(503)}
ANSWERS = {**{name: row[0] for name, row in FAULTS.items()}, **BOTH}
CASES = [(use, name) for name in ANSWERS for use in (FORMS if name in BOTH else FORMS[:1])]


@pytest.mark.parametrize(("use", "name"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_no_outcome_of_a_call_shows_the_key(
    connect: Connect, slept: list[float], tmp_path: Path, caplog: pytest.LogCaptureFixture, use: Use, name: str
) -> None:
    caplog.set_level(logging.DEBUG)  # of every logger, httpx's and httpcore's too
    with WireServer(ANSWERS[name]) as server:
        caller = connect(server_url=server.url)
        try:
            use(caller, tmp_path)
        except Exception as error:  # noqa: BLE001
            check(shown_by_error(error))
            check([pickle.dumps(error).decode("latin-1")])
        assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
        assert KEY.encode() not in server.requests[0].body
    check(text for record in caplog.records for text in (record.getMessage(), repr(vars(record))))
    for value in (caller.open_router, caller.open_router.tts, caller.open_router._session):
        check(shown(value))


def test_no_response_or_stream_shows_the_key(connect: Connect) -> None:
    with WireServer(GOOD) as server:
        speech = connect(server_url=server.url).create()
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                check(shown(stream))
                check(shown(stream.response.request.headers.raw))
    check(shown(speech))
    check(shown(speech.request))
    assert "authorization" not in speech.request.headers
    assert KEY.encode() not in pickle.dumps(speech)


class Wrong:
    """An invalid api_key that has a key inside."""

    def __repr__(self) -> str:
        return KEY


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({"server_url": "example.test"}, {}),
        ({"timeout_ms": -1}, {}),
        ({"x_open_router_title": "a\nb"}, {}),
        ({"client": 5}, {}),
        ({"api_key": KEY.encode()}, {}),
        ({"api_key": Wrong()}, {}),
        ({"api_key": f"{KEY} {KEY}"}, {}),
        ({"api_key": f"{KEY}é"}, {}),
        ({"api_key": KEY.encode}, {}),
        ({"api_key": lambda: f"{KEY}\n{KEY}"}, {}),
        ({}, {"speed": "fast"}),
    ],
    ids=range(11),
)
def test_an_invalid_argument_does_not_show_the_key(connect: Connect, settings: Any, params: Any) -> None:
    def call() -> None:
        OpenRouter(**{"api_key": KEY} | settings)
        connect(settings.get("api_key", KEY)).create(**params)

    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert "api_key" not in settings or "key" in str(raised.value)
    check(shown_by_error(raised.value))


def test_a_key_is_not_pickled() -> None:
    for serialize in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            serialize(OpenRouter(KEY)._session._credential)


def test_a_cancelled_call_does_not_show_the_key() -> None:
    sent = asyncio.Event()

    class Endless(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            sent.set()
            await asyncio.Event().wait()
            yield b""

    async def main() -> None:
        clients = transports(lambda _: httpx.Response(200, stream=Endless(), headers={"content-type": "audio/pcm"}))
        async with OpenRouter(KEY, **clients) as open_router:
            call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
            await sent.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await call
        check(shown_by_error(raised.value))

    asyncio.run(main())
