"""Streams: consumed once, taken up again without a loss, entered with `with`."""

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

PCM = "audio/pcm;rate=24000;channels=1"
AUDIO = bytes(number % 251 for number in range(3000))


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces; an exception among them is raised, an event is waited for."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            elif isinstance(piece, BaseException):
                raise piece
            else:
                yield piece


def cut(audio: bytes, step: int) -> list[bytes]:
    return [audio[start : start + step] for start in range(0, len(audio), step)]


class Stream:
    """A stream of either kind, each step of which is made at once."""

    def __init__(self, way: str, *pieces: Any, headers: dict[str, str] | None = None) -> None:
        transport = httpx.MockTransport(
            lambda _: httpx.Response(200, stream=Body(*pieces), headers={"content-type": PCM, **(headers or {})})
        )
        self._runner = asyncio.Runner() if way == "async" else None
        client = (
            {"async_client": httpx.AsyncClient(transport=transport)}
            if self._runner
            else {"client": httpx.Client(transport=transport)}
        )
        self.open_router = OpenRouter(KEY, **client)
        self.context: Any = (
            self.open_router.tts.stream_speech_async(**REQUEST)
            if self._runner
            else self.open_router.tts.stream_speech(**REQUEST)
        )
        self.stream: Any = None

    def __enter__(self) -> Self:
        self.stream = self._done(self.context.__aenter__() if self._runner else self.context.__enter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        if self._runner:
            self._runner.close()

    def leave(self) -> None:
        self._done((self.context.__aexit__ if self._runner else self.context.__exit__)(None, None, None))

    def iterate(self, size: int | None = None) -> Callable[[], bytes]:
        """Begin an iteration; each call gives the next piece, an empty one is the end."""
        pieces = self.stream.iter_bytes(size)

        async def following() -> bytes:
            return await anext(pieces, b"")

        return lambda: self._done(following()) if self._runner else next(pieces, b"")

    def rest(self, size: int | None = None) -> list[bytes]:
        return list(iter(self.iterate(size), b""))

    def call(self, method: str, *arguments: Any) -> Any:
        return self._done(getattr(self.stream, method)(*arguments))

    def _done(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner and asyncio.iscoroutine(result) else result


@pytest.fixture(params=["sync", "async"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SIZES = [(None, None), (1000, 1000), (100, 7), (None, 64), (64, None), (1, 5000)]


@pytest.mark.parametrize("step", [7, 100, 3000])
@pytest.mark.parametrize(("first", "then"), SIZES)
def test_an_iteration_goes_on_where_it_was_left(way: str, step: int, first: int | None, then: int | None) -> None:
    """Without losing what was cut into pieces already, whatever the sizes."""
    with Stream(way, *cut(AUDIO, step)) as stream:
        taken = [stream.iterate(first)()]
        rest = stream.rest(then)
    assert b"".join([*taken, *rest]) == AUDIO
    if then is not None:
        assert {len(piece) for piece in rest[:-1]} <= {then - then % 2 or 2}
    assert all(len(piece) % 2 == 0 for piece in taken + rest)


def test_two_iterations_share_the_audio(way: str) -> None:
    """Each byte goes to one of them, and the one that did not reach the end is told so."""
    with Stream(way, *cut(AUDIO, 100)) as stream:
        one, other = stream.iterate(50), stream.iterate()
        taken = [one(), other(), one(), other()]
        while piece := one():
            taken.append(piece)
        assert b"".join(taken) == AUDIO
        with pytest.raises(errors.StreamConsumedError, match="read to its end"):
            other()


@pytest.mark.parametrize("method", ["read", "save", "play"])
def test_a_stream_that_was_begun_is_not_taken_for_a_whole_one(way: str, method: str, tmp_path: Path) -> None:
    """No file and no device is touched, and the rest can still be had."""
    target = tmp_path / "good.pcm"
    target.write_bytes(b"good")
    arguments = [target] if method == "save" else []
    with Stream(way, *cut(AUDIO, 100)) as stream:
        first = stream.iterate()()
        with pytest.raises(errors.StreamConsumedError, match=rf"{method}\(\) needs the whole stream"):
            stream.call(method, *arguments)
        assert first + b"".join(stream.rest()) == AUDIO
        for again in (method, "iter_bytes"):
            with pytest.raises(errors.StreamConsumedError, match="read to its end"):
                stream.call(again, *(arguments if again == method else []))
    assert target.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("method", ["read", "save", "play", "iter_bytes"])
def test_a_stream_ends_with_its_block(way: str, method: str, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100)) as stream:
        following = stream.iterate()
        following()
        stream.leave()
        with pytest.raises(errors.StreamConsumedError, match="inside the `with` block") as raised:
            stream.call(method, *([tmp_path / "a.pcm"] if method == "save" else []))
        with pytest.raises(errors.StreamConsumedError):
            following()
    assert isinstance(raised.value, RuntimeError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [None, 64])
def test_the_end_is_checked_after_a_break_too(way: str, size: int | None) -> None:
    with Stream(way, AUDIO[:100], AUDIO[100:201]) as stream:
        first = stream.iterate(size)()
        following = stream.iterate(size)
        taken = [first]
        with pytest.raises(errors.TruncatedAudioError, match="not a whole number"):
            taken.extend(iter(following, b""))
    assert b"".join(taken) == AUDIO[:200]


def test_what_was_not_handed_on_is_in_the_error(way: str) -> None:
    """Pieces that were waiting to be completed, say."""
    lost = httpx.ReadError("gone")
    with Stream(way, AUDIO[:100], AUDIO[100:151], lost) as stream:
        following = stream.iterate(64)
        taken = [following(), following()]
        with pytest.raises(errors.TruncatedAudioError, match="after 151 bytes") as raised:
            following()
        assert b"".join(taken) + raised.value.audio == AUDIO[:150]
        with pytest.raises(errors.StreamConsumedError, match="ended early"):
            stream.rest()


@pytest.mark.parametrize("method", ["read", "save"])
@pytest.mark.parametrize("cause", [httpx.ReadTimeout(""), httpx.ReadError("gone")])
def test_all_that_arrived_is_in_the_error(way: str, method: str, cause: httpx.RequestError, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100), cause) as stream:
        with pytest.raises((errors.APIConnectionError, errors.AudioError)) as raised:
            stream.call(method, *([tmp_path / "a.wav"] if method == "save" else []))
    assert isinstance(raised.value, errors.APITimeoutError | errors.TruncatedAudioError)
    assert raised.value.audio == AUDIO
    assert pickle.loads(pickle.dumps(raised.value)).audio == AUDIO
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp3", "a"])
def test_saving_under_a_wrong_name_keeps_the_audio_beside(way: str, name: str, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100)) as stream, pytest.raises(errors.SuffixMismatchError) as raised:
        stream.call("save", tmp_path / name)
    assert raised.value.saved_to == tmp_path / "a.wav"
    assert (tmp_path / "a.wav").read_bytes()[44:] == AUDIO


def test_saving_where_nothing_can_be_written_reads_the_rest_into_the_error(way: str, tmp_path: Path) -> None:
    with Stream(way, *cut(AUDIO, 100)) as stream:
        with pytest.raises(errors.FileWriteError, match="missing does not exist") as raised:
            stream.call("save", tmp_path / "missing" / "a.pcm")
    assert raised.value.audio == AUDIO
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (copy.errno, copy.strerror, copy.filename, str(copy)) == (
        raised.value.errno, raised.value.strerror, raised.value.filename, str(raised.value),
    )  # fmt: skip


@pytest.mark.parametrize("taken", [0, 1, 30])
def test_after_a_play_that_failed_everything_can_be_saved(
    way: str, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much the device took before it failed."""

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


def test_a_wait_that_was_interrupted_does_not_look_like_the_end() -> None:
    """What the network brings after it is lost."""

    async def main() -> None:
        transport = httpx.MockTransport(
            lambda _: httpx.Response(200, stream=Body(AUDIO, asyncio.Event()), headers={"content-type": PCM})
        )
        async with httpx.AsyncClient(transport=transport) as client:
            open_router = OpenRouter(KEY, async_client=client)
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
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


def opening(way: str) -> tuple[Any, list[httpx.Request]]:
    """What gives a stream, and the requests that it sends."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=AUDIO, headers={"content-type": PCM})

    transport = httpx.MockTransport(answer)
    tts = OpenRouter(
        KEY, client=httpx.Client(transport=transport), async_client=httpx.AsyncClient(transport=transport)
    ).tts
    return (tts.stream_speech_async if way == "async" else tts.stream_speech)(**REQUEST), sent


def public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")] + ["response", "headers"]


async def awaited(context: Any) -> None:
    await context


async def entered(context: Any) -> None:
    async with context:
        pass


async def gone_through(context: Any) -> None:
    async for _ in context:
        pass


def entered_without_await(context: Any) -> None:
    with context:
        pass


FORGOTTEN: list[tuple[str, Callable[[Any], Any]]] = [
    ("iter", iter),
    ("next", next),
    ("list", list),
    ("anext", lambda context: asyncio.run(gone_through(context))),
    *((name, lambda context, name=name: getattr(context, name)) for name in public(SpeechStream)),
]
RIGHT = {"sync": r"`with tts\.stream_speech\(", "async": r"`async with tts\.stream_speech_async\("}


@pytest.mark.parametrize("use", [use for _, use in FORGOTTEN], ids=[name for name, _ in FORGOTTEN])
def test_a_forgotten_with_is_told(way: str, use: Callable[[Any], Any]) -> None:
    context, sent = opening(way)
    with pytest.raises(TypeError, match=RIGHT[way]):
        use(context)
    assert not sent


def test_the_other_with_is_told(way: str) -> None:
    context, sent = opening(way)
    with pytest.raises(TypeError, match=RIGHT["sync" if way == "sync" else "async"]):
        entered_without_await(context) if way == "async" else asyncio.run(entered(context))
    with pytest.raises(TypeError, match=RIGHT["async"]):
        asyncio.run(awaited(context))
    assert not sent


def test_the_context_can_still_be_looked_at(way: str) -> None:
    context, _ = opening(way)
    assert not hasattr(context, "save")
    assert not hasattr(context, "_repr_html_")
    assert "StreamContext" in repr(context)


def test_a_context_is_entered_once() -> None:
    context, sent = opening("sync")
    with context as stream:
        assert isinstance(stream, SpeechStream)
        assert stream.read() == AUDIO
    with pytest.raises(errors.StreamConsumedError, match="opened already"), context:
        pass
    assert len(sent) == 1

    async def main() -> None:
        context, _ = opening("async")
        async with context as stream:
            assert isinstance(stream, AsyncSpeechStream)
        with pytest.raises(errors.StreamConsumedError, match="opened already"):
            async with context:
                pass

    asyncio.run(main())
