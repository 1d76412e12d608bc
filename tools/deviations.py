"""Deliberate differences from upstream: read docs/deviations.yaml, and check that it still applies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .compare import Difference
from .document import DescriptionError, content_of, values
from .facts import rendered
from .schemas import Facts

_FIELDS = {"places", "ours", "upstream", "reason", "source"}


@dataclass(frozen=True)
class Deviation:
    """One place of an entry. `ours` and `upstream` hold a value, facts by name, or None if there is nothing."""

    place: str
    ours: object
    upstream: object

    def is_about(self, difference: Difference) -> bool:
        """Whether the difference is at this place; the step `.*` matches any one field."""
        pattern = re.escape(self.place).replace(r"\.\*", r"\.[^\s.<>]+")
        return re.fullmatch(pattern, difference.where) is not None

    def allows(self, difference: Difference) -> bool:
        """Whether this entry covers exactly this difference."""
        return self.is_about(difference) and (self.ours, self.upstream) == (
            plain(difference.before),
            plain(difference.after),
        )


@dataclass(frozen=True)
class Review:
    """What remains after removing the deliberate differences."""

    unreviewed: list[Difference]
    """Differences without an entry."""
    contradicted: list[Difference]
    """Differences that contradict the entry for their place."""
    stale: list[Deviation]
    """Entries that match no difference."""


def load(path: str) -> list[Deviation]:
    """Load the entries of a file, one for each place.

    Raises:
        DescriptionError: The file cannot be read, or an entry is invalid.
    """
    entries = values(content_of(path), path) or []
    if not isinstance(entries, list):
        raise DescriptionError(f"{path} must be a list of entries.")
    found: list[Deviation] = []
    for number, entry in enumerate(entries, 1):
        if problem := _problem(entry):
            raise DescriptionError(f"{path}: entry {number} {problem}.")
        found += [Deviation(place, entry.get("ours"), entry.get("upstream")) for place in entry["places"]]
    places = [deviation.place for deviation in found]
    if twice := sorted({place for place in places if places.count(place) > 1}):
        raise DescriptionError(f"{path}: {twice[0]} has two entries.")
    return found


def _problem(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return "is not a mapping"
    if unknown := entry.keys() - _FIELDS:
        return f"has the unknown field {min(map(str, unknown))}"
    for field in ("reason", "source"):
        if not isinstance(entry.get(field), str) or not entry[field].strip():
            return f"has no {field}"
    places = entry.get("places")
    if not isinstance(places, list) or not places or not all(isinstance(place, str) for place in places):
        return "has no list of places"
    if entry.get("ours") == entry.get("upstream"):
        return "has the same value for ours and upstream"
    return None


def review(found: list[Difference], deviations: Iterable[Deviation]) -> Review:
    """Match differences with reviewed entries."""
    entries = list(deviations)
    remaining = [difference for difference in found if not any(entry.allows(difference) for entry in entries)]
    contradicted = [difference for difference in remaining if any(_touches(entry, difference) for entry in entries)]
    return Review(
        [difference for difference in remaining if difference not in contradicted],
        contradicted,
        [
            entry
            for entry in entries
            if not any(entry.allows(difference) for difference in found)
            and not any(_touches(entry, difference) for difference in contradicted)
        ],
    )


def _touches(entry: Deviation, difference: Difference) -> bool:
    """Whether the difference is at, above or below the entry's place."""
    return entry.is_about(difference) or any(
        longer.startswith((f"{shorter} ", f"{shorter}."))
        for longer, shorter in ((entry.place, difference.where), (difference.where, entry.place))
    )


def plain(facts: Facts) -> object:
    """Convert facts for YAML and JSON: a value, a mapping of names to values, or None if there are none."""
    named = {rendered(place): list(value) if isinstance(value, tuple) else value for place, value in facts.items()}
    return None if not named else named[""] if set(named) == {""} else named
