"""Each keyword of JSON Schema 2020-12, set, removed, narrowed and widened, for those who send and those who receive."""

import json
from typing import Any

import pytest

from tools import ToolError
from tools.document import Document
from tools.schemas import BOTH, LIMIT, NARROWER, NEITHER, WIDER, Breaks, Comparison

CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "properties": {"kind": {"enum": ["dog"]}, "tricks": {"type": "array"}}}
STRING, NUMBER, ARRAY = {"type": "string"}, {"type": "number"}, {"type": "array"}
OBJECT: dict[str, Any] = {"type": "object"}


def compared(old: Any, new: Any, **components: Any) -> list[tuple[str, Breaks]]:
    document = Document("sample", {"components": {"schemas": components}})
    return [(" ".join(change.place), change.breaks) for change in Comparison(document, document).changes(old, new)]


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


NARROWED: list[tuple[str, Any, Any]] = [
    # where, what allows more, and what allows less
    ("type", {}, STRING),
    ("type", NUMBER, {"type": "integer"}),
    ("type", {"type": ["number", "string"]}, NUMBER),
    ("null", {"type": ["string", "null"]}, STRING),
    ("enum", {}, {"enum": ["a"]}),
    ("enum", {"enum": ["a", "b"]}, {"const": "a"}),
    ("maximum", {}, {"maximum": 2}),
    ("maximum", {"maximum": 2}, {"maximum": 1}),
    ("minimum", {}, {"minimum": 0}),
    ("minimum", {"minimum": 1}, {"minimum": 2}),
    ("exclusiveMaximum", {}, {"exclusiveMaximum": 2}),
    ("exclusiveMinimum", {"exclusiveMinimum": 1}, {"exclusiveMinimum": 2}),
    ("multipleOf", {}, {"multipleOf": 2}),
    ("maxLength", {}, {"maxLength": 2}),
    ("maxLength", {"maxLength": 2}, {"maxLength": 1}),
    ("minLength", {}, {"minLength": 2}),
    ("minLength", {"minLength": 1}, {"minLength": 2}),
    ("pattern", {}, {"pattern": "a"}),
    ("format", STRING, {**STRING, "format": "date"}),
    ("maxItems", {}, {"maxItems": 2}),
    ("maxItems", {"maxItems": 2}, {"maxItems": 1}),
    ("minItems", {}, {"minItems": 1}),
    ("minItems", {"minItems": 1}, {"minItems": 2}),
    ("uniqueItems", {}, {"uniqueItems": True}),
    (".<item> type", {}, {"items": STRING}),
    (".<item> type", {"items": NUMBER}, {"items": {"type": "integer"}}),
    (".<unevaluated item> type", {}, {"unevaluatedItems": False}),
    (".<unevaluated item> type", {"unevaluatedItems": NUMBER}, {"unevaluatedItems": {"type": "integer"}}),
    ("maxProperties", {}, {"maxProperties": 2}),
    ("maxProperties", {"maxProperties": 2}, {"maxProperties": 1}),
    ("minProperties", {}, {"minProperties": 1}),
    ("minProperties", {"minProperties": 1}, {"minProperties": 2}),
    (".a required", {"properties": {"a": {}}}, {"properties": {"a": {}}, "required": ["a"]}),
    (".a required", {}, {"required": ["a"]}),
    (".a type", {"properties": {"a": {}}}, {"properties": {"a": STRING}}),
    (".<other> type", OBJECT, {**OBJECT, "additionalProperties": False}),
    (".<other> type", {"additionalProperties": NUMBER}, {"additionalProperties": {"type": "integer"}}),
    (".<unevaluated> type", {}, {"unevaluatedProperties": False}),
    (".<unevaluated> type", {"unevaluatedProperties": NUMBER}, {"unevaluatedProperties": {"type": "integer"}}),
    (".<name> pattern", {}, {"propertyNames": {"pattern": "a"}}),
    ("dependentRequired", {}, {"dependentRequired": {"a": ["b"]}}),
    ("oneOf", {}, {"oneOf": [STRING, NUMBER]}),
    ("oneOf", {"anyOf": [STRING, NUMBER]}, {"oneOf": [STRING, NUMBER]}),
    (".<one of: array>", {"oneOf": [STRING, NUMBER, ARRAY]}, {"oneOf": [STRING, NUMBER]}),
    (".<any of: array>", {"anyOf": [STRING, NUMBER, ARRAY]}, {"anyOf": [STRING, NUMBER]}),
    (".<any of: string> maxLength", {"anyOf": [STRING, NUMBER]}, {"anyOf": [NUMBER, {**STRING, "maxLength": 1}]}),
    ("oneOf", {"oneOf": [STRING, NUMBER]}, STRING),
    ("anyOf", OBJECT, {**OBJECT, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
    ("oneOf", OBJECT, {**OBJECT, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
    ("anyOf", STRING, {**STRING, "anyOf": [{"pattern": "a"}, {"pattern": "b"}]}),
    ("oneOf", STRING, {"oneOf": [{**STRING, "enum": ["a"]}, {**STRING, "enum": ["b"]}]}),
    ("contentSchema, somehow", {}, {"contentSchema, somehow": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("where", "wide", "narrow"), NARROWED)
def test_less_breaks_who_sends_and_more_breaks_who_receives(where: str, wide: Any, narrow: Any) -> None:
    place = "anyOf" if "anyOf" in wide and where == "oneOf" else where
    assert compared(wide, narrow) == [(where, NARROWER)]
    assert compared(narrow, wide) == [(place, WIDER)]


@pytest.mark.parametrize(
    ("where", "old", "new", "breaks", "back"),
    [
        ("enum", {"enum": [1]}, {"enum": ["1"]}, BOTH, BOTH),
        ("type", STRING, NUMBER, BOTH, BOTH),
        ("pattern", {"pattern": "a"}, {"pattern": "b"}, BOTH, BOTH),
        ("format", {"format": "float"}, {"format": "double"}, BOTH, BOTH),
        ("multipleOf", {"multipleOf": 2}, {"multipleOf": 3}, BOTH, BOTH),
        ("contentEncoding", {}, {"contentEncoding": "base64"}, BOTH, BOTH),
        ("contentMediaType", {}, {"contentMediaType": "audio/wav"}, BOTH, BOTH),
        (".<content> type", {"contentSchema": {}}, {"contentSchema": STRING}, NARROWER, WIDER),
        ("default", {}, {"default": 1}, NEITHER, NARROWER),
        ("default", {"default": 1}, {"default": 2}, NARROWER, NARROWER),
        ("deprecated", {}, {"deprecated": True}, NEITHER, NEITHER),
        ("readOnly", {}, {"readOnly": True}, NARROWER, NEITHER),
        ("writeOnly", {}, {"writeOnly": True}, WIDER, NEITHER),
        ("minLength", {}, {"minLength": 1}, NEITHER, WIDER),  # an empty text said nothing
        (".a", {}, {"properties": {"a": STRING}}, NEITHER, BOTH),
        (".a", {}, {"properties": {"a": STRING}, "required": ["a"]}, NARROWER, BOTH),
        ("oneOf", STRING, {"oneOf": [STRING, ARRAY]}, WIDER, NARROWER),
        ("oneOf", {**STRING, "maxLength": 9}, {"oneOf": [{**STRING, "maxLength": 1}, ARRAY]}, BOTH, BOTH),
        ("discriminator", {}, {"discriminator": {"propertyName": "a"}}, NEITHER, NEITHER),
    ],
)  # fmt: skip
def test_a_change_with_a_rule_of_its_own(where: str, old: Any, new: Any, breaks: Breaks, back: Breaks) -> None:
    assert compared(old, new) == [(where, breaks)]
    assert compared(new, old) == [(where, back)]


@pytest.mark.parametrize(
    ("where", "schema"),
    [
        (".<contains>", {"contains": STRING}),
        (".<not>", {"not": STRING}),
        (".<if>", {"if": STRING}),
        (".<then>", {"then": STRING}),
        (".<else>", {"else": STRING}),
        (".<dependentSchemas a>", {"dependentSchemas": {"a": STRING}}),
        (".<patternProperties ^x>", {"patternProperties": {"^x": STRING}}),
        (".<prefixItems 0>", {"prefixItems": [STRING]}),
    ],
)
def test_a_change_of_what_the_provider_does_not_use_counts_as_breaking(where: str, schema: Any) -> None:
    other = json.loads(json.dumps(schema).replace("string", "number"))
    assert compared({}, schema) == compared(schema, {}) == [(where, BOTH)]
    assert compared(schema, other) == [(f"{where} type", BOTH)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"enum": ["a", None]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        ({"type": "null"}, {"const": None}),
        ({"type": ["number", "integer"]}, NUMBER),
        ({"const": 1}, {"enum": [1.0]}),
        (ARRAY, {**ARRAY, "items": {}}),
        (True, {}),
        ({"required": ["a"]}, {"required": ["a"], "properties": {"a": True}}),
        ({"allOf": [STRING, {"minLength": 1}]}, {**STRING, "minLength": 1}),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, {"enum": [2]}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"]}]}, STRING),
        ({"allOf": [NUMBER, {"type": "integer"}]}, {"type": "integer"}),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"required": ["b", "a"]}),
        ({"allOf": [{"properties": {"a": STRING}}, {"properties": {"a": {"minLength": 1}}}]},
         {"properties": {"a": {**STRING, "minLength": 1}}}),
        ({"allOf": [{"additionalProperties": STRING}, {"additionalProperties": {"minLength": 1}}]},
         {"additionalProperties": {**STRING, "minLength": 1}}),
        ({"oneOf": [CAT, DOG]}, {"oneOf": [DOG, CAT]}),
        ({"anyOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"anyOf": [{"pattern": "b"}, {"pattern": "a"}]}),
        ({"$anchor": "a", "$defs": {"b": STRING}, "$id": "c"}, {}),
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_change(one: Any, other: Any) -> None:
    assert compared(one, other) == compared(other, one) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"enum": [1]}, {"enum": [True]}),
        ({"default": None}, {}),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"pattern": "b"}),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"allOf": [{"pattern": "c"}, {"pattern": "b"}]}),
        ({"allOf": [STRING, {"type": "integer"}]}, STRING),
    ],
)
def test_what_means_something_else_is_a_change(one: Any, other: Any) -> None:
    assert compared(one, other)
    assert compared(other, one)


