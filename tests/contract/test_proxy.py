"""`openrouter-speech contract --proxy`: what it passes on, what it reports, and what it never shows."""

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from attrs import evolve
from openrouter_speech import OpenRouter, errors
from openrouter_speech.cli.app import run
from openrouter_speech.contract import Proxy, Report
from openrouter_speech.contract import proxy as proxying
from openrouter_speech.mock import MockServer

from ..conftest import REQUEST
from .peer import KEY, SILENCE, Answer, Peer, PeerServer, Request, anything, documented_error

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}


def watched(peer: Peer, *requests: dict[str, Any]) -> Report:
    """Send requests to a peer through the proxy."""
    with PeerServer(peer) as server, Proxy(server.url) as proxy, httpx.Client(trust_env=False) as application:
        for request in requests:
            complete = {"method": "POST", "url": f"{proxy.url}/audio/speech", "headers": AUTHORIZATION, **request}
            with application.stream(**complete) as response:
                b"".join(response.iter_raw())
    return proxy.report()


def states(report: Report) -> dict[str, str]:
    return {verdict.rule.name: verdict.state for verdict in report.verdicts}


def failure(report: Report, rule: str) -> str:
    (verdict,) = (verdict for verdict in report.verdicts if verdict.rule.name == rule)
    assert verdict.failure is not None, report.text()
    return " ".join(verdict.failure.message.split())


def test_our_client_keeps_every_rule_and_notices_nothing(connect: Any) -> None:
    with MockServer(api_key=KEY) as server, Proxy(server.url) as proxy:
        caller = connect(KEY, server_url=proxy.url, retry_config=None)
        assert b"".join(caller.read_stream(response_format="pcm"))
        assert caller.create(response_format="mp3").duration > 0
        server.script([503])
        with pytest.raises(errors.ServiceUnavailableResponseError):
            caller.create()
    report = proxy.report()
    assert report.requests == 3
    assert report.broken == [], report.text()
    seen = {name for name, state in states(report).items() if state == "kept"}
    assert seen >= {"requests", "responds", "statuses", "headers", "audio", "error-bodies", "error-codes"}
    assert "seed" not in report.text()
    assert 10 < report.percent < 60


class Scripted:
    """A server whose handler is the test's."""

    def __init__(self, respond: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                respond(self)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def read_chunk(handler: BaseHTTPRequestHandler) -> bytes:
    size = int(handler.rfile.readline(), 16)
    content = handler.rfile.read(size)
    handler.rfile.readline()
    return content


def write_chunk(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))


def head(handler: BaseHTTPRequestHandler, **headers: str) -> None:
    handler.send_response(200)
    names = {"Content-Type": "audio/pcm;rate=24000;channels=1", "X-Generation-Id": "gen-tts-1-a", **headers}
    for name, value in names.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


LONG = 20
"""Seconds after which a test fails rather than waits."""


def test_both_directions_stream() -> None:
    """Each side sends its second part only when the other has its first."""
    arrived, heard = threading.Event(), threading.Event()
    got: list[bytes] = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        got.append(read_chunk(handler))
        arrived.set()
        got.append(read_chunk(handler))
        assert read_chunk(handler) == b""
        head(handler, Transfer_Encoding="chunked")
        write_chunk(handler, b"\1\0")
        assert heard.wait(LONG)
        write_chunk(handler, b"\2\0")
        write_chunk(handler, b"")

    def body() -> Iterator[bytes]:
        yield b'{"input": "Hello", '
        assert arrived.wait(LONG)
        yield b'"model": "any/model"}'

    headers = {**AUTHORIZATION, "Content-Type": "application/json"}
    with Scripted(respond) as server, Proxy(server.url) as proxy, httpx.Client(trust_env=False) as application:
        url = f"{proxy.url}/audio/speech"
        with application.stream("POST", url, content=body(), headers=headers) as response:
            parts = response.iter_raw()
            assert next(parts) == b"\1\0"
            heard.set()
            assert list(parts) == [b"\2\0"]
    assert got == [b'{"input": "Hello", ', b'"model": "any/model"}']
    assert proxy.report().broken == []


