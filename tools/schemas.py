"""Turn a schema into facts. Equivalent schemas give the same facts, however they are written.

References are followed and `allOf` is merged; `nullable: true`, `type: [..., 'null']` and an alternative of
`type: 'null'` are the same fact; a keyword that states the default (`additionalProperties: true`) is ignored.
"""

import json
from collections.abc import Mapping
from typing import Any

from .document import Document

Place = tuple[str, ...]
"""Steps to a fact. One that starts with a dot, such as `.input`, leads into a nested schema."""

Value = str | bool | int | float | tuple[str, ...]
Facts = dict[Place, Value]

WORDING = frozenset({"$comment", "$defs", "$id", "$schema", "description", "example", "examples"}) | frozenset(
    {"externalDocs", "summary", "title", "xml"}
)
"""Keywords that do not affect what is allowed."""

SCHEMAS_LIMIT = 20_000
"""The most schemas visited per description: references can multiply without end."""

_ONE_SCHEMA = {"additionalProperties": ".<other>", "items": ".<item>"} | {
    keyword: f".<{keyword}>"
    for keyword in (
        "contains",
        "else",
        "if",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
}
OPAQUE = frozenset({".<contains>", ".<else>", ".<if>", ".<not>", ".<propertyNames>", ".<then>"})
"""Steps below which more can mean less."""

_IMPLIED = {"object": "additionalProperties", "array": "items"}
_NOTHING = {"deprecated": False, "readOnly": False, "uniqueItems": False, "writeOnly": False} | dict.fromkeys(
    ("minItems", "minLength", "minProperties"), 0
)
_HANDLED = {
    "discriminator",
    "enum",
    "nullable",
    "oneOf",
    "anyOf",
    "patternProperties",
    "properties",
    "required",
    "type",
}

Schema = dict[str, Any]
Trail = dict[str, int]
"""The references followed to reach a schema, each with its depth."""


class SchemaReader:
    """Reads the schemas of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = SCHEMAS_LIMIT

    def facts(self, schema: Any, trail: Trail | None = None, depth: int = 0) -> Facts:
        """Extract the facts of a schema, by their places within it."""
        flat, trail = self._flat(schema, trail or {}, depth)
        types, nullable = _types(flat)
        found: Facts = {("type",): " or ".join(types)}
        if nullable and (types != ["any"] or "enum" in flat):
            found["null",] = True
        if "enum" in flat and types != ["null"]:
            found["enum",] = tuple(sorted({text(value) for value in flat["enum"] if value is not None}))
        for keyword, value in _other_keywords(flat).items():
            found[keyword,] = value
        if "discriminator" in flat:
            found["discriminator",] = text(self._mapping(flat["discriminator"]).get("propertyName"))
        required = flat.get("required", [])
        properties = flat.get("properties", {})
        for name in properties | dict.fromkeys(required):
            inner = self.facts(properties.get(name, {}), trail, depth + 1)
            found |= under(f".{name}", {("required",): name in required} | inner)
        for name, inner_schema in flat.get("patternProperties", {}).items():
            found |= under(f".<pattern {name}>", self.facts(inner_schema, trail, depth + 1))
        for kind, inner_schema in self._parts(flat, types).items():
            found |= under(_ONE_SCHEMA[kind], self.facts(inner_schema, trail, depth + 1))
        for keyword in ("oneOf", "anyOf"):
            alternatives = [(part, self.facts(part, trail, depth + 1)) for part in flat.get(keyword, [])]
            for label, facts in self._labelled(flat, alternatives).items():
                found |= under(f".<{'one' if keyword == 'oneOf' else 'any'} of: {label}>", facts)
        return found

    def _flat(self, schema: Any, trail: Trail, depth: int) -> tuple[Schema, Trail]:
        """Flatten a schema: no references, no `allOf`, no null among the alternatives."""
        self._left -= 1
        if self._left < 0:
            raise self._document.error(f"its references unfold to more than {SCHEMAS_LIMIT} schemas")
        if isinstance(schema, bool):
            return ({} if schema else {"type": ["none"]}), trail
        flat = self._normal(self._mapping(schema))
        parts: list[Any] = list(self._document.sequence(flat.pop("allOf", []), "allOf"))
        if "$ref" in flat:
            reference = flat.pop("$ref")
            target = self._document.target(reference)
            if trail.get(reference) == depth:
                raise self._document.error(f"the reference {reference!r} leads back to itself")
            if reference in trail:
                parts.insert(0, {"same as": f"{depth - trail[reference]} levels above"})
            else:
                trail = {**trail, reference: depth}
                parts.insert(0, target)
        reached = trail
        for keyword in ("oneOf", "anyOf"):
            alternatives = flat.pop(keyword, [])
            kept = [part for part in alternatives if _types(self._flat(part, trail, depth)[0])[0] != ["null"]]
            if len(kept) < len(alternatives):
                flat["nullable"] = True
            if len(kept) == 1:
                parts += kept
            elif kept:
                flat[keyword] = kept
        for part in parts:
            inner, inner_trail = self._flat(part, trail, depth)
            flat = _conjoined(inner, flat)
            reached = reached | inner_trail
        return flat, reached

    def _normal(self, schema: Mapping[str, Any]) -> Schema:
        """Copy a schema, converting its keywords to OpenAPI 3.1's version of JSON Schema."""
        normal = dict(schema)
        for keyword in ("enum", "oneOf", "anyOf", "required"):
            self._document.sequence(normal.get(keyword, []), keyword)
        for keyword in ("properties", "patternProperties"):
            if keyword in normal:
                normal[keyword] = self._mapping(normal[keyword], keyword)
        if isinstance(normal.get("type"), str):
            normal["type"] = [normal["type"]]
        self._document.sequence(normal.get("type", []), "type")
        if "const" in normal:
            normal["enum"] = [normal.pop("const")]
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(normal.get(exclusive), bool) and normal.pop(exclusive) and bound in normal:
                normal[exclusive] = normal.pop(bound)
        return normal

    def _parts(self, flat: Schema, types: list[str]) -> Schema:
        parts = {keyword: flat[keyword] for keyword in _ONE_SCHEMA if keyword in flat}
        for kind, keyword in _IMPLIED.items():
            if kind in types:
                parts.setdefault(keyword, {})
        return parts

    def _labelled(self, flat: Schema, alternatives: list[tuple[Any, Facts]]) -> dict[str, Facts]:
        """Name the alternatives independently of their order and of component names."""
        by_reference = [self._discriminated(flat, part) for part, _ in alternatives]
        by_value = [_telling_value(facts) for _, facts in alternatives]
        by_type = [str(facts["type",]) for _, facts in alternatives]
        for labels in (by_reference, by_value, by_type):
            if None not in labels and len(set(labels)) == len(alternatives):
                return {str(label): facts for label, (_, facts) in zip(labels, alternatives, strict=True)}
        in_order = sorted((facts for _, facts in alternatives), key=lambda facts: sorted(map(repr, facts.items())))
        return {str(number): facts for number, facts in enumerate(in_order, 1)}

    def _discriminated(self, flat: Schema, part: Any) -> str | None:
        """Find the discriminator values that select this alternative."""
        if "discriminator" not in flat or not isinstance(part, Mapping) or "$ref" not in part:
            return None
        name = str(part["$ref"]).rpartition("/")[2]
        mapping = self._mapping(self._mapping(flat["discriminator"]).get("mapping", {}))
        return ", ".join(sorted(key for key in mapping if str(mapping[key]).rpartition("/")[2] == name)) or name

    def _mapping(self, node: Any, place: str = "a schema") -> Mapping[str, Any]:
        return self._document.mapping(node, place)


def under(step: str, facts: Facts) -> Facts:
    """Nest facts one step deeper."""
    return {(step, *place): value for place, value in facts.items()}


def text(value: object) -> str:
    """Format a value as JSON, so that 1, true and "1" differ, but 1 and 1.0 do not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def _types(flat: Schema) -> tuple[list[str], bool]:
    """Return the allowed types besides null, and whether null is allowed."""
    names = set(map(str, flat.get("type", [])))
    values = flat.get("enum", [])
    if names == {"null"} or (not names and values == [None]):
        return ["null"], False
    nullable = flat.get("nullable") is True or "null" in names or (not names and None in values)
    names -= {"null", "integer"} if "number" in names else {"null"}
    alternatives = [name for name, keyword in (("one of", "oneOf"), ("any of", "anyOf")) if keyword in flat]
    return sorted(names) or alternatives[:1] or ["any"], nullable


def _other_keywords(flat: Schema) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for keyword, value in flat.items():
        if keyword in WORDING | _HANDLED | _ONE_SCHEMA.keys() or keyword.startswith("x-"):
            continue
        if keyword in _NOTHING and value == _NOTHING[keyword]:
            continue
        found[keyword] = value if isinstance(value, int | float | str) and keyword != "default" else text(value)
    return found


def _telling_value(facts: Facts) -> str | None:
    """Find a property with a single possible value."""
    for place, value in sorted(facts.items(), key=lambda fact: fact[0]):
        if len(place) == 2 and place[1] == "enum" and isinstance(value, tuple) and len(value) == 1:
            return f"{place[0].removeprefix('.')} {value[0]}"
    return None


def _conjoined(one: Schema, other: Schema) -> Schema:
    """Intersect two schemas. A keyword that cannot be merged is kept under another name."""
    both = one | other
    for keyword in one.keys() & other.keys() - WORDING:
        first, second = one[keyword], other[keyword]
        if first == second:
            continue
        if keyword == "required":
            both[keyword] = list(dict.fromkeys([*first, *second]))
        elif keyword == "properties":
            shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
            both[keyword] = {**first, **second, **shared}
        elif keyword == "type":
            both[keyword] = sorted(set(first) & set(second)) or ["none"]
        elif keyword == "enum":
            both[keyword] = [value for value in first if value in second]
        elif keyword == "nullable":
            both[keyword] = True  # honor `nullable: true` next to a reference, though 3.0 is unclear on it
        elif keyword in _ONE_SCHEMA:
            both[keyword] = {"allOf": [first, second]}
        else:
            both[f"{keyword}, too"] = [first, second]
    return both
