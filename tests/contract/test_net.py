"""The contract tests pass for a second conforming server, and fail for each broken one."""

import json
import multiprocessing
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ..conftest import PROJECT, Make
from .peer import KEY, RULES, SILENCE, SILENT_MP3, Peer, PeerServer, anything, documented_error, never

SUITE = Path(__file__).with_name("test_server.py")
EXAMPLES = "15"
_PRELOADED = [
    "schemathesis.pytest.plugin", "schemathesis.specs.openapi.schemas", "openrouter_speech.mock", "miniaudio",
    "tests.conftest", "tests.contract.checks",
]  # fmt: skip

Run = Callable[..., str]


class ForEach:
    """Runs each contract test against several servers in one pytest run, because preparing the tests takes a while."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = urls

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "server_url" in metafunc.fixturenames:
            ids = [f"<{name}>" for name in self.urls]
            metafunc.parametrize("server_url", list(self.urls.values()), ids=ids, scope="module")


def run_suite(report: Path, environment: dict[str, str], urls: Mapping[str, str]) -> None:
    """Run the contract tests in this process, as `make contract` does."""
    os.environ.update(environment)
    os.chdir(PROJECT)
    with report.with_suffix(".log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    arguments = [str(SUITE), f"--junitxml={report}", "--assert=plain", "-pno:cacheprovider", "-pno:randomly"]
    pytest.main(arguments, plugins=[ForEach(urls)])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the contract tests against servers by name. Returns the names of failed tests with their messages."""
    monkeypatch.syspath_prepend(PROJECT)  # where the new process finds this module
    # The imports take longer than the tests: import once, in a process that all others are forked from.
    windows = sys.platform == "win32"  # which cannot fork
    context = multiprocessing.get_context("spawn") if windows else multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)

    def run_against(*servers: PeerServer, urls: Mapping[str, str] = MappingProxyType({}), **environment: str) -> str:
        report = tmp_path / "contract.xml"
        urls = urls or {str(number): server.url for number, server in enumerate(servers)}
        # SEED and LIVE of an outer `make contract` do not count.
        defaults = {"API_KEY": KEY, "EXAMPLES": EXAMPLES, "SEED": "", "LIVE": "", "BASE_URL": next(iter(urls.values()))}
        process = context.Process(target=run_suite, args=(report, defaults | environment, urls))
        process.start()
        process.join()
        results = ET.parse(report)
        assert results.find(".//error") is None, report.with_suffix(".log").read_text()
        failed = results.iterfind(".//testcase[failure]")
        return "\n".join(f"{test.get('name')}: {test.findtext('failure')}" for test in failed)

    return run_against


@contextmanager
def serving(peers: Mapping[str, Peer]) -> Iterator[dict[str, PeerServer]]:
    with ExitStack() as running:
        yield {name: running.enter_context(PeerServer(peer)) for name, peer in peers.items()}


def urls_of(servers: Mapping[str, PeerServer]) -> dict[str, str]:
    return {name: server.url for name, server in servers.items()}


def knows_the_documented_models(model: str) -> bool:
    return model in {"mistralai/voxtral-mini-tts-2603", "openai/gpt-4o-mini-tts"}


