"""A second server, written from openapi.yaml without the mock server's code, and easy to break.

By default it conforms. Each field of `Peer` is a place where a server can go wrong; test_net.py sets one at a time.
"""

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from attrs import field, frozen

PATH = "/api/v1/audio/speech"
KEY = "sk-or-v1-the-peer-knows-this-key"
SILENCE = bytes(4_800)
"""A tenth of a second of pcm."""
SILENT_MP3 = (b"\xff\xf3\x44\xc0" + bytes(92)) * 5
"""Empty frames: MPEG 2 layer III, 24 kHz, mono, 32 kbit/s."""

Rule = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_format(value: Any) -> bool:
    return value in ("mp3", "pcm")


def is_text_or_turns(value: Any) -> bool:
    return is_text(value) or a_list(an_object("text", text=is_text, voice=is_text, instructions=is_text))(value)


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and REFERENCES.get(str(value.get("type")), never)(value)


def is_recording(value: Any) -> bool:
    return an_object(data=is_data, url=is_text, format=is_text)(value) and ("data" in value) != ("url" in value)


def is_data(value: Any) -> bool:
    return is_text(value) and 1 <= len(value) <= 20_971_520


def a_list(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and all(map(rule, value))


def an_object(*required: str, **rules: Rule) -> Rule:
    """Return the rule for an object: fields it must have, and rules for those that it may have."""
    return lambda value: (
        isinstance(value, dict)
        and all(name in value for name in required)
        and all(rule(value[name]) for name, rule in rules.items() if name in value)
    )


def or_null(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def anything(_: Any) -> bool:
    return True


def never(_: Any) -> bool:
    return False


def documented_error(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"error": {"code": status, "message": message}}).encode()


@frozen
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


@frozen
class Answer:
    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(factory=dict)
    more: tuple[tuple[str, str], ...] = ()
    """Further headers, with names that are there already."""
    promised: int | None = None
    """The bytes that Content-Length says, if not those of the body."""


def numbered() -> Callable[[], Mapping[str, str]]:
    """Return the headers of successes: each has an id of its own."""
    numbers = itertools.count(1_767_225_600)
    return lambda: {"X-Generation-Id": f"gen-tts-{next(numbers)}-q7Zp2mXw"}


class HungUpError(Exception):
    """The server closes the connection without a response."""


class RefusedError(Exception):
    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


REFERENCES: dict[str, Rule] = {
    "input_audio": an_object("input_audio", input_audio=is_recording),
    "text": an_object("text", text=lambda value: is_text(value) and len(value) <= 10_000),
    "image_url": an_object("image_url", image_url=an_object("url", url=is_text)),
}
TRACE_FIELDS = ("trace_id", "trace_name", "span_name", "generation_name", "parent_span_id")
RULES: dict[str, Rule] = {
    "input": is_text_or_turns,
    "model": is_text,
    "voice": lambda value: is_text(value) and value != "",
    "provider": an_object(
        options=lambda value: isinstance(value, dict) and all(isinstance(options, dict) for options in value.values()),
        zdr=or_null(lambda value: isinstance(value, bool)),
        data_collection=or_null(lambda value: value in ("allow", "deny")),
    ),
    "response_format": is_format,
    "speed": is_number,
    "input_references": a_list(is_reference),
    "session_id": lambda value: is_text(value) and len(value) <= 256,
    "trace": an_object(**dict.fromkeys(TRACE_FIELDS, is_text)),
    "user": is_text,
    "instructions": is_text,
}


@frozen(kw_only=True)
class Peer:
    """What the server accepts, how it refuses, and what it sends."""

    path: str = PATH
    knows_key: Rule = field(default=f"Bearer {KEY}".__eq__)
    lets_in: Callable[[Request], bool] = never
    """Whether it takes a request without a key that it knows."""
    takes_media_type: Rule = field(default="application/json".__eq__)
    reads: Callable[[bytes], Any] = json.loads
    required: tuple[str, ...] = ("input", "model")
    rules: Mapping[str, Rule] = field(factory=lambda: RULES)
    knows_model: Rule = anything

    hangs_up: Rule = never
    last_words: bytes = b""
    """Sent before it hangs up, instead of a response."""
    fails: Rule = never
    failure: int = 500
    refusal: int = 400
    not_allowed: int = 405
    allow: Mapping[str, str] = field(factory=lambda: {"Allow": "POST"})
    error: Callable[[int, str], tuple[str, bytes]] = documented_error

    success: int = 200
    default_format: str = "pcm"
    pcm: tuple[str, bytes] = ("audio/pcm;rate=24000;channels=1", SILENCE)
    mp3: tuple[str, bytes] = ("audio/mpeg", SILENT_MP3)
    generation: Callable[[], Mapping[str, str]] = field(factory=numbered)
    gateway: Callable[[Request, Answer], Answer] = lambda _, answer: answer
    """What a gateway in front makes of an answer."""

    def answer(self, request: Request) -> Answer:
        return self.gateway(request, self._own_answer(request))

    def _own_answer(self, request: Request) -> Answer:
        try:
            self._check(request)
            body = self._body(request)
        except RefusedError as refused:
            content_type, content = self.error(refused.status, str(refused))
            return Answer(refused.status, content_type, content, refused.headers)
        asked = body.get("response_format", self.default_format)
        content_type, audio = self.mp3 if asked == "mp3" else self.pcm
        return Answer(self.success, content_type, audio, self.generation())

    def _check(self, request: Request) -> None:
        if request.path.partition("?")[0] != self.path:
            raise RefusedError(404, "No such path")
        if request.method != "POST":
            raise RefusedError(self.not_allowed, "No such method", self.allow)
        if not self.knows_key(request.headers.get("authorization", "")) and not self.lets_in(request):
            raise RefusedError(401, "The key is missing or wrong")
        if not self.takes_media_type(request.headers.get("content-type", "application/json").partition(";")[0]):
            raise RefusedError(415, "JSON, please")

    def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = self.reads(request.body)
        except ValueError as error:
            raise RefusedError(self.refusal, "The body is not JSON") from error
        if not isinstance(body, dict):
            raise RefusedError(self.refusal, "The body is not an object")
        wrong = [name for name in self.required if name not in body]
        wrong += [name for name, rule in self.rules.items() if name in body and not rule(body[name])]
        if wrong:
            raise RefusedError(self.refusal, f"Missing or wrong: {', '.join(wrong)}")
        if self.hangs_up(body):
            raise HungUpError
        if self.fails(body):
            raise RefusedError(self.failure, "Something failed")
        if not self.knows_model(body["model"]):
            raise RefusedError(404, "No such model")
        return body


class PeerServer:
    """A running peer. It records the requests."""

    def __init__(self, peer: Peer) -> None:
        self.requests: list[Request] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1  # one packet for head and body: two wait for an acknowledgement of the first
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): ", ".join(self.headers.get_all(name, ())) for name in self.headers}
                request = Request(self.command, self.path, headers, body)
                requests.append(request)
                try:
                    answer = peer.answer(request)
                except HungUpError:
                    self.wfile.write(peer.last_words)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                headers = {"Content-Type": answer.content_type, **answer.headers}
                for name, value in (*headers.items(), *answer.more):
                    self.send_header(name, value)
                if "Transfer-Encoding" not in headers:
                    self.send_header("Content-Length", str(answer.promised or len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                self.close_connection |= answer.promised is not None or "Transfer-Encoding" in headers

            do_HEAD = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_QUERY = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api/v1"

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()
