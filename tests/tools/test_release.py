"""Whether the version and the changelog fit what changed since the last release: each rule kept, and broken."""

import shutil
from pathlib import Path

import pytest

from tools.release import least, numbers
from tools.report import Step

from ..conftest import PROJECT, Make
from . import small_package as small
from .conftest import NO_SETUP, Run, git
from .small_package import CLIENT, TTS, VERSION, edit
from .test_api_diff import CLOSE, MAJOR, MINOR, NONE, PATCH, Edit
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


def changelog(folder: Path, number: str, entry: str = "- It is faster.", heading: str = "Added") -> None:
    """One more section, on top of those that are there."""
    section = f"## [{number}] - 2026-02-28\n\n### {heading}\n\n{entry}\n\n"
    text = (folder / "CHANGELOG.md").read_text()
    (folder / "CHANGELOG.md").write_text(text.replace("## [", f"{section}## [", 1))


def problems(run: Run, *base: str) -> list[str]:
    """What the command finds; the lines around it have to fit."""
    status, (_, _, *found, verdict) = run("release-check", *base)
    assert status == (1 if found else 0)
    assert verdict.endswith(f" is not ready ({len(found)} problem{'s' * (len(found) > 1)})" if found else " is ready")
    return found


def test_nothing_changed_since_the_release(released: Path, run: Run) -> None:
    lines = [f"spec-diff since v0.1.0 | {NONE}", f"api-diff since v0.1.0 | {NONE}", "Release: 0.1.0 is ready"]
    assert run("release-check") == (0, lines)


@pytest.mark.parametrize(
    ("change", "step", "enough", "too_little"),
    [(REMOVED, "major", "0.2.0", "0.1.9"), (ADDED, "minor", "0.1.1", "0.1.0"), (REWORDED, "patch", "0.1.1", "0.1.0")],
)
def test_a_change_asks_for_a_version(
    change: Edit, step: str, enough: str, too_little: str, released: Path, run: Run
) -> None:
    edit(released, *change)
    changelog(released, enough, "- **Breaking:** something.")
    version(released, enough)
    assert problems(run) == []
    path = released / "CHANGELOG.md"
    path.write_text(path.read_text().replace(f"[{enough}]", f"[{too_little}]"))
    version(released, too_little)
    asked = f"{VERSION}: {too_little} must be {enough} or later, a {step} step after 0.1.0."
    assert problems(run) == [asked]


def test_a_larger_step_than_is_asked_for_is_fine(released: Path, run: Run) -> None:
    edit(released, *REWORDED)
    for number in ("0.1.7", "0.2.0", "1.0.0"):
        version(released, number)
        changelog(released, number)
        assert problems(run) == []


def test_a_change_without_a_new_version_is_rejected(released: Path, run: Run) -> None:
    edit(released, *ADDED)
    status, lines = run("release-check")
    assert status == 1
    assert lines == [
        f"spec-diff since v0.1.0 | {NONE}",
        f"api-diff since v0.1.0 | {MINOR}",
        f"{VERSION}: 0.1.0 must be 0.1.1 or later, a minor step after 0.1.0.",
        "Release: 0.1.0 is not ready (1 problem)",
    ]


def test_the_description_asks_too(released: Path, run: Run) -> None:
    """The larger of the two steps is asked for, whichever of them it is."""
    changed(released, lambda document: document["components"]["schemas"]["SpeechRequest"]["required"].append("speed"))
    (sentence, _) = problems(run)
    assert sentence == f"{VERSION}: 0.1.0 must be 0.2.0 or later, a major step after 0.1.0."
    _, (spec, api, *_) = run("release-check")
    assert (spec, api) == (f"spec-diff since v0.1.0 | {MAJOR}", f"api-diff since v0.1.0 | {NONE}")


def test_the_larger_step_counts(released: Path, run: Run) -> None:
    changed(released, field("language", type="string"))
    edit(released, *REWORDED)
    _, (spec, api, sentence, _) = run("release-check")
    assert (spec, api) == (f"spec-diff since v0.1.0 | {SPEC_MINOR}", f"api-diff since v0.1.0 | {PATCH}")
    assert sentence.endswith("a minor step after 0.1.0.")


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
def test_what_breaks_has_to_be_said(entry: str, heading: str, says_so: bool, released: Path, run: Run) -> None:
    edit(released, *REMOVED)
    version(released, "0.2.0")
    changelog(released, "0.2.0", entry, heading)
    sentence = (
        "CHANGELOG.md: this release breaks callers, but no entry of [0.2.0] says so: put one under ### Removed, or use "
        'the word "breaking".'
    )
    assert problems(run) == ([] if says_so else [sentence])


def test_what_an_older_release_broke_is_not_said_again(released: Path, run: Run) -> None:
    """The word counts in the section on top."""
    edit(released, "CHANGELOG.md", "Everything.", "Everything; breaking.")
    edit(released, *REMOVED)
    version(released, "0.2.0")
    changelog(released, "0.2.0")
    assert len(problems(run)) == 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[0.1.1]", "[0.1.2]", "the first section must be [0.1.1], not [0.1.2]."),
        ("[0.1.1]", "[Unreleased]", "the first section must be [0.1.1], not [Unreleased]."),
        (" - 2026-02-28", "", "[0.1.1] needs a date, in the form ## [0.1.1] - 2026-01-31."),
        ("2026-02-28", "2026-02-29", "[0.1.1] needs a date, in the form ## [0.1.1] - 2026-01-31."),
        ("2026-02-28", "28 February 2026", "[0.1.1] needs a date, in the form ## [0.1.1] - 2026-01-31."),
        ("2026-02-28", "20260228", "[0.1.1] needs a date, in the form ## [0.1.1] - 2026-01-31."),
        ("- It is faster.\n", "It is faster.\n", "[0.1.1] has no entry."),
        ("[0.1.0]", "[0.0.9]", "the section [0.1.0] is missing; put new entries in a section above it."),
    ],
)
def test_the_changelog_has_to_fit(old: str, new: str, sentence: str, released: Path, run: Run) -> None:
    edit(released, *REWORDED)
    version(released, "0.1.1")
    changelog(released, "0.1.1")
    assert problems(run) == []
    edit(released, "CHANGELOG.md", old, new)
    assert problems(run) == [f"CHANGELOG.md: {sentence}"]