def test_a_conforming_server_passes(run: Run) -> None:
    """Even one that does not have every model: a documented 404 is allowed for generated requests."""
    with PeerServer(Peer()) as every, PeerServer(Peer(knows_model=knows_the_documented_models)) as some:
        assert run(every, some) == ""
    assert len(every.requests) > 150
    assert len(some.requests) > 150


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
BROKEN: dict[str, tuple[Peer, str]] = {
    "success is a 201": (Peer(success=201), "Undocumented status code"),
    "success is a redirect": (Peer(success=307, generation={"Location": "speech"}), "Received: 307"),
    "success is JSON": (Peer(pcm=("application/json", b"{}")), "Undocumented Content-Type"),
    "success is of no audio type": (Peer(pcm=("application/octet-stream", SILENCE)), "Undocumented Content-Type"),
    "success is empty": (Peer(pcm=(PCM, b""), mp3=(MP3, b"")), "a success without a byte of audio"),
    "pcm under the name of mp3": (Peer(pcm=(MP3, SILENCE)), "'audio/mpeg' where pcm was asked for"),
    "pcm without its rate": (Peer(pcm=("audio/pcm", SILENCE)), "where rate=24000;channels=1 is documented"),
    "half a sample of pcm": (Peer(pcm=(PCM, SILENCE[:-1])), "4799 bytes are no whole number of 16-bit samples"),
    "an error in the place of pcm": (Peer(pcm=(PCM, b'{"error": {"code": 500}}')), "text under the name of pcm"),
    "mp3 in the place of pcm": (Peer(pcm=(PCM, SILENT_MP3)), "mp3 under the name of pcm"),
    "pcm in the place of mp3": (Peer(mp3=(MP3, SILENCE)), "no mp3 frame begins at byte 0"),
    "mp3 that is cut off": (Peer(mp3=(MP3, SILENT_MP3[:-7])), "the last mp3 frame is cut off"),
    "response_format is ignored": (Peer(mp3=Peer().pcm), "where mp3 was asked for"),
    "another default format": (Peer(default_format="mp3"), "test_a_short_text_is_spoken[default]"),
    "no generation id": (Peer(generation={}), "required headers are missing from the response"),
    "a generation id of another form": (Peer(generation={"X-Generation-Id": "gen-1"}), '"gen-1" does not match'),
    "no key is needed": (Peer(knows_key=anything), "API accepts requests without authentication"),
    "any key will do": (Peer(knows_key=bool), "API accepts invalid authentication"),
    "a field is not required": (Peer(required=("model",)), "Missing required property: input"),
    "a number is taken for a text": (Peer(rules=RULES | {"model": anything}), "model: Incorrect type"),
    "any format is taken": (Peer(rules=RULES | {"response_format": anything}), "response_format: Invalid enum value"),
    "any provider is taken": (Peer(rules=RULES | {"provider": anything}), "in body - provider"),
    "speed is refused": (Peer(rules=RULES | {"speed": never}), "Valid data should have been accepted"),
    "any body is taken": (Peer(reads=read_anything), "test_a_body_that_is_not_json_is_refused[cut off]"),
    "any media type is taken": (Peer(takes_media_type=anything), "a body of type "),
    "no model is known": (Peer(knows_model=never), "an example of the description got a 404"),
    "a malformed request is a 422": (Peer(refusal=422), "Received: 422"),
    "a 415 where JSON was sent": (Peer(refusal=415), "Received: 415"),
    "errors have another shape": (Peer(error=detail), '"error" is a required property'),
    "errors are ZodErrors": (Peer(error=zod_error), '"code" is a required property'),
    "errors are pages": (Peer(error=page), "Received: text/html"),
    "error.code is not the status": (Peer(error=always_400), "error.code is 400 in a response of status 401"),
    "another method is a 404": (Peer(not_allowed=404), "expected 405 Method Not Allowed"),
    "a 405 without Allow": (Peer(allow={}), "405 without required `Allow` header"),
    "another script is a 401": (Peer(fails=has_another_script, failure=401), "Valid data should have been accepted"),
    "another script is a 500": (Peer(fails=has_another_script), "[500] Internal Server Error"),
    "another script ends the connection": (Peer(hangs_up=has_another_script), "Remote end closed connection"),
}


def test_each_broken_server_fails(run: Run) -> None:
    with serving({name: peer for name, (peer, _) in BROKEN.items()}) as servers:
        failures = run(urls=urls_of(servers))
    found = dict.fromkeys(BROKEN, "")
    for failure in re.split(r"^(?=test_)", failures, flags=re.MULTILINE)[1:]:
        (name,) = re.findall(r"^.*?<(.+?)>", failure)
        found[name] += failure.replace(f"<{name}>-", "").replace(f"-<{name}>", "")
    assert {name: found[name] for name, (_, named) in BROKEN.items() if named not in found[name]} == {}


