"""`tts.narrate` and `tts.narrate_async`: a long text to one file, whatever happens on the way."""

import asyncio
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import miniaudio
import pytest
from openrouter_speech import (
    Narration,
    NarrationPlan,
    NarrationProgress,
    OpenRouter,
    audio,
    errors,
)
from openrouter_speech.audio import AudioFacts
from openrouter_speech.mock import MockServer
from openrouter_speech.narration import lock
from openrouter_speech.retries import BackoffStrategy, RetryConfig
from openrouter_speech.tts import TTS, NarrationParams

from ..conftest import KEY
from .conftest import SETTINGS, TEXT, Narrate, inputs

PARAGRAPHS = TEXT.split("\n\n")
PARTS = [
    *PARAGRAPHS[:2],
    "And this is the third paragraph, which is a little longer than the others were.",
    "Then it ends.",
]
LIMIT = 80
"""Of a part, so that the third paragraph has two."""


def spoken(server: MockServer, text: str) -> bytes:
    """The pcm of a text, from a call of its own."""
    with OpenRouter(KEY, server_url=server.url) as open_router:
        return open_router.tts.create_speech(input=text, response_format="pcm", **SETTINGS).content


def manifest(narration: Narration) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(narration.manifest.read_text("utf-8"))
    return content


def folder_of(target: Path) -> Path:
    return target.with_suffix(".narration")


