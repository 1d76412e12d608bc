"""Streams: consumed once, continued without loss, entered with `with`."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from openrouter_speech import AsyncSpeechStream, OpenRouter, SpeechStream, errors, playback

from .conftest import KEY, REQUEST
from .wire.answers import Body, giving
from .wire_server import PCM

AUDIO = bytes(number % 251 for number in range(3000))


def cut(audio: bytes, step: int) -> list[bytes]:
    return [audio[start : start + step] for start in range(0, len(audio), step)]


def opening(way: str, clients: dict[str, Any]) -> Any:
    """Return the context manager that opens a stream."""
    tts = OpenRouter(KEY, **clients).tts
    return tts.stream_speech_async(**REQUEST) if way == "async" else tts.stream_speech(**REQUEST)


class Stream:
    """A stream of either kind, called synchronously."""

    def __init__(self, way: str, *pieces: bytes | Exception) -> None:
        self._runner = asyncio.Runner() if way == "async" else None
        self.body = Body(*pieces)
        self.context = opening(way, giving(self.body, x_generation_id="gen-tts-1-a"))

    def __enter__(self) -> Self:
        self.stream: Any = self._done((self.context.__aenter__ if self._runner else self.context.__enter__)())
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        if self._runner:
            self._runner.close()

    def leave(self) -> None:
        self._done((self.context.__aexit__ if self._runner else self.context.__exit__)(None, None, None))

    def iterate(self, size: int | None = None) -> Callable[[], bytes]:
        """Start an iteration. Each call returns the next chunk, and an empty one at the end."""
        pieces = self.stream.iter_bytes(size)

        async def following() -> bytes:
            return await anext(pieces, b"")

        return lambda: self._done(following()) if self._runner else next(pieces, b"")

    def rest(self, size: int | None = None) -> list[bytes]:
        return list(iter(self.iterate(size), b""))

    def call(self, method: str, target: Path | None = None) -> Any:
        return self._done(getattr(self.stream, method)(*([target] if method == "save" else [])))

    def _done(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner and asyncio.iscoroutine(result) else result


@pytest.fixture(params=["sync", "async"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_stream_can_be_saved(way: str, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100)) as stream:
        assert stream.stream.bytes_received == 100
        assert stream.stream.time_to_first_audio is not None
        assert (stream.stream.generation_id, stream.stream.headers["content-type"]) == ("gen-tts-1-a", PCM)
        assert stream.call("save", tmp_path / "a.pcm") == tmp_path / "a.pcm"
        assert repr(stream.stream).endswith("SpeechStream [200 pcm, 3000 bytes]>")
        assert stream.stream.duration == 1500 / 24_000
        assert stream.stream.response.is_stream_consumed
        assert stream.stream.response.is_closed
    assert (tmp_path / "a.pcm").read_bytes() == AUDIO


def test_leaving_a_stream_early_closes_its_response(way: str) -> None:
    with Stream(way, *cut(AUDIO, 100)) as left, Stream(way, AUDIO) as closed:
        assert left.iterate()() == AUDIO[:100]
        left.leave()
        closed.call("close")
        assert (left.body.is_closed, closed.body.is_closed) == (True, True)


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "1"])
def test_an_invalid_chunk_size_is_rejected(way: str, chunk_size: Any) -> None:
    with Stream(way, AUDIO) as stream, pytest.raises(ValueError, match="chunk_size"):
        stream.iterate(chunk_size)


@pytest.mark.parametrize("step", [7, 100, 3000])
@pytest.mark.parametrize(("first", "then"), [(None, None), (100, 7), (None, 64), (64, None), (1, 5000)])
def test_an_iteration_continues_where_the_last_one_stopped(
    way: str, step: int, first: int | None, then: int | None
) -> None:
    with Stream(way, *cut(AUDIO, step)) as stream:
        taken = [stream.iterate(first)()]
        rest = stream.rest(then)
    assert b"".join([*taken, *rest]) == AUDIO
    if then is not None:
        assert {len(piece) for piece in rest[:-1]} <= {then - then % 2 or 2}
    assert all(len(piece) % 2 == 0 for piece in taken + rest)


def test_two_iterations_share_the_audio(way: str) -> None:
    """Each byte goes to one of them. The one that does not reach the end raises an error."""
    with Stream(way, *cut(AUDIO, 100)) as stream:
        one, other = stream.iterate(50), stream.iterate()
        taken = [one(), other(), one(), other(), *iter(one, b"")]
        assert b"".join(taken) == AUDIO
        with pytest.raises(errors.StreamConsumedError, match="read to its end"):
            other()


@pytest.mark.parametrize("method", ["read", "save", "play"])
def test_a_stream_that_was_partly_read_cannot_be_used_as_a_whole(way: str, method: str, tmp_path: Path) -> None:
    """No file or device is touched, and the rest can still be read."""
    target = tmp_path / "good.pcm"
    target.write_bytes(b"good")
    with Stream(way, *cut(AUDIO, 100)) as stream:
        first = stream.iterate()()
        with pytest.raises(errors.StreamConsumedError, match=rf"{method}\(\) needs the whole stream"):
            stream.call(method, target)
        assert first + b"".join(stream.rest()) == AUDIO
        for again in (method, "iter_bytes"):
            with pytest.raises(errors.StreamConsumedError, match="read to its end"):
                stream.call(again, target)
    assert target.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("method", ["read", "save", "play", "iter_bytes"])
def test_a_stream_ends_with_its_block(way: str, method: str, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100)) as stream:
        following = stream.iterate()
        following()
        stream.leave()
        with pytest.raises(errors.StreamConsumedError, match="inside the `with` block") as raised:
            stream.call(method, tmp_path / "a.pcm")
        with pytest.raises(errors.StreamConsumedError):
            following()
    assert isinstance(raised.value, RuntimeError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [None, 64])
def test_a_second_iteration_checks_the_end(way: str, size: int | None) -> None:
    with Stream(way, AUDIO[:100], AUDIO[100:201]) as stream:
        taken = [stream.iterate(size)()]
        following = stream.iterate(size)
        with pytest.raises(errors.TruncatedAudioError, match="not a whole number"):
            taken.extend(iter(following, b""))
    assert b"".join(taken) == AUDIO[:200]


def test_an_error_holds_the_audio_that_was_not_yielded(way: str) -> None:
    with Stream(way, AUDIO[:100], AUDIO[100:151], httpx.ReadError("gone")) as stream:
        following = stream.iterate(64)
        taken = [following(), following()]
        with pytest.raises(errors.TruncatedAudioError, match="after 151 bytes") as raised:
            following()
        assert b"".join(taken) + raised.value.audio == AUDIO[:150]
        with pytest.raises(errors.StreamConsumedError, match="ended early"):
            stream.rest()


@pytest.mark.parametrize(
    ("name", "cause", "kind"),
    [
        (None, httpx.ReadTimeout(""), errors.APITimeoutError),
        (None, httpx.ReadError("gone"), errors.TruncatedAudioError),
        ("a.wav", httpx.ReadTimeout(""), errors.APITimeoutError),
        ("a.wav", httpx.ReadError("gone"), errors.TruncatedAudioError),
        ("missing/a.pcm", None, errors.FileWriteError),
    ],
)
def test_an_error_holds_all_audio_that_arrived(
    way: str, name: str | None, cause: Exception | None, kind: type[errors.OpenRouterError], tmp_path: Path
) -> None:
    """Also after it was pickled."""
    with Stream(way, *cut(AUDIO, 100), *([cause] if cause else [])) as stream:
        with pytest.raises(kind) as raised:
            stream.call("save" if name else "read", tmp_path / str(name))
    error: Any = raised.value
    copy = pickle.loads(pickle.dumps(error))
    assert error.audio == copy.audio == AUDIO
    assert str(copy) == str(error)
    for attribute in ("errno", "strerror", "filename"):
        assert getattr(copy, attribute, None) == getattr(error, attribute, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("taken", [0, 1, 30])
def test_all_audio_can_be_saved_after_playback_failed(
    way: str, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(_: object, pieces: Iterator[bytes]) -> None:
        for _number in range(taken):
            next(pieces)
        raise errors.PlaybackError("The device was unplugged.")

    async def play_async(_: object, pieces: AsyncIterator[bytes]) -> None:
        for _number in range(taken):
            await anext(pieces)
        raise errors.PlaybackError("The device was unplugged.")

    monkeypatch.setattr(playback, "play", play)
    monkeypatch.setattr(playback, "play_async", play_async)
    with Stream(way, *cut(AUDIO, 100)) as stream:
        with pytest.raises(errors.PlaybackError):
            stream.call("play")
        stream.call("save", tmp_path / "a.pcm")
    assert (tmp_path / "a.pcm").read_bytes() == AUDIO


def test_an_interrupted_wait_does_not_look_like_the_end() -> None:
    """What the network brings after it is lost."""

    class Stalling(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield AUDIO
            await asyncio.Event().wait()

    async def main() -> None:
        async with opening("async", giving(Stalling())) as stream:
            pieces = stream.iter_bytes()
            assert await anext(pieces) == AUDIO
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            with pytest.raises(errors.StreamConsumedError, match="same time"):
                await anext(stream.iter_bytes())
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            with pytest.raises(errors.StreamConsumedError, match="interrupted"):
                await anext(stream.iter_bytes())

    asyncio.run(main())


# The context manager

RIGHT = {"sync": r"`with tts\.stream_speech\(", "async": r"`async with tts\.stream_speech_async\("}


def test_a_forgotten_with_is_explained(way: str) -> None:
    """Nothing is sent: the transport has no response."""
    context = opening(way, giving())
    for use in (iter, next, aiter, anext):
        with pytest.raises(TypeError, match=RIGHT[way]):
            use(context)
    for name in [*dir(SpeechStream), "response", "headers"]:
        if not name.startswith("_"):
            with pytest.raises(TypeError, match=RIGHT[way]):
                getattr(context, name)


def test_the_wrong_kind_of_with_is_explained(way: str) -> None:
    context = opening(way, giving())
    with pytest.raises(TypeError, match=RIGHT[way]):
        context.__enter__() if way == "async" else context.__aenter__()
    with pytest.raises(TypeError, match=RIGHT["async"]):
        context.__await__()


def test_a_context_can_be_inspected(way: str) -> None:
    context = opening(way, giving())
    assert not hasattr(context, "save")
    assert not hasattr(context, "_repr_html_")
    assert "StreamContext" in repr(context)


def test_a_context_is_entered_once(way: str) -> None:
    with Stream(way, AUDIO) as opened:
        assert type(opened.stream) is (AsyncSpeechStream if way == "async" else SpeechStream)
        assert opened.call("read") == AUDIO
        with pytest.raises(errors.StreamConsumedError, match="opened already"):
            opened.__enter__()
