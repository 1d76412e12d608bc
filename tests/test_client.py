"""`OpenRouter`: where its settings come from, what it sends, what comes back."""

import asyncio
import inspect
import json
import pickle
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import openrouter_speech
import pytest
from openrouter_speech import OpenRouter, SpeechResponse, components, errors, utils
from openrouter_speech._generated import OPERATIONS, SERVER_URL
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import TTS, SpeechParams

from .conftest import KEY, PROJECT, REQUEST, Connect, connecting


class Recorder:
    """A server inside the process: notes what it was sent, and answers audio."""

    def __init__(self, **answer: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.keys: list[str | None] = []
        self._answer = {"content": bytes(480), "headers": {"content-type": "audio/pcm;rate=24000;channels=1"}, **answer}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.keys.append(request.headers.get("authorization"))
        return httpx.Response(200, **self._answer)

    @property
    def clients(self) -> dict[str, Any]:
        """Arguments for `OpenRouter`."""
        transport = httpx.MockTransport(self)
        return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}

    @property
    def request(self) -> httpx.Request:
        (request,) = self.requests
        return request


def test_the_exported_names() -> None:
    assert openrouter_speech.__all__ == [
        "AsyncSpeechStream", "Batch", "BatchProgress", "BatchRow", "Narration", "NarrationPlan", "NarrationProgress",
        "OpenRouter", "SavedSpeech", "SpeechCache", "SpeechResponse", "SpeechStream", "__version__", "components",
        "errors", "utils",
    ]  # fmt: skip
    assert utils.__all__ == ["BackoffStrategy", "RetryConfig", "reference_clip"]
    assert {"SpeechRequestProvider", "ResponseFormatEnum"} <= set(components.__all__)


def test_a_call_as_it_goes_over_the_wire(connect: Connect) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create(
        response_format="mp3", speed=1.5, provider={"options": {"openai": {"instructions": "Speak warmly."}}}
    )
    request = recorder.request
    assert (request.method, str(request.url)) == ("POST", "https://openrouter.ai/api/v1/audio/speech")
    assert recorder.keys == [f"Bearer {KEY}"]
    assert request.headers["content-type"] == "application/json"
    assert "audio/*" in request.headers["accept"]
    assert re.fullmatch(r"openrouter-speech/\S+ Python/\S+ httpx/\S+", request.headers["user-agent"])
    assert json.loads(request.content) == {
        **REQUEST, "response_format": "mp3", "speed": 1.5,
        "provider": {"options": {"openai": {"instructions": "Speak warmly."}}},
    }  # fmt: skip


def test_only_what_was_given_is_sent(connect: Connect) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create()
    assert json.loads(recorder.request.content) == REQUEST
    assert not {"http-referer", "x-openrouter-title", "x-openrouter-categories"} & set(recorder.request.headers)


@pytest.mark.parametrize(
    "provider",
    [
        {"options": {"openai": {"a": 1}}},
        components.SpeechRequestProvider.from_dict({"options": {"openai": {"a": 1}}}),
        components.SpeechRequestProvider(options={"openai": {"a": 1}}),  # type: ignore[arg-type]
    ],
)
def test_a_provider_is_a_component_or_a_dict(connect: Connect, provider: Any) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create(provider=provider)
    assert json.loads(recorder.request.content)["provider"] == {"options": {"openai": {"a": 1}}}


@pytest.mark.parametrize("response_format", ["pcm", components.ResponseFormatEnum.PCM, "opus"])
def test_a_format_is_a_component_or_a_string_even_an_unknown_one(connect: Connect, response_format: str) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create(response_format=response_format)
    assert json.loads(recorder.request.content)["response_format"] == response_format


def test_new_fields_can_be_sent_before_they_are_described(connect: Connect) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create(extra_body={"language": "fr"})
    assert json.loads(recorder.request.content)["language"] == "fr"


APP = {"http_referer": "https://a.test", "x_open_router_title": "Café ☕", "x_open_router_categories": ["one", "two"]}
SENT = {"http-referer": "https://a.test", "x-openrouter-title": "Café ☕", "x-openrouter-categories": "one,two"}


def app_headers(request: httpx.Request) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in request.headers.raw if name.decode().lower() in SENT}


