"""Compare two sets of facts: find the fewest differences that cover everything, and grade each."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from .facts import DOCUMENTED, RESPONSE, rendered
from .grading import added_node_breaks, changed_fact_breaks, removed_node_breaks
from .schemas import Facts, Place

MEDIA_TYPE = "media type"


@dataclass(frozen=True)
class Difference:
    """One line of the report: a changed fact, or an added or removed field, header, status … with all its facts."""

    place: Place
    before: Facts
    """The facts at and below the place; empty if it did not exist."""
    after: Facts

    @property
    def where(self) -> str:
        """The place as text."""
        return rendered(self.place)

    @cached_property
    def is_node(self) -> bool:
        """Whether a whole field, header, status … exists on one side only, as opposed to a changed fact."""
        if self.before and self.after:
            return False
        facts = self.before | self.after
        return set(facts) != {()} or facts[()] == DOCUMENTED

    @cached_property
    def breaking(self) -> bool:
        """Whether changing `before` to `after` breaks callers."""
        if (MEDIA_TYPE,) in self.before:
            return True
        if self.is_node and self.before:
            return removed_node_breaks(self.place)
        if self.is_node:
            return added_node_breaks(self.place, required=self.after.get(("required",)) is True)
        return any(
            changed_fact_breaks(self.place + rest, (self.before.get(rest), self.after.get(rest)))
            for rest in self.before | self.after
            if len(rest) < 2  # deeper facts follow from the type
        )


def differences(before: Facts, after: Facts) -> list[Difference]:
    """Find the differences, those at new places last.

    A field that exists on one side only is one difference, not one per fact. A changed type is one difference together
    with the facts that depend on it.
    """
    differing = [place for place in before | after if before.get(place) != after.get(place)]
    nodes_before, nodes_after = _nodes(before), _nodes(after)
    groups: defaultdict[Place, list[Place]] = defaultdict(list)
    for place in differing:
        groups[_root(place, nodes_before, nodes_after, before, after)].append(place)
    found = []
    for group, places in groups.items():
        # If only the type changed, report the fact itself.
        root = places[0] if len(places) == 1 and places[0] in before and places[0] in after else group
        old, new = (
            {place[len(root) :]: facts[place] for place in places if place in facts} for facts in (before, after)
        )
        found.append(Difference(root, old, new))
    return _with_changed_media_types(found)


def _nodes(facts: Facts) -> set[Place]:
    return {place[:length] for place in facts for length in range(len(place) + 1)}


def _root(place: Place, nodes_before: set[Place], nodes_after: set[Place], before: Facts, after: Facts) -> Place:
    """Find the shortest prefix of the place that was added, was removed, or changed its type."""
    for length in range(1, len(place)):
        part = place[:length]
        if (part in nodes_before) != (part in nodes_after):
            return part
        kind = (*part, "type")
        if kind in before and kind in after and before[kind] != after[kind]:
            return part
    return place


def _with_changed_media_types(found: list[Difference]) -> list[Difference]:
    """Report a replaced media type as one difference."""
    paired: list[Difference] = []
    for difference in found:
        others = [other for other in found if _is_media_type(other) and other.place[:-1] == difference.place[:-1]]
        gone = [other for other in others if other.before]
        if not _is_media_type(difference) or len(others) != 2 or len(gone) != 1:
            paired.append(difference)
        elif difference is gone[0]:
            (came,) = (other for other in others if other is not difference)
            paired.append(_changed_media_type(difference, came))
    return paired


def _is_media_type(difference: Difference) -> bool:
    return difference.is_node and "/" in difference.place[-1] and not difference.place[-1].startswith(".")


def _changed_media_type(gone: Difference, came: Difference) -> Difference:
    """Combine the two, without the facts that they share."""
    before: Facts = {(MEDIA_TYPE,): gone.place[-1]}
    after: Facts = {(MEDIA_TYPE,): came.place[-1]}
    before |= {place: value for place, value in gone.before.items() if came.after.get(place) != value}
    after |= {place: value for place, value in came.after.items() if gone.before.get(place) != value}
    return Difference(gone.place, before, after)


def merged(found: Iterable[Difference]) -> list[Difference]:
    """Merge differences that several statuses have in common into one line."""
    alike: defaultdict[str, list[Difference]] = defaultdict(list)
    for difference in found:
        place = difference.place
        shape = place[2:] if place[0] == RESPONSE and len(place) > 2 else place
        alike[repr((place[0], shape, difference.before, difference.after))].append(difference)
    one_each: list[Difference] = []
    for group in alike.values():
        place = group[0].place
        if len(group) > 1:
            place = (place[0], ", ".join(difference.place[1] for difference in group), *place[2:])
        one_each.append(replace(group[0], place=place))
    return one_each
