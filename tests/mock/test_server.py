"""The mock server: it follows openapi.yaml, and its audio has sound."""

import asyncio
import gc
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import miniaudio
import pytest
import yaml
from openrouter_speech import _serving
from openrouter_speech.mock import MockServer

from ..conftest import KEY, PROJECT, REQUEST

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def http(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
        yield client


def post(http: httpx.Client, **changes: Any) -> httpx.Response:
    return http.post("/audio/speech", json={**REQUEST, **changes})


def message(response: httpx.Response) -> str:
    """Check that an error has the documented shape, and return its message."""
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    shape = {"$ref": "#/components/schemas/ErrorResponse", "components": document["components"]}
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    jsonschema_rs.validate(shape, body)
    assert body["error"]["code"] == response.status_code
    return str(body["error"]["message"])


def test_each_documented_format_has_its_type_and_the_same_sound(http: httpx.Client) -> None:
    pcm, mp3 = (post(http, response_format=response_format) for response_format in ("pcm", "mp3"))
    assert pcm.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    assert mp3.headers["content-type"] == "audio/mpeg"
    assert len(pcm.content) > 24_000 * 2 * 0.3
    decoded = miniaudio.decode(mp3.content, nchannels=1, sample_rate=24_000)
    assert decoded.num_frames * 2 == len(pcm.content)
    assert max(decoded.samples) > 1000


def serving(folder: Path, description: str) -> MockServer:
    (folder / "openapi.yaml").write_text(description)
    return MockServer(description=folder / "openapi.yaml")


def test_a_description_with_wav_gets_wav(tmp_path: Path) -> None:
    changed = (PROJECT / "openapi.yaml").read_text().replace("enum: [mp3, pcm]", "enum: [mp3, pcm, wav, flac]")
    with serving(tmp_path, changed) as server, httpx.Client(base_url=server.url, headers=AUTHORIZED) as http:
        wav = post(http, response_format="wav")
        assert wav.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(wav.content)) as reader:
            assert reader.readframes(1 << 30) == post(http, response_format="pcm").content
        assert "flac" in message(post(http, response_format="flac"))


def test_the_default_format_is_the_descriptions(http: httpx.Client) -> None:
    assert post(http).headers["content-type"].startswith("audio/pcm")


def test_each_generation_id_is_new_and_has_the_documented_form(http: httpx.Client) -> None:
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    pattern = document["components"]["headers"]["GenerationId"]["schema"]["pattern"]
    first, second = (post(http).headers["x-generation-id"] for _ in range(2))
    assert re.search(pattern, first)
    assert first != second


def test_the_same_request_gives_the_same_bytes(http: httpx.Client) -> None:
    for response_format in ("pcm", "mp3"):
        assert len({post(http, response_format=response_format).content for _ in range(3)}) == 1


def test_the_sound_follows_the_text_the_voice_and_the_speed(http: httpx.Client) -> None:
    lengths = [len(post(http, input="la " * count).content) for count in (1, 2, 4, 8)]
    assert lengths == sorted(set(lengths))
    assert len({post(http, voice=voice).content for voice in ("alloy", "nova", "echo")}) == 3
    normal, fast = (len(post(http, speed=speed).content) for speed in (1, 2))
    assert normal / fast == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("speed", [0, -5, 1e9, 1e-9])
def test_any_speed_gives_a_few_seconds_of_audio(http: httpx.Client, speed: float) -> None:
    assert 0 < len(post(http, speed=speed).content) < 24_000 * 2 * 10


@pytest.mark.parametrize("text", ["你好世界", "مرحبا بالعالم", "🙂🙃", "\x01\x02"])
def test_any_script_has_a_sound(http: httpx.Client, text: str) -> None:
    assert len(post(http, input=text).content) > 0


