"""`make contract-prism`, with the mock server instead of Prism."""

from pathlib import Path

import pytest
from openrouter_speech.mock import MockServer

from ..conftest import PROJECT
from ..test_makefile import program
from . import prism
from .strategies import EXAMPLES

DESCRIPTION = (PROJECT / "openapi.yaml").read_text()


def changed(tmp_path: Path, old: str, new: str) -> MockServer:
    assert old in DESCRIPTION
    (tmp_path / "openapi.yaml").write_text(DESCRIPTION.replace(old, new))
    return MockServer(description=tmp_path / "openapi.yaml")


def test_accepted_requests_are_counted(server: MockServer) -> None:
    assert prism.judge(server.url) == EXAMPLES


def test_a_refused_request_is_shown(tmp_path: Path) -> None:
    stricter = changed(tmp_path, "speed:\n          type: number", "speed:\n          type: string")
    with stricter as server, pytest.raises(prism.RefusedError, match=r"^400: .*speed.*\n.*'input': "):
        prism.judge(server.url)


def test_a_server_that_accepts_anything_fails(tmp_path: Path) -> None:
    lenient = changed(tmp_path, "required: [input, model]", "required: []")
    with lenient as server, pytest.raises(prism.RefusedError, match="without a model and a voice"):
        prism.judge(server.url)


def test_without_node_it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert prism.main([]) == 2
    assert "Node.js" in capsys.readouterr().err


def test_a_prism_that_does_not_start_has_its_output_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program(tmp_path / "node", "echo v20.0.0")
    program(tmp_path / "npx", 'case "$*" in *" mock "*) echo no such option; exit 1; esac')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prism.main([]) == 2
    assert capsys.readouterr().err == "Prism cannot run: it did not start: no such option.\n"
