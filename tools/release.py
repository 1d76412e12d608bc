"""`make release-check`: check the version and CHANGELOG.md against the changes since the last release.

The required step is the larger of those that `make spec-diff` and `make api-diff` report. From 1.0.0 on, it is a SemVer
step. Before, SemVer (section 4) promises nothing, so the usual convention applies: "major" increments the second
number, "minor" and "patch" the third. A larger step is always fine.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from . import ToolError
from .api import api_diff
from .contract import spec_diff
from .curate import DESCRIPTION
from .document import Document, parse, read
from .git import file_at, tags
from .packages import packages_at, packages_here
from .report import STEPS, Step

VERSION_FILE = "overlays/openrouter_speech/_version.py"
CHANGELOG = "CHANGELOG.md"

Version = tuple[int, int, int]


def check(ref: str | None) -> tuple[bool, list[str]]:
    """Check the current folder against the release at a commit; without one, check only its consistency.

    Returns:
        Whether it is ready, and the lines to print.
    """
    version, base, step = _version_in(_text(VERSION_FILE)), None, STEPS[0]
    lines = ["Nothing is released yet: the current commit has no tag v* behind it, so there is nothing to compare."]
    if ref is not None:
        spec = spec_diff(description_at(ref), read(DESCRIPTION))
        api = api_diff(packages_at(ref), packages_here())
        lines = [f"spec-diff since {ref} | {spec.verdict}", f"api-diff since {ref} | {api.verdict}"]
        step = max(spec.step, api.step, key=STEPS.index)
        base = _version_in(file_at(ref, VERSION_FILE).decode(errors="replace"))
        if numbers(base) is None:
            raise ToolError(f"{VERSION_FILE} at {ref} has no version of three numbers.")
    found = problems(version, _text(CHANGELOG), base, step)
    verdict = f"is not ready ({len(found)} problem{'s' * (len(found) > 1)})" if found else "is ready"
    return not found, [*lines, *found, f"Release: {version} {verdict}"]


def description_at(ref: str) -> Document:
    """Read our description at a commit."""
    return parse(file_at(ref, DESCRIPTION), f"{DESCRIPTION} at {ref}")


def notes(tag: str) -> list[str]:
    """Return the lines of the changelog that describe a release."""
    version = _version_in(_text(VERSION_FILE))
    if tag != f"v{version}":
        raise ToolError(f"The tag must be v{version}, for the version in {VERSION_FILE}, not {tag}.")
    written = (text for found, date, text in sections(_text(CHANGELOG)) if found == version and date)
    lines = next(written, "").strip().splitlines()
    if not lines:
        raise ToolError(f"{CHANGELOG}: there is no section [{version}] with a date and an entry.")
    return lines


def last_tag() -> str | None:
    """Find the tag of the newest version in the history of the current commit; None if there is none."""
    released = {tag: version for tag in tags("v*") if (version := numbers(tag[1:]))}
    return max(released, key=lambda tag: released[tag], default=None)


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
    return (major, minor + 1, 0) if step == "minor" or major == 0 else (major + 1, 0, 0)


def sections(changelog: str) -> list[tuple[str, str | None, str]]:
    """Parse a changelog (Keep a Changelog) into the version, date and text of each section, newest first."""
    parts = re.split(r"^## \[(.+?)\](?: - (.+?))?\s*$", changelog, flags=re.MULTILINE)
    return list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))


def problems(version: str, changelog: str, base: str | None, step: Step) -> list[str]:
    """List what blocks a release: one sentence each, starting with the file to edit."""
    return [*_version_problems(version, base, step), *_changelog_problems(version, changelog, base, step)]


def _version_problems(version: str, base: str | None, step: Step) -> Iterator[str]:
    now, released = numbers(version), numbers(base or "")
    if now is None:
        yield f"{VERSION_FILE}: the version must be three numbers, such as 0.2.0, not {version!r}."
    elif released is not None and now < least(released, step):
        required = ".".join(map(str, least(released, step)))
        yield f"{VERSION_FILE}: {version} must be {required} or later, a {step} step after {base}."


def _changelog_problems(version: str, changelog: str, base: str | None, step: Step) -> Iterator[str]:
    written = sections(changelog)
    if not written:
        yield f"{CHANGELOG}: there is no section; start one with: ## [{version}] - <date>."
        return
    top, day, text = written[0]
    if top != version:
        yield f"{CHANGELOG}: the first section must be [{version}], not [{top}]."
    if not _is_date(day):
        yield f"{CHANGELOG}: [{top}] needs a date, in the form ## [{top}] - 2026-01-31."
    if not re.search(r"^[-*] ", text, re.MULTILINE):
        yield f"{CHANGELOG}: [{top}] has no entry."
    if base and base not in {found for found, _, _ in written}:
        yield f"{CHANGELOG}: the section [{base}] is missing; put new entries in a section above it."
    if base and step == "major" and not re.search(r"^### Removed|breaking", text, re.MULTILINE | re.IGNORECASE):
        yield (
            f"{CHANGELOG}: this release breaks callers, but no entry of [{top}] says so: put one under "
            '### Removed, or use the word "breaking".'
        )


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _version_in(source: str) -> str:
    match = re.search(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    return match[1] if match else ""


def _text(path: str) -> str:
    """Read a file; empty if there is none."""
    return Path(path).read_text(encoding="utf-8", errors="replace") if Path(path).is_file() else ""
