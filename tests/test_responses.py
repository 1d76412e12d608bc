"""What counts as complete audio, in each framing: read, streamed and saved."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors

from .conftest import REQUEST, Caller, Connect, connecting
from .wire.answers import EAGER, Body, ending, giving, transports
from .wire.conftest import FORMS, Use, create, save, stream
from .wire_server import PCM, Answer, WireServer, chunked, head, http

AUDIO = bytes(number % 251 for number in range(1000))
MP3 = (b"\xff\xf3\x84\xc4" + bytes(188)) * 20
WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\xff\xff\xff\xff" + AUDIO
GZIP, DEFLATE = gzip.compress(AUDIO), zlib.compress(AUDIO)
ERROR = json.dumps({"error": {"code": 502, "message": "The provider failed"}}).encode()


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


def encoded(encoding: str, body: bytes, length: int | None = None) -> Answer:
    return http(body=body, length=length, headers={"Content-Encoding": encoding})


def in_chunks(body: bytes, step: int = 100, content_type: str = PCM, encoding: str | None = None) -> Answer:
    headers = {"Content-Encoding": encoding} if encoding else None
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    return chunked(*pieces, content_type=content_type, headers=headers)


def until_closed(body: bytes, encoding: str = "identity") -> Answer:
    """Build a response whose body ends with its connection."""
    headers = head(200, PCM, 0, {"Connection": "close", "Content-Encoding": encoding})
    return ending(headers.replace(b"Content-Length: 0\r\n", b"") + body)


def part(content_range: str | None) -> Answer:
    return http(206, AUDIO, headers={"Content-Range": content_range} if content_range else None)


def save_mp3(caller: Caller, folder: Path) -> bytes:
    return caller.save(folder / "a.mp3").path.read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        until_closed(AUDIO), until_closed(GZIP, "gzip"), encoded("gzip", GZIP), in_chunks(GZIP, 7, encoding="gzip"),
        encoded("deflate", DEFLATE), part("bytes 0-999/1000"), in_chunks(AUDIO, 9),
    ],
    ids=range(7),
)  # fmt: skip
def test_a_complete_body_is_accepted(connect: Connect, tmp_path: Path, answer: Answer) -> None:
    with WireServer(answer) as server:
        caller = connect(server_url=server.url)
        assert [use(caller, tmp_path) for use in FORMS] == [AUDIO] * 3


CUT_GZIP, PART = encoded("gzip", GZIP[:-4]), part("bytes 0-999/4000")


@pytest.mark.parametrize(
    ("use", "answer", "message", "size"),
    [
        (create, until_closed(GZIP[:-9], "gzip"), "Content-Encoding: gzip ends early", 1000),
        (create, in_chunks(GZIP[:-20], encoding="gzip"), "Content-Encoding: gzip ends early", None),
        (create, encoded("gzip", GZIP[:10]), "Content-Encoding: gzip ends early", None),
        (create, encoded("deflate", DEFLATE[:-1]), "Content-Encoding: deflate ends early", 1000),
        (create, encoded("gzip", GZIP[:-4], len(GZIP)), "connection was lost", 1000),
        (create, part(None), "status 206, no Content-Range", 1000),
        (create, http(body=AUDIO[:101], length=480), "connection was lost after 101 bytes", 100),
        *((use, CUT_GZIP, "Content-Encoding: gzip ends early", None if use is stream else 1000) for use in FORMS),
        *((use, PART, "status 206, bytes 0-999/4000", 1000) for use in FORMS),
    ],
    ids=range(13),
)
def test_an_incomplete_body_is_an_error_that_holds_what_arrived(
    connect: Connect, tmp_path: Path, use: Use, answer: Answer, message: str, size: int | None
) -> None:
    with WireServer(answer) as server, pytest.raises(errors.TruncatedAudioError, match=message) as raised:
        use(connect(server_url=server.url), tmp_path)
    if size:
        assert raised.value.audio == AUDIO[:size]
        assert (raised.value.status_code, raised.value.body) == (206 if "206" in message else 200, "")
    assert not list(tmp_path.iterdir())


WRONG = [
    ("gzip", MP3, "has Content-Encoding: gzip, but cannot be decoded: .*incorrect header check"),
    ("gzip", b"\x1f\x8b" + AUDIO, "has Content-Encoding: gzip, but"),
    ("foo", AUDIO, "has Content-Encoding: foo, but cannot be decoded: this client does not support"),
    ("zstd, gzip", AUDIO, "has Content-Encoding: zstd, gzip, but cannot be decoded: .*zstandard"),
]


@pytest.mark.parametrize(
    ("use", "encoding", "body", "message"),
    [*((create, *row) for row in WRONG), (stream, *WRONG[0]), (save, *WRONG[0]), (save, *WRONG[2])],
    ids=range(7),
)
def test_a_wrong_coding_is_reported_with_the_bytes_as_received(
    connect: Connect, tmp_path: Path, use: Use, encoding: str, body: bytes, message: str
) -> None:
    with WireServer(in_chunks(body, 1 if body[:1] == b"\x1f" else 100, encoding=encoding)) as server:
        with pytest.raises(errors.NotAudioError, match=message) as raised:
            use(connect(server_url=server.url), tmp_path)
        assert len(server.requests) == 1
    assert (raised.value.audio, raised.value.bytes_received) == (body, len(body))


@pytest.mark.parametrize("use", [create, save])
def test_a_coding_that_breaks_later_keeps_what_was_decoded(connect: Connect, tmp_path: Path, use: Use) -> None:
    whole = zlib.compressobj(0)
    body = Body(whole.compress(AUDIO) + whole.flush(zlib.Z_FULL_FLUSH), b"\xff" * 50)
    message = "Content-Encoding: deflate, but is not valid after 1000 bytes"
    with pytest.raises(errors.TruncatedAudioError, match=message) as raised:
        use(connect(**giving(body, content_encoding="deflate")), tmp_path)
    assert raised.value.audio == AUDIO


def test_a_coding_that_httpx_decoded_is_checked_too(connect: Connect) -> None:
    """A response that a transport returns complete is decoded before we see it."""
    with pytest.raises(errors.TruncatedAudioError, match="Content-Encoding: gzip ends early") as raised:
        connect(**giving(GZIP[:-4], content_encoding="gzip")).create()
    assert raised.value.audio == AUDIO
    with pytest.raises(errors.APIConnectionError, match="Content-Encoding is wrong"):
        connect(**giving(AUDIO, content_encoding="gzip")).create()
    assert connect(**giving(GZIP, content_encoding="gzip")).create().content == AUDIO


@pytest.mark.parametrize("body", [ERROR, gzip.compress(ERROR)], ids=["not coded", "coded"])
def test_an_errors_message_is_read_with_any_coding(connect: Connect, body: bytes) -> None:
    with WireServer(http(400, body, "application/json", headers={"Content-Encoding": "gzip"})) as server:
        with pytest.raises(errors.BadRequestResponseError, match="The provider failed"):
            connect(server_url=server.url).create()


@pytest.mark.parametrize("status", [200, 204])
def test_a_success_without_a_body_is_empty(connect: Connect, tmp_path: Path, status: int) -> None:
    with WireServer(
        lambda wire: wire.send(f"HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n".encode())
    ) as server:
        for use in FORMS:
            with pytest.raises(errors.EmptyAudioError, match="no audio") as raised:
                use(connect(server_url=server.url), tmp_path)
            assert ("204" in str(raised.value)) is (status == 204)


@pytest.mark.parametrize("body", [AUDIO, Body(AUDIO)], ids=["read", "stream"])
@pytest.mark.parametrize(
    ("length", "kind", "message"),
    [
        (480, errors.AudioError, "1000 bytes arrived instead of 480"),
        (4000, errors.TruncatedAudioError, "1000 of 4000 bytes arrived"),
    ],
)
def test_a_body_of_the_wrong_length_is_an_error_with_any_transport(
    connect: Connect, tmp_path: Path, body: Any, length: int, kind: type[errors.AudioError], message: str
) -> None:
    for use in FORMS:
        with pytest.raises(kind, match=message) as raised:
            use(connect(**giving(body, content_length=str(length))), tmp_path)
        assert raised.value.audio == (b"" if use is stream else AUDIO)


@pytest.mark.parametrize("connect", ["sync", "async"], indirect=True)
def test_bytes_beyond_the_announced_length_are_not_part_of_the_body(connect: Connect) -> None:
    """httpx does not report them; aiohttp may fail."""
    with WireServer(http(body=AUDIO, length=480)) as server:
        assert connect(server_url=server.url).create().content == AUDIO[:480]


# The format


@pytest.mark.parametrize(
    ("use", "content_type", "step"),
    [(create, "audio/pcm", 1000), (create, None, 1000), (stream, "audio/mpeg", 1), (save, "audio/pcm", 1)],
)
def test_text_is_not_audio_whatever_its_label(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, content_type: str | None, step: int
) -> None:
    """The error has its message, and holds all of it. The call can be retried."""
    answer = in_chunks(ERROR, step, content_type) if content_type else http(body=ERROR, content_type=None)
    with WireServer(answer) as server, pytest.raises(errors.NotAudioError, match="The provider failed") as raised:
        use(connect(server_url=server.url), tmp_path)
    assert (raised.value.audio, raised.value.body) == (ERROR, ERROR.decode())
    with WireServer(answer, http(body=AUDIO)) as server:
        assert use(connect(server_url=server.url, retry_config=EAGER), tmp_path) == AUDIO


def test_truncated_text_is_text(connect: Connect) -> None:
    """The server's message matters more than the lost connection."""
    with WireServer(http(body=ERROR[:-1], content_type="audio/mpeg", length=len(ERROR))) as server:
        with pytest.raises(errors.NotAudioError, match="The provider failed") as raised:
            connect(server_url=server.url).create()
    assert raised.value.audio == ERROR[:-1]


