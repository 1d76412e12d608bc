"""Decide whether a changed fact breaks callers.

Nearly always, one idea decides: senders must not be allowed less, receivers must not be sent more. A change makes a
fact narrower or wider (or both); narrower breaks a request, wider breaks a response.
"""

from .facts import NO_SECURITY, RESPONSE
from .schemas import OPAQUE, Place, Value

_LOWER_BOUNDS = frozenset({"exclusiveMinimum", "minContains", "minItems", "minLength", "minProperties", "minimum"})
_UPPER_BOUNDS = frozenset({"exclusiveMaximum", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum"})

Change = tuple[Value | None, Value | None]
"""A fact before and after; None if absent."""


def changed_fact_breaks(place: Place, change: Change) -> bool:
    """Whether changing, adding or removing a fact breaks callers."""
    before, after = change
    if OPAQUE.intersection(place):
        return True  # less below a `not` means more: leave the judgement to a person
    match place[-1]:
        case "deprecated":
            return False
        case "readOnly" | "writeOnly":
            return True
        case "default":
            # What callers omit now gets a different value.
            return place[0] != RESPONSE and before is not None
        case "server" | "security":
            accepted = set(after) if isinstance(after, tuple) else set()
            return NO_SECURITY not in accepted and not accepted.issuperset(before if isinstance(before, tuple) else ())
    narrower, wider = _direction(place[-1], before, after)
    return wider if place[0] == RESPONSE else narrower


def added_node_breaks(place: Place, *, required: bool) -> bool:
    """Whether a new field, header, status … breaks callers."""
    if OPAQUE.intersection(place):
        return True
    if _is_alternative(place):
        return place[0] == RESPONSE
    return place[0] != RESPONSE and required


def removed_node_breaks(place: Place) -> bool:
    """Whether removing a field, header, status … breaks callers."""
    return not _is_alternative(place) or place[0] != RESPONSE


def _is_alternative(place: Place) -> bool:
    return place[-1].startswith((".<one of", ".<any of"))


def _direction(keyword: str, before: Value | None, after: Value | None) -> tuple[bool, bool]:
    """Whether less is allowed than before, and whether more is."""
    if keyword == "type":
        return not _types_cover(after, before), not _types_cover(before, after)
    if keyword == "enum" and isinstance(before, tuple) and isinstance(after, tuple):
        return bool(set(before) - set(after)), bool(set(after) - set(before))
    if keyword == "null":
        return before is True, after is True
    if isinstance(before, int | float) and isinstance(after, int | float) and keyword in _LOWER_BOUNDS | _UPPER_BOUNDS:
        raised, lowered = after > before, after < before
        return (raised, lowered) if keyword in _LOWER_BOUNDS else (lowered, raised)
    return not _is_nothing(after), not _is_nothing(before)  # a constraint was added, removed or changed


def _is_nothing(value: Value | None) -> bool:
    return value is None or value is False


def _types_cover(one: Value | None, other: Value | None) -> bool:
    """Whether one allows every type that the other does."""
    names, covered = set(str(one).split(" or ")), set(str(other).split(" or "))
    if "number" in names:
        names.add("integer")
    return names == {"any"} or covered == {"none"} or covered <= names