def test_headers_and_bodies_arrive_as_they_were_sent() -> None:
    def gateway(_: Request, answer: Answer) -> Answer:
        body = gzip.compress(answer.body)
        headers = {**answer.headers, "Content-Encoding": "gzip", "Connection": "x-hop", "X-Hop": "1", "X-Odd": "a,  b"}
        return evolve(answer, body=body, headers=headers, more=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))

    sent = [
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("Connection", "keep-alive, x-hop"),
        ("X-Hop", "1"),
        *AUTHORIZATION.items(),
    ]
    with PeerServer(Peer(gateway=gateway)) as server, Proxy(server.url) as proxy:
        with httpx.Client(trust_env=False) as application:
            url = f"{proxy.url}/audio/speech?a=%2F&b"
            content = b'{"input":  "Hello", "model": "m"}'
            headers = [*sent, ("Content-Type", "application/json")]
            with application.stream("POST", url, content=content, headers=headers) as response:
                raw = b"".join(response.iter_raw())
    (request,) = server.requests
    assert (request.path, request.body) == ("/api/v1/audio/speech?a=%2F&b", content)
    assert "x-hop" not in request.headers
    assert request.headers["host"] in server.url
    assert request.headers["x-twice"] == "1, 2"
    assert request.headers["accept-encoding"] == application.headers["accept-encoding"]
    assert gzip.decompress(raw) == SILENCE
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers["x-odd"] == "a,  b"
    assert "x-hop" not in response.headers
    assert proxy.report().broken == []


GOOD: dict[str, Any] = {"json": {"input": "Hello", "model": "any/model"}}


def to_200(_: Request, answer: Answer) -> Answer:
    return evolve(answer, status=200)


WATCHED: dict[str, tuple[Peer, dict[str, Any], str, str]] = {
    "the application leaves out a field": (
        Peer(),
        {"json": {"input": "a"}},
        "requests",
        '"model" is a required property',
    ),
    "the application sends a wrong type": (
        Peer(),
        {"json": GOOD["json"] | {"speed": "fast"}},
        "requests",
        'body speed: "fast" is not of type "number"',
    ),
    "the application sends no JSON": (
        Peer(),
        {"content": b"{", "headers": {**AUTHORIZATION, "Content-Type": "application/json"}},
        "requests",
        "body: what is not JSON is refused",
    ),
    "the application sends no key": (Peer(), GOOD | {"headers": {}}, "requests", "security: no key is refused"),
    "the application sends a form": (Peer(), {"data": {"input": "a"}}, "requests", "another media type is refused"),
    "the application uses another method": (Peer(), {"method": "PUT"}, "requests", "PUT is not documented"),
    "the server takes a wrong type": (
        Peer(rules={}),
        {"json": GOOD["json"] | {"speed": "fast"}},
        "invalid-requests",
        "for a request that is forbidden",
    ),
    "the server needs no key": (Peer(knows_key=anything), GOOD | {"headers": {}}, "security", "a 200 for a request"),
    "the server takes forms": (
        Peer(takes_media_type=anything, reads=lambda _: GOOD["json"]),
        {"data": {"input": "a"}},
        "media-types",
        "a 200",
    ),
    "the server takes what is not JSON": (
        Peer(reads=lambda _: GOOD["json"]),
        {"content": b"{", "headers": {**AUTHORIZATION, "Content-Type": "application/json"}},
        "malformed-requests",
        "a 200",
    ),
    "a 405 without Allow": (Peer(allow={}), {"method": "PUT"}, "methods", "a 405 without the header Allow"),
    "an undocumented status": (Peer(success=201), GOOD, "statuses", "Undocumented status code"),
    "half a sample": (Peer(pcm=(Peer().pcm[0], b"\0")), GOOD, "audio", "no whole number of 16-bit samples"),
    "no generation id": (Peer(generation=dict), GOOD, "headers", "required headers are missing"),
    "an error under a 200": (Peer(gateway=to_200), {"json": {}}, "content-types", "Undocumented Content-Type"),
    "an error of another shape": (
        Peer(error=lambda *_: ("application/json", b"{}")),
        {"json": {}},
        "error-bodies",
        '"error" is a required property',
    ),
    "what is not gzip, as it says": (
        Peer(gateway=lambda _, answer: evolve(answer, headers={**answer.headers, "Content-Encoding": "gzip"})),
        GOOD,
        "responds",
        "the body is not gzip",
    ),
}


