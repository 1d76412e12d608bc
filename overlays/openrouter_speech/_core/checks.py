"""Check the arguments of a call against the description's schemas. Pure: values in, sentences out.

A mistake is reported in the caller's terms, before anything is sent: `input[0].text must be a str, not int`. The
description is not stricter than the server, and neither is this: enums and kinds of parts that it does not know pass.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from datetime import date
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

Schema = Mapping[str, Any]

_ACCEPTED: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_PYTHON_NAMES = {
    "string": "a str",
    "integer": "an int",
    "number": "a number",
    "boolean": "a bool",
    "array": "a list",
    "object": "a dict",
    "null": "None",
}

_UNBOUNDED = frozenset({"type", "format", "default"})
_JSON_SCALARS = frozenset({str, int, float, bool})
_BOUNDS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}
_FREE: dict[str, type] = {"string": str, "integer": int, "boolean": bool}
_BOUNDING = {
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {*_BOUNDS, "multipleOf"},
    "boolean": set[str](),
}


def plain(value: Any) -> Any:  # noqa: PLR0911
    """Convert models, enums, dates and collections to what JSON has. Anything else stays as it is."""
    if value is None or type(value) in _JSON_SCALARS:
        return value
    match value:
        case Enum():
            return plain(value.value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
    return plain(_of_model(value)) if hasattr(value, "to_dict") else value


def _of_model(model: Any) -> Any:
    """Convert a generated model. It may hold dicts where its annotations have other models."""
    import attrs  # noqa: PLC0415  (--help imports this module, and has to be fast)

    model = copy(model)
    for field in attrs.fields(type(model)):
        setattr(model, field.name, _as_model(getattr(model, field.name)))
    try:
        return model.to_dict()
    except AttributeError as error:
        raise TypeError(f"{type(model).__name__} has a field of a wrong type: {error}") from None


def _as_model(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _DictModel(value)
    return [_as_model(item) for item in value] if isinstance(value, list) else value


class _DictModel(dict[str, Any]):
    def to_dict(self) -> dict[str, Any]:
        return self


class _Known(NamedTuple):
    """What is known of a schema."""

    schema: Schema
    parts: tuple[Schema, ...]
    """Those with bounds."""
    types: frozenset[str] | None
    """The JSON types that it allows; None for any."""
    free: frozenset[type]
    """The types whose values need no further check: no call pays for a rule that it cannot break."""


class Checker:
    """Checks plain values against schemas, which may refer to `#/components/schemas/...`."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._known: dict[int, _Known] = {}
        """By a schema's identity. Schemas stay, and calls are frequent."""

    def check(self, name: str, value: Any, schema: Schema) -> None:
        """Check a value.

        Args:
            name: Where it is, for messages: "input".
            value: The value, as `plain` returns it.
            schema: Its JSON Schema.

        Raises:
            TypeError: It has a wrong type.
            ValueError: It has the right type, but is out of bounds.
        """
        _, parts, types, free = self._known.get(id(schema)) or self._looked_up(schema)
        if type(value) in free and value and (type(value) is not str or value.isascii()):
            return
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, not {value}")
        if types is not None and not any(_is(value, one) for one in types):
            raise TypeError(f"{name} must be {_named(types)}, not {_type_name(value)}")
        if isinstance(value, str) and not value.isascii():
            _check_characters(name, value)
        elif isinstance(value, dict) and (wrong := next((key for key in value if not isinstance(key, str)), None)):
            raise TypeError(f"{name} has the key {wrong!r}, which is not a str")
        for part in parts:
            if isinstance(value, str):
                _check_text(name, value, part)
            elif isinstance(value, list):
                self._check_list(name, value, part)
            elif isinstance(value, dict):
                self._check_object(name, value, part)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                _check_number(name, value, part)
            for keyword in ("oneOf", "anyOf"):
                if keyword in part:
                    self._check_alternatives(name, value, part[keyword], exactly_one=keyword == "oneOf")

    def types(self, schema: Schema) -> frozenset[str] | None:
        """Return the JSON types that a schema allows; None for any."""
        return self._looked_up(schema).types

    def _looked_up(self, schema: Schema) -> "_Known":
        parts = tuple(self._conjunction(schema))
        found: frozenset[str] | None = None
        for part in parts:
            given = part.get("type") or [_json_type(value) for value in part.get("enum", [part.get("const", part)])]
            sets = [frozenset([given] if isinstance(given, str) else given)] if "any" not in given else []
            for keyword in ("oneOf", "anyOf"):
                each = [self.types(alternative) for alternative in part.get(keyword, ())]
                if each and None not in each:
                    sets.append(frozenset[str]().union(*filter(None, each)))
            for types in sets:
                wider = types | {"integer"} if "number" in types else types
                found = wider if found is None else found & wider
        bounding = tuple(part for part in parts if not part.keys() <= _UNBOUNDED)
        free = {
            kind for name, kind in _FREE.items() if (found is None or name in found) and self._frees(bounding, name)
        }
        return self._known.setdefault(id(schema), _Known(schema, bounding, found, frozenset(free)))

    def _frees(self, parts: Iterable[Schema], json_type: str) -> bool:
        """Whether a value of this type is right, whatever it is."""
        for part in parts:
            if part.keys() & _BOUNDING[json_type]:
                return False
            for alternatives in (part[keyword] for keyword in ("oneOf", "anyOf") if keyword in part):
                known = [self._looked_up(alternative) for alternative in alternatives]
                fitting = [one for one in known if one.types is None or json_type in one.types]
                if len(fitting) != 1 or _FREE[json_type] not in fitting[0].free:
                    return False
        return True

    def _conjunction(self, schema: Schema) -> Iterator[Schema]:
        """Yield the schema without references, and the parts of its `allOf`."""
        if "$ref" not in schema or len(schema) > 1:
            yield schema
        if "$ref" in schema:
            yield from self._conjunction(self._schemas[schema["$ref"].rpartition("/")[2]])
        for part in schema.get("allOf", ()):
            yield from self._conjunction(part)

    def _check_list(self, name: str, value: list[Any], schema: Schema) -> None:
        _check_size(name, len(value), schema, "Items", "items")
        if schema.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
            raise ValueError(f"{name} has an item twice")
        if isinstance(items := schema.get("items"), Mapping):
            for index, item in enumerate(value):
                self.check(f"{name}[{index}]", item, items)

    def _check_object(self, name: str, value: dict[str, Any], schema: Schema) -> None:
        for required in schema.get("required", ()):
            if required not in value:
                raise ValueError(f"{name}.{required} is missing")
        _check_size(name, len(value), schema, "Properties", "fields")
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            if key in properties:
                self.check(f"{name}.{key}", item, properties[key])
            elif others is False:
                raise ValueError(f"{name} has the unknown field {key!r}; {_listed(properties)} are known")
            elif isinstance(others, Mapping):
                self.check(f"{name}[{key!r}]", item, others)

    def _check_alternatives(self, name: str, value: Any, alternatives: Iterable[Schema], *, exactly_one: bool) -> None:
        every = list(alternatives)
        if all(set(alternative) == {"required"} for alternative in every):
            _check_groups(name, value, [alternative["required"] for alternative in every], exactly_one=exactly_one)
            return
        problems = []
        for alternative in every:
            if self._may_be(value, alternative):
                try:
                    self.check(name, value, alternative)
                except (TypeError, ValueError) as error:
                    problems.append(error)
                else:
                    return
        if problems:  # without one, it is a kind of part that is not described (yet)
            raise problems[0]

    def _may_be(self, value: Any, schema: Schema) -> bool:
        """Whether the value is of the schema's type, and of its kind: `{"type": "text"}`."""
        types = self.types(schema)
        if types is not None and not any(_is(value, one) for one in types):
            return False
        if not isinstance(value, dict):
            return True
        return all(
            values is None or key not in value or value[key] in values
            for part in self._conjunction(schema)
            for key, values in ((key, self._only(inner)) for key, inner in part.get("properties", {}).items())
        )

    def _only(self, schema: Schema) -> list[Any] | None:
        """Return the only value of a schema, in a list; None if it allows others."""
        for part in self._conjunction(schema):
            if "const" in part:
                return [part["const"]]
            if len(values := part.get("enum", ())) == 1:
                return list(values)
        return None


