"""The documents are correct: commands exist, snippets run, links resolve."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from openrouter_speech import __version__
from openrouter_speech.mock import MockServer

from .conftest import KEY, OUR_PLUGIN_ALONE, PROJECT
from .test_makefile import TARGETS

DOCUMENTS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
DOCUMENTS += sorted((PROJECT / "docs").rglob("*.md"))
EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
INSTALL = re.compile(rf"pip install (openrouter-speech|'openrouter-speech\[({'|'.join(EXTRAS)}|,)+\]')")
"""Commands whose effect `make check-wheel` tests."""
SHELL = (". .venv/bin/activate", "read -rs OPENROUTER_API_KEY && export OPENROUTER_API_KEY")
"""Commands of the shell itself."""


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the code blocks of a language in all documents, each with its place."""
    return [
        (f"{document.name}:{document.read_text()[: match.start()].count(chr(10)) + 1}", match[1])
        for document in DOCUMENTS
        for match in re.finditer(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)
    ]


COMMANDS = [(place, command) for place, block in blocks("sh") for command in block.splitlines()]
RECIPES = {path.read_text() for path in (PROJECT / "docs/examples").glob("*.py")}
"""Examples that are shown whole. `make examples` runs them."""
SNIPPETS = {text: place for place, text in blocks("python") if "openrouter_speech" in text and text not in RECIPES}
"""Each once, with a place of it. The others are for other packages; `tests/interop/test_coming_from.py` runs them."""


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=[place for place, _ in COMMANDS])
def test_a_command_exists(command: str, server: MockServer, tmp_path: Path) -> None:
    program, *arguments = command.split()
    if "openrouter-speech " in command and program != "pip":
        run_in_a_shell(command, server, tmp_path)
    elif program == "export":
        assert all(item.startswith(("OPENROUTER_SPEECH_", "OPENROUTER_API_KEY=")) for item in arguments)
    elif program in {".", "read"}:
        assert command in SHELL
    elif program == "make":
        assert arguments[0] in TARGETS  # other tests, or CI, run each of them
    elif program == "python":
        subprocess.run([sys.executable, *arguments[:2], "--help"], check=True, capture_output=True)
    else:
        assert INSTALL.fullmatch(command)


def run_in_a_shell(command: str, server: MockServer, folder: Path) -> None:
    """Run a command against the mock server; with --help if it serves forever, or needs a device or a strict server."""
    if " mock" in command or " contract" in command or "--play" in command:
        command = " ".join([*command.split()[:2], "--help"])
    for name in ("letter.txt", "book.txt", "script.txt"):
        (folder / name).write_text("Hello world.")
    (folder / "rows.jsonl").write_text('{"id": "a", "input": "Hello world."}\n')
    if "batch" in command and "rows.jsonl" not in command:  # of a folder that is there
        command = f"openrouter-speech batch rows.jsonl -o prompts && {command}"
    run(["sh", "-c", command], folder, **in_a_shell(server))


def in_a_shell(server: MockServer) -> dict[str, str]:
    """Return the variables of a shell that has the command and its settings."""
    settings = {"SERVER_URL": server.url, "MODEL": "any/model", "VOICE": "alloy"}
    environment = {f"OPENROUTER_SPEECH_{name}": value for name, value in settings.items()}
    return environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_the_parts_of_the_kubernetes_job_do_all_rows_once(server: MockServer, tmp_path: Path) -> None:
    job = yaml.safe_load((PROJECT / "docs" / "examples" / "batch-job.yaml").read_text())["spec"]
    (container,) = job["template"]["spec"]["containers"]
    command = [part.replace("/data", str(tmp_path)) for part in container["command"]]
    rows = [f"Text {number}." for number in range(9)]
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"input": "{row}"}}\n' for row in rows))
    server.reset()
    for index in range(job["completions"]):
        run(command, tmp_path, JOB_COMPLETION_INDEX=str(index), **in_a_shell(server))
    assert sorted(request.json["input"] for request in server.requests) == rows


def run(command: list[str], folder: Path, **environment: str) -> None:
    environment = {**os.environ, "OPENROUTER_API_KEY": KEY, **environment}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_target_in_the_text_exists() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(TARGETS)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=SNIPPETS.values())
def test_a_snippet_runs(snippet: str, server: MockServer, tmp_path: Path) -> None:
    """In a separate process, against the mock server."""
    if "def test_" in snippet:
        (tmp_path / "test_snippet.py").write_text(snippet)
        arguments = ["-p", "no:cacheprovider", *OUR_PLUGIN_ALONE, "test_snippet.py"]
        snippet = f"import sys, pytest; sys.exit(pytest.main({arguments}))"
    snippet = snippet.replace('"https://openrouter.ai/api/v1"', repr(server.url))
    patch = f"import openrouter_speech._generated as door; door.SERVER_URL = {server.url!r}; del door\n"
    run([sys.executable, "-W", "error", "-c", patch + snippet], tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(PROJECT)))
def test_links_and_paths_exist(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    folders = "overlays|tests|docs|templates|generated"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*|[\w-]+\.(?:yaml|toml|md))`", text)
    for target in links:
        assert (document.parent / target).exists(), target
    for target in paths:
        assert (PROJECT / target).exists() or (document.parent / target).exists(), target


def test_the_changelog_starts_with_this_version() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == __version__


def test_a_recipe_is_short() -> None:
    assert all(recipe.count("\n") < 80 for recipe in RECIPES)
