"""`make release-check`: whether the version and CHANGELOG.md fit what changed since the last release.

The step that is called for is the larger of those of `make spec-diff` and `make api-diff`. From 1.0.0 on, it is a step
as SemVer has it. Before, where SemVer (section 4) promises nothing, it is what is usual: "major" asks for a new second
number, "minor" and "patch" for a new third one. A larger step than is called for is fine.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .api import api_diff
from .changelog import Section, sections
from .document import read
from .history import read_at, spec_diff
from .packages import packages_at, packages_here
from .repository import RepositoryError, file_at, tags
from .semver import STEPS, Step

DESCRIPTION = "openapi.yaml"
VERSION_FILE = "overlays/openrouter_speech/_version.py"
CHANGELOG = "CHANGELOG.md"

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Base:
    """The last release, and the step that the changes since then call for."""

    version: str
    step: Step


@dataclass(frozen=True)
class Report:
    """What the check says."""

    verdicts: list[str]
    """What changed: a line for the description, one for the Python API."""
    problems: list[str]
    verdict: str

    @property
    def lines(self) -> list[str]:
        """All of it, as it is printed."""
        return [*self.verdicts, *self.problems, self.verdict]


def check(ref: str | None) -> Report:
    """Hold the files in the current folder to the release at a commit; without one, only to each other.

    Raises:
        RepositoryError, DescriptionError, PackageError: What was released, or what is here, cannot be read.
    """
    version, base = version_in(_text(VERSION_FILE)), None
    verdicts = ["Nothing is released yet: no tag v* leads here, so that nothing has to be compared."]
    if ref is not None:
        spec = spec_diff(read_at(ref, DESCRIPTION), read(DESCRIPTION))
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


def last_tag() -> str | None:
    """The tag of the newest version among those that the current commit builds on; None where there is none.

    Raises:
        RepositoryError: There is no repository, or no commit.
    """
    released = {tag: version for tag in tags("v*") if (version := numbers(tag[1:]))}
    return max(released, key=lambda tag: released[tag], default=None)


def version_in(source: str) -> str:
    """The version that the text of version.py says; empty where it says none."""
    match = re.search(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    return match[1] if match else ""


def numbers(version: str) -> Version | None:
    """The three numbers of a version; None where it is of another form."""
    match = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version, re.ASCII)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def least(base: Version, step: Step) -> Version:
    """The smallest version that may follow with such a step."""
    major, minor, patch = base
    if step == "none":
        return base
    if step == "patch" or (step == "minor" and major == 0):
        return major, minor, patch + 1
    if step == "minor" or major == 0:
        return major, minor + 1, 0
    return major + 1, 0, 0


def problems(version: str, changelog: str, base: Base | None) -> list[str]:
    """What stands in the way of a release: a sentence each, which begins with the file to edit."""
    return [*_version_problems(version, base), *_changelog_problems(version, sections(changelog), base)]


def _version_problems(version: str, base: Base | None) -> list[str]:
    now, released = numbers(version), numbers(base.version) if base else None
    if now is None:
        return [f"{VERSION_FILE}: the version has to be three numbers, such as 0.2.0, and is {version!r}."]
    if base is None or released is None or now >= least(released, base.step):
        return []
    asked = ".".join(map(str, least(released, base.step)))
    return [f"{VERSION_FILE}: {version} has to be {asked} or later, a {base.step} step after {base.version}."]


def _changelog_problems(version: str, written: list[Section], base: Base | None) -> list[str]:
    if not written:
        return [f"{CHANGELOG}: there is no section; begin one with: ## [{version}] - <date>."]
    top, found = written[0], []
    if top.version != version:
        found.append(f"{CHANGELOG}: the first section is [{top.version}], and has to be [{version}].")
    if not _is_date(top.date):
        found.append(f"{CHANGELOG}: [{top.version}] needs a date, in the form ## [{top.version}] - 2026-01-31.")
    if not top.entries:
        found.append(f"{CHANGELOG}: [{top.version}] has no entry.")
    if base and base.version not in {section.version for section in written}:
        found.append(f"{CHANGELOG}: the section [{base.version}] is gone; what is new has to be in one above it.")
    if base and base.step == "major" and not top.tells_what_breaks:
        found.append(
            f"{CHANGELOG}: callers break, and no entry of [{top.version}] says so: put one under ### Removed, or "
            'use the word "breaking".'
        )
    return found


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _text(path: str) -> str:
    """A file; empty where there is none."""
    return Path(path).read_text(encoding="utf-8", errors="replace") if Path(path).is_file() else ""