def _is(value: Any, json_type: str) -> bool:
    if value is True or value is False:
        return json_type == "boolean"
    if json_type == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _ACCEPTED.get(json_type, ()))


def _json_type(value: Any) -> str:
    return next((name for name in _ACCEPTED if _is(value, name)), "any") if not isinstance(value, Mapping) else "any"


def _named(types: frozenset[str]) -> str:
    narrower = {"integer"} if "number" in types else set()
    return " or ".join(words for one, words in _PYTHON_NAMES.items() if one in types - narrower)


def _check_characters(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} has a lone surrogate at position {error.start}, which no encoding can carry; "
            "was the text decoded with errors='surrogateescape'?"
        ) from None


def _check_text(name: str, value: str, schema: Schema) -> None:
    if not value and "enum" in schema:
        raise ValueError(f"{name} is empty: give one of {_listed(schema['enum'])}")
    _check_size(name, len(value), schema, "Length", "characters")
    if (pattern := schema.get("pattern")) is not None:
        with suppress(re.error):  # JSON Schema's patterns are JavaScript's; the server checks those that Python lacks
            if not re.search(pattern, value):
                raise ValueError(f"{name} must match the pattern {pattern}, not {value!r:.60}")


def _check_number(name: str, value: float, schema: Schema) -> None:
    for keyword, (fits, words) in _BOUNDS.items():
        if keyword in schema and not fits(value, schema[keyword]):
            raise ValueError(f"{name} must be {words} {schema[keyword]}, not {value}")
    step = schema.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:  # 0.3 / 0.1 is not 3 in binary
        raise ValueError(f"{name} must be a multiple of {step}, not {value}")


def _check_size(name: str, size: int, schema: Schema, keyword: str, unit: str) -> None:
    least, most = schema.get(f"min{keyword}", 0), schema.get(f"max{keyword}", math.inf)
    if size == 0 < least:
        raise ValueError(f"{name} is empty: give at least {least} {unit}".replace("1 characters", "one character"))
    if size < least:
        raise ValueError(f"{name} has {size} {unit}; the minimum is {least}")
    if size > most:
        raise ValueError(f"{name} has {size} {unit}; the maximum is {most}")


def _check_groups(name: str, value: Any, groups: list[list[str]], *, exactly_one: bool) -> None:
    """Check for `oneOf: [{required: [data]}, {required: [url]}]`, and the same with anyOf."""
    if not isinstance(value, dict):
        return
    given = sum(all(key in value for key in group) for group in groups)
    if given == 0 or (exactly_one and given > 1):
        listed = " or ".join(" and ".join(map(repr, group)) for group in groups)
        raise ValueError(f"{name} must have {'exactly one of ' if exactly_one else ''}{listed}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _type_name(value: Any) -> str:
    return "None" if value is None else type(value).__name__
