"""Streams over real sockets: audio as it arrives, and connections that are closed."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import OpenRouter

from ..conftest import KEY, REQUEST, Caller, Connect
from ..wire_server import PCM, Connection, WireServer, chunk, chunked, head, silence
from .answers import GOOD, endless, giving


def pieces_of(caller: Caller) -> Any:
    """Yield the chunks of a stream as they arrive."""
    runner = caller._runner
    if runner is None:
        with caller.open_router.tts.stream_speech(**REQUEST) as stream:
            yield from stream
        return

    context = caller.open_router.tts.stream_speech_async(**REQUEST)
    pieces = aiter(runner.run(context.__aenter__()))

    async def following() -> bytes | None:
        return await anext(pieces, None)

    while (piece := runner.run(following())) is not None:
        yield piece
    runner.run(context.__aexit__(None, None, None))


def test_the_first_audio_arrives_before_the_second_is_sent(connect: Connect) -> None:
    heard = threading.Event()

    def slow(connection: Connection) -> None:
        connection.send(head(200, PCM, None) + chunk(b"\0a" * 8))
        connection.wait_for(heard)
        connection.send(chunk(b"cd") + chunk(b""))

    with WireServer(slow) as server:
        pieces = []
        for piece in pieces_of(connect(server_url=server.url)):
            pieces.append(piece)
            heard.set()
        assert pieces == [b"\0a" * 8, b"cd"]


def test_the_format_is_known_with_the_first_byte() -> None:
    def first_audio_alone(connection: Connection) -> object:
        connection.send(head(200, PCM, None, {"X-Generation-Id": "gen-tts-1-a"}) + chunk(bytes(16)))
        return silence(connection)

    with WireServer(first_audio_alone) as server, OpenRouter(KEY, server_url=server.url) as open_router:
        with open_router.tts.stream_speech(**REQUEST) as stream:
            assert (stream.audio_format, stream.sample_rate, stream.channels) == ("pcm", 24_000, 1)
            assert (stream.generation_id, stream.bytes_received, stream.duration) == ("gen-tts-1-a", 16, 8 / 24_000)
            assert stream.time_to_first_audio is not None
            assert stream.headers["content-type"] == PCM
        server.wait_until_closed()


def test_leaving_a_stream_early_closes_its_connection() -> None:
    async def leave_async() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert len(await anext(aiter(stream))) > 0
            await asyncio.to_thread(server.wait_until_closed)
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                await stream.close()
                await asyncio.to_thread(server.wait_until_closed)

    with WireServer(endless) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert len(next(iter(stream))) > 0
            server.wait_until_closed()
            with open_router.tts.stream_speech(**REQUEST) as stream:
                stream.close()
                server.wait_until_closed()
        asyncio.run(leave_async())


@pytest.mark.parametrize("chunk_size", [None, 5, 1000])
def test_chunks_are_whole_frames_wherever_the_network_cuts(connect: Connect, chunk_size: int | None) -> None:
    """A stereo frame is four bytes. test_body.py tests which chunks result from which cuts."""
    audio = bytes(number % 251 for number in range(480))
    cut = [audio[start : start + 3] for start in range(0, 480, 3)]
    with WireServer(chunked(*cut, content_type="audio/pcm;rate=24000;channels=2")) as server:
        pieces = connect(server_url=server.url).read_stream(chunk_size)
    assert b"".join(pieces) == audio
    assert all(len(piece) % 4 == 0 for piece in pieces)
    if chunk_size is not None:
        assert {len(piece) for piece in pieces[:-1]} <= {chunk_size - chunk_size % 4}


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "1"])
def test_an_invalid_chunk_size_is_rejected(connect: Connect, chunk_size: Any) -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        connect(**giving(bytes(480))).read_stream(chunk_size)


def test_a_stream_can_be_saved_or_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert await stream.save(tmp_path / "async.pcm") == tmp_path / "async.pcm"
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert await stream.read() == bytes(480)

    with WireServer(GOOD) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert stream.save(tmp_path / "sync.pcm") == tmp_path / "sync.pcm"
                assert repr(stream) == "<SpeechStream [200 pcm, 480 bytes]>"
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert stream.read() == bytes(480)
                assert stream.duration == 0.01
        asyncio.run(main())
    assert (tmp_path / "sync.pcm").read_bytes() == (tmp_path / "async.pcm").read_bytes() == bytes(480)