@pytest.mark.parametrize(("peer", "request_", "rule", "message"), WATCHED.values(), ids=WATCHED)
def test_what_breaks_a_rule_is_reported(peer: Peer, request_: dict[str, Any], rule: str, message: str) -> None:
    report = watched(peer, request_)
    assert message in failure(report, rule), report.text()
    assert "-H 'host:" not in report.text()


def test_each_response_needs_an_id_of_its_own() -> None:
    peer = Peer(generation=lambda: {"X-Generation-Id": "gen-tts-1-a"})
    assert watched(peer, GOOD).broken == []
    assert "an earlier response" in failure(watched(peer, GOOD, GOOD), "generation-ids")


def test_another_path_is_passed_on_and_named() -> None:
    with PeerServer(Peer()) as server, Proxy(server.url) as proxy:
        assert httpx.get(f"{proxy.url}/voices", trust_env=False).status_code == 404
    report = proxy.report()
    assert report.requests == 0
    assert "no such path (1): GET /api/v1/voices." in report.text()
    assert {"never seen"} == set(states(report).values())


def test_a_server_that_is_not_there_is_a_502(connect: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with Proxy(f"http://127.0.0.1:{port}/api") as proxy:
            caller = connect(KEY, server_url=proxy.url, retry_config=None)
            with pytest.raises(errors.BadGatewayResponseError, match="got no response from http://127"):
                caller.create()
    report = proxy.report()
    assert report.broken == ["responds"]
    assert "no response: " in failure(report, "responds")
    assert states(report)["requests"] == "kept"


@pytest.mark.parametrize("framing", ["Content-Length", "chunks"])
def test_a_cut_response_is_cut_for_the_application_too(framing: str) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        if framing == "chunks":
            head(handler, Transfer_Encoding="chunked")
            write_chunk(handler, SILENCE)
        else:
            head(handler, Content_Length=str(len(SILENCE) + 1))
            handler.wfile.write(SILENCE)

    with Scripted(respond) as server, Proxy(server.url) as proxy, httpx.Client(trust_env=False) as application:
        with application.stream("POST", f"{proxy.url}/audio/speech", headers=AUTHORIZATION, **GOOD) as response:
            parts: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                parts.extend(response.iter_raw())
    report = proxy.report()
    assert report.broken == ["responds"]
    assert f"the response was cut off after {len(SILENCE)} bytes" in failure(report, "responds")
    assert "for a body cut off" in report.text()


def test_an_application_that_hangs_up_is_not_the_servers_failure() -> None:
    """The server's connection is closed as well."""
    noticed = threading.Event()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        head(handler, Transfer_Encoding="chunked")
        write_chunk(handler, SILENCE)
        handler.connection.settimeout(LONG)
        if handler.rfile.read(1) == b"":
            noticed.set()

    with Scripted(respond) as server, Proxy(server.url) as proxy:
        with httpx.Client(trust_env=False) as application:
            with application.stream("POST", f"{proxy.url}/audio/speech", headers=AUTHORIZATION, **GOOD) as response:
                assert next(response.iter_raw()) == SILENCE
        assert noticed.wait(LONG)
    report = proxy.report()
    assert report.broken == []
    assert report.requests == 1


def test_large_bodies_are_passed_on_and_checked_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxying, "LIMIT", 1_000)
    text = "long " * 1_000
    report = watched(Peer(generation=dict), {"json": {"input": text, "model": "m"}})
    assert report.broken == ["headers"], report.text()
    assert "for a body cut off, too large" in report.text()
    assert states(report)["audio"] == "never seen"


