"""The generated client on its own, without an overlay: `from openrouter_speech_api import AuthenticatedClient`."""

import asyncio
import copy
import json
import pickle
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from openrouter_speech.mock import MockServer
from openrouter_speech_api import AuthenticatedClient, Client
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.errors import UnexpectedStatus
from openrouter_speech_api.models import ErrorResponse, ResponseFormatEnum, SpeechRequest
from openrouter_speech_api.types import File, Response

from .conftest import KEY
from .test_description import STATUSES

BODY = SpeechRequest("Hello world", "elevenlabs/eleven-turbo-v2", "alloy", response_format=ResponseFormatEnum.PCM)

Call = Callable[..., Response[ErrorResponse | File]]


async def awaited(client: AuthenticatedClient) -> Response[ErrorResponse | File]:
    async with client:
        return await create_speech.asyncio_detailed(client=client, body=BODY)


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Makes one call to a URL, in both ways."""

    def make(url: str = "https://example.test", **options: object) -> Response[ErrorResponse | File]:
        client = AuthenticatedClient(url, KEY, **options)  # type: ignore[arg-type]
        if request.param == "async":
            return asyncio.run(awaited(client))
        with client:
            return create_speech.sync_detailed(client=client, body=BODY)

    return make


def answering(status: int, content: bytes, content_type: str = "application/json") -> dict[str, object]:
    """Options of a client whose server gives this answer."""
    answer = httpx.Response(status, content=content, headers={"content-type": content_type})
    return {"httpx_args": {"transport": httpx.MockTransport(lambda _: answer)}}


@pytest.mark.parametrize("status", sorted(map(int, STATUSES - {"200"})))
def test_each_documented_status_has_a_typed_error(call: Call, status: int) -> None:
    """524 and 529 too, which http.HTTPStatus does not know."""
    body = {"error": {"code": status, "message": "No", "metadata": {"a": 1}}, "user_id": None}
    response = call(**answering(status, json.dumps(body).encode()))
    assert response.status_code == status
    assert isinstance(response.parsed, ErrorResponse)
    assert (response.parsed.error.code, response.parsed.error.message) == (status, "No")
    assert response.parsed.to_dict() == body


UNDOCUMENTED = [
    b"<html>Bad gateway</html>",
    b"",
    b"[]",
    b"null",
    b'{"error": "no"}',
    b'{"error": []}',
    b'{"error": {"code": 1}}',
    b"\xff",
    b"[" * 9999,
]


@pytest.mark.parametrize("content", UNDOCUMENTED)
def test_an_undocumented_body_is_parsed_to_none(call: Call, content: bytes) -> None:
    """Such as a gateway's HTML. What it was stays in `content`."""
    response = call(**answering(502, content, "text/html"))
    assert (response.status_code, response.parsed, response.content) == (502, None, content)


def test_an_undocumented_status_is_parsed_to_none(call: Call) -> None:
    assert call(**answering(418, b"{}")).parsed is None


@pytest.mark.parametrize(("status", "content"), [(418, b"{}"), (502, b"<html>")])
def test_what_is_not_documented_raises_if_told_to(call: Call, status: int, content: bytes) -> None:
    with pytest.raises(UnexpectedStatus) as raised:
        call(**answering(status, content), raise_on_unexpected_status=True)
    assert (raised.value.status_code, raised.value.content) == (status, content)


def test_audio_arrives(call: Call, server: MockServer) -> None:
    response = call(server.url)
    assert response.status_code == 200
    assert isinstance(response.parsed, File)
    assert len(response.parsed.payload.read()) == len(response.content) > 0


def test_sync_and_asyncio_give_the_parsed_body(server: MockServer) -> None:
    async def parsed() -> ErrorResponse | File | None:
        async with AuthenticatedClient(server.url, KEY) as client:
            return await create_speech.asyncio(client=client, body=BODY)

    with AuthenticatedClient(server.url, KEY) as client:
        first = create_speech.sync(client=client, body=BODY)
    second = asyncio.run(parsed())
    assert isinstance(first, File)
    assert isinstance(second, File)
    assert first.payload.read() == second.payload.read()


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that notes how much of it was asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(10):
            self.asked += 1
            yield b"audio"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def stream_sync(client: AuthenticatedClient) -> bytes:
    with client, create_speech.sync_stream(client=client, body=BODY) as response:
        return next(response.iter_bytes())


