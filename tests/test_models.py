"""`OpenRouter.models`: looked up once a day, kept on disk, and used to refuse what a model lacks."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._http import known_models, lookups
from openrouter_speech.mock import MockServer

from .conftest import KEY, REQUEST, inputs
from .wire_server import WireServer, http, refusing

JSON = "application/json"
LIST = http(content_type=JSON, body=b'{"data": [{"id": "a/b", "supported_voices": ["alloy"]}]}')


@pytest.fixture(params=["sync", "async"])
def look_up(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method of `OpenRouter.models` on a new client."""

    def call(url: str, method: str, *arguments: Any, **options: Any) -> Any:
        if request.param == "sync":
            with OpenRouter(server_url=url, retry_config=None) as open_router:
                return getattr(open_router.models, method)(*arguments, **options)

        async def main() -> Any:
            async with OpenRouter(server_url=url, retry_config=None) as open_router:
                return await getattr(open_router.models, f"{method}_async")(*arguments, **options)

        return asyncio.run(main())

    return call


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


def aged(seconds: float) -> None:
    """Make the only look-up on disk older."""
    (file,) = Path(os.environ["OPENROUTER_SPEECH_CACHE_DIR"]).rglob("*.json")
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"at": record["at"] - seconds}))


def test_models_and_their_endpoints_are_found_without_a_key(server: MockServer, look_up: Callable[..., Any]) -> None:
    models = {model.id: model for model in look_up(server.url, "list")}
    kokoro = models["hexgrad/kokoro-82m"]
    assert "af_bella" in kokoro.voices
    assert look_up(server.url, "get", kokoro.id) == kokoro
    prices = [endpoint.prices["prompt"] for endpoint in look_up(server.url, "endpoints", kokoro.id)]
    assert kokoro.prices["prompt"] == min(prices) == Decimal("0.0000008")
    with pytest.raises(ValueError, match=r"no model 'hexgrad/kokoro' that speaks; did you mean 'hexgrad/kokoro-82m'\?"):
        look_up(server.url, "get", "hexgrad/kokoro")
    with pytest.raises(errors.NotFoundResponseError):
        look_up(server.url, "endpoints", "no/such")
    with pytest.raises(ValueError, match="such as author/name, not 'kokoro'"):
        look_up(server.url, "endpoints", "kokoro")


def test_a_key_is_sent_if_there_is_one(look_up: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(LIST) as server:
        look_up(server.url, "list")
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        look_up(server.url, "list", refresh=True)
        assert [request.header("authorization") for request in server.requests] == [None, f"Bearer {KEY}"]
    for file in Path(os.environ["OPENROUTER_SPEECH_CACHE_DIR"]).rglob("*"):
        assert file.is_dir() or KEY not in file.read_text()


def test_what_was_found_is_not_asked_for_on_the_same_day(look_up: Callable[..., Any]) -> None:
    with WireServer(LIST) as server:
        first = look_up(server.url, "list")
        assert look_up(server.url, "list") == first
        assert len(server.requests) == 1
        look_up(server.url, "list", refresh=True)
        assert len(server.requests) == 2
        aged(lookups.DAY)
        look_up(server.url, "list")
        assert len(server.requests) == 3


def test_an_old_list_that_has_not_changed_is_good_for_another_day(look_up: Callable[..., Any]) -> None:
    listed = http(content_type=JSON, body=b'{"data": [{"id": "a/b"}]}', headers={"ETag": '"1"'})
    with WireServer(listed, http(304, content_type=None, headers={"ETag": '"1"'})) as server:
        first = look_up(server.url, "list")
        aged(lookups.DAY)
        assert look_up(server.url, "list") == look_up(server.url, "list") == first
        assert [request.header("if-none-match") for request in server.requests] == [None, '"1"']


def test_an_old_list_is_better_than_none(look_up: Callable[..., Any]) -> None:
    with refusing() as url:
        with pytest.raises(errors.APIConnectionError, match="No response from"):
            look_up(url, "list")
        file = lookups.Lookups(lookups.cache_folder())
        file.store(f"{url}/models?output_modalities=speech", {"data": [{"id": "a/b"}]}, None)
        aged(lookups.DAY * 30)
        assert [model.id for model in look_up(url, "list")] == ["a/b"]
        with pytest.raises(errors.APIConnectionError):
            look_up(url, "list", refresh=True)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"version": 0}', b'{"version": 1, "url": "x"}']
)
def test_a_damaged_file_is_deleted(content: bytes, tmp_path: Path) -> None:
    kept = lookups.Lookups(tmp_path)
    kept.store("u", {"data": []}, "t")
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(content)
    assert kept.load("u") is None
    assert not file.exists()


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, look_up: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OPENROUTER_SPEECH_CACHE_DIR", str(tmp_path / "file"))
    with WireServer(LIST) as server:
        assert [look_up(server.url, "list")[0].id for _ in range(2)] == ["a/b", "a/b"]
        assert len(server.requests) == 2