def test_memory_is_bounded_and_comes_back() -> None:
    memory = proxying._Memory(10)
    first, second = proxying._Copy(memory), proxying._Copy(memory)
    first.add(b"12345678")
    second.add(b"123")
    second.add(b"4")
    assert (first.is_whole, second.is_whole, second.size, memory.free) == (True, False, 4, 2)
    first.forget()
    second.forget()
    assert memory.free == 10


def test_no_key_is_shown() -> None:
    def repeat(status: int, message: str) -> tuple[str, bytes]:
        return documented_error(status, f"{KEY} is right, and yet: {'.' * 405}{KEY}")

    secret = "the-secret-of-a-cookie"
    headers = {**AUTHORIZATION, "X-Api-Key": KEY, "Cookie": f"session={secret}; theme=dark"}
    requests = [
        {"headers": headers, "json": {"input": KEY}},
        {"headers": headers, "params": {"api_key": KEY}, "json": {"input": KEY}},
        {"headers": {"Authorization": KEY}, **GOOD},
        {"headers": {"X-Api-Key": KEY}, **GOOD},
    ]
    for request, is_broken in zip(requests, (True, True, False, True), strict=True):
        report = watched(Peer(error=repeat, refusal=422), request)
        assert bool(report.broken) == is_broken
        for shown in (report.text(), report.html(), report.json(), report.junit()):
            assert ("curl -X POST" in shown) == bool(report.broken)
            assert KEY[:12] not in shown
            assert secret not in shown


@pytest.mark.parametrize(("number", "fail_under", "code"), [(signal.SIGINT, 0, 0), (signal.SIGTERM, 90, 1)])
def test_the_command_ends_with_a_report(number: int, fail_under: int, code: int, tmp_path: Path) -> None:
    with PeerServer(Peer()) as server:
        command = [
            sys.executable, "-m", "openrouter_speech", "contract", "--proxy", server.url, "--port", "0",
            "--fail-under", str(fail_under), "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html"),
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            (url,) = re.findall(r"^(http://127\.0\.0\.1:[0-9]+) passes requests on to ", first)
            with OpenRouter(KEY, server_url=url) as open_router:
                open_router.tts.create_speech(**REQUEST)
            process.send_signal(number)
            out, err = process.communicate(timeout=LONG)
    assert process.returncode == code, err
    assert f"{server.url}: 1 request" in out
    assert json.loads((tmp_path / "r.json").read_text())["seed"] is None
    assert (tmp_path / "r.html").exists()
    assert ("--fail-under" in err) == bool(code)


BAD_INPUT = {
    "two servers": (["http://a", "--proxy", "http://b"], "name one server"),
    "no server": ([], "name one server"),
    "a port alone": (["http://a", "--port", "1"], "--port is the port of the proxy"),
    "--live": (["--proxy", "http://a", "--live"], "--live is for requests of our own"),
    "--har": (["--proxy", "http://a", "--har", "a.har"], "--har is for requests of our own"),
    "no URL": (["--proxy", "speech"], "is no URL of a server"),
    "a password": (["--proxy", "http://me:secret@host"], "the URL holds a password"),
    "no port": (["--proxy", "http://a", "--port", "70000"], "--port"),
}


@pytest.mark.parametrize(("arguments", "words"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["contract", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error.splitlines()[0]
    assert "secret" not in error


def test_a_port_in_use_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        assert run(["contract", "--proxy", "http://a", "--port", str(used.getsockname()[1])]) == 2
    assert "cannot be used: Address already in use" in capsys.readouterr().err


def test_a_proxy_that_nobody_uses_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "openrouter_speech", "contract", "--proxy", "http://127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=LONG)
    assert process.returncode == 2
    assert "no request came to the proxy" in err
