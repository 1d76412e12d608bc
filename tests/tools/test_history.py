"""What changed in openapi.yaml since a commit, and the step of the version that goes with it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Run
from .samples import PATH

NONE = "Version step: none (nothing changed)"
PATCH = "Version step: patch (the wording changed, the contract did not)"
MINOR = "Version step: minor (the contract changed without breaking callers)"
MAJOR = "Version step: major (breaks callers)"
BODY = "request application/json"


def git(folder: Path, *arguments: str) -> None:
    # Whoever runs the tests may sign commits, or have hooks for all repositories.
    settings = {
        "user.name": "Someone", "user.email": "someone@example.com",
        "commit.gpgSign": "false", "tag.gpgSign": "false", "core.hooksPath": os.devnull,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    subprocess.run(["git", "-C", folder, *options, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(project: Path, run: Run) -> Path:
    """The folder as a repository, in which openapi.yaml was committed as v1."""
    git(project, "init", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--message=Describe the operation")
    git(project, "tag", "v1")
    return project


def changed(repository: Path, edit: Callable[[Any], Any]) -> None:
    path = repository / "openapi.yaml"
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.dump(document, sort_keys=False))


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def field(name: str, **facts: Any) -> Callable[[Any], Any]:
    return lambda document: schema(document, "SpeechRequest")["properties"].setdefault(name, {}).update(facts)


def test_nothing_changed(repository: Path, run: Run) -> None:
    assert run("spec-diff", "v1") == (0, [NONE])


def test_another_layout_is_nothing(repository: Path, run: Run) -> None:
    changed(repository, lambda document: None)
    assert run("spec-diff", "v1") == (0, [NONE])


@pytest.mark.parametrize(
    "edit",
    [
        field("speed", description="How fast"),
        lambda d: d["info"].update(version="2.0.0"),
        lambda d: d["paths"][PATH]["post"].update(operationId="speak"),
        lambda d: schema(d, "ErrorResponse")["properties"].update(user_id={"type": "string", "nullable": True}),
    ],
)
def test_other_words_are_a_patch(edit: Callable[[Any], Any], repository: Path, run: Run) -> None:
    changed(repository, edit)
    assert run("spec-diff", "v1") == (0, [PATCH])


def test_something_optional_is_a_minor(repository: Path, run: Run) -> None:
    changed(repository, field("language", type="string"))
    status, (line, verdict) = run("spec-diff", "v1")
    assert status == 0
    what = "nothing before, required false, type string now"
    assert line == f"{BODY} .language | {what} | not breaking | mention it in CHANGELOG.md"
    assert verdict == MINOR


def test_something_that_breaks_is_a_major(repository: Path, run: Run) -> None:
    """Also where something that does not break goes with it."""
    changed(repository, field("language", type="string"))
    changed(repository, lambda document: schema(document, "SpeechRequest")["required"].append("speed"))
    _, (required, language, verdict) = run("spec-diff", "v1")
    say = "explain in CHANGELOG.md what callers must change"
    assert required == f"{BODY} .speed required | false before, true now | breaking | {say}"
    assert language.startswith(f"{BODY} .language | ")
    assert verdict == MAJOR


def test_the_shared_error_is_one_line(repository: Path, run: Run) -> None:
    changed(repository, lambda document: schema(document, "ErrorDetail")["properties"].pop("metadata"))
    _, (line, verdict) = run("spec-diff", "v1")
    assert line.startswith(
        "response 400, 401, 402, 404, 429, 500, 502, 503, 524, 529 application/json .error.metadata | "
    )
    assert verdict == MAJOR


def test_one_more_operation_is_a_minor(repository: Path, run: Run) -> None:
    changed(repository, lambda document: document["paths"].update({"/voices": {"get": {"responses": {}}}}))
    changed(repository, field("speed", default=1))
    _, lines = run("spec-diff", "v1")
    assert [line.partition(" | ")[0] for line in lines] == [
        f"POST {PATH} {BODY} .speed default",
        "GET /voices",
        MINOR,
    ]


def test_an_operation_that_moves_is_a_major(repository: Path, run: Run) -> None:
    changed(repository, lambda document: document["paths"].update({"/speech": document["paths"].pop(PATH)}))
    _, lines = run("spec-diff", "v1")
    assert [line.partition(" | ")[0] for line in lines] == [f"POST {PATH}", "POST /speech", MAJOR]


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


def test_json(repository: Path, run: Run) -> None:
    changed(repository, field("speed", default=1))
    status, lines = run("spec-diff", "v1", "--json")
    assert status == 0
    assert json.loads("\n".join(lines)) == {
        "version_step": "minor",
        "differences": [
            {
                "kind": "difference",
                "where": f"{BODY} .speed default",
                "before": None,
                "now": "1",
                "breaking": False,
                "advice": "mention it in CHANGELOG.md",
            }
        ],
    }


@pytest.mark.parametrize("ref", ["nothing", "", "v1:openapi.yaml", "--output=written", "-h", "v1 v1"])
def test_a_ref_that_is_none_is_refused(ref: str, repository: Path, run: Run) -> None:
    before = sorted(repository.iterdir())
    assert run("spec-diff", "--", ref) == (2, [f"git knows no commit {ref!r} here."])
    assert sorted(repository.iterdir()) == before


def test_a_commit_without_the_description_is_refused(repository: Path, run: Run) -> None:
    git(repository, "mv", "openapi.yaml", "other.yaml")
    status, (sentence,) = run("spec-diff", "v1", "--ours", "other.yaml")
    assert status == 2
    assert sentence.startswith("The commit v1 has no other.yaml: path 'other.yaml' exists on disk, but not in ")


def test_a_commit_with_a_broken_description_is_refused(repository: Path, run: Run) -> None:
    whole = (repository / "openapi.yaml").read_text()
    (repository / "openapi.yaml").write_text("a: [")
    git(repository, "commit", "--all", "--message=Break it")
    (repository / "openapi.yaml").write_text(whole)
    status, (sentence,) = run("spec-diff", "HEAD")
    assert status == 2
    assert sentence.startswith("openapi.yaml at HEAD is not YAML: ")


def test_a_folder_that_is_no_repository_is_refused(project: Path, run: Run) -> None:
    status, (sentence,) = run("spec-diff", "HEAD")
    assert status == 2
    assert sentence.startswith("git knows no commit 'HEAD' here: not a git repository")


def test_without_git_there_is_a_sentence(repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    status, (sentence,) = run("spec-diff", "HEAD")
    assert status == 2
    assert sentence.startswith("git cannot be run: ")
