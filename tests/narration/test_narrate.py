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
from openrouter_speech import Narration, NarrationPlan, NarrationProgress, OpenRouter, errors
from openrouter_speech._core import audio
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig
from openrouter_speech._engine import lock
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import TTS, NarrationParams

from ..conftest import KEY, inputs
from .conftest import SETTINGS, TEXT, Narrate

PARAGRAPHS = TEXT.split("\n\n")
LIMIT = 80
"""Splits the third paragraph in two."""
PARTS = [
    *PARAGRAPHS[:2], "And this is the third paragraph, which is a little longer than the others were.", "Then it ends.",
]  # fmt: skip
ONCE = RetryConfig("backoff", BackoffStrategy(1, 1, 1, 1000, 0), True, max_retries=1, retry_maybe_billed=True)


def spoken(server: MockServer, text: str) -> bytes:
    """Return the pcm of a text, from a call of its own."""
    with OpenRouter(KEY, server_url=server.url) as open_router:
        return open_router.tts.create_speech(input=text, response_format="pcm", **SETTINGS).content


def manifest_of(narration: Narration) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(narration.manifest.read_text("utf-8"))
    return content


def parts_in(folder: Path) -> list[Path]:
    """Return the stored parts of `book.*` in this folder."""
    return list((folder / "book.narration" / "parts").iterdir())


def sending(transport: Any) -> dict[str, Any]:
    """Return the arguments of a client that sends over this transport."""
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


def answering(content_type: str, content: bytes) -> dict[str, Any]:
    """Return the arguments of a client that gets this response to each request."""
    headers = {"content-type": content_type}
    return sending(httpx.MockTransport(lambda _: httpx.Response(200, content=content, headers=headers)))


def pcm(rate: int) -> dict[str, Any]:
    return answering(f"audio/pcm;rate={rate}", bytes(4800))


# The file, its manifest, its captions


