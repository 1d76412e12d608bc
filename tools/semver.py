"""Determine the SemVer step that a set of changes requires."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .report import Finding

Step = Literal["none", "patch", "minor", "major"]
STEPS: tuple[Step, ...] = get_args(Step)
"""From smallest to largest."""


@dataclass(frozen=True)
class Changes:
    """The changes between two versions, and the step they require."""

    step: Step
    reason: str
    findings: list[Finding]

    @property
    def verdict(self) -> str:
        """The last line of the report."""
        return f"Version step: {self.step} ({self.reason})"

    def as_dict(self) -> dict[str, Any]:
        """Convert for `--json`."""
        return {
            "version_step": self.step,
            "differences": [finding.as_dict("before", "now") for finding in self.findings],
        }


def changes(findings: list[Finding], *, same: bool, reasons: Mapping[Step, str]) -> Changes:
    """Grade the findings. `same` means that nothing differs at all, not even wording."""
    step: Step
    if findings:
        step = "major" if any(finding.breaking for finding in findings) else "minor"
    else:
        step = "none" if same else "patch"
    return Changes(step, reasons[step], findings)
