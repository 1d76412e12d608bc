"""A schema as facts: the same for what means the same, others for what does not."""

from typing import Any

import pytest

from tools.document import DescriptionError, Document
from tools.facts import rendered
from tools.schemas import SchemaReader, Value

CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "properties": {"kind": {"enum": ["dog"]}, "tricks": {"type": "array"}}}


def facts(schema: Any, **components: Any) -> dict[str, Value]:
    document = Document("sample", {"components": {"schemas": components}})
    return {rendered(place): value for place, value in SchemaReader(document).facts(schema).items()}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "string", "nullable": True}, {"type": ["null", "string"]}),
        ({"type": "string", "enum": ["a", None], "nullable": True}, {"type": ["string", "null"], "enum": ["a"]}),
        ({"enum": ["a", None]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        ({"type": "null"}, {"const": None}),
        ({"type": ["number", "integer"]}, {"type": "number"}),
        ({"const": 1}, {"enum": [1.0]}),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 1}),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": False}, {"type": "number", "maximum": 1}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"not": {"type": "string"}}, {"not": {"type": "string", "title": "T"}}),
        (True, {}),
        ({"type": "object", "required": ["a"]}, {"type": "object", "required": ["a"], "properties": {"a": True}}),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, {"type": "string", "minLength": 1}),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, {"enum": [2]}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"]}]}, {"type": "string"}),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"required": ["b", "a"]}),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"minLength": 1}}}]},
            {"properties": {"a": {"type": "string", "minLength": 1}}},
        ),
        (
            {"allOf": [{"additionalProperties": {"type": "string"}}, {"additionalProperties": {"minLength": 1}}]},
            {"additionalProperties": {"type": "string", "minLength": 1}},
        ),
        ({"allOf": [{"nullable": False, "type": "object"}], "nullable": True}, {"type": ["object", "null"]}),
        ({"oneOf": [CAT, DOG]}, {"oneOf": [DOG, CAT]}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"oneOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"anyOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"anyOf": [{"pattern": "b"}, {"pattern": "a"}]}),
    ],
)
def test_what_means_the_same_gives_the_same_facts(one: Any, other: Any) -> None:
    assert facts(one) == facts(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"enum": [1]}, {"enum": ["1"]}),
        ({"enum": [1]}, {"enum": [True]}),
        ({"default": None}, {}),
        ({"type": "string"}, {"type": "null"}),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"oneOf": [CAT, DOG]}, {"anyOf": [CAT, DOG]}),
        ({"oneOf": [CAT, DOG]}, {"oneOf": [CAT, {**DOG, "required": ["tricks"]}]}),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"patternProperties": {"^x": {"type": "integer"}}}),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"pattern": "b"}),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "string"}),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"allOf": [{"pattern": "c"}, {"pattern": "b"}]}),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, {"allOf": [{"pattern": "a"}, {"pattern": "c"}]}),
    ],
)
def test_what_means_something_else_gives_other_facts(one: Any, other: Any) -> None:
    assert facts(one) != facts(other)


def test_alternatives_are_named_by_what_tells_them_apart() -> None:
    named = facts({"oneOf": [CAT, DOG]})
    assert named['.<one of: kind "cat">.lives type'] == "integer"
    assert named['.<one of: kind "dog">.tricks type'] == "array"


def test_alternatives_are_named_by_the_discriminator() -> None:
    """By its mapping, or else by the names of the schemas, which are then values that are sent."""
    schema: dict[str, Any] = {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "kind"}}
    bare: dict[str, Any] = {"Cat": {"properties": {"lives": {}}}, "Dog": {}}
    assert facts(schema, **bare)[".<one of: Cat>.lives type"] == "any"
    schema["discriminator"]["mapping"] = {"kitten": ref("Cat")["$ref"], "cat": "Cat", "dog": "Dog"}
    named = facts(schema, **bare)
    assert named[".<one of: cat, kitten>.lives type"] == "any"
    assert named["discriminator"] == '"kind"'


def test_a_schema_inside_of_itself_ends() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": ref("Tree")}}}
    found = facts(ref("Tree"), Tree=tree)
    assert found[".children.<item> same as"] == "2 levels above"
    assert facts({"allOf": [ref("Tree")]}, Tree=tree) == found
    assert (
        facts(ref("Other"), Other={**tree, "properties": {"children": {"type": "array", "items": ref("Other")}}})
        == found
    )


def test_a_schema_may_be_drawn_in_twice() -> None:
    base = {"required": ["a"]}
    left, right = {"allOf": [ref("Base")], "minProperties": 1}, {"allOf": [ref("Base")], "maxProperties": 2}
    assert facts({"allOf": [ref("L"), ref("R")]}, L=left, R=right, Base=base) == facts(
        {"required": ["a"], "minProperties": 1, "maxProperties": 2}
    )


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (ref("Nobody"), "'#/components/schemas/Nobody' leads nowhere"),
        ({"$ref": "other.yaml#/Speech"}, "'other.yaml#/Speech' leads out of the file"),
        ({"$ref": ["a"]}, "leads out of the file"),
        ({"$ref": "#/components/schemas/Number/type/deeper"}, "leads nowhere"),
        (ref("Loop"), "'#/components/schemas/Loop' leads back to itself"),
        (ref("AllOf"), "'#/components/schemas/AllOf' leads back to itself"),
        (5, "a schema must be a mapping, not 5"),
        ({"properties": []}, "properties must be a mapping"),
        ({"required": True}, "required must be a list, not true"),
        ({"type": 5}, "type must be a list, not 5"),
        (ref("Bomb"), "unfold to more than 20000 schemas"),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(schema: Any, problem: str) -> None:
    components: dict[str, Any] = {"Loop": ref("Loop"), "AllOf": {"allOf": [ref("AllOf")]}, "Number": {"type": "number"}}
    for level in range(9):
        components[f"Bomb{level}"] = {"properties": {str(n): ref(f"Bomb{level + 1}") for n in range(10)}}
    components |= {"Bomb": ref("Bomb0"), "Bomb9": {}}
    with pytest.raises(DescriptionError, match=r"^sample: ") as caught:
        facts(schema, **components)
    assert problem in str(caught.value)