@pytest.mark.parametrize("header", [None, "Bearer", "Basic abc", KEY])
def test_a_bearer_token_is_required(server: MockServer, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = httpx.post(f"{server.url}/audio/speech", json=REQUEST, headers=headers)
    assert response.status_code == 401
    assert "Authorization" in message(response)


def test_a_server_can_require_a_certain_key() -> None:
    with MockServer(api_key=KEY) as server:
        url = f"{server.url}/audio/speech"
        assert httpx.post(url, json=REQUEST, headers=AUTHORIZED).status_code == 200
        for wrong in ("another", f"{KEY}é"):
            refused = httpx.post(url, json=REQUEST, headers=[(b"Authorization", f"Bearer {wrong}".encode())])
            assert refused.status_code == 401
            assert "not valid" in message(refused)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"input": 5}, "input: "),
        ({"voice": None}, "voice: "),
        ({"speed": "fast"}, "speed: "),
        ({"response_format": "ogg"}, "response_format: "),
        ({"provider": []}, "provider: "),
        ({"provider": {"options": {"openai": 5}}}, "provider.options.openai: "),
    ],
)
def test_a_wrong_field_is_named(http: httpx.Client, changes: dict[str, Any], named: str) -> None:
    response = post(http, **changes)
    assert response.status_code == 400
    assert message(response).startswith(named)


def test_every_missing_field_is_named(http: httpx.Client) -> None:
    response = http.post("/audio/speech", json={})
    assert response.status_code == 400
    assert sorted(message(response).split("; ")) == ["input: this field is required", "model: this field is required"]


NAN = json.dumps({**REQUEST, "new": float("nan")}).encode()
JSON = {"Content-Type": "application/json"}
CHARSET = {"Content-Type": "Application/JSON; charset=utf-8"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "named"),
    [
        *((content, JSON, 400, "") for content in (b"", b"{", b"\xff\xfe", NAN, b"[]", b"null", b"[" * 100_000)),
        (json.dumps(REQUEST).encode("utf-16"), JSON, 400, ""),
        (None, {}, 400, "The body is missing"),
        *((b"{}", {"Content-Type": other}, 415, "application/json") for other in ("text/plain", "", "a/jsonx")),
        (b" " * (64 << 20) + b"{}", JSON, 413, ""),
    ],
    ids=range(13),
)
def test_a_wrong_body_type_or_header_is_refused(
    http: httpx.Client, content: bytes | None, headers: dict[str, str], status: int, named: str
) -> None:
    response = http.post("/audio/speech", content=content, headers=headers)
    assert response.status_code == status
    assert named in message(response)


def test_a_media_type_may_have_parameters(http: httpx.Client) -> None:
    assert http.post("/audio/speech", content=json.dumps(REQUEST), headers=CHARSET).status_code == 200


def test_the_mock_is_no_stricter_than_the_provider(http: httpx.Client) -> None:
    """It accepts what only the client insists on, such as a text that is not empty."""
    assert http.post("/audio/speech", json={**REQUEST, "input": ""}, headers={"X-OpenRouter-Title": ""}).is_success


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_method_is_refused(http: httpx.Client, method: str) -> None:
    response = http.request(method, "/audio/speech")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    message(response)


def test_another_path_is_not_found(http: httpx.Client) -> None:
    response = http.post("/audio/music", json=REQUEST)
    assert response.status_code == 404
    assert "/audio/music" in message(response)


CHANGED = """
openapi: 3.1.0
info: {title: Changed, version: "1"}
servers: [{url: https://example.test/v2}]
components: {securitySchemes: {token: {type: http, scheme: bearer}}}
paths:
  /say:
    put:
      parameters: [{name: X-Needed, in: header, required: true, schema: {type: string, maxLength: 3}}]
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [input, mood]
              properties: {mood: {enum: [calm]}, response_format: {default: mp3}}
      responses:
        "201": {description: Said, content: {audio/*: {}}}
  /voices:
    get:
      responses:
        "200": {description: Voices, content: {application/json: {example: [alloy]}}}
"""


def test_a_changed_description_changes_the_server(tmp_path: Path) -> None:
    """Method, path, base path, parameters, body, status and security all come from the description."""
    with serving(tmp_path, CHANGED) as server, httpx.Client(base_url=server.url) as http:
        assert server.url.endswith("/v2")
        headers = {"X-Needed": "yes"}
        body = {"input": "Hello", "mood": "calm"}
        said = http.put("/say", json=body, headers=headers)
        assert (said.status_code, said.headers["content-type"]) == (201, "audio/mpeg")
        assert "x-generation-id" not in said.headers
        assert message(http.put("/say", json=body)).startswith("X-Needed: ")
        assert message(http.put("/say", json=body, headers={"X-Needed": "long"})).startswith("X-Needed: ")
        assert message(http.put("/say", json={**body, "mood": "wild"}, headers=headers)).startswith("mood: ")
        assert http.post("/say", json=body).headers["allow"] == "PUT"
        assert http.get("/voices").json() == ["alloy"]


