"""What is printed of a difference: one line for a person, or an object for a program."""

from dataclasses import dataclass
from typing import Any

from .facts import DOCUMENTED, rendered
from .schemas import Facts, Value

_SHOWN = 5
"""Facts of a new field, response … that a line has room for."""


@dataclass(frozen=True)
class Finding:
    """One line."""

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
        """For `--json`; the two sides under the names that they have there."""
        return {
            "kind": self.kind,
            "where": self.where,
            before: self.before,
            after: self.after,
            "breaking": self.breaking,
            "advice": self.advice,
        }


def advice(*, breaking: bool) -> str:
    """What to do about a change of our own."""
    return "say in CHANGELOG.md what callers have to change" if breaking else "name it in CHANGELOG.md"


def told(facts: Facts) -> str:
    """Facts in words: a value, or the names and values of several."""
    if not facts:
        return "nothing"
    parts = [f"{rendered(place)} {_told(value)}".strip() for place, value in facts.items() if value != DOCUMENTED]
    if not parts:
        return DOCUMENTED
    return ", ".join(parts[:_SHOWN]) + (f" and {len(parts) - _SHOWN} facts more" if len(parts) > _SHOWN else "")


def _told(value: Value) -> str:
    if isinstance(value, tuple):
        return " or ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
