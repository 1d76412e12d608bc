"""Streams over real sockets: audio as it arrives, in constant memory."""

import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..conftest import REQUEST, Caller, Connect
from ..wire_server import PCM, Connection, WireServer, chunk, chunked, head


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


def stream(caller: Caller, _: Path) -> int:
    return sum(len(piece) for piece in pieces_of(caller))


def save(caller: Caller, folder: Path) -> int:
    return caller.save(folder / "speech.pcm").bytes_received


@pytest.mark.parametrize("use", [stream, save])
def test_memory_does_not_grow_with_the_length(connect: Connect, tmp_path: Path, use: Callable[..., int]) -> None:
    """Four times the audio needs no more memory, apart from buffers between network and reader (aiohttp: 1 MiB)."""
    piece = bytes(1 << 16)

    def peak(count: int) -> int:
        with WireServer(chunked(*[piece] * count)) as server:
            caller = connect(server_url=server.url)
            tracemalloc.start()
            try:
                assert use(caller, tmp_path) == count * len(piece)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(1)  # warm up: lazy imports and caches
    assert peak(80) < peak(20) + 32 * len(piece)
