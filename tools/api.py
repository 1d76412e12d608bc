"""`make api-diff`: what changed in the Python API since a commit, and the version step that this requires.

`packages` defines the API. griffe decides which parameter changes break callers. This module grades what griffe
ignores (types, bases, enum values, sync or async):

- A parameter may accept more types, and a return value or an attribute may have fewer. Other type changes break.
- A class may gain a base but not lose one. Removing a name breaks callers; adding one does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from griffe import Breakage, BreakageKind, Class, find_breaking_changes

from .packages import Packages
from .public_api import BASES, CALLED, DEFAULT, KIND, ORDER, REQUIRED, SETTABLE, TYPE, VALUE, Fact, Place, public_api
from .report import Changes, Finding, Step, changes

_REASONS: dict[Step, str] = {
    "major": "breaks callers",
    "minor": "the API changed without breaking callers",
    "patch": "the code changed, the API did not",
    "none": "nothing changed",
}

_ASPECTS = {
    BreakageKind.OBJECT_CHANGED_KIND: None,
    BreakageKind.PARAMETER_REMOVED: None,
    BreakageKind.PARAMETER_CHANGED_REQUIRED: REQUIRED,
    BreakageKind.PARAMETER_CHANGED_DEFAULT: DEFAULT,
    BreakageKind.PARAMETER_CHANGED_KIND: KIND,
    BreakageKind.PARAMETER_MOVED: ORDER,
}
"""The griffe breakages used here, and the aspect that each one breaks."""


@dataclass(frozen=True)
class _Change:
    place: Place
    before: str | None
    after: str | None
    breaking: bool

    def finding(self) -> Finding:
        hint = "put new parameters last, or " if self.place.aspect == ORDER else ""
        return Finding(str(self.place), self.before, self.after, self.breaking, hint)


def api_diff(base: Packages, now: Packages) -> Changes:
    """Compare two versions of the API, and determine the SemVer step that the changes require."""
    comparison = _Comparison(base, now)
    findings = sorted((change.finding() for change in _joined(list(comparison.changes()))), key=lambda f: f.where)
    return changes(findings, same=base.files == now.files, reasons=_REASONS)


class _Comparison:
    """Two versions of the API, side by side."""

    def __init__(self, base: Packages, now: Packages) -> None:
        old, new = public_api(base.modules), public_api(now.modules)
        self._old, self._new = old.things, new.things
        self._before, self._after = old.facts(), new.facts()
        self._breakages = {
            _place(breakage)
            for pair in zip(base.modules, now.modules, strict=True)
            for breakage in find_breaking_changes(*pair)
            if breakage.kind in _ASPECTS
        }

    def changes(self) -> Iterator[_Change]:
        """Yield the changes; each once, even under several public names."""
        seen: set[Place] = set()
        for place in dict.fromkeys([*self._before, *self._after]):
            before, after = self._sides(place)
            if before != after and self._is_reported(place, before, after) and (key := self._key(place)) not in seen:
                seen.add(key)
                yield _Change(
                    place,
                    _text(place, before, self._before),
                    _text(place, after, self._after),
                    self._breaks(place, before, after),
                )

    def _sides(self, place: Place) -> tuple[Fact | None, Fact | None]:
        before, after = self._before.get(place), self._after.get(place)
        if place.aspect == BASES and isinstance(before, tuple) and isinstance(after, tuple):
            # An added or removed base has its own line; do not repeat it for each subclass.
            before = tuple(base for base in before if base not in self._old or base in self._new)
            after = tuple(base for base in after if base not in self._new or base in self._old)
        return before, after

    def _is_reported(self, place: Place, before: Fact | None, after: Fact | None) -> bool:
        """Whether this change is worth a line: no other line implies it."""
        if (place.owner in self._before) != (place.owner in self._after):
            return False
        if place.aspect == ORDER and isinstance(before, tuple) and isinstance(after, tuple):
            without = tuple(name for name in before if Place(place.name, name) in self._after)
            return self._is_breakage(place) and after != without
        return place.aspect is None or None not in (before, after)

    def _key(self, place: Place) -> Place:
        """Identify a place by where it is defined; an import counts as its own place."""
        owner, _, name = place.name.rpartition(".")
        thing = self._new.get(owner) or self._old.get(owner)
        if isinstance(thing, Class):
            return replace(place, name=f"{thing.path}.{name}")
        thing = self._new.get(place.name) or self._old.get(place.name)
        return replace(place, name=thing.path) if thing and (place.parameter or place.aspect) else place

    def _is_breakage(self, place: Place) -> bool:
        thing = self._new.get(place.name)
        return thing is not None and replace(place, name=thing.path) in self._breakages

    def _breaks(self, place: Place, before: Fact | None, after: Fact | None) -> bool:
        if place.aspect is None and before is None:
            return self._requires_more(place)
        if place.aspect is None and after is None:
            return place.parameter is None or self._is_breakage(place)
        if place.aspect in {VALUE, CALLED}:
            return True
        if place.aspect == SETTABLE:
            return after is False
        if isinstance(before, tuple) and isinstance(after, tuple) and place.aspect != ORDER:
            return _breaks(place, set(before), set(after))
        return self._is_breakage(place)

    def _requires_more(self, place: Place) -> bool:
        """Whether callers must pass something new: a required parameter, or a constructor with one."""
        if not place.parameter and not place.name.endswith(".__init__"):
            return False
        return any(
            fact is True and other.name == place.name and place.parameter in {None, other.parameter}
            for other, fact in self._after.items()
            if other.aspect == REQUIRED
        )


def _breaks(place: Place, before: set[str], after: set[str]) -> bool:
    """Whether a change of types or bases breaks callers."""
    if place.aspect == BASES:
        return not before <= after
    if "Any" in after:
        return False
    if place.parameter:
        return not before <= after and "object" not in after
    return not after <= before and before != {"None"}


def _place(breakage: Breakage) -> Place:
    """Locate a breakage by the name under which griffe found it defined."""
    about_parameter = breakage.kind not in {BreakageKind.OBJECT_CHANGED_KIND, BreakageKind.PARAMETER_MOVED}
    return Place(breakage.obj.path, breakage.old_value.name if about_parameter else None, _ASPECTS[breakage.kind])


def _text(place: Place, fact: Fact | None, facts: dict[Place, Fact]) -> str | None:
    if fact is None:
        return None
    if place.parameter and not place.aspect:
        parts = [replace(place, aspect=aspect) for aspect in (REQUIRED, TYPE, DEFAULT)]
        return (
            ", ".join(f"{part.aspect} {_text(part, facts[part], facts)}" for part in parts if part in facts) or "given"
        )
    if isinstance(fact, bool):
        return str(fact).lower()
    if isinstance(fact, tuple):
        return (", " if place.aspect in {BASES, ORDER} else " or ").join(fact) or None
    return fact


def _joined(found: list[_Change]) -> list[_Change]:
    """Merge a field with its constructor parameter: one line for both, breaking if either is."""
    by_place = {change.place: change for change in found}
    for place, change in list(by_place.items()):
        owner, _, name = place.name.rpartition(".")
        if name == "__init__" and place.parameter:
            field = by_place.pop(Place(f"{owner}.{place.parameter}", aspect=place.aspect), None)
            if field is not None:
                by_place[place] = replace(change, breaking=change.breaking or field.breaking)
    return list(by_place.values())
