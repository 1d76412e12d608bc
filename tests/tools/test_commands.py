"""The two commands as they are called: by make, by a program that reads JSON."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import PROJECT, Make
from .conftest import Run
from .samples import Upstream, small

NO_SETUP = f"--assume-old={sys.prefix}/.installed"
"""An environment that runs tests is not set up anew by them."""


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A description with two differences, of which the second is no longer allowed."""
    upstream = Upstream(small())
    upstream.fields["speed"]["maximum"] = 4
    upstream.responses["200"]["headers"] = {"X-Generation-Id": {"required": True, "schema": {"type": "string"}}}
    return upstream.write(tmp_path)


def test_json(changed: Path, run: Run) -> None:
    status, lines = run("upstream-diff", changed, "--json")
    assert status == 1
    speed, header = json.loads("\n".join(lines))["differences"]
    assert {key: speed[key] for key in ("kind", "where", "ours", "upstream", "breaking")} == {
        "kind": "difference",
        "where": "request application/json .speed maximum",
        "ours": None,
        "upstream": 4,
        "breaking": True,
    }
    assert header["where"] == "response 200 header x-generation-id pattern"
    assert header["ours"].startswith("^gen-tts-")


def test_json_of_a_new_field_has_all_its_facts(tmp_path: Path, run: Run) -> None:
    upstream = Upstream(small())
    upstream.fields["tone"] = {"type": "string", "enum": ["warm", "dry"], "nullable": True}
    _, lines = run("upstream-diff", upstream.write(tmp_path), "--json")
    (tone,) = json.loads("\n".join(lines))["differences"]
    assert tone["upstream"] == {"required": False, "type": "string", "null": True, "enum": ['"dry"', '"warm"']}


def test_json_of_a_stale_entry(tmp_path: Path, run: Run) -> None:
    upstream = Upstream(small())
    upstream.fields["voice"]["minLength"] = 1
    _, lines = run("upstream-diff", upstream.write(tmp_path), "--json")
    (entry,) = json.loads("\n".join(lines))["differences"]
    assert (entry["kind"], entry["ours"], entry["upstream"]) == ("stale entry", 1, None)


def test_json_of_no_difference(tmp_path: Path, run: Run) -> None:
    status, lines = run("upstream-diff", Upstream(small()).write(tmp_path), "--json")
    assert (status, json.loads("\n".join(lines))) == (0, {"differences": []})


def test_a_line_has_room_for_some_facts(tmp_path: Path, run: Run) -> None:
    upstream = Upstream(small())
    del upstream.responses["400"]
    _, (line,) = run("upstream-diff", upstream.write(tmp_path))
    assert re.search(r" and \d+ more facts here, nothing upstream \| breaking \| ", line)
    assert line.count("application/json ") == 5


def test_the_module_is_a_program(changed: Path) -> None:
    command = [sys.executable, "-m", "tools", "upstream-diff", str(changed)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 2


def test_make_compares_with_upstream(make: Make, changed: Path, tmp_path: Path) -> None:
    result = make(NO_SETUP, "upstream-diff", f"UPSTREAM={changed}")
    assert result.returncode == 2  # make has no other status for a recipe that failed
    assert result.stdout.startswith("request application/json .speed maximum | ")
    assert "Error 1" in result.stderr
    same = Upstream(small()).write(tmp_path)
    assert make(NO_SETUP, "upstream-diff", f"UPSTREAM={same}", "ARGS=--json").stdout == '{\n  "differences": []\n}\n'


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="this copy of the project is no git repository")
def test_make_compares_with_a_commit(make: Make) -> None:
    result = make(NO_SETUP, "spec-diff", "BASE=HEAD")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("Version step: ")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("upstream-diff", "Name the description to compare with: make upstream-diff UPSTREAM=file-or-URL"),
        ("spec-diff", "Name the commit to compare with: make spec-diff BASE=<branch, tag or hash>"),
    ],
)
def test_make_asks_for_what_it_was_not_told(make: Make, target: str, sentence: str) -> None:
    result = make(NO_SETUP, target, UPSTREAM="", BASE="")
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == sentence


def test_what_is_given_is_a_name_and_no_command(make: Make, tmp_path: Path) -> None:
    name = f'"; touch {tmp_path}/written; "'
    assert "cannot be read" in make(NO_SETUP, "upstream-diff", f"UPSTREAM={name}").stderr
    assert "git knows no commit" in make(NO_SETUP, "spec-diff", f"BASE={name}").stderr
    assert not (tmp_path / "written").exists()
