"""Arguments are checked against the description: a mistake is named before anything is sent."""

import datetime
import uuid
from typing import Any

import pytest
from openrouter_speech._core.checks import Checker, plain
from openrouter_speech.components import ProviderOptions, SpeechRequestProvider

PARTS = {
    "anyOf": [
        {"required": ["type", "text"], "properties": {"type": {"const": "text"}, "text": {"type": "string"}}},
        {"type": "object", "properties": {"type": {"enum": ["clip"]}, "clip": {"$ref": "#/components/schemas/Clip"}}},
    ]
}  # fmt: skip
CLIP = {
    "type": "object",
    "properties": {"data": {"type": "string"}, "url": {"type": "string"}},
    "oneOf": [{"required": ["data"]}, {"required": ["url"]}],
}
TREE = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}, "additionalProperties": False}
CHECKER = Checker({"Clip": CLIP, "Tree": TREE, "Parts": PARTS})


@pytest.mark.parametrize(
    ("schema", "wrong", "message"),
    [
        ({"type": "string"}, 1, "x must be a str, not int"),
        ({"type": "string"}, None, "x must be a str, not None"),
        ({"type": "integer"}, 1.5, "x must be an int, not float"),
        ({"type": "integer"}, True, "x must be an int, not bool"),
        ({"type": "number"}, "1", "x must be a number, not str"),
        ({"type": "boolean"}, 1, "x must be a bool, not int"),
        ({"type": "array"}, {}, "x must be a list, not dict"),
        ({"type": "object"}, [], "x must be a dict, not list"),
        ({"type": ["string", "null"]}, 1, "x must be a str or None, not int"),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 1, "x must be a str or a list, not int"),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, 1.5, "x must be an int, not float"),
        ({"type": "object"}, {1: 2}, "x has the key 1, which is not a str"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], r"x\[1\] must be a str, not int"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, r"x\['a'\] must be a str, not int"),
        ({"properties": {"a": {"properties": {"b": {"type": "string"}}}}}, {"a": {"b": 1}}, r"x\.a\.b must be a str"),
    ],
)
def test_a_wrong_type_is_a_type_error(schema: dict[str, Any], wrong: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        CHECKER.check("x", wrong, schema)


@pytest.mark.parametrize(
    ("schema", "right", "wrong", "message"),
    [
        ({"minLength": 1}, "a", "", "x is empty: give at least one character"),
        ({"minLength": 2}, "ab", "a", "x has 1 characters; the minimum is 2"),
        ({"maxLength": 2}, "ab", "abc", "x has 3 characters; the maximum is 2"),
        ({"pattern": "^a"}, "ab", "ba", r"x must match the pattern \^a, not 'ba'"),
        ({"enum": ["a", "b"]}, "new", "", "x is empty: give one of 'a', 'b'"),
        ({"minimum": 1}, 1, 0, "x must be at least 1, not 0"),
        ({"exclusiveMinimum": 1}, 2, 1, "x must be more than 1, not 1"),
        ({"maximum": 1}, 1, 1.5, "x must be at most 1, not 1.5"),
        ({"exclusiveMaximum": 1}, 0.5, 1, "x must be less than 1, not 1"),
        ({"multipleOf": 0.1}, 0.3, 0.35, "x must be a multiple of 0.1, not 0.35"),
        ({"minItems": 1}, [1], [], "x is empty: give at least 1 items"),
        ({"maxItems": 1}, [1], [1, 2], "x has 2 items; the maximum is 1"),
        ({"uniqueItems": True}, [1, 2], [1, 1], "x has an item twice"),
        ({"maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}, "x has 2 fields; the maximum is 1"),
        ({"required": ["a"]}, {"a": 1}, {}, r"x\.a is missing"),
        ({"$ref": "#/components/schemas/Tree"}, {"child": {"child": {}}}, {"child": {"kid": 1}},
         r"x\.child has the unknown field 'kid'; 'child' are known"),
        ({"$ref": "#/components/schemas/Clip"}, {"url": "u"}, {}, "x must have exactly one of 'data' or 'url'"),
        ({"$ref": "#/components/schemas/Clip"}, {"data": "d"}, {"data": "d", "url": "u"}, "x must have exactly one of"),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 2}, {}, "x must have 'a' or 'b'"),
        ({"items": PARTS}, [{"type": "text", "text": "a"}], [{"type": "text"}], r"x\[0\]\.text is missing"),
        ({"$ref": "#/components/schemas/Parts"}, {"type": "clip", "clip": {"url": "u"}}, {"type": "clip", "clip": {}},
         r"x\.clip must have exactly one"),
        ({}, 1.5, float("inf"), "x must be a finite number, not inf"),
        ({"type": "string"}, "a", "\ud800", "x has a lone surrogate at position 0"),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_a_value_error(schema: dict[str, Any], right: Any, wrong: Any, message: str) -> None:
    CHECKER.check("x", right, schema)
    with pytest.raises(ValueError, match=f"^{message}"):
        CHECKER.check("x", wrong, schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, object()),
        ({"type": "number"}, 1),
        ({"type": "integer"}, 2.0),
        ({"enum": ["a"]}, "of tomorrow"),
        (PARTS, {"type": "of tomorrow"}),
        ({"pattern": r"\p{L}"}, "JavaScript's syntax is left to the server"),
        ({"required": ["a"]}, "only objects have fields"),
    ],
)
def test_the_client_is_not_stricter_than_the_server(schema: dict[str, Any], value: Any) -> None:
    CHECKER.check("x", value, schema)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, None)}, {"a": [1, None]}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([SpeechRequestProvider(options=ProviderOptions.from_dict({"a": {"b": 1}}))], [{"options": {"a": {"b": 1}}}]),
        (SpeechRequestProvider(options={"a": {"b": 1}}), {"options": {"a": {"b": 1}}}),  # type: ignore[arg-type]
    ],
)
def test_models_and_dates_become_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_a_model_with_a_field_of_a_wrong_type_is_named() -> None:
    with pytest.raises(TypeError, match="SpeechRequestProvider has a field of a wrong type"):
        plain(SpeechRequestProvider(options=5))  # type: ignore[arg-type]
