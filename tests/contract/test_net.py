"""The contract tests pass for a second conforming server, and name the rule that each broken one breaks."""

import base64
import gzip
import itertools
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from openrouter_speech._core import wav
from openrouter_speech.contract import InputError, Report, run
from openrouter_speech.contract.exchanges import hiding

from ..conftest import PROJECT, Make
from .peer import (
    KEY,
    RULES,
    SILENCE,
    SILENT_MP3,
    Answer,
    Peer,
    PeerServer,
    Request,
    anything,
    documented_error,
    is_text,
    never,
)

EXAMPLES = 15


def judged(peer: Peer, **options: Any) -> Report:
    with PeerServer(peer) as server:
        return run(server.url, KEY, **{"examples": EXAMPLES, **options})


def knows_the_documented_models(model: str) -> bool:
    return model in {"mistralai/voxtral-mini-tts-2603", "openai/gpt-4o-mini-tts"}


@pytest.mark.parametrize("knows_model", [anything, knows_the_documented_models])
def test_a_conforming_server_passes(knows_model: Any) -> None:
    """Even one that does not have every model: a documented 404 is allowed for generated requests."""
    report = judged(Peer(knows_model=knows_model))
    assert {verdict.state for verdict in report.verdicts} == {"kept"}, report.text()
    assert "broken" not in report.facts.values()
    assert report.requests > 150


def detail(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"detail": message}).encode()


def zod_error(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"success": False, "error": {"name": "ZodError", "message": "[]"}}).encode()


def page(status: int, message: str) -> tuple[str, bytes]:
    return "text/html", b"<html><h1>%d</h1></html>" % status


