"""Differences as lines for people, and the SemVer step that they require."""

from dataclasses import dataclass
from typing import Literal, get_args

Step = Literal["none", "patch", "minor", "major"]
STEPS: tuple[Step, ...] = get_args(Step)
"""From smallest to largest."""


@dataclass(frozen=True)
class Finding:
    """One difference."""

    where: str
    before: str | None
    """None if there was nothing."""
    after: str | None
    breaking: bool
    hint: str = ""

    @property
    def what(self) -> str:
        """The two sides."""
        return f"{self.before or 'nothing'} before, {self.after or 'nothing'} now"

    def __str__(self) -> str:
        todo = "explain in CHANGELOG.md what callers must change" if self.breaking else "mention it in CHANGELOG.md"
        return f"{self.where} | {self.what} | {'breaking' if self.breaking else 'not breaking'} | {self.hint}{todo}"


@dataclass(frozen=True)
class Changes:
    """The changes between two versions, and the step they require."""

    findings: list[Finding]
    step: Step
    reason: str

    @property
    def lines(self) -> list[str]:
        """The lines to print."""
        return [*map(str, self.findings), self.verdict]

    @property
    def verdict(self) -> str:
        """The last line."""
        return f"Version step: {self.step} ({self.reason})"


def changes(findings: list[Finding], *, same: bool, subject: str, rest: str) -> Changes:
    """Grade the findings on a subject. `same` means that nothing differs at all, not even the rest."""
    if any(finding.breaking for finding in findings):
        return Changes(findings, "major", "breaks callers")
    if findings:
        return Changes(findings, "minor", f"the {subject} changed without breaking callers")
    if not same:
        return Changes(findings, "patch", f"the {rest} changed, the {subject} did not")
    return Changes(findings, "none", "nothing changed")
