"""The mock server: rules and answers of openapi.yaml, audio that sounds."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import miniaudio
import pytest
import yaml
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
    """The message of an error in the documented shape."""
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    shape = {"$ref": "#/components/schemas/ErrorResponse", "components": document["components"]}
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    jsonschema_rs.validate(shape, body)
    assert body["error"]["code"] == response.status_code
    return str(body["error"]["message"])


def test_pcm_says_what_it_is(http: httpx.Client) -> None:
    response = post(http, response_format="pcm")
    assert response.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    assert len(response.content) % 2 == 0
    assert len(response.content) > 24_000 * 2 * 0.3


def test_mp3_decodes_to_what_pcm_is(http: httpx.Client) -> None:
    """Nearly: mp3 loses some of the sound, but none of the time."""
    response = post(http, response_format="mp3")
    assert response.headers["content-type"] == "audio/mpeg"
    decoded = miniaudio.decode(response.content, nchannels=1, sample_rate=24_000)
    assert decoded.num_frames * 2 == len(post(http, response_format="pcm").content)
    assert max(decoded.samples) > 1000


def test_wav_is_there_for_a_description_that_has_it(tmp_path: Path) -> None:
    changed = (PROJECT / "openapi.yaml").read_text().replace("enum: [mp3, pcm]", "enum: [mp3, pcm, wav, flac]")
    (tmp_path / "openapi.yaml").write_text(changed)
    with (
        MockServer(description=tmp_path / "openapi.yaml") as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED) as http,
    ):
        wav = post(http, response_format="wav")
        assert wav.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(wav.content)) as reader:
            assert reader.readframes(1 << 30) == post(http, response_format="pcm").content
        assert "flac" in message(post(http, response_format="flac"))


def test_the_default_format_is_the_descriptions(http: httpx.Client) -> None:
    assert post(http).headers["content-type"].startswith("audio/pcm")


def test_the_generation_id_has_the_documented_form(http: httpx.Client) -> None:
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    pattern = document["components"]["headers"]["GenerationId"]["schema"]["pattern"]
    first, second = (post(http).headers["x-generation-id"] for _ in range(2))
    assert re.search(pattern, first)
    assert first != second


def test_the_same_request_gives_the_same_bytes(http: httpx.Client) -> None:
    for response_format in ("pcm", "mp3"):
        assert len({post(http, response_format=response_format).content for _ in range(3)}) == 1


def test_a_longer_text_takes_longer(http: httpx.Client) -> None:
    lengths = [len(post(http, input="la " * count).content) for count in (1, 2, 4, 8)]
    assert lengths == sorted(set(lengths))


def test_twice_the_speed_takes_half_the_time(http: httpx.Client) -> None:
    normal, fast = (len(post(http, speed=speed).content) for speed in (1, 2))
    assert normal / fast == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("speed", [0, -5, 1e9, 1e-9])
def test_no_speed_takes_for_ever(http: httpx.Client, speed: float) -> None:
    assert 0 < len(post(http, speed=speed).content) < 24_000 * 2 * 10


def test_another_voice_sounds_different(http: httpx.Client) -> None:
    assert len({post(http, voice=voice).content for voice in ("alloy", "nova", "echo")}) == 3


@pytest.mark.parametrize("text", ["你好世界", "مرحبا بالعالم", "🙂🙃", "Grüße", "\x01\x02"])
def test_any_script_has_a_sound(http: httpx.Client, text: str) -> None:
    assert len(post(http, input=text).content) > 0


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", KEY])
def test_a_bearer_is_needed(server: MockServer, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = httpx.post(f"{server.url}/audio/speech", json=REQUEST, headers=headers)
    assert response.status_code == 401
    assert "Authorization" in message(response)


def test_a_server_can_insist_on_one_key() -> None:
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
        ({"input": 5}, "input"),
        ({"voice": None}, "voice"),
        ({"model": []}, "model"),
        ({"speed": "fast"}, "speed"),
        ({"response_format": "ogg"}, "response_format"),
        ({"provider": []}, "provider"),
        ({"provider": {"options": {"openai": 5}}}, "provider.options.openai"),
    ],
)
def test_a_bad_field_is_named(http: httpx.Client, changes: dict[str, Any], named: str) -> None:
    response = post(http, **changes)
    assert response.status_code == 400
    assert message(response).startswith(f"{named}: ")


@pytest.mark.parametrize("missing", ["input", "model", "voice"])
def test_a_missing_field_is_named(http: httpx.Client, missing: str) -> None:
    body = {name: value for name, value in REQUEST.items() if name != missing}
    response = http.post("/audio/speech", json=body)
    assert response.status_code == 400
    assert message(response) == f"{missing}: this field is required"


def test_all_that_is_wrong_is_named(http: httpx.Client) -> None:
    assert message(http.post("/audio/speech", json={"input": 5})).count(": ") == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        json.dumps({**REQUEST, "new": float("nan")}).encode(),
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps(REQUEST).encode("utf-16"),
    ],
    ids=range(8),
)
def test_a_malformed_body_is_refused(http: httpx.Client, content: bytes) -> None:
    response = http.post("/audio/speech", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    message(response)


def test_a_missing_body_is_refused(http: httpx.Client) -> None:
    response = http.post("/audio/speech")
    assert response.status_code == 400
    assert message(response) == "The body is missing"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_another_media_type_is_refused(http: httpx.Client, content_type: str) -> None:
    response = http.post("/audio/speech", content=json.dumps(REQUEST), headers={"Content-Type": content_type})
    assert response.status_code == 415
    assert "application/json" in message(response)


def test_a_media_type_may_have_parameters(http: httpx.Client) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert http.post("/audio/speech", content=json.dumps(REQUEST), headers=headers).status_code == 200


def test_a_body_that_is_too_large_is_refused(http: httpx.Client) -> None:
    response = post(http, input="a" * (1 << 20))
    assert response.status_code == 413
    message(response)


def test_the_mock_is_no_stricter_than_the_provider(http: httpx.Client) -> None:
    """What only the client insists on, such as a text that is not empty, is accepted."""
    assert http.post("/audio/speech", json={**REQUEST, "input": ""}, headers={"X-OpenRouter-Title": ""}).is_success


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(http: httpx.Client, method: str) -> None:
    response = http.request(method, "/audio/speech")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    message(response)


def test_another_path_is_unknown(http: httpx.Client) -> None:
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
    """Method, path, base path, parameters, body, status, security: all are the description's, none is in the code."""
    (tmp_path / "openapi.yaml").write_text(CHANGED)
    with MockServer(description=tmp_path / "openapi.yaml") as server, httpx.Client(base_url=server.url) as http:
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