def always_400(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(400, message)


def has_another_script(body: dict[str, Any]) -> bool:
    return not str(body["input"]).isascii()


def read_anything(content: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError):
        return {"input": "?", "model": "?", "voice": "?"}


PCM, MP3 = Peer().pcm[0], Peer().mp3[0]
OTHER_RATE = (b"\xff\xe3\x18\xc0" + bytes(68)) * 5
"""Empty frames of MPEG 2.5, 8 kHz."""
BUSY = documented_error(429, "Too many requests")

Gateway = Callable[[Request, Answer], Answer]


def on(statuses: range, **changes: Any) -> Peer:
    """Return a peer behind a gateway that changes answers of these statuses, by values or functions of them."""

    def gateway(_: Request, answer: Answer) -> Answer:
        if answer.status not in statuses:
            return answer
        return evolve(answer, **{name: to(answer) if callable(to) else to for name, to in changes.items()})

    return Peer(gateway=gateway)


SUCCESS, ERROR = range(200, 300), range(400, 600)


def adding(**headers: str) -> Callable[[Answer], dict[str, str]]:
    """Return what adds headers to those of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda answer: {**answer.headers, **named}


def zipped(times: int) -> Callable[[Answer], bytes]:
    def zip_(answer: Answer) -> bytes:
        body = answer.body
        for _ in range(times):
            body = gzip.compress(body)
        return body

    return zip_


def drops_header_of_mp3(_: Request, answer: Answer) -> Answer:
    return evolve(answer, headers={}) if answer.content_type == MP3 else answer


def answers_late() -> Gateway:
    """Return a gateway that gives each success the answer of the one before."""
    before: list[Answer] = []

    def gateway(_: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        before.append(answer)
        return before.pop(0) if len(before) > 1 else answer

    return gateway


def caches() -> Gateway:
    """Return a gateway that answers a request as it answered the same one before."""
    known: dict[bytes, Answer] = {}

    def gateway(request: Request, answer: Answer) -> Answer:
        return known.setdefault(request.body, answer) if answer.status == 200 else answer

    return gateway


def fails_each(number: int, answered: Answer) -> Gateway:
    """Return a gateway that has an answer of its own for each so many valid requests."""
    count = itertools.count(1)
    return lambda _, answer: answered if answer.status == 200 and next(count) % number == 0 else answer


def answers_head(request: Request, answer: Answer) -> Answer:
    return evolve(answer, status=200) if request.method == "HEAD" else answer


def allows_get(request: Request, answer: Answer) -> Answer:
    """Answer OPTIONS as for a page."""
    if request.method == "OPTIONS":
        return evolve(answer, status=200, content_type="text/plain", body=b"", headers={"Allow": "GET, OPTIONS"})
    return answer


def takes_key_in_url(request: Request) -> bool:
    return KEY in request.path


def takes_key_alone(request: Request) -> bool:
    return request.headers.get("authorization") == KEY


def read_leniently(content: bytes) -> Any:
    return json.loads(content.decode(errors="replace"))


def without_message(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"error": {"code": status}}).encode()


def code_in_quotes(status: int, message: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"error": {"code": str(status), "message": message}}).encode()


def user_as_number(status: int, message: str) -> tuple[str, bytes]:
    error = {"error": {"code": status, "message": message}, "user_id": 7}
    return "application/json", json.dumps(error).encode()


BROKEN: dict[str, tuple[Peer, str, str]] = {
    "success is a 201": (Peer(success=201), "statuses", "Undocumented status code"),
    "success is a redirect": (
        Peer(success=307, generation=lambda: {"Location": "speech"}),
        "statuses",
        "Received: 307",
    ),
    "success is JSON": (Peer(pcm=("application/json", b"{}")), "content-types", "Undocumented Content-Type"),
    "success is of no audio type": (
        Peer(pcm=("application/octet-stream", SILENCE)),
        "content-types",
        "Undocumented Content-Type",
    ),
    "success is empty": (Peer(pcm=(PCM, b""), mp3=(MP3, b"")), "audio", "a success without a byte of audio"),
    "pcm under the name of mp3": (Peer(pcm=(MP3, SILENCE)), "audio", "'audio/mpeg' where pcm was asked for"),
    "pcm without its rate": (Peer(pcm=("audio/pcm", SILENCE)), "audio", "where rate=24000;channels=1 is documented"),
    "half a sample of pcm": (
        Peer(pcm=(PCM, SILENCE[:-1])),
        "audio",
        "4799 bytes are no whole number of 16-bit samples",
    ),
    "an error in the place of pcm": (
        Peer(pcm=(PCM, b'{"error": {"code": 500}}')),
        "audio",
        "text under the name of pcm",
    ),
    "mp3 in the place of pcm": (Peer(pcm=(PCM, SILENT_MP3)), "audio", "mp3 under the name of pcm"),
    "pcm in the place of mp3": (Peer(mp3=(MP3, SILENCE)), "audio", "no mp3 frame begins at byte 0"),
    "mp3 that is cut off": (Peer(mp3=(MP3, SILENT_MP3[:-7])), "audio", "the last mp3 frame is cut off"),
    "response_format is ignored": (Peer(mp3=Peer().pcm), "audio", "where mp3 was asked for"),
    "another default format": (Peer(default_format="mp3"), "audio", "'audio/mpeg' where pcm was asked for"),
    "no generation id": (Peer(generation=dict), "headers", "required headers are missing from the response"),
    "a generation id of another form": (
        Peer(generation=lambda: {"X-Generation-Id": "gen-1"}),
        "headers",
        '"gen-1" does not match',
    ),
    "no key is needed": (Peer(knows_key=anything), "security", "API accepts requests without authentication"),
    "any key will do": (Peer(knows_key=bool), "security", "got a 200"),
    "a field is not required": (Peer(required=("model",)), "invalid-requests", "Missing required property: input"),
    "a number is taken for a text": (
        Peer(rules=RULES | {"model": anything}),
        "invalid-requests",
        "model: Incorrect type",
    ),
    "any format is taken": (
        Peer(rules=RULES | {"response_format": anything}),
        "invalid-requests",
        "in body - response_format",
    ),
    "any provider is taken": (Peer(rules=RULES | {"provider": anything}), "invalid-requests", "in body - provider"),
    "speed is refused": (
        Peer(rules=RULES | {"speed": never}),
        "valid-requests",
        "Valid data should have been accepted",
    ),
    "any body is taken": (Peer(reads=read_anything), "malformed-requests", "expected a 400, got a 200"),
    "any media type is taken": (Peer(takes_media_type=anything), "media-types", "a body of type "),
    "no model is known": (Peer(knows_model=never), "examples", "expected a 200, got a 404"),
    "a malformed request is a 422": (Peer(refusal=422), "statuses", "Received: 422"),
    "a 415 where JSON was sent": (Peer(refusal=415), "statuses", "Received: 415"),
    "errors have another shape": (Peer(error=detail), "error-bodies", '"error" is a required property'),
    "errors are ZodErrors": (Peer(error=zod_error), "error-bodies", '"code" is a required property'),
    "errors are pages": (Peer(error=page), "content-types", "Received: text/html"),
    "error.code is not the status": (
        Peer(error=always_400),
        "error-codes",
        "error.code is 400 in a response of status 401",
    ),
    "another method is a 404": (Peer(not_allowed=404), "methods", "expected a 405, got a 404"),
    "a 405 without Allow": (Peer(allow={}), "methods", "405 without required `Allow` header"),
    "another script is a 401": (
        Peer(fails=has_another_script, failure=401),
        "valid-requests",
        "Valid data should have been accepted",
    ),
    "another script is a 500": (Peer(fails=has_another_script), "server-errors", "Server error"),
    "a header is dropped from some answers": (
        Peer(gateway=drops_header_of_mp3),
        "headers",
        "required headers are missing from the response",
    ),
    "the generation id is there twice": (
        on(SUCCESS, more=(("X-Generation-Id", "gen-tts-1-a"),)),
        "headers",
        "the response has 2 headers X-Generation-Id",
    ),
    "Content-Type is there twice": (
        on(ERROR, more=(("Content-Type", "text/html"),)),
        "headers",
        "the response has 2 headers Content-Type",
    ),
    "a space in the generation id": (
        Peer(generation=lambda: {"X-Generation-Id": "gen- tts-1-a"}),
        "headers",
        '"gen- tts-1-a" does not match',
    ),
    "Retry-After is a word": (
        on(ERROR, headers=adding(Retry_After="soon")),
        "headers",
        "Retry-After is 'soon', which is neither seconds nor a date",
    ),
    "Retry-After is negative": (on(ERROR, headers=adding(Retry_After="-1")), "headers", "Retry-After is '-1'"),
    "an id is used again": (
        Peer(generation=lambda: {"X-Generation-Id": "gen-tts-1767225600-a"}),
        "generation-ids",
        "was the X-Generation-Id of an earlier response, too",
    ),
    "answers come from a cache": (Peer(gateway=caches()), "generation-ids", "of an earlier response, too"),
    "each gets the answer of another": (Peer(gateway=answers_late()), "audio", "' where "),
    "audio is zipped twice": (
        on(SUCCESS, body=zipped(2), headers=adding(Content_Encoding="gzip")),
        "audio",
        "gzip under the name of pcm",
    ),
    "audio is zipped without saying so": (on(SUCCESS, body=zipped(1)), "audio", "gzip under the name of pcm"),
    "errors are zipped twice": (
        on(ERROR, body=zipped(2), headers=adding(Content_Encoding="gzip")),
        "error-bodies",
        "Content deserialization error",
    ),
    "audio is not zipped as it says": (
        on(SUCCESS, headers=adding(Content_Encoding="gzip")),
        "responds",
        "incorrect header check",
    ),
    "an error in the place of mp3": (Peer(mp3=(MP3, BUSY[1])), "audio", "no mp3 frame begins at byte 0"),
    "an error under a 200": (on(ERROR, status=200), "content-types", "Undocumented Content-Type"),
    "an error under another status": (on(ERROR, status=502), "error-codes", "in a response of status 502"),
    "a part of the mp3 is lost": (
        Peer(mp3=(MP3, SILENT_MP3[:100] + SILENT_MP3[150:])),
        "audio",
        "no mp3 frame begins at byte 192",
    ),
    "the end of the body is lost": (
        on(SUCCESS, promised=lambda answer: len(answer.body) + 2),
        "responds",
        "Connection broken: IncompleteRead",
    ),
    "chunks without an end": (
        on(SUCCESS, headers=adding(Transfer_Encoding="chunked"), body=lambda answer: b"2\r\n\0\0\r\n"),
        "responds",
        "Response ended prematurely",
    ),
    "pcm with another rate": (
        Peer(pcm=("audio/pcm;rate=44100;channels=1", SILENCE)),
        "audio",
        "where rate=24000;channels=1 is documented",
    ),
    "pcm in stereo": (Peer(pcm=("audio/pcm;rate=24000;channels=2", SILENCE)), "audio", "channels=1 is documented"),
    "pcm with a character set": (Peer(pcm=(f"{PCM};charset=utf-8", SILENCE)), "audio", "'charset': 'utf-8'"),
    "mp3 of two sample rates": (
        Peer(mp3=(MP3, SILENT_MP3 + OTHER_RATE)),
        "audio",
        "the sample rate changes at byte 480 of the mp3",
    ),
    "a line break after the mp3": (Peer(mp3=(MP3, SILENT_MP3 + b"\r\n")), "audio", "no mp3 frame begins at byte 480"),
    "a WAV file in the place of pcm": (
        Peer(pcm=(PCM, wav.header(len(SILENCE), 24_000, 1) + SILENCE)),
        "audio",
        "a WAV file under the name of pcm",
    ),
    "errors are said to be UTF-16": (
        on(ERROR, content_type="application/json; charset=utf-16"),
        "content-types",
        "where JSON is UTF-8",
    ),
    "errors have no Content-Type that can be read": (
        on(ERROR, content_type="json"),
        "content-types",
        "Media type for Response is incorrect",
    ),
    "errors are cut off": (on(ERROR, body=lambda answer: answer.body[:-5]), "error-bodies", "JSON deserialization"),
    "errors are empty": (on(ERROR, body=b""), "error-bodies", "JSON deserialization error"),
    "errors have no message": (Peer(error=without_message), "error-bodies", '"message" is a required property'),
    "error.code is a text": (Peer(error=code_in_quotes), "error-bodies", 'is not of type "integer"'),
    "user_id is a number": (Peer(error=user_as_number), "error-bodies", '7 is not of types "null", "string"'),
    "a gateway's page now and then": (
        Peer(gateway=fails_each(9, Answer(503, *page(503, "")))),
        "content-types",
        "Received: text/html",
    ),
    "a gateway's redirect now and then": (
        Peer(gateway=fails_each(9, Answer(302, "text/html", b"", {"Location": "/login"}))),
        "statuses",
        "Received: 302",
    ),
    "the key may be in the URL": (Peer(lets_in=takes_key_in_url), "security", "got a 200"),
    "the key needs no Bearer": (Peer(lets_in=takes_key_alone), "security", "got a 200"),
    "HEAD gets a 200": (Peer(gateway=answers_head), "methods", "expected a 405, got a 200"),
    "OPTIONS names other methods": (Peer(gateway=allows_get), "methods", "does not match the schema"),
    "a longer session_id is taken": (
        Peer(rules=RULES | {"session_id": is_text}),
        "invalid-requests",
        "in body - session_id",
    ),
    "an empty voice is taken": (Peer(rules=RULES | {"voice": is_text}), "invalid-requests", "in body - voice"),
    "any reference is taken": (
        Peer(rules=RULES | {"input_references": anything}),
        "invalid-requests",
        "in body - input_references",
    ),
    "what is not UTF-8 is taken": (Peer(reads=read_leniently), "malformed-requests", "expected a 400, got a 200"),
    "another script ends the connection": (
        Peer(hangs_up=has_another_script),
        "responds",
        "Remote end closed connection",
    ),
}


@pytest.mark.parametrize(("peer", "rule", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_server_is_named_by_its_rule(peer: Peer, rule: str, message: str) -> None:
    report = judged(peer)
    assert rule in report.broken, report.text()
    (verdict,) = (verdict for verdict in report.verdicts if verdict.rule.name == rule)
    assert verdict.failure is not None
    assert message in " ".join(verdict.failure.message.split()), report.text()


def test_the_requests_repeat_unless_another_seed_is_chosen() -> None:
    """Even after a failure, which Hypothesis would remember."""
    sent = []
    for seed in (None, None, 7):
        with PeerServer(Peer(fails=has_another_script)) as server:
            report = run(server.url, KEY, examples=EXAMPLES, seed=seed)
        assert "server-errors" in report.broken
        sent.append([(one.method, one.path, one.body) for one in server.requests])
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_a_live_check_is_cheap() -> None:
    """Requests are charged by the character."""
    with PeerServer(Peer()) as server:
        report = run(server.url, KEY, live=True)
    assert report.broken == []
    assert {"never seen", "kept"} == {verdict.state for verdict in report.verdicts}
    assert 5 < len(server.requests) <= 10
    assert sum(len(request.body) for request in server.requests) < 2_000
    with PeerServer(Peer(knows_key=anything, success=201)) as broken:
        assert {"security", "statuses"} <= set(run(broken.url, KEY, live=True).broken)
    assert len(broken.requests) <= 10


def test_the_server_may_be_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with PeerServer(Peer()) as server:
        monkeypatch.setenv("http_proxy", server.url)
        run("http://speech.invalid/api/v1", KEY, live=True)
    assert server.requests[-1].path == "http://speech.invalid/api/v1/audio/speech"


def test_a_server_that_stops_is_reported_with_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemathesis.engine.outage.CONFIRMATION_INTERVAL", 0)
    calls = itertools.count()

    def stops(_: Any) -> bool:
        if next(calls) == 60:
            server.stop()
        return False

    with PeerServer(Peer(hangs_up=stops)) as server:
        report = run(server.url, KEY, examples=EXAMPLES)
    assert report.stopped
    assert "audio" not in report.broken
    assert report.requests > 60
    assert "The server stopped responding" in report.text()
    assert json.loads(report.json())["stopped"]
    assert "stopped responding" in report.junit()


FORMS = (
    base64.b64encode(f"Bearer {KEY}".encode()).decode()[12:24],
    "".join(f"\\u00{ord(letter):02X}" for letter in KEY[:4]),
    "".join(f"%{ord(letter):02x}" for letter in KEY[:4]),
)


@pytest.mark.parametrize("answered", [0, 5, 60])
def test_a_server_that_falls_silent_is_reported_with_what_was_seen(
    answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrouter_speech.contract.description.TIMEOUT", 1.0)
    calls, ended = itertools.count(), threading.Event()

    def gateway(_: Request, answer: Answer) -> Answer:
        if next(calls) >= answered:
            ended.wait(60)
        return answer

    with PeerServer(Peer(gateway=gateway)) as server:
        try:
            report = run(server.url, KEY, examples=EXAMPLES)
        except InputError as error:
            assert answered == 0, error  # noqa: PT017
            return
        finally:
            ended.set()
    assert report.stopped
    assert report.requests > answered / 2
    assert "The server stopped responding" in report.text()


def unsatisfiable(tmp_path: Path, also: str) -> Path:
    """Return a description with a required field that no value fits."""
    text = (PROJECT / "openapi.yaml").read_text()
    for old, new in {
        "maxLength: 256": f"maxLength: 256\n          minLength: 300{also}",
        "required: [input, model]": "required: [input, model, session_id]",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "openapi.yaml").write_text(text)
    return tmp_path / "openapi.yaml"


def test_what_was_seen_before_requests_cannot_be_made_is_reported(tmp_path: Path) -> None:
    report = judged(Peer(refusal=422), description=unsatisfiable(tmp_path, "\n          examples: [short]"))
    assert report.stopped
    assert report.requests > 5
    assert "statuses" in report.broken
    for shown in (report.text(), report.html(), report.json(), report.junit()):
        assert "Requests cannot be made from the description" in shown


def test_if_no_request_can_be_made_the_description_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="requests cannot be made from the description"):
        judged(Peer(), description=unsatisfiable(tmp_path, ""))


def repeat_the_key(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(status, f"{KEY} is right, and yet: {'.' * 405}{KEY}")


def repeat_the_key_in_base64(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(status, base64.b64encode(f"Bearer {KEY} for you".encode()).decode())


def repeat_the_key_escaped(status: int, message: str) -> tuple[str, bytes]:
    content_type, body = documented_error(status, "KEY")
    escaped = "".join(f"\\u00{ord(letter):02X}" for letter in KEY)
    return content_type, body.replace(b"KEY", escaped.encode())


def repeat_the_key_in_a_url(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(status, "".join(f"%{ord(letter):02x}" for letter in KEY))


ECHOING = {
    "in an error": Peer(error=repeat_the_key, refusal=422),
    "in base64": Peer(error=repeat_the_key_in_base64, refusal=422),
    "escaped for JSON": Peer(error=repeat_the_key_escaped, refusal=422),
    "escaped for a URL": Peer(error=repeat_the_key_in_a_url, refusal=422),
    "in a header": Peer(generation=lambda: {"X-Generation-Id": f"{'.' * 60}{KEY}"}),
    "instead of a response": Peer(hangs_up=anything, last_words=f"{KEY}\r\n".encode()),
}


@pytest.mark.parametrize("peer", ECHOING.values(), ids=ECHOING)
def test_the_key_is_never_shown(peer: Peer) -> None:
    """Not even in part, in a long text that is cut."""
    with PeerServer(peer) as server:
        report = run(server.url, KEY, examples=EXAMPLES, key_name="MY_KEY")
    assert any(KEY in request.headers.get("authorization", "") for request in server.requests)
    assert report.broken
    for shown in (report.text(), report.html(), report.json(), report.junit()):
        assert "curl -X POST" in shown
        assert "Bearer $MY_KEY" in shown
        assert not any(part in shown for part in (KEY[:12], *FORMS))


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_key_is_masked_at_any_place(before: int, encode: Callable[[bytes], bytes]) -> None:
    key = "sk-~?>~~secret"
    shown = hiding(key)(encode(b"x" * before + key.encode() + b"yz"))
    assert shown.count(b"*") >= len(key) * 4 // 3 - 2
    assert len(shown) == len(encode(b"x" * before + key.encode() + b"yz"))


@pytest.mark.parametrize(
    "written", [r"a\/b\"c&d+e", r"a\u002fb\u0022c\u0026d\u002Be", "a%2Fb%22c%26d%2be", "a/b&#34;c&#x26;d+e"]
)
def test_a_key_is_masked_however_it_is_escaped(written: str) -> None:
    assert hiding('a/b"c&d+e')(f"<{written}>") == f"<{'*' * len(written)}>"
    assert hiding('a/b"c&d+e')(f"<{written}>".encode()) == f"<{'*' * len(written)}>".encode()


def test_a_short_key_is_masked_only_as_a_word() -> None:
    assert hiding("no")("no key, not a note: Bearer no.") == "** key, not a note: Bearer **."
    assert hiding("no")(b"no, not") == b"**, not"
    assert hiding("long-enough")("xlong-enoughx") == "x***********x"


HTML = ("text/html", b"<html>Welcome</html>")
BAD_INPUT: dict[str, tuple[Peer, dict[str, Any], str]] = {
    "a wrong key": (Peer(), {"key": "wrong"}, "the server refuses the key: 401"),
    "a malformed key": (Peer(), {"key": f"{KEY}\n"}, "a character that no header can carry"),
    "pages": (Peer(pcm=HTML), {}, r"responds with a page \(200, text/html\), so it is no API"),
    "no URL": (Peer(), {"url": "speech"}, "'speech' is no URL of a server"),
    "no such description": (Peer(), {"description": "missing.yaml"}, "missing.yaml cannot be read: No such file"),
}


@pytest.mark.parametrize(("peer", "options", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_sentence(peer: Peer, options: dict[str, Any], message: str) -> None:
    with PeerServer(peer) as server, pytest.raises(InputError, match=message) as raised:
        run(**{"url": server.url, "key": KEY, **options})
    assert KEY not in str(raised.value)


def test_a_server_that_is_not_there_is_bad_input() -> None:
    with PeerServer(Peer()) as server:
        server.stop()
        with pytest.raises(InputError, match="cannot be reached"):
            run(server.url, KEY)


NOT_DESCRIPTIONS = {
    "text": "hello",
    "broken": "{",
    "a page": "<html>",
    "empty": "",
    "without operations": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {}",
    "with a reference to nothing": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {/a: {$ref: '#/x'}}",
    "a list of paths": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: [a]",
}


@pytest.mark.parametrize("text", NOT_DESCRIPTIONS.values(), ids=NOT_DESCRIPTIONS)
def test_what_is_no_description_is_bad_input(text: str, tmp_path: Path) -> None:
    (tmp_path / "description.yaml").write_text(text)
    with pytest.raises(InputError, match=r"describes no operation|is not an OpenAPI description"):
        run("http://127.0.0.1:9", KEY, description=tmp_path / "description.yaml")


def test_another_description_may_be_used(tmp_path: Path) -> None:
    text = (PROJECT / "openapi.yaml").read_text()
    old = "enum: [mp3, pcm]"
    assert old in text
    (tmp_path / "openapi.yaml").write_text(text.replace(old, "enum: [mp3, pcm, wav]"))
    report = judged(Peer(), description=tmp_path / "openapi.yaml", live=True)
    assert report.broken == ["examples"]
    (fact,) = (fact for fact, state in report.facts.items() if state == "broken")
    assert str(fact) == 'body response_format: "wav" is accepted'


@pytest.mark.parametrize(("success", "code"), [(200, 0), (201, 2)])
def test_make_contract_passes_if_the_server_does(make: Make, tmp_path: Path, success: int, code: int) -> None:
    with PeerServer(Peer(success=success)) as server:
        variables = (f"BASE_URL={server.url}", f"API_KEY={KEY}", "LIVE=1", f"OUT={tmp_path}")
        result = make("contract", f"--old-file={sys.prefix}/.installed", *variables)
    assert result.returncode == code, result.stdout + result.stderr
    assert 6 < len(server.requests) <= 10
    report = (tmp_path / "contract.xml").read_text()
    assert 'name="statuses"' in report
    assert KEY not in result.stdout + result.stderr + report