def test_the_file_has_all_parts_in_their_order(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    narration = narrate(path=tmp_path / "book.pcm", limit=LIMIT)
    assert sorted(inputs(server)) == sorted(PARTS)
    expected = b"".join(spoken(server, part) for part in PARTS)
    assert (tmp_path / "book.pcm").read_bytes() == expected
    assert narration.duration == len(expected) / 48_000
    assert (narration.path, narration.parts) == (tmp_path / "book.pcm", 4)


@pytest.mark.parametrize("response_format", ["pcm", "mp3"])
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_the_duration_is_exact_as_players_and_decoders_have_it(
    narrate: Narrate, tmp_path: Path, suffix: str, response_format: str
) -> None:
    target = tmp_path / f"book{suffix}"
    narration = narrate(path=target, limit=LIMIT, pause_ms=125, response_format=response_format)
    parts = [part for part in manifest(narration)["parts"] if part["key"]]
    files = [folder_of(target) / part["file"] for part in parts]
    assert {file.suffix for file in files} == {".wav" if response_format == "pcm" else ".mp3"}
    frames = sum(miniaudio.decode_file(str(file), nchannels=1, sample_rate=24_000).num_frames for file in files)
    assert narration.duration == (frames + 2 * 3_000) / 24_000
    assert miniaudio.decode_file(str(target), nchannels=1, sample_rate=24_000).num_frames == frames + 2 * 3_000
    assert audio.duration(target.read_bytes(), AudioFacts(suffix[1:])) == narration.duration


def test_the_manifest_tells_what_is_heard_when(narrate: Narrate, server: MockServer) -> None:
    narration = narrate(TEXT.replace("\n\nThe second", "\n\n* * *\n\nThe second"), limit=LIMIT, pause_ms=100)
    told = manifest(narration)
    lengths = [len(spoken(server, part)) / 48 for part in PARTS]
    starts = [0, lengths[0] + 200, lengths[0] + lengths[1] + 300, sum(lengths[:3]) + 300]
    parts = [part for part in told["parts"] if part["key"]]
    assert [part["start_ms"] for part in parts] == [round(start) for start in starts]
    assert [part["duration_ms"] for part in parts] == [round(length) for length in lengths]
    assert [part["text"] for part in told["parts"]] == [PARTS[0], "* * *", *PARTS[1:]]
    assert [part["paragraph"] for part in told["parts"]] == [0, 1, 2, 3, 3]
    assert all(part["generation_id"].startswith("gen-tts-") for part in parts)
    assert told["duration_ms"] == round(narration.duration * 1000) == round(sum(lengths) + 300)
    assert told["chapters"] == [
        {"title": chapter.title, "start_ms": chapter.start_ms} for chapter in narration.chapters
    ]
    assert [chapter.title for chapter in narration.chapters[:2]] == PARAGRAPHS[:2]
    assert [chapter.start_ms for chapter in narration.chapters] == [round(start) for start in starts[:3]]
    assert told["settings"]["voice"] == SETTINGS["voice"]


def test_captions_begin_with_their_parts(narrate: Narrate, tmp_path: Path) -> None:
    narration = narrate(limit=LIMIT, pause_ms=100)
    starts = {part["start_ms"] for part in manifest(narration)["parts"]}
    assert starts <= {cue.start_ms for cue in narration.cues}
    assert " ".join(cue.text for cue in narration.cues) == " ".join(TEXT.split())
    assert narration.cues[-1].end_ms == round(narration.duration * 1000)
    assert narration.save_captions(tmp_path / "book.srt").read_text("utf-8") == narration.srt()
    assert narration.save_captions(tmp_path / "book.vtt").read_text("utf-8") == narration.vtt()


def test_the_same_call_again_asks_for_nothing(narrate: Narrate, server: MockServer) -> None:
    first = narrate()
    content = first.path.read_bytes()
    ids = [part["generation_id"] for part in manifest(first)["parts"]]
    server.reset()
    second = narrate()
    assert server.requests == []
    assert second.path.read_bytes() == content
    assert [part["generation_id"] for part in manifest(second)["parts"]] == ids
    assert (first.requests, first.asked_requests, second.requests, second.asked_requests) == (3, 3, 3, 0)
    assert (first.characters, first.asked_characters) == (len(TEXT) - 4, len(TEXT) - 4)
    assert (second.characters, second.asked_characters) == (len(TEXT) - 4, 0)


def test_a_changed_paragraph_is_asked_for_alone(narrate: Narrate, server: MockServer) -> None:
    narrate()
    server.reset()
    changed = narrate(TEXT.replace("The second one.", "Something else."))
    assert inputs(server) == ["Something else."]
    assert (
        changed.duration
        == len(b"".join(spoken(server, part) for part in (PARAGRAPHS[0], "Something else.", PARAGRAPHS[2]))) / 48_000
    )


def test_another_voice_is_asked_for_anew(narrate: Narrate, server: MockServer) -> None:
    narrate()
    server.reset()
    narrate(voice="another")
    assert len(server.requests) == 3


def test_the_same_text_twice_is_asked_for_once(narrate: Narrate, server: MockServer) -> None:
    narration = narrate("Once.\n\nAgain.\n\nOnce.")
    assert sorted(inputs(server)) == ["Again.", "Once."]
    assert (narration.parts, narration.requests, narration.characters) == (3, 2, len("Once.Again."))
    assert narration.duration == 2 * len(spoken(server, "Once.")) / 48_000 + len(spoken(server, "Again.")) / 48_000


def test_a_part_that_is_damaged_is_asked_for_again(narrate: Narrate, server: MockServer) -> None:
    narration = narrate()
    content = narration.path.read_bytes()
    damaged = narration.manifest.parent / manifest(narration)["parts"][1]["file"]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    narration.manifest.write_text("{")
    server.reset()
    assert narrate().path.read_bytes() == content
    assert inputs(server) == ["The second one."]


def test_the_folder_can_be_elsewhere(narrate: Narrate, tmp_path: Path) -> None:
    narration = narrate(folder=tmp_path / "some" / "where")
    assert narration.manifest == tmp_path / "some" / "where" / "manifest.json"
    assert not folder_of(narration.path).exists()


def test_when_the_server_is_busy_all_wait_once(narrate: Narrate, server: MockServer, slept: list[float]) -> None:
    server.script(["429; retry-after=7"] * 3)
    seen: list[NarrationProgress] = []
    narration = narrate(concurrency=3, on_progress=seen.append)
    assert narration.asked_requests == 3
    assert [round(seconds, 1) for seconds in slept] == [7]
    assert [request.status for request in server.requests] == [429] * 3 + [200] * 3
    assert max(progress.waiting_seconds or 0 for progress in seen) == pytest.approx(7, abs=0.1)
    assert seen[-1].waiting_seconds is None


class Together(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers when as many requests are there as should be, and notes if there are ever more."""

    def __init__(self, count: int) -> None:
        self.most = 0
        self._there: set[httpx.Request] = set()
        self._barrier, self._async_barrier = threading.Barrier(count, timeout=10), asyncio.Barrier(count)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._there.add(request)
        self.most = max(self.most, len(self._there))
        self._barrier.wait()
        self._there.discard(request)
        return self.answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._there.add(request)
        self.most = max(self.most, len(self._there))
        await asyncio.wait_for(self._async_barrier.wait(), 10)
        self._there.discard(request)
        return self.answer

    @property
    def answer(self) -> httpx.Response:
        return httpx.Response(200, content=bytes(480), headers={"content-type": "audio/pcm"})


def test_as_many_requests_are_under_way_as_are_allowed_and_no_more(narrate: Narrate) -> None:
    transport = Together(3)
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    narrate("\n\n".join(f"Paragraph {number}." for number in range(30)), concurrency=3, client=clients)
    assert transport.most == 3


def test_passing_failures_are_outlasted(narrate: Narrate, server: MockServer, slept: list[float]) -> None:
    """More than the two retries of a single call; each part has its own."""
    server.script([500, 502, 503, 529, 500, 503])
    assert narrate(concurrency=1, text="One part.").asked_requests == 1
    assert len(slept) == 6


def test_retries_can_be_set_and_switched_off(narrate: Narrate, server: MockServer) -> None:
    once = RetryConfig("backoff", BackoffStrategy(1, 1, 1, 1000, 0), True, max_retries=1)
    for options in ({"retries": None}, {"client": {"server_url": server.url, "retry_config": None}}, {"retries": once}):
        server.reset()
        server.script([503] * 4)
        with pytest.raises(errors.ServiceUnavailableResponseError):
            narrate("One part.", **options)
        assert len(server.requests) == (2 if options.get("retries") else 1)


def test_a_failure_for_good_keeps_what_is_there_and_says_how_to_go_on(
    narrate: Narrate, server: MockServer, tmp_path: Path
) -> None:
    (tmp_path / "book.wav").write_bytes(b"old")
    server.script(["ok", 402])
    with pytest.raises(errors.PaymentRequiredResponseError) as raised:
        narrate(concurrency=1)
    (note,) = raised.value.__notes__
    assert note.startswith("1 of 3 parts are in ")
    assert "goes on from there" in note
    assert len(server.requests) == 2
    assert (tmp_path / "book.wav").read_bytes() == b"old"
    told = json.loads((folder_of(tmp_path / "book.wav") / "manifest.json").read_text())
    assert [bool(part["generation_id"]) for part in told["parts"]] == [True, False, False]
    server.reset()
    assert narrate().asked_requests == 2
    assert sorted(inputs(server)) == sorted(PARAGRAPHS[1:])


def test_what_may_have_been_billed_is_not_asked_for_again(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    server.script(["cut"])
    with pytest.raises(errors.TruncatedAudioError):
        narrate("One part.")
    assert len(server.requests) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["manifest.json"]


def test_it_gets_through_chaos(narrate: Narrate, tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph number {number}." for number in range(30))
    with MockServer(chaos=0.4, seed=7) as server:
        narration = narrate(text, client={"server_url": server.url})
        answered = [request.json["input"] for request in server.requests if request.status == 200]
        assert len(server.requests) > 35
    assert sorted(answered) == sorted(text.split("\n\n"))
    assert narration.parts == 30


class StopError(Exception):
    pass


def stopped_by(kind: type[BaseException], narrate: Narrate, server: MockServer, folder: Path) -> None:
    """The other request is waited for, its audio is kept, and there is nothing else."""

    def stop(progress: NarrationProgress) -> None:
        if progress.parts_done == 1:
            raise kind

    with pytest.raises(kind):
        narrate(on_progress=stop, concurrency=2)
    assert not [thread for thread in threading.enumerate() if "narration" in thread.name]
    assert [request.status for request in server.requests] == [200, 200]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in files) == [".json", ".wav", ".wav"]
    told = json.loads((folder_of(folder / "book.wav") / "manifest.json").read_text())
    assert len([part for part in told["parts"] if part["generation_id"]]) == 2
    server.reset()
    assert narrate().asked_requests == 1


def test_what_progress_raises_ends_it(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    stopped_by(StopError, narrate, server, tmp_path)


@pytest.mark.parametrize("connect", ["sync"], indirect=True)
def test_ctrl_c_ends_it(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    """It comes where progress is told: in the thread that called. (asyncio makes a cancellation of it.)"""
    stopped_by(KeyboardInterrupt, narrate, server, tmp_path)


def test_cancellation_ends_it_at_once_and_leaves_nothing_half(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    server.script(["ok", "stall", "stall"])

    async def main() -> None:
        async with httpx.AsyncClient() as client:
            open_router = OpenRouter(KEY, server_url=server.url, async_client=client)
            first = asyncio.Event()

            def progress(seen: NarrationProgress) -> None:
                if seen.parts_done == 1:
                    first.set()

            narrating = open_router.tts.narrate_async(TEXT, tmp_path / "book.wav", on_progress=progress, **SETTINGS)
            task = asyncio.create_task(narrating)
            await first.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1
            pool = client._transport._pool  # type: ignore[attr-defined]
            assert all(connection.is_idle() for connection in pool.connections)

    asyncio.run(main())
    parts = list((folder_of(tmp_path / "book.wav") / "parts").iterdir())
    assert [part.suffix for part in parts] == [".wav"]
    server.reset()
    with OpenRouter(KEY, server_url=server.url) as open_router:
        assert open_router.tts.narrate(TEXT, tmp_path / "book.wav", **SETTINGS).asked_requests == 2


KILLED = """
import asyncio, os, signal, sys
from openrouter_speech import OpenRouter

url, form, text, target = sys.argv[1:]

def progress(seen):
    if seen.parts_done >= 5:
        os.kill(os.getpid(), signal.SIGKILL)

settings = {"model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "speed": 4, "on_progress": progress}
tts = OpenRouter("any-key", server_url=url).tts
if form == "sync":
    tts.narrate(text, target, **settings)
else:
    asyncio.run(tts.narrate_async(text, target, **settings))
"""


@pytest.mark.parametrize("form", ["sync", "async"])
def test_after_kill_9_it_goes_on_with_what_is_missing(server: MockServer, tmp_path: Path, form: str) -> None:
    server.reset()
    text = "\n\n".join(f"Paragraph number {number}." for number in range(12))
    target = tmp_path / "book.mp3"
    killed = subprocess.run([sys.executable, "-c", KILLED, server.url, form, text, str(target)], check=False)
    assert killed.returncode == -9
    assert not target.exists()
    finished = {path.stem for path in (folder_of(target) / "parts").glob("*.wav")}
    assert len(finished) >= 5
    server.reset()
    with OpenRouter("any-key", server_url=server.url) as open_router:
        plan = open_router.tts.plan_narration(text, target, **SETTINGS)
        narration = open_router.tts.narrate(text, target, **SETTINGS)
    assert narration.asked_requests == plan.missing_requests == 12 - len(finished)
    keys = {part["text"]: part["key"] for part in manifest(narration)["parts"]}
    assert not finished & {keys[text] for text in inputs(server)}
    assert len(server.requests) == 12 - len(finished)
    content = target.read_bytes()
    assert audio.duration(content, AudioFacts("mp3")) == narration.duration
    assert narration.duration == sum(len(spoken(server, paragraph)) for paragraph in text.split("\n\n")) / 48_000


def test_progress_is_told_from_the_beginning_to_the_end(narrate: Narrate, server: MockServer) -> None:
    seen: list[NarrationProgress] = []
    narration = narrate(on_progress=seen.append, concurrency=1)
    total = len("".join(PARAGRAPHS))
    assert seen[0] == NarrationProgress(parts=3, characters=total)
    asked = [progress for progress in seen if not progress.joined_seconds]
    assert [progress.parts_done for progress in asked] == [0, 1, 2, 3]
    assert [progress.characters_done for progress in asked][1] == len(PARAGRAPHS[0])
    assert asked[-1].audio_seconds == pytest.approx(narration.duration)
    assert asked[-1].bytes_received == sum(len(spoken(server, paragraph)) for paragraph in PARAGRAPHS)
    assert seen[-1].joined_seconds == narration.duration
    seen.clear()
    narrate(on_progress=seen.append)
    assert (seen[0].parts_done, seen[0].bytes_received) == (3, 0)
    assert seen[0].audio_seconds == pytest.approx(narration.duration, abs=0.002)


def test_a_plan_tells_the_cost_and_does_nothing(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    text = TEXT + "\n\n* * *\n\n" + PARAGRAPHS[0]
    total = len("".join(PARTS))
    with OpenRouter(KEY, server_url=server.url) as open_router:
        target = tmp_path / "book.wav"
        plan = open_router.tts.plan_narration(text, target, limit=LIMIT, **SETTINGS)
        assert plan == NarrationPlan(
            folder=folder_of(target),
            paragraphs=4,
            requests=4,
            characters=total,
            missing_requests=4,
            missing_characters=total,
        )
        assert (server.requests, list(tmp_path.iterdir())) == ([], [])
        open_router.tts.narrate(PARAGRAPHS[0], target, limit=LIMIT, **SETTINGS)
        plan = open_router.tts.plan_narration(text, target, limit=LIMIT, **SETTINGS)
        assert (plan.missing_requests, plan.missing_characters) == (3, total - len(PARAGRAPHS[0]))


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"text": ""}, ValueError, "input is empty"),
    ({"text": " \n"}, ValueError, "nothing to speak"),
    ({"text": b"bytes"}, TypeError, "input"),
    ({"text": "a\ud800"}, ValueError, "lone surrogate"),
    ({"path": Path("book.ogg")}, ValueError, r"\.wav, \.pcm or \.mp3"),
    ({"path": Path("no/such/folder/book.wav")}, OSError, "does not exist"),
    ({"limit": 3}, ValueError, "limit must be 4 or more"),
    ({"limit": 2.5}, TypeError, "limit"),
    ({"limit": True}, TypeError, "limit"),
    ({"limit_unit": "words"}, ValueError, "limit_unit"),
    ({"pause_ms": -1}, ValueError, "pause_ms"),
    ({"pause_ms": float("nan")}, ValueError, "pause_ms"),
    ({"pause_ms": "1"}, TypeError, "pause_ms"),
    ({"concurrency": 0}, ValueError, "concurrency"),
    ({"concurrency": "4"}, TypeError, "concurrency"),
    ({"response_format": "opus"}, ValueError, "response_format"),
    ({"input": "text"}, TypeError, "input"),
    ({"speed": "fast"}, TypeError, "speed"),
    ({"retries": 5}, TypeError, "retries"),
    ({"client": {"api_key": str}}, errors.ConfigurationError, "OPENROUTER_API_KEY"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG, ids=str)
def test_a_mistake_is_named_before_anything_is_sent(
    narrate: Narrate, server: MockServer, tmp_path: Path, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        narrate(**options)
    assert (server.requests, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("module", ["filelock", "semantic_text_splitter", "soundfile"])
def test_a_missing_extra_is_named_before_anything_is_sent(
    narrate: Narrate, server: MockServer, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'openrouter-speech\[long\]'") as raised:
        narrate()
    assert module.replace("_", "-") in str(raised.value)
    assert server.requests == []


def test_plain_calls_load_nothing_of_the_extra(server: MockServer) -> None:
    script = (
        "import sys; from openrouter_speech import OpenRouter\n"
        f"OpenRouter('any-key', server_url={server.url!r}).tts.create_speech(input='a', model='a/b', voice='c')\n"
        "loaded = {'semantic_text_splitter', 'soundfile', 'numpy', 'openrouter_speech.narration.narrator'}\n"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_neither_the_key_nor_a_header_is_written_anywhere(narrate: Narrate, tmp_path: Path) -> None:
    narrate(http_headers={"X-Secret": "hidden-value"}, extra_body={"password": "hidden-value"})
    for file in tmp_path.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert KEY.encode() not in content
        assert b"hidden-value" not in content


def test_a_callable_key_is_asked_for_each_request(narrate: Narrate, server: MockServer) -> None:
    asked: list[str] = []

    def key() -> str:
        asked.append(KEY)
        return KEY

    narrate(client={"api_key": key, "server_url": server.url})
    assert len(asked) >= 3


def answering(content_type: str, content: bytes) -> dict[str, Any]:
    """Clients that get this answer to each request."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content, headers={"content-type": content_type})

    transport = httpx.MockTransport(answer)
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


USELESS = [
    ("audio/ogg", "sent ogg, which cannot be joined", ".ogg"),
    ("audio/mpeg", "no audio can be read", ".bin"),
    ("audio/wav", "no audio can be read", ".bin"),
    ("audio/x-unheard-of", "sent x-unheard-of, which cannot be joined", ".bin"),
]


@pytest.mark.parametrize(("content_type", "message", "suffix"), USELESS)
def test_what_cannot_be_joined_is_kept_and_not_bought_again(
    narrate: Narrate, server: MockServer, tmp_path: Path, content_type: str, message: str, suffix: str
) -> None:
    content = (b"OggS" if suffix == ".ogg" else b"\x93") + b"something else"
    with pytest.raises(errors.AudioError, match=message) as raised:
        narrate("One part.", client=answering(content_type, content))
    (kept,) = (folder_of(tmp_path / "book.wav") / "parts").iterdir()
    assert (kept.suffix, kept.read_bytes()) == (suffix, content)
    assert str(kept) in str(raised.value)
    assert 'paragraph 1 ("One part.")' in str(raised.value)
    assert raised.value.maybe_billed
    with pytest.raises(errors.ConfigurationError, match="Remove that file, and the same call") as refused:
        narrate("One part.")
    assert str(kept) in str(refused.value)
    assert server.requests == []
    kept.unlink()
    assert narrate("One part.").asked_requests == 1


def test_what_cannot_be_joined_is_kept_each_time(narrate: Narrate, tmp_path: Path) -> None:
    """Who has it retried pays for each, and has each."""
    twice = RetryConfig("backoff", BackoffStrategy(1, 1, 1, 1000, 0), True, max_retries=1, retry_maybe_billed=True)
    with pytest.raises(errors.AudioError, match="no audio can be read"):
        narrate("One part.", client=answering("audio/mpeg", b"\x93something else"), retries=twice)
    assert len(list((folder_of(tmp_path / "book.wav") / "parts").iterdir())) == 2


class Failing:
    """What takes the place of `save`: the error, when all requests are there."""

    def __init__(self, error: Callable[[Path], Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        self._error = error
        monkeypatch.setattr("openrouter_speech.streams.SpeechStream.save", lambda _, path: self._fail(path))
        monkeypatch.setattr("openrouter_speech.streams.AsyncSpeechStream.save", lambda _, path: self._fail_async(path))

    def _fail(self, path: Path) -> Path:
        raise self._error(path)

    async def _fail_async(self, path: Path) -> Path:
        raise self._error(path)


def test_what_a_stream_tells_to_be_no_audio_is_kept_too(
    narrate: Narrate, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = httpx.Response(200)
    Failing(lambda _: errors.NotAudioError("It is none.", response, audio=b"\x93 noise"), monkeypatch)
    with pytest.raises(errors.AudioError, match="no audio can be read") as raised:
        narrate("One part.")
    (kept,) = (folder_of(tmp_path / "book.wav") / "parts").iterdir()
    assert (kept.suffix, kept.read_bytes()) == (".bin", b"\x93 noise")
    assert str(raised.value.__context__) == "It is none."


def test_a_text_in_place_of_audio_is_not_kept(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = httpx.Response(200)
    Failing(lambda _: errors.NotAudioError("It is none.", response, audio=b'{"error": "no"}'), monkeypatch)
    with pytest.raises(errors.NotAudioError, match=r"It is none\."):
        narrate("One part.")
    assert list((folder_of(tmp_path / "book.wav") / "parts").iterdir()) == []


def test_what_was_saved_under_its_true_suffix_is_the_part(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(path: Path) -> Exception:
        file = path.with_suffix(".flac")
        file.write_bytes(b"fLaC")
        return errors.SuffixMismatchError("It is flac.", saved_to=file)

    Failing(elsewhere, monkeypatch)
    with pytest.raises(errors.AudioError, match=r"\.flac. Remove"):
        narrate("One part.")


def test_parts_that_cannot_be_written_are_in_the_error(
    narrate: Narrate, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that were under way."""
    full = [
        errors.FileWriteError("The disk is full.", cause=OSError(28, "full"), audio=bytes([number]))
        for number in range(3)
    ]
    together = Together(3)
    clients = {"client": httpx.Client(transport=together), "async_client": httpx.AsyncClient(transport=together)}
    remaining = list(full)
    Failing(lambda _: remaining.pop(), monkeypatch)
    with pytest.raises(errors.FileWriteError) as raised:
        narrate(concurrency=3, client=clients)
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert {raised.value, *raised.value.__cause__.exceptions} == set(full)


def test_another_suffix_is_made_of_the_same_parts(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    narrate(path=tmp_path / "book.wav")
    server.reset()
    for name in ("book.mp3", "book.pcm"):
        assert narrate(path=tmp_path / name).asked_requests == 0
    assert server.requests == []
    assert folder_of(tmp_path / "book.wav").is_dir()


def test_the_folder_of_an_earlier_version_still_counts(narrate: Narrate, tmp_path: Path) -> None:
    narrate()
    folder_of(tmp_path / "book.wav").rename(tmp_path / "book.wav.narration")
    assert narrate().asked_requests == 0
    assert narrate(path=tmp_path / "book.mp3").asked_requests == 0


def test_where_there_are_no_locks_nothing_is_cleaned_up(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another narration may be writing it."""
    half = folder_of(narrate().path) / "parts" / ".half.wav.part"
    half.write_bytes(b"")
    monkeypatch.setattr(lock, "held", lambda _: nullcontext(False))
    narrate()
    assert half.exists()


@pytest.mark.parametrize("joining", [False, True])
def test_a_failure_of_the_callers_own_code_is_left_as_it_is(narrate: Narrate, joining: bool) -> None:
    mine = FileNotFoundError(2, "no such setting", "settings.ini")

    def fail(progress: NarrationProgress) -> None:
        if bool(progress.joined_seconds) is joining:
            raise mine

    with pytest.raises(FileNotFoundError) as raised:
        narrate(on_progress=fail)
    assert raised.value is mine
    assert str(mine) == "[Errno 2] no such setting: 'settings.ini'"


def narrations_in_one_folder(narrate: Narrate) -> list[str]:
    """Begins another narration in the course of one; what that says."""
    said: list[str] = []

    def begin_another(_: NarrationProgress) -> None:
        if not said:
            with OpenRouter(KEY) as open_router, pytest.raises(errors.ConfigurationError) as raised:
                open_router.tts.narrate("Another text.", folder.parent / "book.mp3", **SETTINGS)
            said.append(str(raised.value))

    folder = folder_of(narrate().path)
    narrate(TEXT + " More.", on_progress=begin_another)
    return said


def test_two_at_once_in_a_folder_are_one_too_many(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    half = folder_of(tmp_path / "book.wav") / "parts" / ".half.wav.part"
    (said,) = narrations_in_one_folder(narrate)
    assert f"process {os.getpid()} on " in said
    assert str(folder_of(tmp_path / "book.wav")) in said
    assert "Another text." not in inputs(server)
    half.write_bytes(b"")  # now that nobody else is there, it can only be left over
    narrate()
    assert not half.exists()


def test_two_tasks_in_a_folder_are_one_too_many(server: MockServer, tmp_path: Path) -> None:
    """And neither keeps the loop waiting."""
    server.reset()

    async def main() -> list[object]:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            narrating = [open_router.tts.narrate_async(TEXT, tmp_path / "book.wav", **SETTINGS) for _ in range(3)]
            return list(await asyncio.gather(*narrating, return_exceptions=True))

    outcomes = asyncio.run(main())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConfigurationError"] * 2 + ["Narration"]
    assert len(server.requests) == 3


def test_what_another_narration_brought_meanwhile_is_not_bought_again(
    narrate: Narrate, server: MockServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It held the lock when this one looked what is there."""
    held, target = lock.held, tmp_path / "book.wav"

    def held_later(folder: Path) -> AbstractContextManager[bool]:
        monkeypatch.setattr(lock, "held", held)
        with OpenRouter(KEY, server_url=server.url) as open_router:
            open_router.tts.narrate(TEXT, target, **SETTINGS)
        return held(folder)

    monkeypatch.setattr(lock, "held", held_later)
    assert narrate(path=target).asked_requests == 0
    assert len(server.requests) == 3


def pcm(rate: int) -> dict[str, Any]:
    return answering(f"audio/pcm;rate={rate}", bytes(4800))


def test_a_rate_that_mp3_does_not_have_is_told_by_the_first_part(
    narrate: Narrate, server: MockServer, tmp_path: Path
) -> None:
    """What it took to find out is kept, and makes another file."""
    with pytest.raises(errors.SuffixMismatchError, match=r"mp3 cannot hold 96000 Hz .* \.wav or \.pcm") as raised:
        narrate(path=tmp_path / "book.mp3", concurrency=1, client=pcm(96_000))
    assert isinstance(raised.value, ValueError)
    assert raised.value.saved_to == next((folder_of(tmp_path / "book.wav") / "parts").iterdir())
    with pytest.raises(ValueError, match="mp3 cannot hold 96000 Hz"):
        narrate(path=tmp_path / "book.mp3")
    assert server.requests == []
    assert narrate(client={**pcm(96_000), "server_url": server.url}).asked_requests == 2


def test_parts_that_differ_end_it(narrate: Narrate, server: MockServer) -> None:
    narrate(PARAGRAPHS[0])
    with pytest.raises(errors.SuffixMismatchError, match=r"24000 Hz .* 48000 Hz"):
        narrate(concurrency=1, client={**pcm(48_000), "server_url": server.url})
    server.reset()
    with pytest.raises(ValueError, match="do not fit together"):
        narrate()
    assert server.requests == []


def test_what_is_too_long_for_wav_is_told_before_it_is_paid_for(
    narrate: Narrate, server: MockServer, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"4 GiB .* \.mp3 or \.pcm"):
        narrate(pause_ms=50_000_000)
    assert (server.requests, list(tmp_path.iterdir())) == ([], [])


def test_what_turns_out_too_long_for_wav_ends_it(narrate: Narrate, server: MockServer) -> None:
    """The rest is not paid for."""
    with pytest.raises(errors.SuffixMismatchError, match="4 GiB"):
        narrate(pause_ms=25_000_000, concurrency=1, client={**pcm(48_000), "server_url": server.url})
    narration = narrate(pause_ms=1, client={**pcm(48_000), "server_url": server.url})
    assert narration.asked_requests == 2


def test_a_part_that_is_refused_is_named(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    server.script(["ok", 400])
    with pytest.raises(errors.BadRequestResponseError) as raised:
        narrate(concurrency=1)
    refused, kept = raised.value.__notes__
    assert refused.startswith('Paragraph 2 ("The second one.") was refused: edit it, and call again')
    assert kept.startswith("1 of 3 parts are in")


@pytest.mark.parametrize(("fault", "named"), [("cut", True), ("json", True), ("empty", True), (401, False)])
def test_a_failure_of_a_part_is_located(narrate: Narrate, server: MockServer, fault: str | int, named: bool) -> None:
    """Unless it would have met any other."""
    server.script([fault])
    with pytest.raises(errors.OpenRouterError) as raised:
        narrate(concurrency=1)
    located = [note for note in raised.value.__notes__ if 'paragraph 1 ("The first paragraph. It' in note]
    assert bool(located) is named


def in_the_way(target: Path) -> dict[str, Any]:
    """What is there, as `folder`; by what it must not be."""
    (target.parent / "file").write_text("")
    (target.parent / "site").mkdir()
    (target.parent / "site" / "manifest.json").write_text("{}")
    (target.parent / "link").symlink_to(target.parent)
    return {"file": NotADirectoryError, "site": ValueError, ".": ValueError, "link": ValueError, "book.wav": ValueError}


@pytest.mark.parametrize("folder", ["file", "site", ".", "link", "book.wav"])
def test_a_folder_that_will_not_do_is_refused(
    narrate: Narrate, server: MockServer, tmp_path: Path, folder: str
) -> None:
    kinds = in_the_way(tmp_path / "book.wav")
    with pytest.raises(kinds[folder]):
        narrate(folder=tmp_path / folder)
    assert server.requests == []
    assert (tmp_path / "site" / "manifest.json").read_text() == "{}"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "site", "link"}


def test_the_forms_have_the_same_parameters() -> None:
    signatures = [inspect.signature(method) for method in (TTS.narrate, TTS.narrate_async)]
    assert signatures[0] == signatures[1]
    own = {"self", "text", "path", "limit", "limit_unit", "pause_ms", "folder"}
    assert set(inspect.signature(TTS.plan_narration).parameters) == own | set(NarrationParams.__annotations__)
    assert set(signatures[0].parameters) == own | {"concurrency", "on_progress"} | set(NarrationParams.__annotations__)
