"""Format differences: a line for people, or an object for programs."""

from dataclasses import dataclass
from typing import Any

from .facts import DOCUMENTED, rendered
from .schemas import Facts, Value

_SHOWN = 5
"""Facts of a new field, response … to show in a line."""


@dataclass(frozen=True)
class Finding:
    """One line of a report."""

    kind: str
    where: str
    before: object
    after: object
    what: str
    breaking: bool
    advice: str

    def __str__(self) -> str:
        grade = "breaking" if self.breaking else "not breaking"
        return f"{self.where} | {self.what} | {grade} | {self.advice}"

    def as_dict(self, before: str, after: str) -> dict[str, Any]:
        """Convert for `--json`, with these names for the two sides."""
        return {
            "kind": self.kind,
            "where": self.where,
            before: self.before,
            after: self.after,
            "breaking": self.breaking,
            "advice": self.advice,
        }


def advice(*, breaking: bool) -> str:
    """Say what to do about a change of our own."""
    return "explain in CHANGELOG.md what callers must change" if breaking else "mention it in CHANGELOG.md"


def summary(facts: Facts) -> str:
    """Format facts as text: a value, or the names and values of several."""
    if not facts:
        return "nothing"
    parts = [f"{rendered(place)} {_text(value)}".strip() for place, value in facts.items() if value != DOCUMENTED]
    if not parts:
        return DOCUMENTED
    return ", ".join(parts[:_SHOWN]) + (f" and {len(parts) - _SHOWN} more facts" if len(parts) > _SHOWN else "")


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return " or ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
