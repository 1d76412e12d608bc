"""The step of the version (as SemVer has it) that a set of changes calls for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .report import Finding

Step = Literal["none", "patch", "minor", "major"]
STEPS: tuple[Step, ...] = get_args(Step)
"""From the smallest to the largest."""


@dataclass(frozen=True)
class Changes:
    """What changed between two states of something, and what that means."""

    step: Step
    reason: str
    findings: list[Finding]

    @property
    def verdict(self) -> str:
        """The last line of the report."""
        return f"Version step: {self.step} ({self.reason})"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "version_step": self.step,
            "differences": [finding.as_dict("before", "now") for finding in self.findings],
        }


def changes(findings: list[Finding], *, same: bool, reasons: Mapping[Step, str]) -> Changes:
    """The findings with their step. `same` is whether nothing at all differs, not even what is no finding."""
    step: Step
    if findings:
        step = "major" if any(finding.breaking for finding in findings) else "minor"
    else:
        step = "none" if same else "patch"
    return Changes(step, reasons[step], findings)
