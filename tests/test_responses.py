"""What a body must be to count as whole audio, in each framing, whole, streamed and saved."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig

from .conftest import Caller, Connect, connecting
from .wire_server import CLOSE, Answer, Connection, WireServer, chunk, head, http

PCM = "audio/pcm;rate=24000;channels=1"
AUDIO = bytes(number % 251 for number in range(1000))
MP3 = (b"\xff\xf3\x84\xc4" + bytes(188)) * 20
WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\xff\xff\xff\xff" + AUDIO
GZIP = gzip.compress(AUDIO)
ERROR = json.dumps({"error": {"code": 502, "message": "The provider failed"}}).encode()
EAGER = RetryConfig("backoff", BackoffStrategy(100, 1000, 2, 60_000, jitter_ms=0), True, retry_maybe_billed=True)


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


def until_closed(body: bytes, content_type: str | None = PCM, **headers: str) -> Answer:
    """A body that ends with its connection."""

    def answer(connection: Connection) -> object:
        described = {"Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.send(head(200, content_type, 0, described).replace(b"Content-Length: 0\r\n", b"") + body)
        return CLOSE

    return answer


def in_chunks(body: bytes, step: int = 100, content_type: str = PCM, **headers: str) -> Answer:
    def answer(connection: Connection) -> None:
        connection.send(head(200, content_type, None, {name.replace("_", "-"): text for name, text in headers.items()}))
        for start in range(0, len(body), step):
            connection.send(chunk(body[start : start + step]))
        connection.send(chunk(b""))

    return answer


def encoded(body: bytes, encoding: str, content_type: str = PCM) -> Answer:
    return http(body=body, content_type=content_type, headers={"Content-Encoding": encoding})


def create(caller: Caller, _: Path) -> bytes:
    return caller.create().content


def stream(caller: Caller, _: Path) -> bytes:
    return b"".join(caller.read_stream())


def save(caller: Caller, folder: Path) -> bytes:
    return caller.save(folder / "a.pcm").path.read_bytes()


def save_mp3(caller: Caller, folder: Path) -> bytes:
    return caller.save(folder / "a.mp3").path.read_bytes()


GOOD: list[tuple[str, Answer]] = [
    ("until the connection closes", until_closed(AUDIO)),
    ("gzip with a length", encoded(GZIP, "gzip")),
    ("gzip in chunks", in_chunks(GZIP, 7, Content_Encoding="gzip")),
    ("gzip until the connection closes", until_closed(GZIP, Content_Encoding="gzip")),
    ("deflate", encoded(zlib.compress(AUDIO), "deflate")),
    ("all of it as a part", http(206, AUDIO, headers={"Content-Range": "bytes 0-999/1000"})),
    ("byte by byte", in_chunks(AUDIO, 1)),
]


@pytest.mark.parametrize("answer", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_a_whole_body_is_taken(connect: Connect, tmp_path: Path, answer: Answer) -> None:
    with WireServer(answer) as server:
        caller = connect(server_url=server.url)
        assert [use(caller, tmp_path) for use in (create, stream, save)] == [AUDIO] * 3


PARTIAL = http(206, AUDIO, headers={"Content-Range": "bytes 0-999/4000"})
CUT = [
    ("gzip, closed early", until_closed(GZIP[:-9], Content_Encoding="gzip"), "Content-Encoding: gzip ends early", 1000),
    ("gzip, cut with its length", encoded(GZIP[:-4], "gzip"), "Content-Encoding: gzip ends early", 1000),
    ("gzip, cut in chunks", in_chunks(GZIP[:-20], Content_Encoding="gzip"), "Content-Encoding: gzip ends early", None),
    ("gzip, nothing but its header", encoded(GZIP[:10], "gzip"), "Content-Encoding: gzip ends early", None),
    ("deflate, cut", encoded(zlib.compress(AUDIO)[:-1], "deflate"), "Content-Encoding: deflate ends early", 1000),
    (
        "gzip, its length cut",
        http(body=GZIP[:-4], length=len(GZIP), headers={"Content-Encoding": "gzip"}),
        "connection was lost",
        1000,
    ),
    ("a part", PARTIAL, "status 206, bytes 0-999/4000", 1000),
    ("a part of nothing known", http(206, AUDIO), "status 206, no Content-Range", 1000),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "message", "size"), [row[1:] for row in CUT], ids=[row[0] for row in CUT])
def test_a_body_that_stops_short_is_an_error_with_what_came(
    connect: Connect, answer: Answer, message: str, size: int | None
) -> None:
    with WireServer(answer) as server, pytest.raises(errors.TruncatedAudioError, match=message) as raised:
        connect(server_url=server.url).create()
    if size:
        assert raised.value.audio == AUDIO[:size]


@pytest.mark.parametrize("answer", [CUT[1][1], PARTIAL], ids=["gzip", "a part"])
def test_a_file_that_would_stop_short_is_not_there(connect: Connect, tmp_path: Path, answer: Answer) -> None:
    with WireServer(answer) as server, pytest.raises(errors.TruncatedAudioError) as raised:
        save(connect(server_url=server.url), tmp_path)
    assert raised.value.audio == AUDIO
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("answer", [CUT[1][1], PARTIAL], ids=["gzip", "a part"])
def test_a_stream_that_stops_short_says_so(connect: Connect, tmp_path: Path, answer: Answer) -> None:
    with WireServer(answer) as server, pytest.raises(errors.TruncatedAudioError):
        stream(connect(server_url=server.url), tmp_path)


WRONG = [
    ("gzip", MP3, "has Content-Encoding: gzip, but cannot be decoded: .*incorrect header check"),
    ("gzip", b"\x1f\x8b" + AUDIO, "has Content-Encoding: gzip, but"),
    ("deflate", b"\xff" * 500, "has Content-Encoding: deflate, but"),
    ("foo", AUDIO, "has Content-Encoding: foo, but cannot be decoded: this client does not support"),
    ("zstd, gzip", AUDIO, "has Content-Encoding: zstd, gzip, but cannot be decoded: .*zstandard"),
]


@pytest.mark.parametrize(
    ("use", "encoding", "body", "message"),
    [*((create, *row) for row in WRONG), (stream, *WRONG[0]), (save, *WRONG[0]), (save, *WRONG[3])],
    ids=range(len(WRONG) + 3),
)
def test_a_wrong_coding_is_said_as_that(
    connect: Connect, tmp_path: Path, use: Any, encoding: str, body: bytes, message: str
) -> None:
    """And the bytes are kept as they came, to the last."""
    with WireServer(in_chunks(body, 1 if body[:1] == b"\x1f" else 100, Content_Encoding=encoding)) as server:
        with pytest.raises(errors.NotAudioError, match=message) as raised:
            use(connect(server_url=server.url), tmp_path)
        assert len(server.requests) == 1
    assert (raised.value.audio, raised.value.bytes_received) == (body, len(body))


@pytest.mark.parametrize("body", [ERROR, gzip.compress(ERROR)], ids=["not coded", "coded"])
def test_the_message_of_an_error_is_read_whatever_its_coding_says(connect: Connect, body: bytes) -> None:
    with WireServer(http(400, body, "application/json", headers={"Content-Encoding": "gzip"})) as server:
        with pytest.raises(errors.BadRequestResponseError, match="The provider failed"):
            connect(server_url=server.url).create()


@pytest.mark.parametrize("status", [200, 204, 205])
def test_a_success_without_a_body_is_empty(connect: Connect, tmp_path: Path, status: int) -> None:
    def answer(connection: Connection) -> None:
        connection.send(f"HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n".encode())

    with WireServer(answer) as server:
        for use in (create, stream, save):
            with pytest.raises(errors.EmptyAudioError, match="no audio") as raised:
                use(connect(server_url=server.url), tmp_path)
            assert (str(status) in str(raised.value)) is (status != 200)


def mocked(answer: Callable[[], httpx.Response]) -> dict[str, Any]:
    """Clients that were given, with a transport of their own."""
    transport = httpx.MockTransport(lambda _: answer())
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in just these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


@pytest.mark.parametrize("use", [create, save])
def test_a_coding_that_goes_wrong_later_keeps_what_was_decoded(connect: Connect, tmp_path: Path, use: Any) -> None:
    whole = zlib.compressobj(0)
    body = Body(whole.compress(AUDIO) + whole.flush(zlib.Z_FULL_FLUSH), b"\xff" * 50)
    headers = {"content-type": PCM, "content-encoding": "deflate"}
    with pytest.raises(
        errors.TruncatedAudioError, match="Content-Encoding: deflate, but is not valid after 1000 bytes"
    ) as raised:
        use(connect(**mocked(lambda: httpx.Response(200, stream=body, headers=headers))), tmp_path)
    assert raised.value.audio == AUDIO


@pytest.mark.parametrize("form", ["content", "stream"])
@pytest.mark.parametrize("use", [create, stream, save])
def test_a_body_that_is_longer_than_it_says_is_an_error_with_all_of_it(
    connect: Connect, tmp_path: Path, form: str, use: Any
) -> None:
    def answer() -> httpx.Response:
        body: Any = {"content": AUDIO} if form == "content" else {"stream": Body(AUDIO)}
        return httpx.Response(200, headers={"content-type": PCM, "content-length": "480"}, **body)

    with pytest.raises(errors.AudioError, match="1000 bytes arrived instead of 480") as raised:
        use(connect(**mocked(answer)), tmp_path)
    assert raised.value.audio == (b"" if use is stream else AUDIO)


@pytest.mark.parametrize("connect", ["sync", "async"], indirect=True)
def test_more_than_is_announced_is_no_part_of_the_body(connect: Connect) -> None:
    """Over real sockets the length decides, and httpx does not tell what comes behind it. aiohttp may fail over it."""
    with WireServer(http(body=AUDIO, length=480)) as server:
        assert connect(server_url=server.url).create().content == AUDIO[:480]


def test_a_coding_that_httpx_undid_is_checked_too(connect: Connect) -> None:
    """A response that a transport gives whole is decoded before we see it."""
    headers = {"content-type": PCM, "content-encoding": "gzip"}
    with pytest.raises(errors.TruncatedAudioError, match="Content-Encoding: gzip ends early") as raised:
        connect(**mocked(lambda: httpx.Response(200, content=GZIP[:-4], headers=headers))).create()
    assert raised.value.audio == AUDIO
    with pytest.raises(errors.APIConnectionError, match="Content-Encoding is wrong"):
        connect(**mocked(lambda: httpx.Response(200, content=AUDIO, headers=headers))).create()


# What the bytes are


LABELS = ["audio/mpeg", "audio/pcm", None, "application/octet-stream", "text/html"]


@pytest.mark.parametrize(
    ("use", "content_type", "step"),
    [*((create, label, 1000) for label in LABELS), (stream, "audio/mpeg", 1), (save, "audio/pcm", 1)],
)
def test_text_is_no_audio_under_any_label(
    connect: Connect, slept: list[float], tmp_path: Path, use: Any, content_type: str | None, step: int
) -> None:
    """All of it is in the error, its message in the sentence, and it can be asked for again if that is wanted."""
    answer = in_chunks(ERROR, step, content_type) if content_type else http(body=ERROR, content_type=None)
    with WireServer(answer) as server, pytest.raises(errors.NotAudioError, match="The provider failed") as raised:
        use(connect(server_url=server.url), tmp_path)
    assert (raised.value.audio, raised.value.body) == (ERROR, ERROR.decode())
    with WireServer(answer, http(body=AUDIO)) as server:
        assert use(connect(server_url=server.url, retry_config=EAGER), tmp_path) == AUDIO


@pytest.mark.parametrize(
    "content_type", ["audio/mpeg", "audio/pcm;rate=8000", "application/octet-stream", "text/plain"]
)
@pytest.mark.parametrize(("body", "info"), [(WAV, ("wav", 16_000, 1)), (MP3, ("mp3", 24_000, 1))], ids=["wav", "mp3"])
def test_the_bytes_are_believed_before_the_label(
    connect: Connect, content_type: str, body: bytes, info: tuple[str, int, int]
) -> None:
    with WireServer(in_chunks(body, 11, content_type)) as server:
        caller = connect(server_url=server.url)
        speech = caller.create()
        assert b"".join(caller.read_stream(3)) == speech.content == body
        assert (speech.audio_format, speech.sample_rate, speech.channels) == info


@pytest.mark.parametrize(
    ("body", "content_type", "info"),
    [(WAV, PCM, ("wav", 16_000, 1)), (MP3, "audio/mpeg", ("mp3", 24_000, 1)), (AUDIO, PCM, ("pcm", 24_000, 1))],
    ids=["wav", "mp3", "pcm"],
)
def test_a_stream_knows_the_audio_by_its_first_bytes(
    body: bytes, content_type: str, info: tuple[str, int, int]
) -> None:
    clients = mocked(lambda: httpx.Response(200, content=body, headers={"content-type": content_type}))
    with OpenRouter("key", **clients).tts.stream_speech(input="Hello", model="a/b", voice="c") as stream:
        assert (stream.audio_format, stream.sample_rate, stream.channels) == info
        assert stream.duration == (len(AUDIO) / 48_000 if content_type == PCM and body is AUDIO else None)


@pytest.mark.parametrize("body", [b"\xff", b"\xff\xf3\x84\xc4" + bytes(100), b"\1\2" * 40_000], ids=range(3))
@pytest.mark.parametrize("use", [create, stream, save_mp3])
def test_what_holds_no_sound_is_no_audio(connect: Connect, tmp_path: Path, use: Any, body: bytes) -> None:
    """It is known at the end, so a stream was handed on by then."""
    answer = http(body=body, content_type="audio/mpeg")
    with WireServer(answer) as server, pytest.raises(errors.NotAudioError, match="have no mp3 audio") as raised:
        use(connect(server_url=server.url), tmp_path)
    assert raised.value.audio == (b"" if use is stream else body)
    assert not list(tmp_path.iterdir())


def test_a_long_tag_is_no_reason_to_refuse_a_stream(connect: Connect, tmp_path: Path) -> None:
    """The beginning that is kept of a stream may be all picture; what is read or saved is looked at to its end."""
    tag = b"ID3\4\0\0\0\5\0\0" + b"\1" * (5 << 14)
    with WireServer(http(body=tag + MP3, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        assert stream(caller, tmp_path) == caller.create().content == tag + MP3
        assert caller.save(tmp_path / "a.mp3").bytes_received == len(tag + MP3)
    with WireServer(http(body=tag, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        for call in (caller.create, lambda: caller.save(tmp_path / "b.mp3")):
            with pytest.raises(errors.NotAudioError) as raised:
                call()
            assert raised.value.audio == tag


def test_text_that_is_cut_is_text(connect: Connect) -> None:
    """What a server says counts for more than that the connection was lost."""
    with WireServer(http(body=ERROR[:-1], content_type="audio/mpeg", length=len(ERROR))) as server:
        with pytest.raises(errors.NotAudioError, match="The provider failed") as raised:
            connect(server_url=server.url).create()
    assert raised.value.audio == ERROR[:-1]


def test_what_is_known_of_a_saved_file_outlives_it(connect: Connect, tmp_path: Path) -> None:
    with WireServer(http(body=bytes(480))) as server:
        saved = connect(server_url=server.url).save(tmp_path / "a.wav")
    saved.path.unlink()
    assert (saved.duration, saved.sample_rate) == (0.01, 24_000)


def test_pcm_at_an_impossible_rate_is_kept_and_refused_by_name(connect: Connect, tmp_path: Path) -> None:
    with WireServer(http(body=bytes(480), content_type="audio/pcm;rate=99999999")) as server:
        with pytest.raises(errors.SuffixMismatchError, match="The audio is pcm at 99999999 Hz") as raised:
            connect(server_url=server.url).save(tmp_path / "a.wav")
    assert raised.value.saved_to is not None
    assert raised.value.saved_to.read_bytes() == bytes(480)