def test_the_requests_repeat_unless_another_seed_is_chosen(run: Run) -> None:
    """Even after a failure, which Hypothesis would remember."""
    with serving(dict.fromkeys(("first", "again", "other"), Peer(fails=has_another_script))) as servers:
        first, again, other = servers.values()
        assert run(first, again).count("[500]") == 2
        assert "[500]" in run(other, SEED="7")
    sent = [[(one.method, one.path, one.body) for one in server.requests] for server in (first, again, other)]
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_a_live_check_is_cheap(run: Run) -> None:
    """Requests are charged by the character."""
    with PeerServer(Peer()) as server:
        assert run(server, LIVE="1") == ""
    assert 5 < len(server.requests) <= 10
    assert sum(len(request.body) for request in server.requests) < 2_000
    with PeerServer(Peer(knows_key=anything, success=201)) as broken:
        assert "expected a 401, got a 201" in run(broken, LIVE="1")
    assert len(broken.requests) <= 10


def test_the_server_may_be_on_another_host_or_behind_a_proxy(run: Run) -> None:
    with PeerServer(Peer()) as server:
        assert run(urls={"": server.url.replace("127.0.0.1", "0.0.0.0")}, LIVE="1") == ""
        run(urls={"": "http://speech.invalid/api/v1"}, http_proxy=server.url, LIVE="1")
    assert server.requests[-1].path == "http://speech.invalid/api/v1/audio/speech"


def repeat_the_key(status: int, message: str) -> tuple[str, bytes]:
    return documented_error(status, f"{KEY} is right, and yet: {'.' * 405}{KEY}")


def test_the_key_is_never_shown(run: Run, tmp_path: Path) -> None:
    """Not even in part, in a long text that is cut. A random seed is shown."""
    echoing = {
        "in an error": Peer(error=repeat_the_key, refusal=422),
        "in a header": Peer(generation={"X-Generation-Id": f"{'.' * 60}{KEY}"}),
        "instead of a response": Peer(hangs_up=anything, last_words=f"{KEY}\r\n".encode()),
    }
    with serving(echoing) as servers:
        failures = run(urls=urls_of(servers), SEED="random")
    for place, server in servers.items():
        assert f"<{place}>" in failures
        assert any(KEY in request.headers.get("authorization", "") for request in server.requests)
    assert "curl -X POST" in failures
    assert re.search(rf"The same requests again: SEED=\d+ EXAMPLES={EXAMPLES}", failures)
    for shown in (tmp_path / "contract.xml", tmp_path / "contract.log"):
        assert KEY[:12] not in shown.read_text()


def test_a_malformed_key_is_not_shown(run: Run, tmp_path: Path) -> None:
    with PeerServer(Peer()) as server, pytest.raises(AssertionError, match="API_KEY has a character that no header"):
        run(server, API_KEY=f"{KEY}\n{KEY}")
    for shown in (tmp_path / "contract.xml", tmp_path / "contract.log"):
        assert KEY not in shown.read_text()


def test_make_contract_fails_if_a_test_fails(make: Make, tmp_path: Path) -> None:
    with PeerServer(Peer(success=201)) as server:
        variables = (f"BASE_URL={server.url}", f"API_KEY={KEY}", "LIVE=1", f"OUT={tmp_path}")
        result = make("contract", f"--old-file={sys.prefix}/.installed", *variables)
    assert result.returncode == 2, result.stdout + result.stderr
    report = (tmp_path / "contract.xml").read_text()
    assert 'name="test_a_short_text_is_spoken[mp3]"' in report
    assert KEY not in result.stdout + result.stderr + report
