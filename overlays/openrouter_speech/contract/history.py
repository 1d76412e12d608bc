"""`make spec-diff`: what changed in openapi.yaml since a commit, and the version step that it calls for."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .compare import Difference, differences, merged
from .deviations import plain
from .document import DescriptionError, Document, parse
from .facts import DOCUMENTED, operation_facts
from .report import Finding, told

Step = Literal["major", "minor", "patch", "none"]

_REASONS: dict[Step, str] = {
    "major": "callers break",
    "minor": "the contract changed, and callers do not break",
    "patch": "the wording changed, and the contract did not",
    "none": "nothing changed",
}


@dataclass(frozen=True)
class SpecDiff:
    """What changed between two states of our description."""

    step: Step
    findings: list[Finding]

    @property
    def verdict(self) -> str:
        """The last line of the report."""
        return f"Version step: {self.step} ({_REASONS[self.step]})"


def spec_diff(base: Document, now: Document) -> SpecDiff:
    """The changes of the contract, and the step of the version (as SemVer has it) that they call for.

    Raises:
        DescriptionError: One of the two cannot be used.
    """
    old, new = list(base.operations()), list(now.operations())
    findings: list[Finding] = []
    for operation in dict.fromkeys([*old, *new]):
        name = f"{operation[0].upper()} {operation[1]}"
        if operation in old and operation in new:
            prefix = f"{name} " if len(old) > 1 or len(new) > 1 else ""
            found = differences(operation_facts(base, *operation), operation_facts(now, *operation))
            findings += [_finding(difference, prefix) for difference in merged(found)]
        else:
            gone = operation in old
            findings.append(
                _finding(Difference((name,), {(): DOCUMENTED} if gone else {}, {} if gone else {(): DOCUMENTED}))
            )
    if findings:
        step: Step = "major" if any(finding.breaking for finding in findings) else "minor"
    else:
        step = "none" if base.content == now.content else "patch"
    return SpecDiff(step, findings)


def read_at(ref: str, path: str) -> Document:
    """The description as it was at a commit.

    Raises:
        DescriptionError: git knows no such commit, or it has no such file.
    """
    folder, name = Path(path).resolve().parent, Path(path).name
    unknown = f"git knows no commit {ref!r} here"
    # What is asked for ends in ^{commit}, so that a ref that is an option of git (some write files) is no longer one.
    commit = _git(folder, unknown, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
    return parse(_git(folder, f"The commit {ref} has no {path}", "show", f"{commit}:./{name}"), f"{path} at {ref}")


def _git(folder: Path, problem: str, *arguments: str) -> bytes:
    """What git prints; the problem is what it means when git fails."""
    try:
        result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except (OSError, ValueError) as error:
        raise DescriptionError(f"git cannot be run: {error}.") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise DescriptionError(f"{problem}: {reason}." if reason else f"{problem}.")
    return result.stdout


def _finding(difference: Difference, prefix: str = "") -> Finding:
    return Finding(
        "difference",
        prefix + difference.where,
        plain(difference.before),
        plain(difference.after),
        f"{told(difference.before)} before, {told(difference.after)} now",
        difference.breaking,
        "say in CHANGELOG.md what callers have to change" if difference.breaking else "name it in CHANGELOG.md",
    )
