"""The contract tests pass for a second conforming server, and name the rule that each broken one breaks."""

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech.contract import InputError, Report, run
from openrouter_speech.contract.exchanges import hiding

from ..conftest import PROJECT, Make
from .peer import KEY, RULES, SILENCE, SILENT_MP3, Peer, PeerServer, anything, documented_error, never

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
    "any key will do": (Peer(knows_key=bool), "security", "expected a 401, got a 200"),
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


def repeat_the_key(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(status, f"{KEY} is right, and yet: {'.' * 405}{KEY}")


ECHOING = {
    "in an error": Peer(error=repeat_the_key, refusal=422),
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
        assert KEY[:12] not in shown


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
