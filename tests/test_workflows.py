"""The workflows for GitHub: they ask for what is there, may do no more than they must, and report as they should."""

import os
import re
import subprocess
import sys
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
from .tools.conftest import NO_SETUP
from .tools.samples import Upstream, small

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


def test_upstream_is_compared_each_week_and_when_asked() -> None:
    events = WORKFLOWS["upstream"][True]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", events["schedule"][0]["cron"])
    (given,) = events["workflow_dispatch"]["inputs"]
    (report,) = (step for step in STEPS if "report-upstream" in str(step))
    assert report["env"]["UPSTREAM"] == f"${{{{ inputs.{given} || 'https://openrouter.ai/openapi.yaml' }}}}"


def test_no_workflow_may_do_more_than_it_must() -> None:
    assert {name: workflow["permissions"] for name, workflow in WORKFLOWS.items()} == {
        "ci": {"contents": "read"},
        "upstream": {"contents": "read", "issues": "write"},
    }
    assert not [job for job in JOBS if "permissions" in job]
    checkouts = [step for step in STEPS if "actions/checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_job_runs_for_ever_or_beside_itself() -> None:
    assert all(job["timeout-minutes"] <= 30 for job in JOBS)
    assert all("group" in workflow["concurrency"] for workflow in WORKFLOWS.values())


def test_actions_are_github_s_own_at_a_version() -> None:
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert actions
    assert not [action for action in actions if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)]


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


Report = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Runs what the weekly workflow runs; in place of GitHub's program, one that writes down what it is asked to do."""
    (tmp_path / "bin").mkdir()
    program(
        tmp_path / "bin/gh",
        f'echo "$*" >> {tmp_path}/asked\n'
        f'case "$*" in *"--body-file -"*) cat > {tmp_path}/body;; "issue list "*) echo "$ISSUE"; exit $BROKEN; esac',
    )

    def run(
        upstream: object, *, issue: str = "", python: object = sys.executable, broken: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ, "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}",
            "PYTHON": str(python), "UPSTREAM": str(upstream), "ISSUE": issue, "BROKEN": str(broken),
        }  # fmt: skip
        command = [PROJECT / ".github/report-upstream"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()[1:]  # the first asks for the open issue


@pytest.fixture
def same(tmp_path: Path) -> Path:
    return Upstream(small()).write(tmp_path)


@pytest.fixture
def different(tmp_path: Path) -> Path:
    upstream = Upstream(small())
    upstream.fields["speed"]["maximum"] = 4
    return upstream.write(tmp_path)


def test_where_nothing_differs_nothing_is_done(report: Report, same: Path, tmp_path: Path) -> None:
    assert report(same).returncode == 0
    assert asked(tmp_path) == []


def test_an_issue_is_closed_when_nothing_differs_any_more(report: Report, same: Path, tmp_path: Path) -> None:
    assert report(same, issue="7").returncode == 0
    (close,) = asked(tmp_path)
    assert close.startswith("issue close 7 --comment ")


def test_a_difference_opens_an_issue_with_the_report(report: Report, different: Path, tmp_path: Path) -> None:
    result = report(different)
    assert result.returncode == 0, result.stderr
    label, create = asked(tmp_path)
    assert label.startswith("label create upstream --force ")
    assert create.startswith("issue create ")
    assert "--label upstream " in create
    body = (tmp_path / "body").read_text()
    assert str(different) in body.splitlines()[0]
    assert re.search(r"^    request application/json \.speed maximum \| ", body, re.MULTILINE)
    assert result.stdout.startswith("request application/json .speed maximum | ")


def test_a_second_difference_goes_into_the_same_issue(report: Report, different: Path, tmp_path: Path) -> None:
    assert report(different, issue="7").returncode == 0
    (edit,) = asked(tmp_path)
    assert edit.startswith("issue edit 7 ")
    assert ".speed maximum" in (tmp_path / "body").read_text()


def test_what_cannot_be_compared_fails_with_the_sentence(report: Report, tmp_path: Path) -> None:
    result = report(tmp_path / "nothing.yaml", issue="7")
    assert result.returncode == 2
    assert result.stderr.startswith(f"{tmp_path}/nothing.yaml cannot be read: No such file or directory.\n")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("end", ["echo Traceback >&2; exit 1", "echo request half of it; exit 137"])
def test_a_program_that_breaks_off_has_found_no_difference(
    end: str, report: Report, same: Path, tmp_path: Path
) -> None:
    assert report(same, python=program(tmp_path / "python", end)).returncode == 2
    assert not (tmp_path / "asked").exists()


def test_github_s_refusal_is_a_failure(report: Report, different: Path, tmp_path: Path) -> None:
    assert report(different, broken=4).returncode == 4
    assert asked(tmp_path) == []


def test_a_report_fits_into_an_issue_and_is_shown_as_it_is(report: Report, tmp_path: Path) -> None:
    long = program(tmp_path / "python", "yes '~~~ @somebody # a line that upstream wrote' | head -n 9999; exit 1")
    assert report("anything", python=long).returncode == 0
    introduction, empty, *lines = (tmp_path / "body").read_text().splitlines()
    assert introduction
    assert empty == ""
    assert len(lines) > 1000
    assert all(line.startswith("    ") for line in lines)
    assert (tmp_path / "body").stat().st_size < 65536
