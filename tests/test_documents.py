"""The documents say what is so: their commands exist, their snippets run, their versions agree."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from openrouter_speech import __version__
from openrouter_speech.mock import MockServer

from .conftest import KEY, OUR_PLUGIN_ALONE, PROJECT
from .test_makefile import TARGETS

DOCUMENTS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
DOCUMENTS += sorted((PROJECT / "docs").rglob("*.md"))
EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
INSTALLS = ("pip install openrouter-speech", *(f"pip install 'openrouter-speech[{extra}]'" for extra in EXTRAS))
"""Commands that `make check-wheel` runs in its own form, with the wheel in place of the name."""


def blocks(language: str) -> list[tuple[str, str]]:
    """The fenced blocks of a language in all documents, each with its place."""
    return [
        (f"{document.name}:{document.read_text()[: match.start()].count(chr(10)) + 1}", match[1])
        for document in DOCUMENTS
        for match in re.finditer(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)
    ]


COMMANDS = [(place, command) for place, block in blocks("sh") for command in block.splitlines()]
SNIPPETS = blocks("python")


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=[place for place, _ in COMMANDS])
def test_a_command_exists(command: str, server: MockServer, tmp_path: Path) -> None:
    """A target of the Makefile (each of which a test or CI runs), an install, the mock server, or the command line."""
    program, *arguments = command.split()
    if "openrouter-speech " in command and program != "pip":
        run_in_a_shell(command, server, tmp_path)
    elif program == "export":
        assert all(item.startswith("OPENROUTER_SPEECH_") for item in arguments)
    elif program == "make":
        assert arguments[0] in TARGETS
    elif program == "python":
        # With --help in place of the options: that it serves is tested elsewhere.
        subprocess.run([sys.executable, *arguments[:2], "--help"], check=True, capture_output=True)
    else:
        assert command in INSTALLS


def run_in_a_shell(command: str, server: MockServer, folder: Path) -> None:
    """Against the mock server; with --help where a command would serve without end, or need a device."""
    if " mock" in command or "--play" in command:
        command = " ".join([*command.split()[:2], "--help"])
    for name in ("letter.txt", "book.txt"):
        (folder / name).write_text("Hello world.")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_SPEECH_SERVER_URL": server.url,
        "OPENROUTER_SPEECH_MODEL": "any/model",
        "OPENROUTER_SPEECH_VOICE": "alloy",
    }
    result = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"`make ([a-z-]+)", "\n".join(d.read_text() for d in DOCUMENTS))))
)
def test_a_target_that_is_mentioned_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("snippet", [snippet for _, snippet in SNIPPETS], ids=[place for place, _ in SNIPPETS])
def test_a_snippet_runs(snippet: str, server: MockServer, tmp_path: Path) -> None:
    """In a process of its own, against the mock server in place of the real one."""
    if "def test_" in snippet:
        (tmp_path / "test_snippet.py").write_text(snippet)
        arguments = ["-p", "no:cacheprovider", *OUR_PLUGIN_ALONE, "test_snippet.py"]
        snippet = f"import sys, pytest; sys.exit(pytest.main({arguments}))"
    script = snippet.replace('"https://openrouter.ai/api/v1"', repr(server.url))
    script = (
        f"import openrouter_speech._http.session\nopenrouter_speech._http.session.SERVER_URL = {server.url!r}\n{script}"
    )
    environment = {**os.environ, "OPENROUTER_API_KEY": KEY}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(PROJECT)))
def test_a_link_or_path_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    folders = "overlays|tests|docs|templates|generated"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*|[\w-]+\.(?:yaml|toml|md))`", text)
    for target in links:
        assert (document.parent / target).exists(), target
    for target in paths:
        assert (PROJECT / target).exists() or (document.parent / target).exists(), target


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == __version__