@pytest.mark.parametrize("content", ["- a list", "swagger: '2.0'", "{", "openapi: 3.0.3"])
def test_what_is_no_description_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "openapi.yaml").write_text(content)
    with pytest.raises(ValueError, match="description is not"):
        MockServer(description=tmp_path / "openapi.yaml")


def own_address() -> str:
    """A loopback address whose ports nobody else takes, where there are several."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) % 256}.{pid % 256}" if sys.platform == "linux" else "127.0.0.1"


def test_a_server_frees_its_port() -> None:
    host = own_address()
    with MockServer(host=host) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            MockServer(host=host, port=port).start()
    with MockServer(host=host, port=port) as again:
        assert f":{port}/" in again.url
    with pytest.raises(RuntimeError, match="not running"):
        _ = again.url


def test_a_server_that_never_ran_frees_its_port_too() -> None:
    server = MockServer(host=own_address())
    url = server.listen()
    server.stop()
    with MockServer(host=own_address(), port=int(url.split(":")[2].split("/")[0])) as again:
        assert again.url == url


def test_a_server_listens_on_loopback_only(server: MockServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    arguments = [sys.executable, "-m", "openrouter_speech.mock", "--port", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_it_runs_as_a_process(process: "subprocess.Popen[str]") -> None:
    """It says where it listens, serves, ends when told to, and never prints a key."""
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    assert httpx.post(f"{url}/audio/speech", json=REQUEST, headers=AUTHORIZED).status_code == 200
    assert httpx.get(f"{url}/audio/speech", headers=AUTHORIZED).status_code == 405
    process.terminate()
    output, errors = process.communicate(timeout=60)
    assert KEY not in output + errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--description", "missing.yaml"], "missing.yaml"),
        (["--port", "99999"], "0-65535"),
        (["--voice-engine", "choir"], "choir"),
    ],
)
def test_a_wrong_start_is_one_sentence(arguments: list[str], named: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "openrouter_speech.mock", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert named in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "openrouter_speech.mock", "--port", str(taken.getsockname()[1])]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "in use" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("openrouter_speech.mock")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'openrouter-speech\[mock\]'"):
        import openrouter_speech.mock  # noqa: F401, PLC0415


def test_a_client_that_goes_away_in_its_request_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with MockServer() as server:
        port = httpx.URL(server.url).port
        assert port is not None
        head = f"POST {httpx.URL(server.url).path}/audio/speech HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
            while not server.requests:  # until it has begun
                pass
    (request,) = server.requests
    assert request.status is None
    assert not caplog.records
