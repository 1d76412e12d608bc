"""action.yml and the recipe for GitLab: valid for their services, and their steps run as those run them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from openrouter_speech.mock import MockServer

from .conftest import KEY, PROJECT
from .test_makefile import program

ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text())
GITLAB = PROJECT / "docs/examples/.gitlab-ci.yml"
REPORTS = ["contract.html", "contract.json", "contract.xml"]


@pytest.mark.parametrize(("schema", "file"), [("github-actions", PROJECT / "action.yml"), ("gitlab-ci", GITLAB)])
def test_the_service_takes_the_file(schema: str, file: Path, tmp_path: Path) -> None:
    def check(path: Path) -> int:
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert check(file) == 0
    (tmp_path / file.name).write_text(re.sub("runs:|script:", "walks:", file.read_text()))
    assert check(tmp_path / file.name) == 1


def shell(script: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a step as GitHub does."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def act(folder: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    """Run the steps of the action until one fails, with a Python that notes its arguments and installs nothing."""
    defaults = {name: str(options.get("default", "")) for name, options in ACTION["inputs"].items()}
    python = program(
        folder / "a python",
        f'echo "$*" >> {folder}/noted\ncase "$2" in pip) ;; *) exec {sys.executable} "$@";; esac',
    )
    known = {f"inputs.{name}": value for name, value in (defaults | given).items()}
    known["steps.python.outputs.python-path"] = str(python)
    result = subprocess.CompletedProcess[str]("", 0)
    for step in ACTION["runs"]["steps"]:
        if "run" not in step:
            continue
        assert "${{" not in step["run"]  # what is put into a script is run as a part of it
        values = {
            name: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], value)
            for name, value in step.get("env", {}).items()
        }
        values |= {"GITHUB_ACTION_PATH": str(PROJECT), "RUNNER_TEMP": str(folder / "temp")}
        result = shell(step["run"], folder, values)
        if result.returncode:
            break
    return result


@pytest.fixture(scope="module")
def url() -> Any:
    with MockServer(api_key=KEY) as server:
        yield server.url


def test_the_action_tests_a_server_without_showing_the_key(url: str, tmp_path: Path) -> None:
    inputs = {"url": url, "api-key": KEY, "live": "true", "spec": str(PROJECT / "openapi.yaml")}
    result = act(tmp_path, **inputs, **{"fail-under": "5", "report-folder": "a report"})
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout
    assert sorted(path.name for path in (tmp_path / "a report").iterdir()) == REPORTS
    installed, tested = (tmp_path / "noted").read_text().splitlines()
    assert f"--target {tmp_path}/temp/openrouter-speech " in installed
    assert installed.endswith(f" {PROJECT}[contract]")
    assert tested.startswith("-m openrouter_speech contract ")
    assert tested.endswith(f" -- {url}")
    assert {"--live", "--spec", "--fail-under"} <= set(tested.split())
    assert KEY not in installed + tested + result.stdout + result.stderr


@pytest.mark.parametrize(
    ("inputs", "status", "words"),
    [
        ({"fail-under": "99.5"}, 1, "--fail-under 99.5"),
        ({"fail-under": "many"}, 2, "--fail-under"),
        ({"live": "yes"}, 2, "live must be true or false, not 'yes'"),
        ({"spec": "$(touch ran).yaml"}, 2, "cannot be read"),
        ({"url": "--help"}, 2, "is no URL of a server"),
        ({"api-key": "another"}, 2, "key"),
    ],
)
def test_the_action_fails_with_the_reason(
    inputs: dict[str, str], status: int, words: str, url: str, tmp_path: Path
) -> None:
    result = act(tmp_path, **{"url": url, "api-key": KEY, "live": "true", **inputs})
    assert (result.returncode, words in result.stderr) == (status, True), result.stderr
    assert not (tmp_path / "ran").exists()


def test_the_workflow_and_the_documentation_give_the_action_what_it_takes() -> None:
    inputs = ACTION["inputs"]
    workflow = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())
    (documented,) = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs/testing.md").read_text(), re.DOTALL)
    for steps in (workflow["jobs"]["action"]["steps"], yaml.safe_load(documented)):
        (given,) = (step["with"] for step in steps if re.search("^./$|/openrouter-speech@", step.get("uses", "")))
        assert {name for name, options in inputs.items() if options.get("required")} <= given.keys() <= inputs.keys()


@pytest.mark.parametrize(("fails", "status"), [("", 0), ("exit 3", 1)])
def test_ci_waits_for_the_mock_server(fails: str, status: int, tmp_path: Path) -> None:
    for folder in (".ci", "bin", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    script = program(tmp_path / ".ci/mock", (PROJECT / ".ci/mock").read_text())
    program(tmp_path / "bin/make", "exit 0")
    if fails:
        program(tmp_path / "bin/sleep", "exit 0")
    program(tmp_path / ".venv/bin/openrouter-speech", fails or 'echo "The mock server listens on $*"')
    environment = {**os.environ, "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"}
    assert subprocess.run(["bash", script], env=environment, check=False, capture_output=True).returncode == status


def test_the_recipe_for_gitlab_tests_a_server(url: str, tmp_path: Path) -> None:
    job = yaml.safe_load(GITLAB.read_text())["contract"]
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin/python3", f"mkdir -p $3/bin; cp {tmp_path}/installed/* $3/bin")
    (tmp_path / "installed").mkdir()
    program(tmp_path / "installed/python", f'echo "$*" > {tmp_path}/noted')
    program(tmp_path / "installed/openrouter-speech", f'exec {sys.executable} -m openrouter_speech "$@" --live')
    environment = {
        **job["variables"], "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}",
        "OPENROUTER_API_KEY": KEY, "SERVER_URL": url, "FAIL_UNDER": "5",
    }  # fmt: skip
    result = shell("\n".join(job["script"]), tmp_path, environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "noted").read_text() == "-m pip install --quiet openrouter-speech[contract]\n"
    assert sorted(path.name for path in (tmp_path / "contract-report").iterdir()) == REPORTS
    assert f"contract-report/{REPORTS[-1]}" == job["artifacts"]["reports"]["junit"]
