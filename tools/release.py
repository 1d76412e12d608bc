"""`make release-check`: check the version and CHANGELOG.md against the changes since the last release.

The required step is the larger of those that `make spec-diff` and `make api-diff` report. From 1.0.0 on, it is a SemVer
step. Before, SemVer (section 4) promises nothing, so the usual convention applies: "major" increments the second
number, "minor" and "patch" the third. A larger step is always fine.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .api import api_diff
from .changelog import Section, sections
from .contract import spec_diff
from .document import Document, parse, read
from .packages import packages_at, packages_here
from .report import STEPS, Step
from .repository import RepositoryError, file_at, tags

DESCRIPTION = "openapi.yaml"
VERSION_FILE = "overlays/openrouter_speech/_version.py"
CHANGELOG = "CHANGELOG.md"

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Base:
    """The last release, and the step that the changes since require."""

    version: str
    step: Step


@dataclass(frozen=True)
class Report:
    """The result of the check."""

    verdicts: list[str]
    """What changed: one line for the description, one for the Python API."""
    problems: list[str]
    verdict: str

    @property
    def lines(self) -> list[str]:
        """The lines to print."""
        return [*self.verdicts, *self.problems, self.verdict]


def check(ref: str | None) -> Report:
    """Check the current folder against the release at a commit; without one, check only its consistency.

    Raises:
        RepositoryError, DescriptionError, PackageError: The release or the current folder cannot be read.
    """
    version, base = version_in(_text(VERSION_FILE)), None
    verdicts = ["Nothing is released yet: the current commit has no tag v* behind it, so there is nothing to compare."]
    if ref is not None:
        spec = spec_diff(description_at(ref), read(DESCRIPTION))
        api = api_diff(packages_at(ref), packages_here())
        verdicts = [f"spec-diff since {ref} | {spec.verdict}", f"api-diff since {ref} | {api.verdict}"]
        base = Base(
            version_in(file_at(ref, VERSION_FILE).decode(errors="replace")), max(spec.step, api.step, key=STEPS.index)
        )
        if numbers(base.version) is None:
            raise RepositoryError(f"{VERSION_FILE} at {ref} has no version of three numbers.")
    found = problems(version, _text(CHANGELOG), base)
    if found:
        verdict = f"Release: {version} is not ready ({len(found)} {'problem' if len(found) == 1 else 'problems'})"
    else:
        verdict = f"Release: {version} is ready"
    return Report(verdicts, found, verdict)


def description_at(ref: str) -> Document:
    """Read our description at a commit.

    Raises:
        RepositoryError, DescriptionError: There is no such commit, or no usable description in it.
    """
    return parse(file_at(ref, DESCRIPTION), f"{DESCRIPTION} at {ref}")


def last_tag() -> str | None:
    """Find the tag of the newest version in the history of the current commit; None if there is none.

    Raises:
        RepositoryError: There is no repository, or no commit.
    """
    released = {tag: version for tag in tags("v*") if (version := numbers(tag[1:]))}
    return max(released, key=lambda tag: released[tag], default=None)


def version_in(source: str) -> str:
    """Extract the version from the text of _version.py; empty if there is none."""
    match = re.search(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    return match[1] if match else ""


def numbers(version: str) -> Version | None:
    """Parse a version of three numbers; None if it has another form."""
    match = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version, re.ASCII)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def least(base: Version, step: Step) -> Version:
    """Return the smallest version that makes this step."""
    major, minor, patch = base
    if step == "none":
        return base
    if step == "patch" or (step == "minor" and major == 0):
        return major, minor, patch + 1
    if step == "minor" or major == 0:
        return major, minor + 1, 0
    return major + 1, 0, 0


def problems(version: str, changelog: str, base: Base | None) -> list[str]:
    """List what blocks a release: one sentence each, starting with the file to edit."""
    return [*_version_problems(version, base), *_changelog_problems(version, sections(changelog), base)]


def _version_problems(version: str, base: Base | None) -> list[str]:
    now, released = numbers(version), numbers(base.version) if base else None
    if now is None:
        return [f"{VERSION_FILE}: the version must be three numbers, such as 0.2.0, not {version!r}."]
    if base is None or released is None or now >= least(released, base.step):
        return []
    required = ".".join(map(str, least(released, base.step)))
    return [f"{VERSION_FILE}: {version} must be {required} or later, a {base.step} step after {base.version}."]


def _changelog_problems(version: str, written: list[Section], base: Base | None) -> list[str]:
    if not written:
        return [f"{CHANGELOG}: there is no section; start one with: ## [{version}] - <date>."]
    top, found = written[0], []
    if top.version != version:
        found.append(f"{CHANGELOG}: the first section must be [{version}], not [{top.version}].")
    if not _is_date(top.date):
        found.append(f"{CHANGELOG}: [{top.version}] needs a date, in the form ## [{top.version}] - 2026-01-31.")
    if not top.entries:
        found.append(f"{CHANGELOG}: [{top.version}] has no entry.")
    if base and base.version not in {section.version for section in written}:
        found.append(f"{CHANGELOG}: the section [{base.version}] is missing; put new entries in a section above it.")
    if base and base.step == "major" and not top.announces_breakage:
        found.append(
            f"{CHANGELOG}: this release breaks callers, but no entry of [{top.version}] says so: put one under "
            '### Removed, or use the word "breaking".'
        )
    return found


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _text(path: str) -> str:
    """Read a file; empty if there is none."""
    return Path(path).read_text(encoding="utf-8", errors="replace") if Path(path).is_file() else ""