def test_alternatives_are_named_by_what_tells_them_apart() -> None:
    named = compared({"oneOf": [CAT, DOG]}, {"oneOf": [{**DOG, "required": ["tricks"]}, CAT]})
    assert named == [('.<one of: kind "dog"> .tricks required', NARROWER)]


def test_a_schema_that_contains_itself_is_compared_once() -> None:
    tree = {**OBJECT, "properties": {"children": {**ARRAY, "items": ref("Tree")}}}
    other = {**OBJECT, "properties": {"children": {**ARRAY, "items": ref("Other"), "maxItems": 2}}}
    assert compared(ref("Tree"), ref("Other"), Tree=tree, Other=other) == [(".children maxItems", NARROWER)]
    assert compared(ref("Tree"), {"allOf": [ref("Tree")]}, Tree=tree) == []
    assert compared({}, ref("Array"), Array={"items": ref("Array"), "maxItems": 2})[0] == ("maxItems", NARROWER)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (5, "a schema must be a mapping, not 5"),
        ({"properties": []}, "properties must be a mapping"),
        ({"required": True}, "required must be a list, not true"),
        ({"type": 5}, "type must be a list, not 5"),
        (ref("Bomb0"), f"its schemas have more than {LIMIT} differences"),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(schema: Any, problem: str) -> None:
    components: dict[str, Any] = {"Bomb9": {}, "Other9": {"maxItems": 1}}
    for level in range(9):
        for name in ("Bomb", "Other"):
            properties = {str(number): ref(f"{name}{level + 1}") for number in range(10)}
            components[f"{name}{level}"] = {"properties": properties}
    with pytest.raises(ToolError, match=r"^sample: ") as caught:
        compared(schema, ref("Other0"), **components)
    assert problem in str(caught.value)