def test_the_file_has_all_parts_in_order(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    narration = narrate(path=tmp_path / "book.pcm", limit=LIMIT)
    assert sorted(inputs(server)) == sorted(PARTS)
    expected = b"".join(spoken(server, part) for part in PARTS)
    assert (tmp_path / "book.pcm").read_bytes() == expected
    assert narration.duration == len(expected) / 48_000
    assert (narration.path, narration.parts) == (tmp_path / "book.pcm", 4)


@pytest.mark.parametrize(("suffix", "response_format"), [(".wav", "mp3"), (".mp3", "pcm")])
def test_the_duration_is_exact_for_players_and_decoders(
    narrate: Narrate, tmp_path: Path, suffix: str, response_format: str
) -> None:
    target = tmp_path / f"book{suffix}"
    narration = narrate(path=target, limit=LIMIT, pause_ms=125, response_format=response_format)
    files = [narration.manifest.parent / part["file"] for part in manifest_of(narration)["parts"] if part["key"]]
    assert {file.suffix for file in files} == {".wav" if response_format == "pcm" else ".mp3"}
    *lengths, whole = (
        miniaudio.decode_file(str(file), nchannels=1, sample_rate=24_000).num_frames for file in (*files, target)
    )
    assert whole == sum(lengths) + 2 * 3_000
    assert narration.duration == audio.duration(target.read_bytes(), AudioInfo(suffix[1:])) == whole / 24_000


def test_the_manifest_says_what_is_heard_when(narrate: Narrate, server: MockServer) -> None:
    text = TEXT.replace("\n\nThe second", "\n\n* * *\n\nThe second")
    narration = narrate(text, limit=LIMIT, pause_ms=100, heading="^The second")
    manifest = manifest_of(narration)
    lengths = [len(spoken(server, part)) / 48 for part in PARTS]
    starts = [0, lengths[0] + 200, lengths[0] + lengths[1] + 300, sum(lengths[:3]) + 300]
    parts = [part for part in manifest["parts"] if part["key"]]
    assert [part["start_ms"] for part in parts] == [round(start) for start in starts]
    assert [part["duration_ms"] for part in parts] == [round(length) for length in lengths]
    assert [part["text"] for part in manifest["parts"]] == [PARTS[0], "* * *", *PARTS[1:]]
    assert [part["paragraph"] for part in manifest["parts"]] == [0, 1, 2, 3, 3]
    assert all(part["generation_id"].startswith("gen-tts-") for part in parts)
    assert manifest["duration_ms"] == round(narration.duration * 1000) == round(sum(lengths) + 300)
    chapters = [{"title": chapter.title, "start_ms": chapter.start_ms} for chapter in narration.chapters]
    assert manifest["chapters"] == chapters
    assert [chapter.title for chapter in narration.chapters] == ["The second one"]
    assert [chapter.start_ms for chapter in narration.chapters] == [round(starts[1])]
    assert manifest["settings"]["voice"] == SETTINGS["voice"]


def test_paragraphs_share_requests_unless_a_pause_is_set(narrate: Narrate, server: MockServer) -> None:
    narration = narrate(f"Chapter 1\n\n{TEXT}", pause_ms=None)
    assert inputs(server) == [f"Chapter 1\n\n{TEXT}"]
    assert [(chapter.title, chapter.start_ms) for chapter in narration.chapters] == [("Chapter 1", 0)]
    (part,) = manifest_of(narration)["parts"]
    assert (part["paragraph"], part["paragraphs"]) == (0, 4)
    assert "\nChapter 1\n" in narration.srt()
    assert narrate(f"Chapter 1\n\n{TEXT}", pause_ms=0).new_requests == 4


def test_parts_of_a_narration_with_pauses_are_used_without_them(narrate: Narrate, server: MockServer) -> None:
    narrate(pause_ms=500)
    assert narrate(pause_ms=None).new_requests == 0
    assert narrate(f"{TEXT}\n\nOne.\n\nTwo.", pause_ms=None).new_requests == 1


def test_captions_start_with_their_parts(narrate: Narrate, tmp_path: Path) -> None:
    narration = narrate(limit=LIMIT, pause_ms=100)
    starts = {part["start_ms"] for part in manifest_of(narration)["parts"]}
    assert starts <= {cue.start_ms for cue in narration.cues}
    assert " ".join(cue.text.replace("\n", " ") for cue in narration.cues) == " ".join(TEXT.split())
    assert narration.cues[-1].end_ms == round(narration.duration * 1000)
    assert narration.save_captions(tmp_path / "book.srt").read_text("utf-8") == narration.srt()
    assert narration.save_captions(tmp_path / "book.vtt").read_text("utf-8") == narration.vtt()


# What is requested, and what is not requested again


def test_the_same_call_again_requests_nothing(narrate: Narrate, server: MockServer) -> None:
    first = narrate()
    content, parts = first.path.read_bytes(), manifest_of(first)["parts"]
    server.reset()
    second = narrate()
    assert server.requests == []
    assert second.path.read_bytes() == content
    assert manifest_of(second)["parts"] == parts
    assert (first.requests, first.new_requests, second.requests, second.new_requests) == (3, 3, 3, 0)
    assert first.characters == first.new_characters == second.characters == len(TEXT) - 4
    assert second.new_characters == 0


def test_only_a_changed_paragraph_is_requested(narrate: Narrate, server: MockServer) -> None:
    narrate()
    server.reset()
    changed = narrate(TEXT.replace("The second one.", "Something else."))
    assert inputs(server) == ["Something else."]
    pieces = [spoken(server, part) for part in (PARAGRAPHS[0], "Something else.", PARAGRAPHS[2])]
    assert changed.duration == sum(map(len, pieces)) / 48_000


def test_a_repeated_paragraph_is_requested_once(narrate: Narrate, server: MockServer) -> None:
    narration = narrate("Once.\n\nAgain.\n\nOnce.")
    assert sorted(inputs(server)) == ["Again.", "Once."]
    assert (narration.parts, narration.requests, narration.characters) == (3, 2, len("Once.Again."))
    assert narration.duration == 2 * len(spoken(server, "Once.")) / 48_000 + len(spoken(server, "Again.")) / 48_000


def test_a_damaged_part_is_requested_again(narrate: Narrate, server: MockServer) -> None:
    narration = narrate()
    content = narration.path.read_bytes()
    damaged = narration.manifest.parent / manifest_of(narration)["parts"][1]["file"]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    narration.manifest.write_text("{")
    server.reset()
    assert narrate().path.read_bytes() == content
    assert inputs(server) == ["The second one."]


def test_another_suffix_is_made_from_the_same_parts(narrate: Narrate, tmp_path: Path) -> None:
    narrate()
    assert [narrate(path=tmp_path / name).new_requests for name in ("book.mp3", "book.pcm")] == [0, 0]
    (tmp_path / "book.narration").rename(tmp_path / "book.wav.narration")  # as earlier versions named it
    assert [narrate(path=tmp_path / name).new_requests for name in ("book.wav", "book.mp3")] == [0, 0]


def test_the_parts_may_be_elsewhere(narrate: Narrate, tmp_path: Path) -> None:
    narration = narrate(folder=tmp_path / "some" / "where")
    assert narration.manifest == tmp_path / "some" / "where" / "manifest.json"
    assert not (tmp_path / "book.narration").exists()


def test_the_plan_states_the_cost_and_does_nothing(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    text, target = TEXT + "\n\n* * *\n\n" + PARAGRAPHS[0], tmp_path / "book.wav"
    total = len("".join(PARTS))
    with OpenRouter(KEY, server_url=server.url) as open_router:
        plan = open_router.tts.plan_narration(text, target, limit=LIMIT, pause_ms=0, **SETTINGS)
        assert plan == NarrationPlan(tmp_path / "book.narration", 4, 4, total, 4, total, total)
        assert (server.requests, list(tmp_path.iterdir())) == ([], [])
        open_router.tts.narrate(PARAGRAPHS[0], target, limit=LIMIT, pause_ms=0, **SETTINGS)
        plan = open_router.tts.plan_narration(text, target, limit=LIMIT, pause_ms=0, **SETTINGS)
        assert (plan.missing_requests, plan.missing_characters) == (3, total - len(PARAGRAPHS[0]))


def test_the_language_decides_where_sentences_end(narrate: Narrate, server: MockServer) -> None:
    """It is guessed where it is not given, and it is not sent."""
    text = "Das war im 19. Jahrhundert und nicht am 3. Oktober. Dann kam er."
    assert manifest_of(narrate(text, limit=52))["settings"]["language"] == "de"
    assert sorted(inputs(server)) == ["Dann kam er.", "Das war im 19. Jahrhundert und nicht am 3. Oktober."]
    assert "language" not in server.requests[0].json
    narrate("Es geschah. Das war im 19. Jahrhundert.", limit=30, language="en")
    assert "Jahrhundert." in inputs(server)


def test_progress_is_reported_from_start_to_end(narrate: Narrate, server: MockServer) -> None:
    seen: list[NarrationProgress] = []
    narration = narrate(on_progress=seen.append, concurrency=1)
    assert seen[0] == NarrationProgress(parts=3, characters=len("".join(PARAGRAPHS)))
    requesting = [progress for progress in seen if not progress.joined_seconds]
    assert [progress.parts_done for progress in requesting] == [0, 1, 2, 3]
    assert requesting[1].characters_done == len(PARAGRAPHS[0])
    assert requesting[-1].audio_seconds == pytest.approx(narration.duration)
    assert requesting[-1].bytes_received == sum(len(spoken(server, paragraph)) for paragraph in PARAGRAPHS)
    assert seen[-1].joined_seconds == narration.duration
    seen.clear()
    narrate(on_progress=seen.append)
    assert (seen[0].parts_done, seen[0].bytes_received) == (3, 0)
    assert seen[0].audio_seconds == pytest.approx(narration.duration, abs=0.002)


class Together(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Responds once this many requests are in flight, and counts the most at once."""

    response = staticmethod(lambda: httpx.Response(200, content=bytes(480), headers={"content-type": "audio/pcm"}))

    def __init__(self, count: int) -> None:
        self.most = 0
        self._there: set[httpx.Request] = set()
        self._barrier, self._async_barrier = threading.Barrier(count, timeout=10), asyncio.Barrier(count)

    def _arrive(self, request: httpx.Request) -> None:
        self._there.add(request)
        self.most = max(self.most, len(self._there))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._arrive(request)
        self._barrier.wait()
        self._there.discard(request)
        return self.response()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._arrive(request)
        await asyncio.wait_for(self._async_barrier.wait(), 10)
        self._there.discard(request)
        return self.response()


def test_the_concurrency_is_used_and_not_exceeded(narrate: Narrate) -> None:
    transport = Together(3)
    text = "\n\n".join(f"Paragraph {number}." for number in range(30))
    narrate(text, concurrency=3, client=sending(transport))
    assert transport.most == 3


def test_a_callable_key_is_called_for_each_request(narrate: Narrate) -> None:
    calls: list[str] = []

    def key() -> str:
        calls.append(KEY)
        return KEY

    narrate(client={"api_key": key})
    assert len(calls) >= 3


def test_neither_the_key_nor_a_header_is_written_anywhere(narrate: Narrate, tmp_path: Path) -> None:
    narrate(http_headers={"X-Secret": "hidden-value"}, extra_body={"password": "hidden-value"})
    contents = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not [content for content in contents if KEY.encode() in content or b"hidden-value" in content]


# Retries and failures


def test_a_busy_server_makes_all_requests_wait_once(narrate: Narrate, server: MockServer, slept: list[float]) -> None:
    server.script(["429; retry-after=7"] * 3)
    seen: list[NarrationProgress] = []
    narration = narrate(concurrency=3, on_progress=seen.append)
    assert narration.new_requests == 3
    assert [round(seconds, 1) for seconds in slept] == [7]
    assert [request.status for request in server.requests] == [429] * 3 + [200] * 3
    assert max(progress.waiting_seconds or 0 for progress in seen) == pytest.approx(7, abs=0.1)
    assert seen[-1].waiting_seconds is None


def test_each_part_has_more_retries_than_a_single_call(
    narrate: Narrate, server: MockServer, slept: list[float]
) -> None:
    server.script([500, 502, 503, 529, 500, 503])
    assert narrate("One part.", concurrency=1).new_requests == 1
    assert len(slept) == 6


def test_retries_can_be_set_and_switched_off(narrate: Narrate, server: MockServer) -> None:
    for options in ({"retries": None}, {"client": {"retry_config": None}}, {"retries": ONCE}):
        server.reset()
        server.script([503] * 4)
        with pytest.raises(errors.ServiceUnavailableResponseError):
            narrate("One part.", **options)
        assert len(server.requests) == (2 if options.get("retries") else 1)


def test_chaos_loses_no_part(narrate: Narrate) -> None:
    text = "\n\n".join(f"Paragraph number {number}." for number in range(30))
    with MockServer(chaos=0.4, seed=7) as server:
        narration = narrate(text, client={"server_url": server.url})
        answered = [request.json["input"] for request in server.requests if request.status == 200]
        assert len(server.requests) > 35
    assert sorted(answered) == sorted(text.split("\n\n"))
    assert narration.parts == 30


def test_a_final_failure_keeps_the_parts_and_says_how_to_resume(
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
    manifest = json.loads((tmp_path / "book.narration" / "manifest.json").read_text())
    assert [bool(part["generation_id"]) for part in manifest["parts"]] == [True, False, False]
    server.reset()
    assert narrate().new_requests == 2
    assert sorted(inputs(server)) == sorted(PARAGRAPHS[1:])


def test_a_part_that_may_have_been_billed_is_not_requested_again(
    narrate: Narrate, server: MockServer, tmp_path: Path
) -> None:
    server.script(["cut"])
    with pytest.raises(errors.TruncatedAudioError):
        narrate("One part.")
    assert len(server.requests) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["manifest.json"]


def test_a_refused_part_is_named(narrate: Narrate, server: MockServer) -> None:
    server.script(["ok", 400])
    with pytest.raises(errors.BadRequestResponseError) as raised:
        narrate(concurrency=1)
    refused, kept = raised.value.__notes__
    assert refused.startswith('Paragraph 2 ("The second one.") was refused: edit it, and call again')
    assert kept.startswith("1 of 3 parts are in")


@pytest.mark.parametrize(("fault", "named"), [("cut", True), ("json", True), ("empty", True), (401, False)])
def test_a_failure_names_its_part_unless_any_part_would_fail(
    narrate: Narrate, server: MockServer, fault: str | int, named: bool
) -> None:
    server.script([fault])
    with pytest.raises(errors.OpenRouterError) as raised:
        narrate(concurrency=1)
    located = [note for note in raised.value.__notes__ if 'paragraph 1 ("The first paragraph. It' in note]
    assert bool(located) is named


@pytest.mark.parametrize("joining", [False, True])
def test_an_error_of_the_callers_own_code_is_raised_unchanged(narrate: Narrate, joining: bool) -> None:
    mine = FileNotFoundError(2, "no such setting", "settings.ini")

    def fail(progress: NarrationProgress) -> None:
        if bool(progress.joined_seconds) is joining:
            raise mine

    with pytest.raises(FileNotFoundError) as raised:
        narrate(on_progress=fail)
    assert raised.value is mine
    assert str(mine) == "[Errno 2] no such setting: 'settings.ini'"


# Interruptions


class StopError(Exception):
    pass


@pytest.mark.parametrize(
    ("connect", "kind"),
    [("sync", StopError), ("async", StopError), ("sync", KeyboardInterrupt)],  # asyncio cancels instead
    indirect=["connect"],
)
def test_an_exception_in_the_callback_keeps_what_is_in_flight(
    narrate: Narrate, server: MockServer, tmp_path: Path, kind: type[BaseException]
) -> None:
    def stop(progress: NarrationProgress) -> None:
        if progress.parts_done == 1:
            raise kind

    with pytest.raises(kind):
        narrate(on_progress=stop, concurrency=2)
    assert not [thread for thread in threading.enumerate() if "narration" in thread.name]
    assert [request.status for request in server.requests] == [200, 200]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in files) == [".json", ".wav", ".wav"]
    manifest = json.loads((tmp_path / "book.narration" / "manifest.json").read_text())
    assert len([part for part in manifest["parts"] if part["generation_id"]]) == 2
    server.reset()
    assert narrate().new_requests == 1


def test_cancellation_is_immediate_and_leaves_no_partial_file(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    server.script(["ok", "stall", "stall"])

    async def main() -> None:
        async with httpx.AsyncClient() as client:
            open_router = OpenRouter(KEY, server_url=server.url, async_client=client)
            first = asyncio.Event()

            def progress(seen: NarrationProgress) -> None:
                if seen.parts_done == 1:
                    first.set()

            narrating = open_router.tts.narrate_async(
                TEXT, tmp_path / "book.wav", on_progress=progress, pause_ms=0, **SETTINGS
            )
            task = asyncio.create_task(narrating)
            await first.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1
            pool = client._transport._pool  # type: ignore[attr-defined]
            assert all(connection.is_idle() for connection in pool.connections)

    asyncio.run(main())
    assert [part.suffix for part in parts_in(tmp_path)] == [".wav"]
    server.reset()
    with OpenRouter(KEY, server_url=server.url) as open_router:
        assert open_router.tts.narrate(TEXT, tmp_path / "book.wav", pause_ms=0, **SETTINGS).new_requests == 2


# Refused before anything is sent


@pytest.mark.parametrize("connect", ["sync"], indirect=True)
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
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
        ({"language": 5}, TypeError, "language"),
        ({"heading": "("}, ValueError, "heading is not a regular expression"),
        ({"heading": 5}, TypeError, "heading"),
        ({"pause_ms": -1}, ValueError, "pause_ms"),
        ({"pause_ms": float("nan")}, ValueError, "pause_ms"),
        ({"pause_ms": "1"}, TypeError, "pause_ms"),
        ({"pause_ms": True}, TypeError, "pause_ms"),
        ({"pause_ms": 50_000_000}, ValueError, r"4 GiB .* \.mp3 or \.pcm"),
        ({"concurrency": 0}, ValueError, "concurrency"),
        ({"concurrency": "4"}, TypeError, "concurrency"),
        ({"response_format": "opus"}, ValueError, "response_format"),
        ({"input": "text"}, TypeError, "input"),
        ({"speed": "fast"}, TypeError, "speed"),
        ({"retries": 5}, TypeError, "retries"),
        ({"client": {"api_key": str}}, errors.ConfigurationError, "OPENROUTER_API_KEY"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(
    narrate: Narrate, server: MockServer, tmp_path: Path, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        narrate(**options)
    assert (server.requests, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("file", NotADirectoryError), ("site", ValueError), (".", ValueError), ("link", ValueError),
     ("book.wav", ValueError)],
)  # fmt: skip
def test_an_unsuitable_folder_is_refused(
    narrate: Narrate, server: MockServer, tmp_path: Path, folder: str, kind: type[Exception]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(kind):
        narrate(folder=tmp_path / folder)
    assert server.requests == []
    assert (tmp_path / "site" / "manifest.json").read_text() == "{}"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "site", "link"}


@pytest.mark.parametrize("module", ["filelock", "semantic_text_splitter", "sentencex", "soundfile"])
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
        "loaded = {'semantic_text_splitter', 'sentencex', 'soundfile', 'numpy', 'openrouter_speech.narration.plan'}\n"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# Audio that cannot be used or saved


@pytest.mark.parametrize(
    ("content_type", "message", "suffix"),
    [
        ("audio/ogg", "sent ogg, which cannot be joined", ".ogg"),
        ("audio/mpeg", "no audio can be read", ".bin"),
        ("audio/wav", "no audio can be read", ".bin"),
        ("audio/x-unheard-of", "sent x-unheard-of, which cannot be joined", ".bin"),
    ],
)
def test_unusable_audio_is_kept_and_not_bought_again(
    narrate: Narrate, server: MockServer, tmp_path: Path, content_type: str, message: str, suffix: str
) -> None:
    content = (b"OggS" if suffix == ".ogg" else b"\x93") + b"something else"
    with pytest.raises(errors.AudioError, match=message) as raised:
        narrate("One part.", client=answering(content_type, content))
    (kept,) = parts_in(tmp_path)
    assert (kept.suffix, kept.read_bytes()) == (suffix, content)
    assert str(kept) in str(raised.value)
    assert 'paragraph 1 ("One part.")' in str(raised.value)
    assert raised.value.maybe_billed
    with pytest.raises(errors.ConfigurationError, match="Remove that file, and the same call") as refused:
        narrate("One part.")
    assert str(kept) in str(refused.value)
    assert server.requests == []
    kept.unlink()
    assert narrate("One part.").new_requests == 1


def test_unusable_audio_of_each_retry_is_kept(narrate: Narrate, tmp_path: Path) -> None:
    with pytest.raises(errors.AudioError, match="no audio can be read"):
        narrate("One part.", client=answering("audio/mpeg", b"\x93something else"), retries=ONCE)
    assert len(parts_in(tmp_path)) == 2


FailSaves = Callable[[Callable[[Path], Exception]], None]


@pytest.fixture
def fail_saves(monkeypatch: pytest.MonkeyPatch) -> FailSaves:
    """Make saving a stream raise what a function of its path returns."""

    def fail_with(error: Callable[[Path], Exception]) -> None:
        def fail(_: object, path: Path) -> None:
            raise error(path)

        async def fail_async(_: object, path: Path) -> None:
            raise error(path)

        monkeypatch.setattr("openrouter_speech.streams.SpeechStream.save", fail)
        monkeypatch.setattr("openrouter_speech.streams.AsyncSpeechStream.save", fail_async)

    return fail_with


def not_audio(content: bytes) -> Exception:
    return errors.NotAudioError("It is none.", httpx.Response(200), audio=content)


def test_bytes_that_a_stream_refuses_are_kept_too(narrate: Narrate, tmp_path: Path, fail_saves: FailSaves) -> None:
    fail_saves(lambda _: not_audio(b"\x93 noise"))
    with pytest.raises(errors.AudioError, match="no audio can be read") as raised:
        narrate("One part.")
    (kept,) = parts_in(tmp_path)
    assert (kept.suffix, kept.read_bytes()) == (".bin", b"\x93 noise")
    assert str(raised.value.__context__) == "It is none."


def test_text_in_place_of_audio_is_not_kept(narrate: Narrate, tmp_path: Path, fail_saves: FailSaves) -> None:
    fail_saves(lambda _: not_audio(b'{"error": "no"}'))
    with pytest.raises(errors.NotAudioError, match=r"It is none\."):
        narrate("One part.")
    assert parts_in(tmp_path) == []


def test_audio_saved_under_its_true_suffix_is_found(narrate: Narrate, fail_saves: FailSaves) -> None:
    def elsewhere(path: Path) -> Exception:
        file = path.with_suffix(".flac")
        file.write_bytes(b"fLaC")
        return errors.SuffixMismatchError("It is flac.", saved_to=file)

    fail_saves(elsewhere)
    with pytest.raises(errors.AudioError, match=r"\.flac. Remove"):
        narrate("One part.")


def test_the_error_has_all_parts_that_could_not_be_written(narrate: Narrate, fail_saves: FailSaves) -> None:
    full = [errors.FileWriteError("Full.", cause=OSError(28, "full"), audio=bytes([number])) for number in range(3)]
    remaining = list(full)
    fail_saves(lambda _: remaining.pop())
    with pytest.raises(errors.FileWriteError) as raised:
        narrate(concurrency=3, client=sending(Together(3)))
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert {raised.value, *raised.value.__cause__.exceptions} == set(full)


# Audio that does not fit


def test_the_first_part_shows_that_mp3_cannot_hold_the_rate(
    narrate: Narrate, server: MockServer, tmp_path: Path
) -> None:
    """It is kept, and usable in another file."""
    with pytest.raises(errors.SuffixMismatchError, match=r"mp3 cannot hold 96000 Hz .* \.wav or \.pcm") as raised:
        narrate(path=tmp_path / "book.mp3", concurrency=1, client=pcm(96_000))
    assert isinstance(raised.value, ValueError)
    assert [raised.value.saved_to] == parts_in(tmp_path)
    with pytest.raises(ValueError, match="mp3 cannot hold 96000 Hz"):
        narrate(path=tmp_path / "book.mp3")
    assert server.requests == []
    assert narrate(client=pcm(96_000)).new_requests == 2


def test_parts_with_different_rates_are_joined(narrate: Narrate) -> None:
    narrate(PARAGRAPHS[0])
    narration = narrate(concurrency=1, client=pcm(48_000))
    assert narration.new_requests == 2
    seconds = [part["duration_ms"] / 1000 for part in manifest_of(narration)["parts"]]
    assert narration.duration == pytest.approx(sum(seconds), abs=0.002)


def test_without_the_resampler_parts_with_different_rates_end_the_narration(
    narrate: Narrate, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept, and once they are there, nothing is sent."""
    monkeypatch.setitem(sys.modules, "samplerate", None)
    narrate(PARAGRAPHS[0])
    with pytest.raises(errors.SuffixMismatchError, match=r"24000 Hz .* 48000 Hz"):
        narrate(concurrency=1, client=pcm(48_000))
    server.reset()
    with pytest.raises(ValueError, match=r"Install samplerate to join them .* nothing is paid for twice"):
        narrate()
    assert server.requests == []


def test_audio_that_turns_out_too_long_for_wav_ends_the_narration(narrate: Narrate) -> None:
    with pytest.raises(errors.SuffixMismatchError, match="4 GiB"):
        narrate(pause_ms=25_000_000, concurrency=1, client=pcm(48_000))
    assert narrate(pause_ms=1, client=pcm(48_000)).new_requests == 2


# One narration at a time


def test_a_second_narration_in_the_same_folder_is_refused(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    refused: list[str] = []

    def begin_another(_: NarrationProgress) -> None:
        if not refused:
            with OpenRouter(KEY) as open_router, pytest.raises(errors.ConfigurationError) as raised:
                open_router.tts.narrate("Another text.", tmp_path / "book.mp3", pause_ms=0, **SETTINGS)
            refused.append(str(raised.value))

    narrate(on_progress=begin_another)
    assert f"process {os.getpid()} on " in refused[0]
    assert str(tmp_path / "book.narration") in refused[0]
    assert "Another text." not in inputs(server)


@pytest.mark.parametrize("locks", [True, False])
def test_partial_files_are_removed_only_under_the_lock(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    """Without locks, another narration may be writing them."""
    narrate()
    folder = tmp_path / "book.narration"
    partial = [
        folder / "parts/.half.wav.part", folder / ".manifest.json.01234567.part", tmp_path / ".book.wav.01234567.part"
    ]  # fmt: skip
    other = tmp_path / ".book.wav.bak.01234567.part"
    for half in (*partial, other):
        half.write_bytes(b"")
    if not locks:
        monkeypatch.setattr(lock, "held", lambda *_: nullcontext(False))
    narrate()
    assert [half.exists() for half in partial] == [not locks] * 3
    assert other.exists()


def test_a_second_task_in_the_same_folder_is_refused(server: MockServer, tmp_path: Path) -> None:
    server.reset()

    async def main() -> list[object]:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            narrating = [
                open_router.tts.narrate_async(TEXT, tmp_path / "book.wav", pause_ms=0, **SETTINGS) for _ in range(3)
            ]
            return list(await asyncio.gather(*narrating, return_exceptions=True))

    outcomes = asyncio.run(main())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConfigurationError"] * 2 + ["Narration"]
    assert len(server.requests) == 3


def test_parts_that_another_narration_added_before_the_lock_are_not_bought_again(
    narrate: Narrate, server: MockServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held, target = lock.held, tmp_path / "book.wav"

    def held_later(folder: Path, *named: str) -> AbstractContextManager[bool]:
        monkeypatch.setattr(lock, "held", held)
        with OpenRouter(KEY, server_url=server.url) as open_router:
            open_router.tts.narrate(TEXT, target, pause_ms=0, **SETTINGS)
        return held(folder, *named)

    monkeypatch.setattr(lock, "held", held_later)
    assert narrate(path=target).new_requests == 0
    assert len(server.requests) == 3


def test_both_forms_have_the_same_parameters() -> None:
    signatures = [inspect.signature(method) for method in (TTS.narrate, TTS.narrate_async)]
    assert signatures[0] == signatures[1]
    own = {"self", "text", "path", "limit", "limit_unit", "language", "heading", "pause_ms", "folder"}
    own |= {"say", "voices", "turns"}
    assert set(inspect.signature(TTS.plan_narration).parameters) == own | set(NarrationParams.__annotations__)
    assert set(signatures[0].parameters) == own | {"concurrency", "on_progress", "retry_suspicious", "max_cost"} | set(
        NarrationParams.__annotations__
    )


# How it is said


def test_instructions_are_sent_with_each_part(narrate: Narrate, server: MockServer) -> None:
    narrate(instructions="Whisper.")
    assert [request.json["instructions"] for request in server.requests] == ["Whisper."] * 3


def test_each_speaker_has_a_voice(narrate: Narrate, server: MockServer, tmp_path: Path) -> None:
    """The name is shown, and not spoken; and the words are shown as they are written."""
    script = "It was late.\n\nALICE: A GIF.\n\nBOB: No."
    options: dict[str, Any] = {"voices": {"ALICE": "nova", "BOB": "echo"}, "say": {"GIF": "jif"}}
    narration = narrate(script, **options)
    sent = {(request.json["input"], request.json["voice"]) for request in server.requests}
    assert sent == {("It was late.", "alloy"), ("A jif.", "nova"), ("No.", "echo")}
    manifest = manifest_of(narration)
    assert [(part["text"], part["speakers"]) for part in manifest["parts"]] == [
        ("It was late.", [None]), ("A GIF.", ["ALICE"]), ("No.", ["BOB"]),
    ]  # fmt: skip
    assert manifest["settings"]["voices"] == options["voices"]
    assert manifest["settings"]["say"] == options["say"]
    assert [(cue.text, cue.speaker) for cue in narration.cues] == [
        ("It was late.", None), ("A GIF.", "ALICE"), ("No.", "BOB"),
    ]  # fmt: skip
    assert "\nALICE: A GIF.\n" in narration.srt()
    again = narrate(script, **{**options, "voices": {"ALICE": "nova", "BOB": "shimmer"}})
    assert again.new_requests == 1
    with pytest.raises(ValueError, match=r"CAROL \(paragraph 4\)"):
        narrate(f"{script}\n\nCAROL: Me!", **options)


def test_speakers_share_a_request_as_turns(narrate: Narrate, server: MockServer) -> None:
    options: dict[str, Any] = {"voices": {"ALICE": "nova"}, "turns": True, "pause_ms": None}
    narration = narrate("It was late.\n\nALICE: Yes.", **options)
    (request,) = server.requests
    assert request.json["input"] == [{"text": "It was late."}, {"text": "Yes.", "voice": "nova"}]
    assert (narration.requests, narration.characters) == (1, len("It was late.\n\nYes."))
    assert manifest_of(narration)["parts"][0]["speakers"] == [None, "ALICE"]
    assert narrate("It was late.\n\nALICE: Yes.", **options).new_requests == 0


# Was it all said?

LINES = [f"This is paragraph number {number}, and nobody knows why." for number in "abcdefg"]


class Speaking(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Speaks at a steady pace, except where a sequence of factors for a text says otherwise; 0 is silence."""

    def __init__(self, factors: dict[str, list[float]]) -> None:
        self._factors = {text: list(sequence) for text, sequence in factors.items()}
        self.inputs: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        text = json.loads(request.read())["input"]
        self.inputs.append(text)
        factor = self._factors[text].pop(0) if self._factors.get(text) else 1
        frames = int(2_000 * len(text) * (factor or 1))
        content = (b"\x00\x30" if factor else b"\x00\x00") * (frames - 2_400) + bytes(4_800)
        headers = {"content-type": "audio/pcm", "x-generation-id": f"gen-{len(self.inputs)}"}
        return httpx.Response(200, content=content, headers=headers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def found(narration: Narration) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(part.where, part.reasons, part.requested_again) for part in narration.suspicious]


def test_parts_that_are_not_all_of_their_text_are_reported(narrate: Narrate) -> None:
    speaking = Speaking({LINES[1]: [0.3], LINES[2]: [0], LINES[4]: [3]})
    narration = narrate("\n\n".join(LINES), client=sending(speaking))
    assert found(narration) == [
        ('paragraph 2 ("This is paragraph number b, and nobody knows why.")', ("too short",), False),
        ('paragraph 3 ("This is paragraph number c, and nobody knows why.")', ("silent",), False),
        ('paragraph 5 ("This is paragraph number e, and nobody knows why.")', ("too long",), False),
    ]
    assert len(speaking.inputs) == len(LINES)
    (short, *_) = narration.suspicious
    assert short.seconds == pytest.approx(0.3 * (short.expected_seconds or 0), rel=0.01)
    marks = [part["suspicious"] for part in manifest_of(narration)["parts"]]
    assert marks == [[], ["too short"], ["silent"], [], ["too long"], [], []]


@pytest.mark.parametrize(
    ("factors", "used", "remaining"),
    [
        ([0.3, 1], 1, ()),
        ([0.3, 0.5], 0.5, ("too short",)),
        ([0.3, 0.2], 0.3, ("too short",)),
        ([0, 0.3], 0.3, ("too short",)),
    ],
)
def test_suspicious_parts_are_requested_once_more_and_the_better_audio_is_used(
    narrate: Narrate, factors: list[float], used: float, remaining: tuple[str, ...]
) -> None:
    speaking = Speaking({LINES[1]: factors})
    options = {"client": sending(speaking), "retry_suspicious": True}
    narration = narrate("\n\n".join(LINES), **options)
    assert sorted(speaking.inputs) == sorted([*LINES, LINES[1]])
    assert (narration.new_requests, narration.new_characters) == (8, 8 * len(LINES[0]))
    part = manifest_of(narration)["parts"][1]
    assert part["duration_ms"] == pytest.approx(used * 2_000 * len(LINES[1]) / 24, abs=1)
    assert [part.reasons for part in narration.suspicious] == ([remaining] if remaining else [])
    content = narration.path.read_bytes()
    for manifest_is_lost in (False, True):
        if manifest_is_lost:
            narration.manifest.unlink()
        resumed = narrate("\n\n".join(LINES), client=sending(speaking), retry_suspicious=True)
        assert (resumed.new_requests, found(resumed)) == (0, found(narration))
        assert resumed.path.read_bytes() == content
    assert len(speaking.inputs) == 8


def test_parts_that_were_suspicious_before_are_requested_once_more_on_demand(narrate: Narrate) -> None:
    speaking = Speaking({LINES[1]: [0.3]})
    text = "\n\n".join(LINES)
    assert narrate(text, client=sending(speaking)).suspicious
    seen: list[NarrationProgress] = []
    retried = narrate(text, client=sending(speaking), retry_suspicious=True, on_progress=seen.append)
    assert (retried.new_requests, retried.suspicious) == (1, ())
    assert [progress.suspicious_parts for progress in seen if not progress.joined_seconds] == [0, 1, 1]
    assert {progress.parts_done for progress in seen} == {7}


def test_an_interruption_does_not_forget_which_audio_was_used(narrate: Narrate, tmp_path: Path) -> None:
    text, client = "\n\n".join(LINES), sending(Speaking({LINES[1]: [0.3]}))
    used = manifest_of(narrate(text, client=client, retry_suspicious=True))["parts"][1]
    assert (used["file"][-10:], used["generation_id"]) == (".again.wav", "gen-8")

    def stop(_: NarrationProgress) -> None:
        raise StopError

    with pytest.raises(StopError):
        narrate(f"{text}\n\nMore.", on_progress=stop)
    manifest = json.loads((tmp_path / "book.narration" / "manifest.json").read_text())
    assert manifest["parts"][1]["generation_id"] == "gen-8"


def test_a_second_audio_that_is_unusable_is_kept_and_not_bought_again(narrate: Narrate, tmp_path: Path) -> None:
    text = "\n\n".join(LINES)
    narrate(text, client=sending(Speaking({LINES[1]: [0.3]})))
    with pytest.raises(errors.AudioError, match="no audio can be read"):
        narrate(text, client=answering("audio/mpeg", b"\x93something else"), retry_suspicious=True)
    assert len([file for file in parts_in(tmp_path) if file.name.endswith(".again.bin")]) == 1
    narration = narrate(text, client=answering("audio/mpeg", b""), retry_suspicious=True)
    assert (narration.new_requests, [part.requested_again for part in narration.suspicious]) == (0, [True])
