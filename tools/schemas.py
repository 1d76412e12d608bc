"""Compare two schemas: what is allowed no longer, and what is allowed now.

Equivalent schemas give no changes, however they are written: references are followed, `allOf` is merged, and null is
one fact wherever it is said. Whatever changes within a keyword that the provider does not use, such as `if`, counts as
breaking. oasdiff compares schemas too, but is a Go program that neither PyPI nor npm has.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .document import Document

Schema = dict[str, Any]
Place = tuple[str, ...]
"""Steps to a fact. One that starts with a dot, such as `.input`, leads into a nested schema."""

Breaks = tuple[bool, bool]
"""Whether a change breaks those who send such a value, and those who receive it."""

NEITHER, NARROWER, WIDER, BOTH = (False, False), (True, False), (False, True), (True, True)
LIMIT = 2_000
"""The most changes reported: references can multiply without end."""

_LOWER = {"exclusiveMinimum": None, "minimum": None, "minItems": 0, "minLength": 0, "minProperties": 0}
_UPPER = dict.fromkeys(("exclusiveMaximum", "maximum", "maxItems", "maxLength", "maxProperties"))
"""Each bound, and what it is where it is not set."""

_OTHERS = {
    "allowReserved": (BOTH, BOTH, BOTH), "callbacks": (BOTH, BOTH, BOTH), "contentEncoding": (BOTH, BOTH, BOTH),
    "contentMediaType": (BOTH, BOTH, BOTH), "default": (NEITHER, NARROWER, NARROWER),
    "deprecated": (NEITHER, NEITHER, NEITHER), "discriminator": (NEITHER, NEITHER, BOTH),
    "encoding": (BOTH, BOTH, BOTH), "readOnly": (NARROWER, NEITHER, BOTH), "writeOnly": (WIDER, NEITHER, BOTH),
}  # fmt: skip
"""Keywords with rules of their own: what it breaks that they are set, removed, or changed."""

_INNER = {
    "additionalProperties": ".<other>", "contentSchema": ".<content>", "items": ".<item>", "propertyNames": ".<name>",
    "unevaluatedItems": ".<unevaluated item>", "unevaluatedProperties": ".<unevaluated>",
}  # fmt: skip
"""Keywords with one schema, where none is the same as one that allows everything."""

_UNUSED = frozenset({"contains", "else", "if", "not", "then", "dependentSchemas", "patternProperties", "prefixItems"})
"""Keywords that the provider does not use. Three of them have several schemas, by name or in a list."""

_IGNORED = {
    "$anchor", "$defs", "$dynamicAnchor", "$id", "$schema", "$vocabulary", "anyOf", "definitions", "enum", "nullable",
    "oneOf", "properties", "required", "type", *_INNER, *_LOWER, *_UNUSED, *_UPPER,
}  # fmt: skip
"""Keywords that have rules of their own below, or that do not affect what is allowed."""


@dataclass(frozen=True)
class Change:
    """A change at a place. `before` and `after` are None where there was nothing."""

    place: Place
    before: str | None
    after: str | None
    breaks: Breaks


class Comparison:
    """Compares the schemas of two documents, which `cut` has checked."""

    def __init__(self, old: Document, new: Document) -> None:
        self.documents = old, new
        self._flats = _Flats(old), _Flats(new)
        self._known: dict[tuple[str, str], list[Change]] = {}

    def changes(self, old: Any, new: Any) -> list[Change]:
        """List the changes, by their places within the schema."""
        key = text(old), text(new)
        if key not in self._known:
            self._known[key] = []  # what is below a schema that contains itself was compared on the way there
            self._known[key] = list(self._changes(self._flats[0].flat(old), self._flats[1].flat(new)))
            if len(self._known[key]) > LIMIT:
                raise self._flats[1].document.error(f"its schemas have more than {LIMIT} differences")
        return self._known[key]

    def before(self, schema: Any) -> str:
        """Describe a schema of the old document in some words."""
        return _summary(self._flats[0].flat(schema))

    def after(self, schema: Any) -> str:
        """Describe a schema of the new document in some words."""
        return _summary(self._flats[1].flat(schema))

    def _within(self, step: str, old: Any, new: Any) -> Iterator[Change]:
        for change in self.changes(old, new):
            yield replace(change, place=(step, *change.place))

    def _changes(self, old: Schema, new: Schema) -> Iterator[Change]:
        yield from self._alternatives(old, new)
        had, has = ({"oneOf", "anyOf"} & side.keys() for side in (old, new))
        if bool(had) == bool(has):
            yield from self._common(old, new)
        elif has:  # whether more is allowed is up to the alternatives
            found = self._common(old, {"type": old.get("type", ["any"])} | new)
            yield from (replace(change, breaks=(change.breaks[0], False)) for change in found if change.breaks != WIDER)
        else:
            found = self._common({"type": new.get("type", ["any"])} | old, new)
            yield from (
                replace(change, breaks=(False, change.breaks[1])) for change in found if change.breaks != NARROWER
            )

    def _common(self, old: Schema, new: Schema) -> Iterator[Change]:
        """Compare all but the alternatives."""
        before, after = _types(old), _types(new)
        if before != after:
            breaks = not _cover(after, before), not _cover(before, after)
            yield Change(("type",), " or ".join(before), " or ".join(after), breaks)
        if not _cover(before, after) and not _cover(after, before):
            return  # nothing else of it can be compared
        if old["nullable"] != new["nullable"] and ["any"] not in (before, after):
            yield flag(("null",), new["nullable"], WIDER, NARROWER)
        yield from _keywords(old, new)
        yield from self._properties(old, new)
        for keyword, step in _INNER.items():
            yield from self._within(step, old.get(keyword, {}), new.get(keyword, {}))
        for change in self._properties({"properties": _unused(old)}, {"properties": _unused(new)}):
            yield replace(change, breaks=BOTH)

    def _properties(self, old: Schema, new: Schema) -> Iterator[Change]:
        parts, others = old.get("properties", {}), new.get("properties", {})
        for name in dict.fromkeys([*parts, *others, *old.get("required", ()), *new.get("required", ())]):
            was, now = name in old.get("required", ()), name in new.get("required", ())
            place = (f".{name}",)
            if name not in parts and not was and name in others:
                after = f"required {str(now).lower()}, {self.after(others[name])}"
                yield Change(place, None, after, (now, False))
            elif name not in others and not now and name in parts:
                yield Change(place, f"required {str(was).lower()}, {self.before(parts[name])}", None, BOTH)
            else:
                if was != now:
                    yield flag((*place, "required"), now, NARROWER, WIDER)
                yield from self._within(f".{name}", parts.get(name, {}), others.get(name, {}))

    def _alternatives(self, old: Schema, new: Schema) -> Iterator[Change]:
        was, now = (next((key for key in ("oneOf", "anyOf") if key in side), None) for side in (old, new))
        if was and now:
            if was != now:
                yield Change((now,), was, now, WIDER if now == "anyOf" else NARROWER)
            yield from self._matched("one" if now == "oneOf" else "any", old[was], new[now])
        elif now:
            parts = _effective(self._flats[1], new, now)
            found = [self._relation(old, part) for part in parts]
            breaks = all(narrower for narrower, _ in found), any(wider for _, wider in found)
            yield Change((now,), None, ", ".join(map(_label, parts)), breaks)
        elif was:
            parts = _effective(self._flats[0], old, was)
            found = [self._relation(part, new) for part in parts]
            breaks = any(narrower for narrower, _ in found), all(wider for _, wider in found)
            yield Change((was,), ", ".join(map(_label, parts)), None, breaks)

    def _relation(self, old: Schema, new: Schema) -> Breaks:
        """Whether less is allowed than before, and whether more is."""
        found = self.changes(old, new)
        return any(change.breaks[0] for change in found), any(change.breaks[1] for change in found)

    def _matched(self, kind: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
        left, right = list(map(self._flats[0].flat, old)), list(map(self._flats[1].flat, new))
        pairs: list[tuple[Schema, Schema]] = []
        for is_same in (lambda one, other: not self.changes(one, other), _by(_telling_value), _by(_label)):
            for one in list(left):
                if other := next((other for other in right if is_same(one, other)), None):
                    pairs.append((one, other))
                    left.remove(one)
                    right.remove(other)
        for one, other in pairs:
            yield from self._within(f".<{kind} of: {_label(one)}>", one, other)
        for one in left:
            yield Change((f".<{kind} of: {_label(one)}>",), _summary(one), None, NARROWER)
        for other in right:
            yield Change((f".<{kind} of: {_label(other)}>",), None, _summary(other), WIDER)


class _Flats:
    """Flattens the schemas of one document: no references, no `allOf`, no null among types and alternatives."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._known: dict[str, Schema] = {}

    def flat(self, schema: Any) -> Schema:
        key = text(schema)
        if key not in self._known:
            self._known[key] = self._flat(schema)
        return self._known[key]

    def _flat(self, schema: Any) -> Schema:
        if isinstance(schema, bool):
            return {"nullable": False} | ({} if schema else {"type": ["none"]})
        flat: Schema = dict(self.document.mapping(schema, "a schema"))
        for keyword in ("allOf", "anyOf", "enum", "oneOf", "prefixItems", "required"):
            self.document.sequence(flat.get(keyword, []), keyword)
        for keyword in ("dependentSchemas", "patternProperties", "properties"):
            self.document.mapping(flat.get(keyword, {}), keyword)
        if "const" in flat:
            flat["enum"] = [flat.pop("const")]
        types = flat.pop("type", [])
        types = {types} if isinstance(types, str) else set(map(str, self.document.sequence(types, "type")))
        values = flat.get("enum", ())
        nullable = flat.pop("nullable", False) or "null" in types or (not types and None in values)
        types -= {"null", "integer"} if "number" in types else {"null"}
        if nullable and not types and all(value is None for value in values) and flat.keys() <= {"enum"}:
            return {"type": ["null"], "nullable": False}
        if types:
            flat["type"] = sorted(types)
        if "enum" in flat:
            flat["enum"] = [value for value in values if value is not None]
        parts = [self.flat(part) for part in flat.pop("allOf", ())]
        if "$ref" in flat:
            parts.append(self.flat(self.document.target(flat.pop("$ref"))))
        flat["nullable"] = nullable
        also_null = False
        for keyword in ("oneOf", "anyOf"):
            alternatives = list(map(self.flat, flat.pop(keyword, ())))
            kept = [part for part in alternatives if _types(part) != ["null"]]
            also_null = also_null or len(kept) < len(alternatives)
            if len(kept) == 1:
                parts.append(kept[0])
            elif kept:
                flat[keyword] = kept
        for part in parts:
            flat = _conjoined(part, flat)
        return flat | {"nullable": True} if also_null else flat