@pytest.mark.parametrize(
    ("body", "content_type", "info", "duration"),
    [
        (AUDIO, PCM, ("pcm", 24_000, 1), 150 / 24_000),
        (WAV, PCM, ("wav", 16_000, 1), None),
        (WAV, "text/plain", ("wav", 16_000, 1), None),
        (MP3, "audio/pcm;rate=8000", ("mp3", 24_000, 1), None),
        (MP3, "application/octet-stream", ("mp3", 24_000, 1), None),
        (MP3, None, ("mp3", 24_000, 1), None),
    ],
    ids=range(6),
)
def test_the_first_bytes_identify_the_audio_whatever_its_label(
    connect: Connect, body: bytes, content_type: str | None, info: tuple[str, int, int], duration: float | None
) -> None:
    labelled = chunked(body[:11], body[11:300], body[300:], content_type=content_type)
    with WireServer(labelled) as server:
        caller = connect(server_url=server.url)
        speech = caller.create()
        assert b"".join(caller.read_stream(3)) == speech.content == body
    assert (speech.audio_format, speech.sample_rate, speech.channels) == info
    headers = {"content-type": content_type} if content_type else {}
    clients = transports(lambda _: httpx.Response(200, stream=Body(body[:300], body[300:]), headers=headers))
    with OpenRouter("key", **clients).tts.stream_speech(**REQUEST) as opened:
        assert (opened.audio_format, opened.sample_rate, opened.channels) == info
        assert opened.duration == duration


