"""`OpenRouter(cache_dir=...)`: identical requests are paid for once."""

import asyncio
import hashlib
import multiprocessing
import os
import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, SpeechCache, errors
from openrouter_speech import _files as files
from openrouter_speech._generated import OPERATIONS
from openrouter_speech._http import cache as module
from openrouter_speech.mock import MockServer

from .conftest import KEY, REQUEST, Caller, Connect, connecting
from .wire.answers import GOOD
from .wire_server import PCM, WireServer, chunked, http, refusing

OK_HEADERS = httpx.Headers({"Content-Type": PCM})
FORMS: list[Callable[[Caller, Path], bytes]] = [
    lambda caller, _: caller.create().content,
    lambda caller, _: b"".join(caller.read_stream()),
    lambda caller, folder: caller.save(folder / "a.pcm").path.read_bytes(),
]


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Any:
    yield from connecting(request.param)


def kept(folder: Path) -> list[Path]:
    """All files of a cache, whatever their names."""
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("first", FORMS, ids=["create", "stream", "save"])
@pytest.mark.parametrize("second", FORMS, ids=["create", "stream", "save"])
def test_any_form_uses_what_another_one_kept(first: Any, second: Any, tmp_path: Path) -> None:
    with WireServer(http(body=bytes(range(240)) * 2)) as server:
        for way in ("sync", "async"):
            calls = connecting(way)
            caller = next(calls)(server_url=server.url, cache_dir=tmp_path / way)
            assert first(caller, tmp_path) == second(caller, tmp_path) == bytes(range(240)) * 2
            next(calls, None)
        assert len(server.requests) == 2


def test_a_hit_says_so_and_costs_nothing(connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "openrouter_speech")
    answer = http(body=bytes(480), headers={"X-Generation-Id": "gen-1", "X-Provider-Name": "P", "Set-Cookie": "a=b"})
    with WireServer(answer) as server:
        caller = connect(server_url=server.url, cache_dir=tmp_path)
        bought, free = caller.create(), caller.create()
        saved = caller.save(tmp_path / "a.pcm")
        assert (bought.from_cache, free.from_cache, saved.from_cache) == (False, True, True)
        assert (free.generation_id, free.headers["X-Provider-Name"]) == ("gen-1", "P")
        assert "set-cookie" not in free.headers
        assert (free.audio_format, free.sample_rate, free.duration) == ("pcm", 24_000, bought.duration)
        assert free.cost() == Decimal(0)
        assert asyncio.run(free.cost_async()) == Decimal(0)
        assert pickle.loads(pickle.dumps(free)).content == bought.content
        assert len(server.requests) == 1
    assert "the audio of an identical request is used" in caplog.text


@pytest.mark.parametrize(
    ("change", "identical"),
    [
        ({"input": "Hello  world"}, False),
        ({"voice": "nova"}, False),
        ({"speed": 1.5}, False),
        ({"response_format": "mp3"}, False),
        ({"extra_body": {"new": 1}}, False),
        ({"provider": {"zdr": True}}, False),
        ({"http_headers": {"X-Route": "b"}}, False),
        ({"use_cache": False}, False),
        ({"http_headers": {"X-OpenRouter-Title": "Another"}}, True),
        ({"x_open_router_title": "Another"}, True),
        ({"user": "u", "session_id": "s", "trace": {"trace_id": "t"}}, True),
        ({"timeout_ms": 5, "retries": None}, True),
    ],
)
def test_what_changes_the_audio_makes_another_request(
    tmp_path: Path, change: dict[str, Any], *, identical: bool
) -> None:
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path) as open_router:
        open_router.tts.create_speech(**REQUEST)
        open_router.tts.create_speech(**REQUEST | change)  # type: ignore[arg-type]
        assert len(server.requests) == (1 if identical else 2)


def test_fields_that_are_only_logged_exist() -> None:
    assert OPERATIONS["create_speech"].parameters.keys() >= module._LOGGED


def test_another_server_is_asked_itself(tmp_path: Path) -> None:
    with WireServer(GOOD) as one, WireServer(GOOD) as two:
        for server in (one, two):
            with OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path) as open_router:
                open_router.tts.create_speech(**REQUEST)
        assert len(two.requests) == 1


def test_another_client_and_key_share_it_and_the_server_may_be_away(tmp_path: Path) -> None:
    with refusing() as url:
        request = module.key(OpenRouter(KEY)._session.call(OPERATIONS["create_speech"], REQUEST).request, url, {})
        recorder = SpeechCache(tmp_path).recorder(request)
        recorder.write(bytes(480))
        recorder.commit(OK_HEADERS)
        with OpenRouter("another", server_url=url, cache_dir=tmp_path, retry_config=None) as open_router:
            assert open_router.tts.create_speech(**REQUEST).content == bytes(480)