def test_a_clock_that_was_set_back_makes_a_list_old(look_up: Callable[..., Any]) -> None:
    with WireServer(LIST) as server:
        look_up(server.url, "list")
        aged(-3600)
        look_up(server.url, "list")
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (http(content_type=JSON, body=b"<html>"), errors.APIConnectionError, "a success that is not JSON"),
        (http(500, content_type="text/html", body=b"<html>"), errors.InternalServerResponseError, "500"),
        (http(503, content_type="text/html", body=b"busy"), errors.OpenRouterError, r"503: busy$"),
        (http(content_type=JSON, body=b"{}", length=9), errors.APIConnectionError, "No response from"),
    ],
)  # fmt: skip
def test_a_failed_look_up_is_never_charged(
    look_up: Callable[..., Any], answer: Any, error: type[errors.OpenRouterError], message: str
) -> None:
    with WireServer(answer) as server, pytest.raises(error, match=message) as raised:
        look_up(server.url, "list")
    assert not raised.value.maybe_billed
    assert "charged" not in str(raised.value)


def test_a_look_up_is_retried(slept: list[float]) -> None:
    with WireServer(http(500, content_type=None), LIST) as server, OpenRouter(server_url=server.url) as open_router:
        assert open_router.models.list()[0].id == "a/b"
    assert len(slept) == 1


def test_nothing_is_asked_for_to_check_a_call(server: MockServer) -> None:
    request: Any = {**REQUEST, "model": "openai/gpt-4o-mini-tts", "voice": "aloy"}
    refused = r"did you mean 'alloy'\? \(if that is out of date, pass OpenRouter\(check_models=False\)\)"
    with OpenRouter(KEY, server_url=server.url) as open_router:
        server.reset()
        open_router.tts.create_speech(**request)  # nothing is known yet
        assert [one.path for one in server.requests] == ["/api/v1/audio/speech"]
        open_router.models.list()
        with pytest.raises(
            ValueError, match=r"did you mean 'alloy'\? \(if that is out of date, pass .*check_models=False"
        ):
            open_router.tts.create_speech(**request)
        with pytest.raises(ValueError, match=refused):
            open_router.tts.create_speech(
                **REQUEST | {"input": [{"text": "Hi", "voice": "aloy"}], "model": request["model"]}
            )
        open_router.tts.create_speech(**REQUEST)  # a model that is not listed
    with OpenRouter(KEY, server_url=server.url) as another, pytest.raises(ValueError, match=refused):
        another.tts.create_speech(**request)
    with OpenRouter(KEY, server_url=server.url, check_models=False) as unchecked:
        unchecked.tts.create_speech(**request)
    for file in Path(os.environ["OPENROUTER_SPEECH_CACHE_DIR"]).rglob("*.json"):
        record = json.loads(file.read_text())
        file.write_text(json.dumps(record | {"at": record["at"] - 7 * lookups.DAY}))
    with OpenRouter(KEY, server_url=server.url) as later:
        later.tts.create_speech(**request)


def test_long_texts_and_many_are_checked_before_the_first_request(server: MockServer, tmp_path: Path) -> None:
    model = "openai/gpt-4o-mini-tts"
    rows = [{"input": "One", "voice": "alloy"}, {"input": "Two", "voice": "aloy"}, {"input": "Three", "voice": "novva"}]
    with OpenRouter(KEY, server_url=server.url) as open_router:
        open_router.models.list()
        server.reset()
        with pytest.raises(ValueError, match="'aloy' is not a voice of"):
            open_router.tts.narrate(
                "ANN: One.\n\nBOB: Two.", tmp_path / "play.wav", voices={"ANN": "alloy", "BOB": "aloy"}, model=model
            )
        with pytest.raises(errors.InvalidRowsError) as raised:
            open_router.tts.batch(rows, tmp_path / "rows", model=model)
        open_router.tts.batch(rows, tmp_path / "rows", model=model, skip_invalid=True)
    assert [problem.partition(" (if")[0] for problem in raised.value.problems] == [
        f"Row 2 voice 'aloy' is not a voice of {model}; did you mean 'alloy'?",
        f"Row 3 voice 'novva' is not a voice of {model}; did you mean 'nova'?",
    ]
    assert inputs(server) == ["One"]


