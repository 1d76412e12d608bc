"""The documents are correct: commands exist, snippets run, links resolve."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from openrouter_speech import __version__
from openrouter_speech.cli import app
from openrouter_speech.mock import MockServer

from .conftest import KEY, OUR_PLUGIN_ALONE, PROJECT, run_programs
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
ELSEWHERE = {path.name for path in (PROJECT / "docs/coming-from").iterdir()}
"""Pages whose programs `tests/interop/test_coming_from.py` runs."""
SNIPPETS = {
    text: place for place, text in blocks("python") if place.partition(":")[0] not in ELSEWHERE and text not in RECIPES
}
"""Each once, with a place of it."""
TESTS = {text for text in SNIPPETS if "def test_" in text}
PAGES = {place.partition(":")[0] for text, place in SNIPPETS.items() if text not in TESTS}


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=[place for place, _ in COMMANDS])
def test_a_command_exists(command: str, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    if "openrouter-speech " in command and program != "pip":
        for name, value in {**in_a_shell(server), "OPENROUTER_API_KEY": KEY}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        run_command(command)
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


def run_command(command: str) -> None:
    """Run a command here; with --help if it serves forever, or needs a device or a strict server."""
    for name in ("letter.txt", "book.txt", "script.txt"):
        Path(name).write_text("Hello world.")
    Path("rows.jsonl").write_text('{"id": "a", "input": "Hello world."}\n')
    program, *arguments = shlex.split(command)
    if not program.endswith("openrouter-speech") or {"|", ">"} & {*arguments}:
        subprocess.run(["sh", "-c", command], check=True)
        return
    if {"mock", "contract", "--play"} & {*arguments}:
        arguments = [arguments[0], "--help"]
    elif arguments[0] == "batch" and "rows.jsonl" not in arguments:  # of a folder that is there
        run_command("openrouter-speech batch rows.jsonl -o prompts")
    code: object
    try:
        code = app.run(arguments)
    except SystemExit as ended:  # as typer ends --help of a group
        code = ended.code
    assert code == 0


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
        environment = {**in_a_shell(server), "OPENROUTER_API_KEY": KEY, "JOB_COMPLETION_INDEX": str(index)}
        subprocess.run(command, cwd=tmp_path, env=os.environ | environment, check=True, capture_output=True)
    assert sorted(request.json["input"] for request in server.requests) == rows


def test_each_target_in_the_text_exists() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(TARGETS)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_snippets_of_a_page_run(page: str, server: MockServer, tmp_path: Path) -> None:
    """Against the mock server."""
    snippets = {
        place: text.replace('"https://openrouter.ai/api/v1"', repr(server.url))
        for text, place in SNIPPETS.items()
        if place.partition(":")[0] == page and text not in TESTS
    }
    redirected = {"": f"import openrouter_speech._generated as door; door.SERVER_URL = {server.url!r}"}
    run_programs(redirected | snippets, tmp_path, OPENROUTER_API_KEY=KEY)


def test_the_snippets_with_tests_run(tmp_path: Path) -> None:
    for number, text in enumerate(TESTS):
        (tmp_path / f"test_{number}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *OUR_PLUGIN_ALONE, "--import-mode=importlib"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


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