async def first_piece(client: AuthenticatedClient) -> bytes:
    async with client, create_speech.asyncio_stream(client=client, body=BODY) as response:
        return await anext(response.aiter_bytes())


def stream_async(client: AuthenticatedClient) -> bytes:
    return asyncio.run(first_piece(client))


@pytest.mark.parametrize("first", [stream_sync, stream_async])
def test_audio_can_be_streamed(first: Callable[[AuthenticatedClient], bytes]) -> None:
    """The first piece is there before the second is asked for, and leaving the block ends the answer."""
    body = Pieces()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    assert first(AuthenticatedClient("https://example.test", KEY, httpx_args={"transport": transport})) == b"audio"
    assert body.asked == 1
    assert body.closed


def test_a_streamed_error_can_be_parsed() -> None:
    answer = answering(429, b'{"error": {"code": 429, "message": "Slow down"}}')
    with (
        AuthenticatedClient("https://example.test", KEY, **answer) as client,  # type: ignore[arg-type]
        create_speech.sync_stream(client=client, body=BODY) as response,
    ):
        response.read()
        parsed = create_speech.build_response(client=client, response=response).parsed
    assert isinstance(parsed, ErrorResponse)


def test_the_request_is_as_described() -> None:
    sent: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=b"audio")

    with AuthenticatedClient(
        "https://example.test/api/v1", KEY, httpx_args={"transport": httpx.MockTransport(receive)}
    ) as client:
        create_speech.sync_detailed(
            client=client,
            body=BODY,
            http_referer="https://a.test",
            x_open_router_title="A",
            x_open_router_categories="b,c",
        )
    (request,) = sent
    assert (request.method, str(request.url)) == ("POST", "https://example.test/api/v1/audio/speech")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["http-referer"] == "https://a.test"
    assert request.headers["x-openrouter-title"] == "A"
    assert request.headers["x-openrouter-categories"] == "b,c"
    assert json.loads(request.content) == {
        "input": "Hello world", "model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "response_format": "pcm",
    }  # fmt: skip


def test_no_repr_shows_the_key(server: MockServer) -> None:
    """Neither before the first call nor after it."""
    client = AuthenticatedClient(
        server.url, KEY, headers={"X-Key": KEY}, cookies={"key": KEY}, httpx_args={"auth": (KEY, KEY)}
    )
    assert KEY not in repr(client)
    with AuthenticatedClient(server.url, KEY) as client:
        response = create_speech.sync_detailed(client=client, body=BODY)
        assert KEY not in repr(client) + repr(response) + repr(client.with_headers({"a": "b"}))


def test_the_default_timeout_is_finite() -> None:
    with Client("https://example.test") as client:
        timeout = client.get_httpx_client().timeout
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (10, 120, 120, 120)


def test_copies_leave_the_original_alone() -> None:
    with Client("https://example.test") as client:
        original = client.get_httpx_client()
        changed_copy = client.with_headers({"a": "b"}).with_cookies({"c": "d"}).with_timeout(httpx.Timeout(1))
        with changed_copy:
            changed = changed_copy.get_httpx_client()
            assert (changed.headers["a"], changed.cookies["c"], changed.timeout.read) == ("b", "d", 1)
        assert "a" not in original.headers
        assert "c" not in original.cookies
        assert original.timeout.read == 120


def test_models_survive_pickling_and_copying() -> None:
    """A field that is unset stays unset."""
    for copied in (pickle.loads(pickle.dumps(BODY)), copy.deepcopy(BODY)):
        assert copied == BODY
        assert copied.to_dict() == BODY.to_dict()


def test_a_client_of_ones_own_is_used_as_it_is() -> None:
    with httpx.Client(base_url="https://other.test") as own:
        assert Client("https://example.test").set_httpx_client(own).get_httpx_client() is own
    own_async = httpx.AsyncClient()
    assert Client("https://example.test").set_async_httpx_client(own_async).get_async_httpx_client() is own_async
    asyncio.run(own_async.aclose())
