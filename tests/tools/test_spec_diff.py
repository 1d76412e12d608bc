"""What changed in openapi.yaml since a commit, and the step of the version that goes with it."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.contract import spec_diff
from tools.document import Document, read

from ..conftest import PROJECT, Make
from .conftest import NO_SETUP, Run, git
from .samples import PATH

NONE = "Version step: none (nothing changed)"
PATCH = "Version step: patch (the wording changed, the contract did not)"
MINOR = "Version step: minor (the contract changed without breaking callers)"
MAJOR = "Version step: major (breaks callers)"
SAY = "explain in CHANGELOG.md what callers must change"
Edit = Callable[[Any], Any]


@pytest.fixture
def repository(project: Path, run: Run) -> Path:
    """The folder as a repository, in which openapi.yaml was committed as v1."""
    git(project, "init", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--message=Describe the operation")
    git(project, "tag", "v1")
    return project


def changed(repository: Path, edit: Edit) -> None:
    path = repository / "openapi.yaml"
    document = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    edit(document)
    path.write_text(json.dumps(document))


def field(name: str, **facts: Any) -> Edit:
    schema = "SpeechRequest"
    return lambda d: d["components"]["schemas"][schema]["properties"].setdefault(name, {}).update(facts)


VOICES: Edit = lambda d: d["paths"].update({"/voices": {"get": {"responses": {}}}})  # noqa: E731
TONE = "POST /audio/speech request application/json .tone | nothing before, required false, type string now"
SPEED = "POST /audio/speech request application/json .speed required | false before, true now"
DEFAULT = "POST /audio/speech request application/json .speed default | nothing before, 1 now"
MENTION, EXPLAIN = "not breaking | mention it in CHANGELOG.md", f"breaking | {SAY}"


@cache
def description() -> Document:
    return read(str(PROJECT / "openapi.yaml"))


def tone(document: Any) -> None:
    field("tone", type="string")(document)


def speed(document: Any) -> None:
    document["components"]["schemas"]["SpeechRequest"]["required"].append("speed")


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([], [NONE]),
        ([field("speed", description="How fast")], [PATCH]),
        ([lambda d: d["paths"][PATH]["post"].update(operationId="speak")], [PATCH]),
        ([tone], [f"{TONE} | {MENTION}", MINOR]),
        ([tone, speed], [f"{SPEED} | {EXPLAIN}", f"{TONE} | {MENTION}", MAJOR]),
        ([VOICES], [f"GET /voices | nothing before, documented now | {MENTION}", MINOR]),
        ([VOICES, field("speed", default=1)],
         [f"{DEFAULT} | {MENTION}", f"GET /voices | nothing before, documented now | {MENTION}", MINOR]),
        ([lambda d: d["paths"].update({"/speech": d["paths"].pop(PATH)})],
         [f"POST {PATH} | documented before, nothing now | {EXPLAIN}",
          f"POST /speech | nothing before, documented now | {MENTION}", MAJOR]),
    ],
    ids=range(8),
)  # fmt: skip
def test_each_change_is_a_line_and_all_make_a_step(edits: list[Edit], lines: list[str]) -> None:
    content = copy.deepcopy(description().content)
    for edit in edits:
        edit(content)
    assert spec_diff(description(), Document("edited", content)).lines == lines


def test_a_base_is_a_branch_a_tag_or_a_hash(repository: Path, run: Run) -> None:
    changed(repository, field("speed", default=1))
    git(repository, "commit", "--all", "--message=Say the default")
    assert run("spec-diff", "HEAD") == run("spec-diff", "main") == (0, [NONE])
    assert run("spec-diff", "HEAD~1")[1][-1] == run("spec-diff", "v1")[1][-1] == MINOR


def test_a_project_may_lie_within_a_repository(project: Path, run: Run) -> None:
    git(project.parent, "init")
    git(project.parent, "add", ".")
    git(project.parent, "commit", "--message=All of it")
    assert run("spec-diff", "HEAD") == (0, [NONE])


def test_a_ref_that_is_none_is_refused(repository: Path, run: Run) -> None:
    before = sorted(repository.iterdir())
    for ref in ("nothing", "", "v1:openapi.yaml", "--output=written", "-h"):
        assert run("spec-diff", "--", ref) == (2, [f"git knows no commit {ref!r} here."])
    for command in ("api-diff", "release-check"):
        assert run(command, "nothing") == (2, ["git knows no commit 'nothing' here."])
    assert sorted(repository.iterdir()) == before


def test_a_commit_without_a_usable_description_is_refused(repository: Path, run: Run) -> None:
    whole = (repository / "openapi.yaml").read_text()
    (repository / "openapi.yaml").write_text("a: [")
    git(repository, "commit", "--all", "--message=Break it")
    git(repository, "rm", "openapi.yaml")
    git(repository, "commit", "--message=Remove it")
    (repository / "openapi.yaml").write_text(whole)
    for base, problem in (
        ("HEAD", "The commit HEAD has no openapi.yaml: "),
        ("HEAD~1", "openapi.yaml at HEAD~1 is not"),
    ):
        status, (sentence,) = run("spec-diff", base)
        assert (status, sentence.startswith(problem)) == (2, True)


def test_without_a_repository_or_git_there_is_a_sentence(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("spec-diff", "HEAD")[1][0].startswith("git knows no commit 'HEAD' here: not a git repository")
    assert run("release-check")[1][0].startswith("The tags cannot be listed: not a git repository")
    monkeypatch.setenv("PATH", "")
    status, (sentence,) = run("spec-diff", "HEAD")
    assert (status, sentence.startswith("git cannot be run: ")) == (2, True)


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="this copy of the project is no git repository")
def test_make_compares_with_a_commit(make: Make, tmp_path: Path) -> None:
    result = make(NO_SETUP, "spec-diff", "BASE=HEAD")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("Version step: ")
    asked = "Name the commit to compare with: make spec-diff BASE=<branch, tag or hash>"
    assert make(NO_SETUP, "spec-diff", BASE="").stderr.splitlines()[0] == asked
    assert "git knows no commit" in make(NO_SETUP, "spec-diff", f'BASE="; touch {tmp_path}/written; "').stderr
    assert not (tmp_path / "written").exists()