ODD = """
openapi: 3.1.0
info: {title: Odd, version: "1"}
paths:
  /notes:
    post:
      parameters: [{name: tag, in: query, schema: {type: array, items: {type: integer}}}]
      requestBody: {required: true, content: {text/plain: {}}}
      responses: {"201": {description: Kept, content: {application/json: {example: 1}}}, "429": {description: Full}}
    delete:
      responses: {"204": {description: Gone}}
"""


@pytest.mark.parametrize(
    ("method", "query", "prefer", "status", "content"),
    [
        ("POST", "", "", 201, "1"),
        ("POST", "?tag=1&tag=2", "", 201, "1"),
        ("POST", "?tag=x&tag=1", "", 400, "tag: "),
        ("POST", "", "code=429; retry-after=2", 429, ""),
        ("POST", "", "code=429; retry-after=2; form=metadata", 400, "form=metadata: "),
        ("DELETE", "", "", 204, ""),
    ],
)
def test_content_that_is_not_json_or_none(
    tmp_path: Path, method: str, query: str, prefer: str, status: int, content: str
) -> None:
    with serving(tmp_path, ODD) as server:
        headers, sent = {"Content-Type": "text/plain", "Prefer": prefer}, "not JSON" if method == "POST" else ""
        response = httpx.request(method, f"{server.url}/notes{query}", content=sent, headers=headers)
    assert response.status_code == status
    assert content in response.text if content else response.content == b""
    assert response.headers.get("retry-after") == ("2" if status == 429 else None)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("https://example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com:80", False),
        ("null", False),
    ],
)
def test_pages_of_this_machine_may_call(server: MockServer, origin: str, allowed: bool) -> None:
    """Also when the call fails. What the browser asks first is not in the journal."""
    url, headers = f"{server.url}/audio/speech", {"Origin": origin}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-mine"}
    server.reset()
    preflight = httpx.options(url, headers=headers | asked)
    assert (preflight.status_code == 200) == allowed
    assert server.requests == []
    failed = httpx.post(url, json={}, headers=headers)
    assert failed.status_code == 401
    for response in (preflight, failed):
        assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    if allowed:
        assert preflight.headers["access-control-allow-headers"] == "authorization,x-mine"
        exposed = failed.headers["access-control-expose-headers"].split(", ")
        assert exposed == ["Retry-After", "X-Generation-Id", "X-Provider-Name", "retry-after-ms"]


def test_without_an_origin_nothing_is_said_about_origins(server: MockServer) -> None:
    assert "access-control" not in str(httpx.post(f"{server.url}/audio/speech", json={}).headers)
    assert httpx.options(f"{server.url}/audio/speech").status_code == 405


@pytest.mark.parametrize("content", ["- a list", "swagger: '2.0'", "{", "openapi: 3.0.3"])
def test_other_files_are_refused_as_descriptions(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="description is not"):
        serving(tmp_path, content)


def own_address() -> str:
    """Return a loopback address of this process alone, where the system has several."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) % 256}.{pid % 256}" if sys.platform == "linux" else "127.0.0.1"


def test_a_connection_that_comes_while_the_server_stops_is_closed() -> None:
    """Otherwise the garbage collector finds it in some later test, and warns."""
    with ExitStack() as clients:
        with MockServer() as server:
            address = server._address[0], httpx.URL(server.url).port or 0
            serving = server._server
            assert serving is not None
            stop = serving.on_tick
            httpx.get(server.url)  # it serves

            async def connect_and_stop(counter: int) -> bool:
                if serving.should_exit:
                    clients.enter_context(socket.create_connection(address))
                    for _ in range(2):  # accepted, but not yet known to uvicorn
                        await asyncio.sleep(0)
                return await stop(counter)

            serving.on_tick = connect_and_stop  # type: ignore[method-assign]
        gc.collect()


def test_a_server_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither waits for its next tick, nor sleeps."""
    sleep, delays = asyncio.sleep, list[float]()

    async def noted(delay: float) -> None:
        delays.append(delay)
        await sleep(0)

    monkeypatch.setattr(_serving, "_TICK", 3600)
    monkeypatch.setattr(asyncio, "sleep", noted)
    server = MockServer().start()
    httpx.get(server.url)
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
    assert delays
    assert not any(delays)


