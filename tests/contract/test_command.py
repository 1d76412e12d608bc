"""`openrouter-speech contract`: what it prints, writes and returns."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from openrouter_speech.cli.app import run
from openrouter_speech.contract import Exchange
from openrouter_speech.contract import run as contract
from openrouter_speech.contract.description import schema

from .peer import KEY, Peer, PeerServer, documented_error


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key of the server."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)


def test_nothing_is_written_where_it_runs() -> None:
    """Schemathesis can keep requests in the current folder, to begin the next run with them."""
    assert not schema("http://127.0.0.1:9", None).config.cache.enabled


def test_a_broken_rule_shows_the_request_and_the_response(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = ["--html", str(tmp_path / "r.html"), "--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml")]
    with PeerServer(Peer(pcm=("audio/pcm", b"\0\0"))) as server:
        assert run(["contract", server.url, "--live", *files]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("BROKEN"))
    assert lines[at].endswith("A success is whole audio in the requested format. [audio]")
    assert "where rate=24000;channels=1 is documented" in lines[at + 1]
    assert lines[at + 2].lstrip().startswith('curl -X POST -H "Authorization: Bearer $OPENROUTER_API_KEY"')
    assert lines[at + 3].strip() == "-> 200, audio/pcm, 2 bytes"
    states = {rule["name"]: rule["state"] for rule in json.loads((tmp_path / "r.json").read_text())["rules"]}
    assert states["audio"] == "broken"
    cases = ET.parse(tmp_path / "r.xml").findall("testcase")
    assert {case.get("name") for case in cases} == states.keys()
    assert [case.get("name") for case in cases if case.find("failure") is not None] == ["audio"]


def test_less_coverage_than_needed_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with PeerServer(Peer()) as server:
        assert run(["contract", server.url, "--live", "--fail-under", "99.5"]) == 1
    assert "is less than --fail-under 99.5." in capsys.readouterr().err


BAD_INPUT = {
    "over 100": (["http://127.0.0.1:9", "--fail-under", "101"], "--fail-under"),
    "unset key": (["http://127.0.0.1:9", "--key-env", "NO_SUCH"], "NO_SUCH is not set"),
    "no host": (["http://"], "is no URL of a server"),
    "seed": (["http://127.0.0.1:9", "--seed", "x"], "--seed must be a number"),
    "no description": (["http://127.0.0.1:9", "--spec", "missing.yaml"], "missing.yaml cannot be read"),
    "no folder": (["http://127.0.0.1:9", "--json", "missing/r.json"], "missing is no folder"),
    "a folder": (["http://127.0.0.1:9", "--junit", "."], "it is a folder"),
}


@pytest.mark.parametrize(("arguments", "words"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["contract", *arguments]) == 2
    out, err = capsys.readouterr()
    error, *hints = err.splitlines()
    assert words in error
    assert all(hint.startswith("Hint: ") for hint in hints)
    assert (out, list(tmp_path.iterdir())) == ("", [])


def test_the_page_needs_no_network_and_names_every_rule_and_fact() -> None:
    with PeerServer(Peer(pcm=("audio/pcm", b"\0\0"))) as server:
        report = contract(server.url, KEY, live=True)
    shown = report.html()
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|src=", shown)
    assert "prefers-color-scheme: dark" in shown
    assert shown.count("<tr>") == len(report.verdicts) + len(report.facts)
    assert shown.count("<tr>") == shown.count('scope="row"')
    assert "&lt;" not in re.sub(r"<pre>.*?</pre>", "", shown, flags=re.DOTALL)
    assert "curl -X POST" in shown
    assert KEY not in shown


def test_what_a_server_sends_is_escaped_in_the_page() -> None:
    def script(status: int, message: str) -> tuple[str, bytes]:
        return documented_error(status, "<script>alert(1)</script>")

    with PeerServer(Peer(error=script, refusal=422)) as server:
        shown = contract(server.url, KEY, live=True).html()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_the_curl_line_sends_the_same_request(tmp_path: Path) -> None:
    body = b"it's \xff\n\\ {}"
    sent = Exchange(
        method="POST", url="http://h/a?b", request_headers={"X-Empty": "", "Authorization": "Bearer $MY_KEY"},
        body=body, key_is_right=True, status=None,
    )  # fmt: skip
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (tmp_path / "curl").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MY_KEY": "k", "LC_ALL": "C"}
    shown = subprocess.run(["bash", "-c", sent.curl()], env=environment, capture_output=True, check=True).stdout
    arguments = b"-X|POST|-H|X-Empty;|-H|Authorization: Bearer k|-H|Content-Type:|--data-raw|%b|http://h/a?b|"
    assert shown == arguments % body


def test_a_conforming_server_is_one_screen_and_an_archive_without_the_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def repeat(status: int, message: str) -> tuple[str, bytes]:
        return documented_error(status, f"{KEY} is right, and yet")

    file = tmp_path / "r.har"
    with PeerServer(Peer(error=repeat)) as server:
        assert run(["contract", server.url, "--examples", "5", "--fail-under", "60", "--har", str(file)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) < 25
    assert "Rules: 16 kept, 0 broken, 0 never seen" in out
    assert err == ""
    archive = file.read_text()
    entries = json.loads(archive)["log"]["entries"]
    assert f"{server.url}: {len(entries)} requests" in out
    assert {entry["response"]["status"] for entry in entries} >= {200, 400, 401, 405}
    assert KEY[:12] not in archive