def text(value: object) -> str:
    """Format a value as JSON, so that 1, true and "1" differ, but 1 and 1.0 do not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _keywords(old: Schema, new: Schema) -> Iterator[Change]:
    """Compare the keywords that hold no schemas."""
    for bound, unset in (_LOWER | _UPPER).items():
        one, other = old.get(bound, unset), new.get(bound, unset)
        if one != other:
            tighter = other is not None and (one is None or (other > one) == (bound in _LOWER))
            breaks = NARROWER if tighter else WIDER
            if (bound, one, other) == ("minLength", 0, 1):  # an empty text said nothing
                breaks = NEITHER
            before, after = (str(side[bound]) if bound in side else None for side in (old, new))
            yield Change((bound,), before, after, breaks)
    if "enum" in old or "enum" in new:
        values, others = set(map(text, old.get("enum", ()))), set(map(text, new.get("enum", ())))
        narrower = "enum" in new and ("enum" not in old or not values <= others)
        wider = "enum" in old and ("enum" not in new or not others <= values)
        if narrower or wider:
            before, after = (" or ".join(sorted(side)) or None for side in (values - others, others - values))
            yield Change(("enum",), before, after, (narrower, wider))
    yield from rest(old, new, _IGNORED)


def rest(old: Mapping[str, Any], new: Mapping[str, Any], known: Iterable[str]) -> Iterator[Change]:
    """Compare the values of all fields but the known ones, so that nothing is lost."""
    for name in sorted((old.keys() | new.keys()) - set(known)):
        before, after = (_value(side, name) for side in (old, new))
        if before != after:
            gained, lost, replaced = _OTHERS.get(name, (NARROWER, WIDER, BOTH))
            yield Change((name,), before, after, gained if before is None else lost if after is None else replaced)


def _value(side: Mapping[str, Any], name: str) -> str | None:
    if name not in side:
        return None
    # The mapping of a discriminator has names of components, which are no facts.
    return text(side[name]["propertyName"] if name == "discriminator" else side[name])


def _unused(side: Schema) -> dict[str, Any]:
    """Return the schemas within keywords that the provider does not use, by the names of their places."""
    found: dict[str, Any] = {}
    for keyword in _UNUSED & side.keys():
        value = side[keyword]
        if keyword == "prefixItems":
            found |= {f"<{keyword} {index}>": part for index, part in enumerate(value)}
        elif keyword in {"dependentSchemas", "patternProperties"}:
            found |= {f"<{keyword} {name}>": part for name, part in value.items()}
        else:
            found[f"<{keyword}>"] = value
    return dict(sorted(found.items()))


def flag(place: Place, now: bool, gained: Breaks, lost: Breaks) -> Change:
    """Return the change of what is now true, or no longer."""
    return Change(place, str(not now).lower(), str(now).lower(), gained if now else lost)


def _types(flat: Schema) -> list[str]:
    types: list[str] = flat.get("type", ["any"])
    return types


def _cover(one: list[str], other: list[str]) -> bool:
    """Whether one allows every type that the other does."""
    return one == ["any"] or other == ["none"] or set(other) <= set(one) | ({"integer"} if "number" in one else set())


def _effective(flats: _Flats, side: Schema, keyword: str) -> list[Schema]:
    """Return the alternatives, each with what all of them have in common."""
    base = {key: value for key, value in side.items() if key != keyword}
    return [_conjoined(flats.flat(part), base) for part in side[keyword]]


def _telling_value(flat: Schema) -> str | None:
    """Find a property with a single possible value."""
    for name, part in sorted(flat.get("properties", {}).items()):
        values = [part["const"]] if "const" in part else part.get("enum", ())
        if len(values) == 1:
            return f"{name} {text(values[0])}"
    return None


def _label(flat: Schema) -> str:
    required = ", ".join(flat.get("required", ()))
    return _telling_value(flat) or " or ".join(_types(flat)) + (f" with {required}" if required else "")


def _by(found: Callable[[Schema], str | None]) -> Callable[[Schema, Schema], bool]:
    return lambda one, other: found(one) is not None and found(one) == found(other)


def _summary(flat: Schema) -> str:
    parts = [f"type {' or '.join(_types(flat))}", *(["null"] if flat["nullable"] else [])]
    if "enum" in flat:
        parts.append(f"enum {' or '.join(sorted(map(text, flat['enum'])))}")
    parts += [
        f"{key} {text(value)}"
        for key, value in sorted(flat.items())
        if key != "nullable" and not isinstance(value, dict | list)
    ]
    return ", ".join([*parts, *(f".{name}" for name in flat.get("properties", ()))][:8])


def _conjoined(one: Schema, other: Schema) -> Schema:
    """Intersect two flat schemas. A keyword that cannot be merged is kept under another name."""
    both = one | other
    for keyword in one.keys() & other.keys():
        first, second = one[keyword], other[keyword]
        if keyword == "nullable":
            typed = [side[keyword] for side in (one, other) if "type" in side or "enum" in side]
            both[keyword] = all(typed) if typed else first or second
        elif first == second:
            continue
        elif keyword == "required":
            both[keyword] = list(dict.fromkeys([*first, *second]))
        elif keyword in {"properties", "patternProperties"}:
            shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
            both[keyword] = {**first, **second, **shared}
        elif keyword == "type":
            both[keyword] = (
                sorted(set(first) & set(second))
                or [kind for kind in ("integer",) if _cover(first, [kind]) and _cover(second, [kind])]
                or ["none"]
            )
        elif keyword == "enum":
            both[keyword] = [value for value in first if value in second]
        elif keyword in _INNER:
            both[keyword] = {"allOf": [first, second]}
        else:
            both[f"{keyword}, too"] = [first, second]
    return both
