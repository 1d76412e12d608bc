"""The workflows for GitHub: they ask for what is there, may do no more than they must, and report as they should."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import workflow_lint
from .conftest import PROJECT, Make
from .test_makefile import TARGETS, program
from .test_npx import needs
from .tools.conftest import NO_SETUP, git

FOLDER = PROJECT / ".github/workflows"
WORKFLOWS: dict[str, Any] = {path.stem: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yml")}
JOBS = [job for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]
STEPS: list[dict[str, Any]] = [step for job in JOBS for step in job["steps"]]


def test_ci_runs_on_each_python_that_is_promised() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    job = WORKFLOWS["ci"]["jobs"]["check"]
    assert job["strategy"] == {"fail-fast": False, "matrix": {"python": promised}}
    setup, check = (next(step for step in job["steps"] if key in str(step)) for key in ("setup-python", ".ci/run"))
    assert setup["with"]["python-version"] == "${{ matrix.python }}"
    assert check["env"]["PYTHON"] == f"${{{{ steps.{setup['id']}.outputs.python-path }}}}"


def test_ci_runs_for_main_and_for_what_wants_to_be_there() -> None:
    assert WORKFLOWS["ci"][True] == {"push": {"branches": ["main"]}, "pull_request": None}  # YAML takes `on` for true


def test_upstream_is_taken_in_each_week_and_when_asked() -> None:
    events = WORKFLOWS["upstream"][True]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", events["schedule"][0]["cron"])
    (given,) = events["workflow_dispatch"]["inputs"]
    (report,) = (step for step in STEPS if "propose-update" in str(step))
    assert report["env"]["UPSTREAM"] == f"${{{{ inputs.{given} || 'https://openrouter.ai/openapi.yaml' }}}}"


def test_no_workflow_may_do_more_than_it_must() -> None:
    assert {name: workflow["permissions"] for name, workflow in WORKFLOWS.items()} == {
        "ci": {"contents": "read"},
        "pages": {"contents": "read"},
        "release": {"contents": "read"},
        "upstream": {"contents": "write", "pull-requests": "write"},
    }
    more = {
        (name, key): job["permissions"]
        for name, workflow in WORKFLOWS.items()
        for key, job in workflow["jobs"].items()
        if "permissions" in job
    }
    assert more == {
        ("pages", "deploy"): {"pages": "write", "id-token": "write"},
        ("release", "publish"): {"id-token": "write"},
        ("release", "notes"): {"contents": "write"},
    }
    checkouts = [step for step in STEPS if "actions/checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_job_runs_for_ever_or_beside_itself() -> None:
    assert all(job["timeout-minutes"] <= 30 for job in JOBS)
    assert all("group" in workflow["concurrency"] for workflow in WORKFLOWS.values())


def test_actions_are_ours_or_github_s_own_at_a_version() -> None:
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert actions
    others = {action for action in actions if not re.fullmatch(r"\./|actions/[a-z-]+@v\d+", action)}
    assert others == {"pypa/gh-action-pypi-publish@release/v1"}  # PyPI's own, the only one that can attest


def test_the_package_is_published_from_what_was_built_and_only_for_a_tag() -> None:
    release = WORKFLOWS["release"]
    assert release[True] == {"push": {"tags": ["v*"]}}
    build, publish, notes = release["jobs"].values()
    assert [step["run"] for step in build["steps"] if "run" in step] == [
        "make release-notes", "make check-wheel", "make dist",
    ]  # fmt: skip
    assert (publish["needs"], notes["needs"]) == ("build", "publish")
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact", "pypa/gh-action-pypi-publish",
    ]  # fmt: skip
    assert publish["steps"][1]["with"] == {"attestations": True}
    assert "TAG" not in str(publish)


def test_the_site_is_published_for_main_after_it_was_built() -> None:
    build, deploy = WORKFLOWS["pages"]["jobs"].values()
    assert WORKFLOWS["pages"][True] == {"push": {"branches": ["main"]}, "workflow_dispatch": None}
    assert "make docs" in [step.get("run") for step in build["steps"]]
    assert build["steps"][-1]["with"]["path"] == "out/site"
    assert deploy["needs"] == "build"


def test_a_release_on_github_has_the_notes_and_the_files(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for folder in (tmp_path / "bin", project / ".github", project / "dist"):
        folder.mkdir(parents=True)
    shutil.copy(PROJECT / ".github/release", project / ".github")
    (project / "dist/a.whl").touch()
    program(tmp_path / "bin/gh", f'echo "$*" > {tmp_path}/asked; cat > {tmp_path}/notes')
    python = program(tmp_path / "python", 'test "$5" = v1.2.3 && echo "- $*" || exit 2')

    def run(tag: str) -> int:
        path = f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHON": str(python), "TAG": tag}
        return subprocess.run([project / ".github/release"], env=environment, check=False).returncode

    assert run("v1.2.4") != 0
    assert not (tmp_path / "asked").exists()
    assert run("v1.2.3") == 0
    asked = (tmp_path / "asked").read_text()
    assert asked == "release create v1.2.3 dist/a.whl --verify-tag --title v1.2.3 --notes-file -\n"
    assert (tmp_path / "notes").read_text() == "- -m tools release-notes -- v1.2.3\n"


def test_commands_are_there_and_take_text_from_the_environment_only() -> None:
    commands = [step["run"] for step in STEPS if "run" in step]
    assert commands
    for command in commands:
        if command.startswith("make "):
            assert command.removeprefix("make ") in TARGETS
        else:
            assert os.access(PROJECT / command, os.X_OK), command


BROKEN = [
    ("branches:", "branch:", 'unexpected key "branch"'),
    ("Python ${{ matrix.python }}", "Python ${{ matrix.pyton }}", 'property "pyton" is not defined'),
    ("run: .ci/run", "run: echo ${{ github.head_ref }}", '"github.head_ref" is potentially untrusted'),
    ("    runs-on: ubuntu-latest\n", "", '"runs-on" section is missing'),
    ("contents: read", "contents: some", "is invalid for permission"),
    ("jobs:", "jobs: [", "could not parse as YAML"),
]


def test_actionlint_rejects_workflows_that_would_not_run(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(workflow_lint.ACTIONLINT, monkeypatch)
    text = (FOLDER / "ci.yml").read_text()
    (tmp_path / "fine.yml").write_text(text)
    for number, (old, new, _) in enumerate(BROKEN):
        assert old in text
        (tmp_path / f"{number}.yml").write_text(text.replace(old, new, 1))
    result = make(NO_SETUP, "workflow-lint", f"WORKFLOWS={tmp_path}")
    assert result.returncode == 2
    for number, (_, _, problem) in enumerate(BROKEN):
        assert re.search(rf"^{number}\.yml:\d+:\d+ .*{re.escape(problem)}", result.stderr, re.MULTILINE)
    assert "fine.yml" not in result.stderr


def test_a_folder_without_workflows_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow_lint.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"There is no workflow in {tmp_path}.\n"


Propose = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def propose(tmp_path: Path) -> Propose:
    """Run what the weekly workflow runs, in a repository, with programs that take notes in place of Python and gh."""
    project, origin = tmp_path / "project", tmp_path / "origin"
    (tmp_path / "bin").mkdir()
    (project / ".github").mkdir(parents=True)
    shutil.copy(PROJECT / ".github/propose-update", project / ".github")
    git(tmp_path, "init", "--bare", str(origin))
    git(project, "init", "--initial-branch=main")
    git(project, "remote", "add", "origin", str(origin))
    git(project, "add", ".")
    git(project, "commit", "--message=As it was")
    program(
        tmp_path / "bin/gh",
        f'echo "$*" >> {tmp_path}/asked\n'
        f'case "$*" in *"--body-file -"*) cat > {tmp_path}/body;; "pr list "*) echo "$OPEN"; exit $BROKEN; esac',
    )

    def run(script: str, *, open_: str = "", broken: int = 0) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ, "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}", "OPEN": open_,
            "PYTHON": str(program(tmp_path / "python", script)), "UPSTREAM": "u.yaml", "BROKEN": str(broken),
        }  # fmt: skip
        command = [project / ".github/propose-update"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()[1:]  # the first asks for the open pull request


def pushed(tmp_path: Path) -> str:
    command = ["git", "-C", str(tmp_path / "origin"), "log", "--format=%s", "--name-only", "upstream"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


CHANGE = 'echo "$*: a line that upstream wrote"; echo new > openapi.yaml'


def test_a_change_opens_a_pull_request_with_the_report(propose: Propose, tmp_path: Path) -> None:
    result = propose(CHANGE)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("-m tools update -- u.yaml: a line")
    assert asked(tmp_path)[0] == "auth setup-git"
    assert asked(tmp_path)[1].startswith("pr create --head upstream --title ")
    assert pushed(tmp_path).startswith("Take in the provider's description\n\nopenapi.yaml\n")
    body = (tmp_path / "body").read_text()
    assert "u.yaml" in body.splitlines()[0]
    assert "    -m tools update -- u.yaml: a line that upstream wrote" in body.splitlines()


def test_a_later_change_replaces_the_branch(propose: Propose, tmp_path: Path) -> None:
    assert propose(CHANGE).returncode == 0
    git(tmp_path / "project", "switch", "main")
    assert propose(CHANGE.replace("new", "newer")).returncode == 0
    assert pushed(tmp_path).count("Take in") == 1


def test_an_open_pull_request_is_left_alone(propose: Propose, tmp_path: Path) -> None:
    assert propose(CHANGE, open_="7").stdout == "Pull request #7 is still open.\n"
    assert (asked(tmp_path), pushed(tmp_path)) == ([], "")


@pytest.mark.parametrize(("script", "status"), [("echo Nothing", 0), ("echo no >&2; exit 2", 2), ("exit 137", 137)])
def test_without_a_change_there_is_no_pull_request(script: str, status: int, propose: Propose, tmp_path: Path) -> None:
    assert propose(script).returncode == status
    assert (asked(tmp_path), pushed(tmp_path)) == ([], "")


def test_github_s_refusal_is_a_failure(propose: Propose, tmp_path: Path) -> None:
    assert propose(CHANGE, broken=4).returncode == 4
    assert pushed(tmp_path) == ""


def test_a_report_fits_into_a_pull_request_and_is_shown_as_it_is(propose: Propose, tmp_path: Path) -> None:
    assert propose("yes '~~~ @somebody # a line that upstream wrote' | head -n 9999; echo > new").returncode == 0
    first, second, empty, *lines = (tmp_path / "body").read_text().splitlines()
    assert first
    assert second
    assert empty == ""
    assert len(lines) > 1000
    assert all(line.startswith("    ") for line in lines)
    assert (tmp_path / "body").stat().st_size < 65536