@pytest.mark.parametrize(
    "answer",
    [
        http(500, b"{}", "application/json"),
        http(body=b""),
        http(body=b'{"error": 1}', content_type="application/json"),
        http(206, bytes(480), headers={"Content-Range": "bytes 0-479/960"}),
        http(body=bytes(480), length=960),
        http(body=bytes(481)),
        http(body=b"<html></html>", content_type="audio/mpeg"),
        http(body=b"\x1f\x8b broken", headers={"Content-Encoding": "gzip"}),
    ],
    ids=range(8),
)
def test_only_whole_audio_is_kept(connect: Connect, tmp_path: Path, answer: Any) -> None:
    with WireServer(answer, GOOD) as server:
        caller = connect(server_url=server.url, cache_dir=tmp_path / "cache", retry_config=None)
        with pytest.raises(errors.OpenRouterError):
            caller.create()
        assert kept(tmp_path / "cache") == []
        assert not caller.create().from_cache
        assert caller.create().from_cache


def test_a_stream_that_is_left_early_is_not_kept(tmp_path: Path) -> None:
    with WireServer(chunked(bytes(4800), bytes(4800))) as server:
        with OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path / "cache") as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                next(iter(stream))
            assert kept(tmp_path / "cache") == []
            with open_router.tts.stream_speech(**REQUEST) as stream:
                list(stream)
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert stream.from_cache
        assert len(server.requests) == 2


DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda _: b"",
    lambda content: content[:-1],
    lambda content: content[1:],
    lambda content: b"\1" + content[1:],
    lambda content: content[:-8] + b"99999999",
    lambda content: content[:-8] + b"0000000x",
    lambda content: content.replace(b'"version": 1', b'"version": 2'),
    lambda content: content.replace(b'"headers": [[', b'"headers": [5,['),
    lambda content: content.replace(b'{"version"', b'["version"'),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_entry_is_thrown_away(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path) as open_router:
        open_router.tts.create_speech(**REQUEST)
        (file,) = kept(tmp_path)
        file.write_bytes(damage(file.read_bytes()))
        assert open_router.tts.create_speech(**REQUEST).content == bytes(480)
        assert len(server.requests) == 2
        assert open_router.tts.create_speech(**REQUEST).from_cache


def test_neither_the_key_nor_the_text_is_on_disk(tmp_path: Path) -> None:
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path) as open_router:
        open_router.tts.create_speech(**REQUEST)
    content = b"".join(bytes(file) + file.read_bytes() for file in kept(tmp_path))
    for secret in (KEY, REQUEST["input"]):
        assert str(secret).encode() not in content
        assert hashlib.sha256(str(secret).encode()).hexdigest().encode() not in content


def test_a_folder_that_cannot_be_written_costs_no_audio(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with WireServer(GOOD) as server:
        caller = connect(server_url=server.url, cache_dir=tmp_path / "file" / "below")
        assert [caller.create().content for _ in range(2)] == [bytes(480)] * 2
        assert len(server.requests) == 2


def test_a_full_disk_costs_no_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(files.Replacement):
        def __init__(self, target: Path) -> None:
            super().__init__(target)
            self.file.close()
            self.file = open("/dev/full", "wb", buffering=0)  # type: ignore[assignment]  # noqa: PTH123, SIM115

    monkeypatch.setattr(files, "Replacement", Full)
    with WireServer(chunked(bytes(480), bytes(480))) as server:
        with OpenRouter(KEY, server_url=server.url, cache_dir=tmp_path) as open_router:
            assert open_router.tts.create_speech(**REQUEST).content == bytes(960)
    assert kept(tmp_path) == []


def entry(cache: SpeechCache, name: str, size: int, age: float) -> Path:
    recorder = cache.recorder(name)
    recorder.write(bytes(size))
    recorder.commit(OK_HEADERS)
    file = cache._file(name)
    used = file.stat().st_mtime - age
    os.utime(file, (used, used))
    return file


def test_what_is_old_or_too_much_goes(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, max_bytes=10_000, max_age_s=1000)
    ages = {"aa": 2000, "bb": 900, "cc": 800, "dd": 10}
    entries = [entry(cache, name, 4000, age) for name, age in ages.items()]
    assert cache.load("bb") is not None  # which is used now
    cache.trim()
    assert [file.exists() for file in entries] == [False, True, False, True]
    assert cache.clear() == 2
    assert kept(tmp_path) == []


def test_it_is_trimmed_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(SpeechCache, "trim", lambda _: trimmed.append(1))
    cache = SpeechCache(tmp_path)
    for number in range(65):
        entry(cache, f"{number:02}", 2, 0)
    assert len(trimmed) == 2


@pytest.mark.parametrize("limits", [{"max_bytes": 0}, {"max_age_s": -1.0}])
def test_limits_are_positive(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(limits))} must be greater than 0"):
        SpeechCache(tmp_path, **limits)


def keep_asking(url: str, folder: str, wrong: Any) -> None:
    with OpenRouter(KEY, server_url=url, cache_dir=folder) as open_router:
        for number in range(40):
            speech = open_router.tts.create_speech(input=f"Number {number % 4}", model="a/b", voice="x")
            if len(speech.content) % 2 or not speech.content:
                wrong.value += 1


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    with MockServer() as server:
        context = multiprocessing.get_context("spawn")
        wrong = context.Value("i", 0)
        processes = [context.Process(target=keep_asking, args=(server.url, str(tmp_path), wrong)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert wrong.value == 0
        assert len(server.requests) <= 12
    assert len(kept(tmp_path)) == 4
    assert sum(1 for _ in SpeechCache(tmp_path).entries()) == 4