def test_a_server_frees_its_port() -> None:
    never_run = MockServer(host=own_address())
    url = never_run.listen()
    never_run.stop()
    port = httpx.URL(url).port or 0
    with MockServer(host=own_address(), port=port) as server:
        assert server.url == url
        with pytest.raises(OSError, match="in use"):
            MockServer(host=own_address(), port=port).start()
    with MockServer(host=own_address(), port=port) as again:
        assert again.url == url
    with pytest.raises(RuntimeError, match="not running"):
        _ = again.url


def test_a_server_listens_on_loopback_only(server: MockServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_a_server_process_prints_its_url_and_never_the_key() -> None:
    command = [sys.executable, "-m", "openrouter_speech.mock", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            assert httpx.post(f"{url}/audio/speech", json=REQUEST, headers=AUTHORIZED).status_code == 200
            process.terminate()
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert KEY not in output + errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--description", "missing.yaml"], "missing.yaml"),
        (["--port", "99999"], "0-65535"),
        (["--voice-engine", "choir"], "choir"),
        (["--port", "{taken}"], "in use"),
    ],
)
def test_a_wrong_argument_is_reported_in_one_sentence(arguments: list[str], named: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments = [argument.format(taken=taken.getsockname()[1]) for argument in arguments]
        command = [sys.executable, "-m", "openrouter_speech.mock", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert named in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("openrouter_speech.mock")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'openrouter-speech\[mock\]'"):
        import openrouter_speech.mock  # noqa: F401, PLC0415


def test_a_client_that_disconnects_in_its_request_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with MockServer() as server:
        port = httpx.URL(server.url).port
        assert port is not None
        head = f"POST {httpx.URL(server.url).path}/audio/speech HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
            while not server.requests:
                pass
    (request,) = server.requests
    assert request.status is None
    assert not caplog.records


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """A server whose description has parameters of every kind, and responses for ranges of statuses."""
    path = tmp_path_factory.mktemp("wide") / "openapi.yaml"
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    operation = document["paths"]["/audio/speech"]["post"]
    operation["responses"] |= {status: {"description": "More"} for status in ("default", "4XX", "5XX", "451")}
    error = {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}
    operation["responses"]["409"] = {"description": "Busy", "content": {"application/json": error}}
    operation["parameters"] += [
        {"name": "X-Count", "in": "header", "schema": {"type": "integer", "maximum": 9}},
        {"name": "debug", "in": "query", "schema": {"type": "boolean"}},
    ]
    document["paths"]["/models/{author}/{slug}"] = {
        "get": {
            "operationId": "getModel",
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 3}}
                for name in ("author", "slug")
            ],
            "responses": {"200": {"description": "A model", "content": {"application/json": {"example": {"id": 1}}}}},
        }
    }
    path.write_text(yaml.safe_dump(document))
    with MockServer(description=path) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"X-Count": "9"}, "?debug=true", 200),
        ({"X-Count": "10"}, "", 400),
        ({"X-Count": "a"}, "", 400),
        ({}, "?debug=2", 400),
    ],
)
def test_headers_and_queries_have_types(wide: MockServer, headers: dict[str, str], query: str, status: int) -> None:
    url = f"{wide.url}/audio/speech{query}"
    assert httpx.post(url, json=REQUEST, headers={"Authorization": f"Bearer {KEY}", **headers}).status_code == status


def test_each_operation_of_the_description_is_served(wide: MockServer) -> None:
    assert httpx.get(f"{wide.url}/models/a/b").json() == {"id": 1}
    assert httpx.get(f"{wide.url}/models/a/long").status_code == 400


def test_a_range_of_statuses_documents_each_of_them(wide: MockServer) -> None:
    for status in (409, 418, 451, 598):
        wide.script([status])
        response = httpx.post(f"{wide.url}/audio/speech", json=REQUEST, headers={"Authorization": f"Bearer {KEY}"})
        assert response.status_code == status
    wide.script([409])
    response = httpx.post(f"{wide.url}/audio/speech", json=REQUEST, headers={"Authorization": f"Bearer {KEY}"})
    assert response.json()["error"]["code"] == 409