def test_an_unknown_audio_type_is_accepted(connect: Connect) -> None:
    with WireServer(http(body=MP3, content_type="audio/x-new")) as server:
        assert connect(server_url=server.url).create(response_format="mp3").content == MP3


@pytest.mark.parametrize("body", [b"\xff", b"\xff\xf3\x84\xc4" + bytes(100), b"\1\2" * 40_000], ids=range(3))
@pytest.mark.parametrize("use", [create, stream, save_mp3])
def test_a_body_without_sound_is_not_audio(connect: Connect, tmp_path: Path, use: Use, body: bytes) -> None:
    """This is known only at the end, when a stream was already passed on."""
    with WireServer(http(body=body, content_type="audio/mpeg")) as server:
        with pytest.raises(errors.NotAudioError, match="have no mp3 audio") as raised:
            use(connect(server_url=server.url), tmp_path)
    assert raised.value.audio == (b"" if use is stream else body)
    assert not list(tmp_path.iterdir())


def test_a_stream_may_begin_with_a_long_tag(connect: Connect, tmp_path: Path) -> None:
    """A stream keeps only its start, which may be all tag. A body that is read or saved is checked to its end."""
    tag = b"ID3\4\0\0\0\5\0\0" + b"\1" * (5 << 14)
    whole = http(body=tag + MP3, content_type="audio/mpeg")
    with WireServer(whole, whole, whole, http(body=tag, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        for use in (stream, create, save_mp3):
            assert use(caller, tmp_path) == tag + MP3
        for use in (create, save_mp3):
            with pytest.raises(errors.NotAudioError) as raised:
                use(caller, tmp_path)
            assert raised.value.audio == tag


def test_what_is_known_of_a_saved_file_does_not_need_the_file(connect: Connect, tmp_path: Path) -> None:
    saved = connect(**giving(bytes(480))).save(tmp_path / "a.wav")
    saved.path.unlink()
    assert (saved.duration, saved.sample_rate) == (0.01, 24_000)


def test_pcm_at_an_impossible_rate_is_saved_without_a_header(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(errors.SuffixMismatchError, match="The audio is pcm at 99999999 Hz") as raised:
        connect(**giving(bytes(480), content_type="audio/pcm;rate=99999999")).save(tmp_path / "a.wav")
    assert raised.value.saved_to is not None
    assert raised.value.saved_to.read_bytes() == bytes(480)