def test_app_headers_of_the_client(connect: Connect) -> None:
    recorder = Recorder()
    connect(**APP, **recorder.clients).create()
    assert {name.lower(): value for name, value in app_headers(recorder.request).items()} == SENT


def test_app_headers_of_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_HTTP_REFERER", "https://a.test")
    monkeypatch.setenv("OPENROUTER_X_OPEN_ROUTER_TITLE", "Café ☕")
    monkeypatch.setenv("OPENROUTER_X_OPEN_ROUTER_CATEGORIES", "one,two")
    recorder = Recorder()
    connect(**recorder.clients).create()
    assert {name.lower(): value for name, value in app_headers(recorder.request).items()} == SENT


def test_app_headers_of_a_call_win(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the client's, which win over the environment's. A blank one takes the header away."""
    monkeypatch.setenv("OPENROUTER_X_OPEN_ROUTER_TITLE", "environment")
    recorder = Recorder()
    caller = connect(x_open_router_title="client", http_referer="https://client.test", **recorder.clients)
    caller.create(x_open_router_title="call", http_referer="")
    caller.create()
    assert [request.headers["x-openrouter-title"] for request in recorder.requests] == ["call", "client"]
    assert [request.headers.get("http-referer") for request in recorder.requests] == [None, "https://client.test"]


def test_any_header_can_be_added_or_replaced(connect: Connect) -> None:
    recorder = Recorder()
    connect(**recorder.clients).create(http_headers={"user-agent": "mine", "X-New": "1", "AUTHORIZATION": "Basic abc"})
    headers = recorder.request.headers
    assert (headers["user-agent"], headers["x-new"], recorder.keys) == ("mine", "1", ["Basic abc"])


def test_the_key_of_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "from-the-environment\n")
    recorder = Recorder()
    connect(None, **recorder.clients).create()
    assert recorder.keys == ["Bearer from-the-environment"]


def test_a_callable_key_is_asked_for_each_call(connect: Connect) -> None:
    recorder = Recorder()
    keys = iter(["first", "second"])
    caller = connect(lambda: next(keys), **recorder.clients)
    caller.create()
    caller.create()
    assert recorder.keys == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("key", [None, "", " \n", lambda: "", lambda: None])
def test_a_missing_key_is_said_before_anything_is_sent(connect: Connect, key: Any) -> None:
    recorder = Recorder()
    with pytest.raises(errors.ConfigurationError, match="OPENROUTER_API_KEY"):
        connect(key, **recorder.clients).create()
    assert not recorder.requests


@pytest.mark.parametrize("key", ["two words", "clé", "a\nb", lambda: 5])
def test_what_cannot_be_a_key_is_refused_without_showing_it(connect: Connect, key: Any) -> None:
    recorder = Recorder()
    with pytest.raises(errors.ConfigurationError) as raised:
        connect(key, **recorder.clients).create()
    assert not isinstance(key, str) or key not in str(raised.value)
    assert not recorder.requests


def test_another_server(connect: Connect) -> None:
    recorder = Recorder()
    caller = connect(server_url="https://one.test/api/v1/", **recorder.clients)
    caller.create()
    caller.create(server_url="https://two.test")
    assert [str(request.url) for request in recorder.requests] == [
        "https://one.test/api/v1/audio/speech", "https://two.test/audio/speech",
    ]  # fmt: skip


WRONG_SETTINGS = [
    ({"api_key": 5}, TypeError, "api_key"),
    ({"server_url": 5}, TypeError, "server_url"),
    ({"server_url": "example.test"}, ValueError, "server_url"),
    ({"server_url": "ftp://example.test"}, ValueError, "server_url"),
    ({"server_url": "https://example.test?a=b"}, ValueError, "server_url"),
    ({"server_url": "https://name:password@example.test"}, ValueError, "server_url"),
    ({"server_url": "https://exa mple.test:x"}, ValueError, "server_url"),
    ({"timeout_ms": 0}, ValueError, "timeout_ms"),
    ({"timeout_ms": -1}, ValueError, "timeout_ms"),
    ({"timeout_ms": "1"}, TypeError, "timeout_ms"),
    ({"timeout_ms": True}, TypeError, "timeout_ms"),
    ({"timeout_ms": float("nan")}, ValueError, "timeout_ms"),
    ({"retry_config": 3}, TypeError, "retry_config"),
    ({"client": httpx}, TypeError, "client"),
    ({"async_client": httpx}, TypeError, "async_client"),
    ({"async_transport": "trio"}, ValueError, "async_transport"),
    ({"x_open_router_title": b"bytes"}, TypeError, "x_open_router_title"),
    ({"colour": "red"}, TypeError, "colour"),
]


@pytest.mark.parametrize(("settings", "kind", "name"), WRONG_SETTINGS, ids=str)
def test_a_wrong_setting_is_refused_by_name(settings: dict[str, Any], kind: type[Exception], name: str) -> None:
    with pytest.raises(kind, match=name):
        OpenRouter(**settings)


WRONG_PARAMETERS = [
    ({"input": b"bytes"}, TypeError, "input"),
    ({"input": ""}, ValueError, "input"),
    ({"input": None}, TypeError, "input"),
    ({"input": "\ud800"}, ValueError, "input has a lone surrogate at position 0"),
    ({"model": 5}, TypeError, "model"),
    ({"voice": ""}, ValueError, "voice"),
    ({"speed": "fast"}, TypeError, "speed"),
    ({"speed": True}, TypeError, "speed"),
    ({"speed": float("nan")}, ValueError, "speed"),
    ({"response_format": 5}, TypeError, "response_format"),
    ({"response_format": ""}, ValueError, "response_format"),
    ({"provider": "openai"}, TypeError, "provider"),
    ({"provider": {"options": "openai"}}, TypeError, "provider.options"),
    ({"provider": {"options": {"openai": 5}}}, TypeError, r"provider.options\['openai'\]"),
    ({"provider": {"options": {"openai": {"a": {1, 2}}}}}, ValueError, "provider"),
    ({"extra_body": [1]}, TypeError, "extra_body"),
    ({"extra_body": {"speed": 1}}, ValueError, "speed"),
    ({"extra_body": {"a": float("inf")}}, ValueError, "extra_body"),
    ({"retries": 5}, TypeError, "retries"),
    ({"timeout_ms": -5}, ValueError, "timeout_ms"),
    ({"server_url": "example.test"}, ValueError, "server_url"),
    ({"http_headers": {"X-A": "a\r\nb"}}, ValueError, "http_headers"),
    ({"x_open_router_title": "a\nb"}, ValueError, "x_open_router_title"),
    ({"colour": "red"}, TypeError, "colour"),
]


@pytest.mark.parametrize(("params", "kind", "name"), WRONG_PARAMETERS, ids=str)
def test_a_wrong_parameter_is_refused_by_name(
    connect: Connect, params: dict[str, Any], kind: type[Exception], name: str
) -> None:
    """Before anything is sent."""
    recorder = Recorder()
    with pytest.raises(kind, match=name):
        connect(**recorder.clients).create(**params)
    assert not recorder.requests


FORMS = ("create_speech", "stream_speech", "save_speech", "narrate")
METHODS = [*FORMS, *(f"{form}_async" for form in FORMS), "plan_narration"]


def call(open_router: OpenRouter, name: str, *args: Any, **params: Any) -> None:
    """Call a method of any form, to its end."""
    where = {"save": ("a.mp3",), "narr": ("Hello", "a.mp3"), "plan": ("Hello", "a.mp3")}.get(name[:4], ())
    result = getattr(open_router.tts, name)(*where, *args, **params)
    if inspect.iscoroutine(result):
        asyncio.run(result)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vioce": "x"}, "got an unexpected keyword argument 'vioce'; did you mean 'voice'?"),
        ({"zebra": 1}, "got an unexpected keyword argument 'zebra'"),
        ({"model": None}, "missing 1 required keyword-only argument: 'model'"),
    ],
    ids=["misspelt", "unknown", "missing"],
)
def test_a_wrong_name_is_told_of_the_method_that_was_called(name: str, change: dict[str, Any], message: str) -> None:
    given = {**REQUEST, **change}
    if "narrat" in name:
        del given["input"]
    params = {key: value for key, value in given.items() if value is not None}
    with pytest.raises(TypeError) as raised:
        call(OpenRouter(KEY), name, **params)
    assert str(raised.value) == f"{name}() {message}"
    assert raised.value.__context__ is None


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(TypeError, match=r"create_speech\(\) missing \d .*: 'input'.* and "):
        call(OpenRouter(KEY), "create_speech")


@pytest.mark.parametrize("name", METHODS)
def test_what_has_to_be_named_is_not_taken_by_its_place(name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}\(\) takes"):
        call(OpenRouter(KEY), name, "Hello", **REQUEST)


def test_the_text_of_a_narration_has_a_name_of_its_own() -> None:
    with pytest.raises(TypeError, match=r"narrate\(\) .* 'input'; did you mean 'text'"):
        call(OpenRouter(KEY), "narrate", **REQUEST)
    with pytest.raises(TypeError, match=r"narrate\(\) .* 'limt'; did you mean 'limit'"):
        call(OpenRouter(KEY), "narrate", limt=5, model="m", voice="v")


def test_a_wrong_name_of_a_setting_is_told_of_the_client() -> None:
    with pytest.raises(TypeError, match=r"OpenRouter\b.* unexpected keyword argument 'api_kee'"):
        OpenRouter(api_kee=KEY)  # type: ignore[call-arg]


def test_the_response_knows_its_audio(connect: Connect, server: MockServer) -> None:
    speech = connect(server_url=server.url).create(response_format="pcm")
    assert isinstance(speech, httpx.Response)
    assert (speech.status_code, speech.is_closed) == (200, True)
    assert (speech.audio_format, speech.sample_rate, speech.channels) == ("pcm", 24_000, 1)
    assert speech.duration == len(speech.content) / 48_000
    assert re.fullmatch(r"gen-tts-\d+-\w+", speech.generation_id or "")
    assert speech.time_to_first_audio is not None
    assert speech.time_to_first_audio > 0
    assert repr(speech).startswith("<SpeechResponse [200 pcm, ")


def test_the_response_to_mp3(connect: Connect, server: MockServer) -> None:
    speech = connect(server_url=server.url).create(response_format="mp3")
    assert (speech.audio_format, speech.sample_rate, speech.channels) == ("mp3", 24_000, 1)
    assert speech.duration is not None
    assert speech.duration > 0.3


def test_the_response_can_be_saved(connect: Connect, server: MockServer, tmp_path: Path) -> None:
    speech = connect(server_url=server.url).create(response_format="pcm")
    assert speech.save(tmp_path / "a.pcm") == tmp_path / "a.pcm"
    assert (tmp_path / "a.pcm").read_bytes() == speech.content
    with pytest.raises(ValueError, match="response_format"):
        speech.save(tmp_path / "a.mp3", convert=False)


def test_the_response_pickles_without_the_key(connect: Connect, server: MockServer) -> None:
    speech = connect(server_url=server.url).create()
    content = pickle.dumps(speech)
    assert KEY.encode() not in content
    copy = pickle.loads(content)
    assert isinstance(copy, SpeechResponse)
    assert (copy.content, copy.duration, copy.generation_id) == (speech.content, speech.duration, speech.generation_id)


def test_a_content_encoding_is_undone_once(connect: Connect) -> None:
    import gzip  # noqa: PLC0415

    audio = bytes(4800)
    headers = {"content-type": "audio/pcm", "content-encoding": "gzip"}
    recorder = Recorder(content=gzip.compress(audio), headers=headers)
    assert connect(**recorder.clients).create().content == audio


@pytest.mark.parametrize("status", sorted(errors.BY_STATUS))
def test_each_documented_status_raises_its_class(connect: Connect, status: int) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"error": {"code": status, "message": "No"}})

    transport = httpx.MockTransport(refuse)
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    with pytest.raises(errors.BY_STATUS[status], match=f"{status}: No"):
        connect(retry_config=None, **clients).create()


def test_clients_are_made_at_first_use_and_closed_at_the_end(server: MockServer) -> None:
    with OpenRouter(KEY, server_url=server.url) as open_router:
        connections = open_router._session.connections
        assert connections._own is None
        open_router.tts.create_speech(**REQUEST)
        own = connections._own
        assert own is not None
    assert own.is_closed


def test_async_clients_are_closed_at_the_end(server: MockServer) -> None:
    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            await open_router.tts.create_speech_async(**REQUEST)
            async with open_router._session.connections.async_client() as own:
                assert not own.is_closed
        assert own.is_closed

    asyncio.run(main())


CLIENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "headers": {"headers": [("user-agent", "mine"), ("X-Twice", "1"), ("X-Twice", "2"), ("x-own", "of the client")]},
    "host": {"headers": {"host": "behind.example"}},
    "cookies": {"cookies": {"route": "1"}},
    "params": {"params": {"team": "a b"}},
    "timeout": {"timeout": 3},
    "base_url": {"base_url": "https://elsewhere.example/v2"},
}


@pytest.mark.parametrize("options", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient])
def test_a_request_is_what_the_httpx_client_would_build(kind: Any, options: dict[str, Any]) -> None:
    """It is built without the client, which takes longer, unless there is something that only the client knows."""
    session, client = OpenRouter(KEY)._session, kind(**options)
    listed = session.call(OPERATIONS["list_models"], {})
    spoken = session.call(OPERATIONS["create_speech"], {**REQUEST, "http_headers": {"X-OWN": "of the call: ü"}})
    limited = session.call(OPERATIONS["create_speech"], {**REQUEST, "timeout_ms": 70})
    by_hand = {"HOST": "other.example", "content-length": "7"}
    odd = session.call(OPERATIONS["create_speech"], {**REQUEST, "http_headers": by_hand})
    for call in (listed, spoken, limited, odd):
        ours = call.new_request(client)
        theirs = client.build_request(
            call.request.method,
            call.server_url + call.request.path,
            content=call.request.body,
            headers=[(name.encode(), value.encode()) for name, value in call.headers.items()],
            timeout=client.timeout if call.timeout is None else call.timeout,
        )
        theirs.headers["Authorization"] = f"Bearer {KEY}"
        assert (ours.method, ours.url, ours.headers.raw) == (theirs.method, theirs.url, theirs.headers.raw)
        assert (ours.content, ours.extensions) == (theirs.content, theirs.extensions)
        assert isinstance(ours.stream, httpx.SyncByteStream)
        assert isinstance(ours.stream, httpx.AsyncByteStream)


@pytest.mark.parametrize(("kind", "way"), [(httpx.Client, "sync"), (httpx.AsyncClient, "async")])
def test_what_traces_httpx_sees_the_calls(
    kind: Any, way: str, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentry and Datadog replace `send` of the class."""
    seen: list[str] = []
    send = kind.send

    def traced(self: Any, request: httpx.Request, **options: Any) -> Any:
        seen.append(request.url.path)
        return send(self, request, **options)

    monkeypatch.setattr(kind, "send", traced)
    for caller in connecting(way):
        caller(server_url=server.url).create()
    assert seen == ["/api/v1/audio/speech"]


def test_a_given_client_is_never_closed(connect: Connect) -> None:
    recorder = Recorder()
    clients = recorder.clients
    caller = connect(**clients)
    caller.create()
    caller.close()
    assert not clients["client"].is_closed
    assert not clients["async_client"].is_closed


def speaking(text: str) -> SpeechParams:
    return {**REQUEST, "input": text}


def test_one_client_serves_many_threads(server: MockServer) -> None:
    with OpenRouter(KEY, server_url=server.url) as open_router:
        texts = [f"Thread number {number}" for number in range(16)]
        expected = {text: open_router.tts.create_speech(**speaking(text)).content for text in texts}
        results: dict[str, bytes] = {}

        def speak(text: str) -> None:
            results[text] = open_router.tts.create_speech(**speaking(text)).content

        threads = [threading.Thread(target=speak, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == expected


def test_the_methods_have_the_same_parameters() -> None:
    """Those of `SpeechParams`."""
    forms = ("create_speech", "stream_speech", "save_speech")
    for name in (*forms, *(f"{form}_async" for form in forms)):
        parameters = set(inspect.signature(getattr(TTS, name)).parameters) - {"self", "path", "convert"}
        assert parameters == set(SpeechParams.__annotations__), name


def test_the_example_of_the_reference_runs(server: MockServer, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """With the name of the module replaced, and nothing else."""
    document = PROJECT.parent / "shared" / "reference" / "speech-python-sdk.md"
    if not document.exists():
        pytest.skip(f"the reference document is not at {document}")
    (example,) = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    assert SERVER_URL.startswith("https://")
    monkeypatch.setattr("openrouter_speech._generated.SERVER_URL", server.url)
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    exec(example.replace("from openrouter ", "from openrouter_speech "), {})
    assert "200" in capsys.readouterr().out