def test_a_row_that_turns_out_wrong_on_the_way_is_not_sent(server: MockServer, tmp_path: Path) -> None:
    request: Any = {"model": "openai/gpt-4o-mini-tts", "concurrency": 1}
    rows = [{"id": "a", "input": "One", "voice": "alloy"}, {"id": "b", "input": "Two", "voice": "aloy"}]
    server.reset()
    with OpenRouter(KEY, server_url=server.url) as open_router:
        with pytest.raises(ValueError, match="'aloy' is not a voice of"):
            open_router.tts.batch(rows, tmp_path, on_row=lambda _: open_router.models.list(), **request)
    with OpenRouter(KEY, server_url=server.url, check_models=False) as unchecked:
        done = unchecked.tts.batch(rows, tmp_path, **request)
    assert (done.done, done.new_done, done.maybe_billed) == (2, 1, 0)
    assert [one.json["input"] for one in server.requests if one.method == "POST"] == ["One", "Two"]


def test_a_voice_may_be_given_for_each_speaker_or_row_alone(server: MockServer, tmp_path: Path) -> None:
    """The model needs one."""
    model, voices = "hexgrad/kokoro-82m", {"ANN": "af_bella", "BOB": "am_adam"}
    with OpenRouter(KEY, server_url=server.url) as open_router:
        with pytest.raises(ValueError, match="voice is missing"):
            open_router.tts.narrate("Hello", tmp_path / "a.wav", model=model)
        assert (
            open_router.tts.narrate("ANN: One.\n\nBOB: Two.", tmp_path / "a.wav", voices=voices, model=model).requests
            == 2
        )
        rows = [{"input": "One", "voice": "af_bella"}]
        assert open_router.tts.batch(rows, tmp_path / "rows", model=model).done == 1
        with pytest.raises(errors.InvalidRowsError) as raised:
            open_router.tts.batch(["One"], tmp_path / "other", model=model)
    assert raised.value.problems[0].startswith(f"Row 1 voice is missing: {model} needs one")


@pytest.mark.parametrize("method", ["create_speech", "narrate"])
def test_a_model_that_expires_is_announced_once(method: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(known_models, "_warned_of", set())
    day = datetime.now(UTC).date() + timedelta(days=7)
    settings: Any = {"model": "a/b", "voice": "alloy"}
    body = json.dumps({"data": [{"id": "a/b", "expiration_date": str(day)}]}).encode()
    audio = http(body=bytes(480))
    with WireServer(http(content_type=JSON, body=body), audio, audio) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            open_router.models.list()
            arguments = ["Hello", tmp_path / "a.wav"] if method == "narrate" else []
            request = settings if arguments else {"input": "Hello", **settings}
            with pytest.warns(UserWarning, match=f"a/b expires on {day}") as caught:
                getattr(open_router.tts, method)(*arguments, **request)
            assert caught[0].filename == __file__
            open_router.tts.create_speech(input="Hello", **settings)


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/openrouter-speech"),
        ("linux", {"HOME": "/home/u"}, "/home/u/.cache/openrouter-speech"),
        ("darwin", {"HOME": "/Users/u"}, "/Users/u/Library/Caches/openrouter-speech"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/openrouter-speech"),
        ("linux", {"OPENROUTER_SPEECH_CACHE_DIR": "/mine", "XDG_CACHE_HOME": "/x"}, "/mine"),
    ],
)
def test_each_system_has_a_folder_for_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], folder: str
) -> None:
    for name in ("OPENROUTER_SPEECH_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert lookups.cache_folder() == Path(folder)
    assert lookups.cache_folder("given") == Path("given")


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(lookups, "_system_folder", homeless)
    monkeypatch.delenv("OPENROUTER_SPEECH_CACHE_DIR")
    kept = lookups.Lookups(lookups.cache_folder())
    kept.store("u", {}, None)
    assert kept.load("u") is None


def test_a_large_catalog_is_listed_and_checked(tmp_path: Path) -> None:
    """400 models, some without a field or with one of a wrong type; each field is missing in some."""
    fields = {
        "name": "N",
        "supported_voices": ["x", "y"],
        "pricing": {"prompt": "0.1"},
        "expiration_date": "2100-01-01",
    }
    models = [
        {"id": f"author/model-{number}"}
        | {name: [None, {}, 5][number % 3] if number % 7 == place else value
           for place, (name, value) in enumerate(fields.items()) if number % 5 != place}
        for number in range(400)
    ]  # fmt: skip
    (tmp_path / "models.json").write_text(json.dumps(models))
    with MockServer(models=tmp_path / "models.json") as server, OpenRouter(KEY, server_url=server.url) as open_router:
        found = open_router.models.list()
        assert [model.id for model in found] == [model["id"] for model in models]
        assert {model.voices for model in found} == {None, ("x", "y")}
        for model in found[:50]:
            request: Any = {**REQUEST, "model": model.id, "voice": "z"}
            if model.voices:
                with pytest.raises(ValueError, match="it has x, y"):
                    open_router.tts.create_speech(**request)
            else:
                open_router.tts.create_speech(**request)
