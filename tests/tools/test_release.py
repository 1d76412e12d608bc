"""Whether the version and the changelog fit what changed since the last release: each rule kept, and broken."""

import shutil
from pathlib import Path

import pytest

from tools.release import least, numbers, problems
from tools.report import Step

from ..conftest import PROJECT, Make
from . import small_package as small
from .conftest import NO_SETUP, Run, git
from .small_package import CLIENT, TTS, VERSION, edit
from .test_api_diff import CLOSE, MAJOR, NONE, PATCH, Edit
from .test_spec_diff import MINOR as SPEC_MINOR
from .test_spec_diff import changed, field

FIRST = "# Changelog\n\n## [0.1.0] - 2026-01-31\n\n### Added\n\n- Everything.\n"
NOTHING_RELEASED = (
    "Nothing is released yet: the current commit has no tag v* behind it, so there is nothing to compare."
)

REMOVED: Edit = (CLIENT, CLOSE, "")
ADDED: Edit = (TTS, "    title", "    language: str\n    title")
REWORDED: Edit = (CLIENT, "A client.", "Another sentence.")


@pytest.fixture
def unreleased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages in small, the description and a changelog, in a repository without a tag."""
    project = tmp_path / "project"
    small.write(project)
    shutil.copy(PROJECT / "openapi.yaml", project)
    monkeypatch.chdir(project)
    (project / "CHANGELOG.md").write_text(FIRST)
    git(project, "init", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--message=Write it all")
    return project


@pytest.fixture
def released(unreleased: Path) -> Path:
    git(unreleased, "tag", "v0.1.0")
    return unreleased


def version(folder: Path, number: str) -> None:
    (folder / VERSION).write_text(f'__version__ = "{number}"\n')


def with_section(number: str, entry: str = "- It is faster.", heading: str = "Added") -> str:
    """The changelog with one more section on top."""
    return FIRST.replace("## [", f"## [{number}] - 2026-02-28\n\n### {heading}\n\n{entry}\n\n## [", 1)


@pytest.mark.parametrize(
    ("number", "step", "expected"),
    [
        ("0.1.0", "none", None), ("0.1.1", "patch", None), ("0.1.1", "minor", None), ("0.2.0", "major", None),
        ("0.1.7", "patch", None), ("1.0.0", "patch", None),
        ("0.1.0", "patch", "0.1.1"), ("0.1.0", "minor", "0.1.1"), ("0.1.9", "major", "0.2.0"),
    ],
)  # fmt: skip
def test_a_change_requires_a_version(number: str, step: Step, expected: str | None) -> None:
    found = problems(number, with_section(number, "- Breaking."), "0.1.0", step)
    sentence = f"{VERSION}: {number} must be {expected} or later, a {step} step after 0.1.0."
    assert found == ([sentence] if expected else [])


@pytest.mark.parametrize(
    ("entry", "heading", "says_so"),
    [
        ("- `Client.close` is gone.", "Removed", True),
        ("- Breaking: `Client.close` is gone.", "Changed", True),
        ("- `Client.close` is gone,\n  which is breaking.", "Changed", True),
        ("- `Client.close` is gone.", "Changed", False),
        ("- `Client.close` is gone.", "Added", False),
    ],
)
def test_what_breaks_has_to_be_said_in_the_first_section(entry: str, heading: str, says_so: bool) -> None:
    changelog = with_section("0.2.0", entry, heading).replace("Everything.", "Everything; breaking.")
    sentence = (
        "CHANGELOG.md: this release breaks callers, but no entry of [0.2.0] says so: put one under ### Removed, or use "
        'the word "breaking".'
    )
    assert problems("0.2.0", changelog, "0.1.0", "major") == ([] if says_so else [sentence])


DATE = "[0.1.1] needs a date, in the form ## [0.1.1] - 2026-01-31."


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[0.1.1]", "[0.1.2]", "the first section must be [0.1.1], not [0.1.2]."),
        ("[0.1.1]", "[Unreleased]", "the first section must be [0.1.1], not [Unreleased]."),
        (" - 2026-02-28", "", DATE),
        ("2026-02-28", "2026-02-29", DATE),
        ("2026-02-28", "28 February 2026", DATE),
        ("2026-02-28", "20260228", DATE),
        ("- It is faster.\n", "It is faster.\n", "[0.1.1] has no entry."),
        ("[0.1.0]", "[0.0.9]", "the section [0.1.0] is missing; put new entries in a section above it."),
        (with_section("0.1.1"), "## 0.1.1\n", "there is no section; start one with: ## [0.1.1] - <date>."),
    ],
)  # fmt: skip
def test_the_changelog_has_to_fit(old: str, new: str, sentence: str) -> None:
    changelog = with_section("0.1.1")
    assert problems("0.1.1", changelog, "0.1.0", "patch") == []
    assert old in changelog
    found = problems("0.1.1", changelog.replace(old, new), "0.1.0", "patch")
    assert found == [f"CHANGELOG.md: {sentence}"]


@pytest.mark.parametrize("number", ["0.2", "0.2.0rc1", "v0.2.0", "0.02.0", ""])
def test_a_version_is_three_numbers(number: str) -> None:
    sentence = f"{VERSION}: the version must be three numbers, such as 0.2.0, not {number!r}."
    assert problems(number, with_section(number or "none"), "0.1.0", "none")[0] == sentence


@pytest.mark.parametrize(
    ("base", "step", "expected"),
    [
        ("0.4.2", "major", "0.5.0"), ("0.4.2", "minor", "0.4.3"), ("0.4.2", "patch", "0.4.3"),
        ("1.4.2", "major", "2.0.0"), ("1.4.2", "minor", "1.5.0"), ("1.4.2", "patch", "1.4.3"),
        ("0.4.2", "none", "0.4.2"), ("1.4.2", "none", "1.4.2"),
    ],
)  # fmt: skip
def test_the_least_version_that_may_follow(base: str, step: Step, expected: str) -> None:
    before = numbers(base)
    assert before is not None
    assert least(before, step) == numbers(expected)


def test_without_a_release_the_files_have_to_fit_each_other(unreleased: Path, run: Run) -> None:
    assert run("release-check") == (0, [NOTHING_RELEASED, "Release: 0.1.0 is ready"])
    version(unreleased, "0.2.0")
    problem = "CHANGELOG.md: the first section must be [0.2.0], not [0.1.0]."
    assert run("release-check") == (1, [NOTHING_RELEASED, problem, "Release: 0.2.0 is not ready (1 problem)"])


def test_the_larger_step_of_description_and_api_counts(released: Path, run: Run) -> None:
    lines = [f"spec-diff since v0.1.0 | {NONE}", f"api-diff since v0.1.0 | {NONE}", "Release: 0.1.0 is ready"]
    assert run("release-check") == (0, lines)
    changed(released, field("language", type="string"))
    edit(released, *REWORDED)
    asked = f"{VERSION}: 0.1.0 must be 0.1.1 or later, a minor step after 0.1.0."
    lines = [f"spec-diff since v0.1.0 | {SPEC_MINOR}", f"api-diff since v0.1.0 | {PATCH}", asked]
    assert run("release-check") == (1, [*lines, "Release: 0.1.0 is not ready (1 problem)"])
    edit(released, *REMOVED)
    version(released, "0.2.0")
    Path("CHANGELOG.md").write_text(with_section("0.2.0", heading="Removed"))
    lines = [f"spec-diff since v0.1.0 | {SPEC_MINOR}", f"api-diff since v0.1.0 | {MAJOR}", "Release: 0.2.0 is ready"]
    assert run("release-check", "v0.1.0") == (0, lines)


def test_the_last_release_is_the_newest_version_that_leads_here(released: Path, run: Run) -> None:
    """Not the tag that was made last, nor the last one of the alphabet, nor one that is no version."""
    for number in ("0.10.0", "0.9.0"):
        version(released, number)
        git(released, "commit", "--all", f"--message=Release {number}")
        git(released, "tag", f"v{number}")
    git(released, "tag", "vnext")
    git(released, "switch", "--create", "other")
    git(released, "commit", "--allow-empty", "--message=Elsewhere")
    git(released, "tag", "v1.0.0")
    git(released, "switch", "main")
    _, (line, *_) = run("release-check")
    assert line.startswith("spec-diff since v0.10.0 | ")
    assert run("release-check", "HEAD")[1][0].startswith("spec-diff since HEAD | ")


def test_a_base_without_a_version_is_refused(released: Path, run: Run) -> None:
    version(released, "next")
    git(released, "commit", "--all", "--message=Name it otherwise")
    version(released, "0.1.0")
    assert run("release-check", "HEAD") == (2, [f"{VERSION} at HEAD has no version of three numbers."])


def test_make_checks_a_release(released: Path, make: Make) -> None:
    here = ("-C", str(released), "-f", str(PROJECT / "Makefile"), NO_SETUP, "release-check")
    edit(released, *REMOVED)
    result = make(*here, BASE="", PYTHONPATH=str(PROJECT))
    assert result.returncode == 2  # make has no other status for a recipe that failed
    assert "Error 1" in result.stderr
    assert result.stdout.splitlines()[1] == f"api-diff since v0.1.0 | {MAJOR}"
    assert make(*here, BASE='"; touch written; "', PYTHONPATH=str(PROJECT)).stderr.startswith("git knows no commit")
    assert not (released / "written").exists()


def test_the_notes_are_the_section_of_the_version(unreleased: Path, run: Run) -> None:
    (unreleased / "CHANGELOG.md").write_text(with_section("0.2.0", "- It is\n  faster.\n- More."))
    version(unreleased, "0.2.0")
    assert run("release-notes", "v0.2.0") == (0, ["### Added", "", "- It is", "  faster.", "- More."])


@pytest.mark.parametrize(
    ("tag", "changelog", "sentence"),
    [
        ("v0.2.0", FIRST, "The tag must be v0.1.0"),
        ("0.1.0", FIRST, "The tag must be v0.1.0"),
        ("v0.1.0", FIRST.replace(" - 2026-01-31", ""), "there is no section [0.1.0]"),
        ("v0.1.0", "# Changelog\n\n## [0.1.0] - 2026-01-31\n\n## [0.0.9] - 2026-01-01\n\n- x\n", "there is no section"),
    ],
)
def test_a_release_without_notes_is_refused(
    tag: str, changelog: str, sentence: str, unreleased: Path, run: Run
) -> None:
    (unreleased / "CHANGELOG.md").write_text(changelog)
    status, (problem,) = run("release-notes", tag)
    assert status == 2
    assert sentence in problem