def test_a_renamed_section_is_no_new_one(released: Path, run: Run) -> None:
    edit(released, *REWORDED)
    version(released, "0.1.1")
    edit(released, "CHANGELOG.md", "[0.1.0]", "[0.1.1]")
    assert problems(run) == ["CHANGELOG.md: the section [0.1.0] is missing; put new entries in a section above it."]


@pytest.mark.parametrize("text", ["", "# Changelog\n", "# Changelog\n\n## 0.1.0\n\n- Everything.\n"])
def test_a_changelog_without_a_section_is_rejected(text: str, released: Path, run: Run) -> None:
    (released / "CHANGELOG.md").write_text(text)
    assert problems(run) == ["CHANGELOG.md: there is no section; start one with: ## [0.1.0] - <date>."]


@pytest.mark.parametrize("number", ["0.2", "0.2.0rc1", "v0.2.0", "0.02.0", ""])
def test_a_version_is_three_numbers(number: str, released: Path, run: Run) -> None:
    version(released, number)
    changelog(released, number or "none")
    sentence = f"{VERSION}: the version must be three numbers, such as 0.2.0, not {number!r}."
    assert sentence in problems(run)


def test_without_a_release_the_files_have_to_fit_each_other(unreleased: Path, run: Run) -> None:
    assert run("release-check") == (0, [NOTHING_RELEASED, "Release: 0.1.0 is ready"])
    version(unreleased, "0.2.0")
    assert run("release-check") == (
        1,
        [
            NOTHING_RELEASED,
            "CHANGELOG.md: the first section must be [0.2.0], not [0.1.0].",
            "Release: 0.2.0 is not ready (1 problem)",
        ],
    )


def test_the_last_release_is_the_newest_version_that_leads_here(released: Path, run: Run) -> None:
    """Not the tag that was made last, nor the last one of the alphabet, nor one that is no version."""
    for number in ("0.10.0", "0.9.0"):
        version(released, number)
        changelog(released, number)
        git(released, "commit", "--all", f"--message=Release {number}")
        git(released, "tag", f"v{number}")
    git(released, "tag", "vnext")
    git(released, "switch", "--create", "other")
    git(released, "commit", "--allow-empty", "--message=Elsewhere")
    git(released, "tag", "v1.0.0")
    git(released, "switch", "main")
    _, (line, *_) = run("release-check")
    assert line.startswith("spec-diff since v0.10.0 | ")


def test_a_base_can_be_named(released: Path, run: Run) -> None:
    edit(released, *ADDED)
    git(released, "commit", "--all", "--message=Add something")
    assert problems(run) != []
    assert problems(run, "HEAD") == []


def test_a_base_without_a_version_is_refused(released: Path, run: Run) -> None:
    version(released, "next")
    git(released, "commit", "--all", "--message=Name it otherwise")
    version(released, "0.1.0")
    assert run("release-check", "HEAD") == (2, [f"{VERSION} at HEAD has no version of three numbers."])


@pytest.mark.parametrize(
    ("base", "step", "version"),
    [
        ("0.4.2", "major", "0.5.0"),
        ("0.4.2", "minor", "0.4.3"),
        ("0.4.2", "patch", "0.4.3"),
        ("0.4.2", "none", "0.4.2"),
        ("1.4.2", "major", "2.0.0"),
        ("1.4.2", "minor", "1.5.0"),
        ("1.4.2", "patch", "1.4.3"),
        ("1.4.2", "none", "1.4.2"),
    ],
)
def test_the_least_version_that_may_follow(base: str, step: Step, version: str) -> None:
    before = numbers(base)
    assert before is not None
    assert least(before, step) == numbers(version)


def test_make_checks_a_release(released: Path, make: Make) -> None:
    here = ("-C", str(released), "-f", str(PROJECT / "Makefile"), NO_SETUP, "release-check")
    assert make(*here, BASE="", PYTHONPATH=str(PROJECT)).stdout.splitlines()[-1] == "Release: 0.1.0 is ready"
    edit(released, *REMOVED)
    result = make(*here, BASE="", PYTHONPATH=str(PROJECT))
    assert result.returncode == 2  # make has no other status for a recipe that failed
    assert "Error 1" in result.stderr
    assert result.stdout.splitlines()[1] == f"api-diff since v0.1.0 | {MAJOR}"
    version(released, "0.2.0")
    changelog(released, "0.2.0", heading="Removed")
    result = make(*here, BASE="v0.1.0", PYTHONPATH=str(PROJECT))
    assert result.returncode == 0, result.stdout
    assert result.stdout.splitlines()[-1] == "Release: 0.2.0 is ready"
    assert make(*here, BASE='"; touch written; "', PYTHONPATH=str(PROJECT)).stderr.startswith("git knows no commit")
    assert not (released / "written").exists()
