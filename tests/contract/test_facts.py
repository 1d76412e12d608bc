"""Each kind of fact: what shows it kept, what shows it broken, and what shows nothing."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from attrs import evolve
from openrouter_speech.contract.exchanges import Exchange
from openrouter_speech.contract.ledger import Ledger

ERROR = {"type": "object", "required": ["why"], "properties": {"why": {"type": "string", "maxLength": 3}}}


def document(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a description whose requests have the field `f`."""
    body = {"type": "object", "required": ["must"], "properties": {"must": {"type": "string"}, "f": schema}}
    json_error = {"content": {"application/json": {"schema": ERROR}}}
    operation = {
        "security": [{"key": []}],
        "parameters": [
            {"name": "X-Short", "in": "header", "required": True, "schema": {"type": "string", "maxLength": 3}}
        ],
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {
                "headers": {"X-Id": {"required": True, "schema": {"type": "string", "pattern": "^id-"}}},
                "content": {"audio/*": {}},
            },
            "4XX": json_error,
        },
    }
    return {"paths": {"/speak": {"post": operation}}}


RIGHT = {"Authorization": "Bearer $KEY", "Content-Type": "application/json", "X-Short": "abc"}


def exchange(status: int, body: Any, *, without: Iterable[str] = (), **changes: Any) -> Exchange:
    """Return a request, right in everything but what is given, and its response."""
    headers = {name: value for name, value in RIGHT.items() if name not in without} | changes.pop("request_headers", {})
    answered = {"content-type": "audio/pcm", "x-id": "id-1"} if status == 200 else {"content-type": "application/json"}
    return Exchange(
        method="POST", url="http://h/api/speak", request_headers=headers,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        **{
            "key_is_right": "Authorization" in headers, "status": status, "headers": answered,
            "content": b'{"why": "no"}' if status >= 400 else b"\0\0", **changes,
        },
    )  # fmt: skip


def state(fact: str, schema: dict[str, Any], *exchanges: Exchange) -> str:
    ledger = Ledger(document(schema))
    for each in exchanges:
        ledger.add(each)
    states = {str(each): state for each, state in ledger.facts().items()}
    return states[fact]


def field(value: Any) -> dict[str, Any]:
    return {"must": "a", "f": value}


TEXT: dict[str, Any] = {"type": "string"}
ONE_OF = {
    "oneOf": [
        {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": [kind]}, kind: TEXT}} for kind in "ab"
    ]
}
VALUES: dict[str, tuple[str, dict[str, Any], Any, bool, Any]] = {
    "type": ("body f: string is accepted", TEXT, "x", True, None),
    "another type": ("body f: another type is refused", TEXT, 1, False, "x"),
    "one of several types": ("body f: null is accepted", {"type": ["string", "null"]}, None, True, "x"),
    "a type of OpenAPI 3.0": ("body f: null is accepted", {"type": "string", "nullable": True}, None, True, "x"),
    "any value": ("body f: any value is accepted", {}, [1], True, None),
    "a value of an enum": ('body f: "a" is accepted', {"enum": ["a", "b"]}, "a", True, "b"),
    "no value of an enum": ('body f: anything but "a", "b" is refused', {"enum": ["a", "b"]}, "c", False, "a"),
    "const": ("body f: 7 is accepted", {"const": 7}, 7, True, None),
    "minLength": ("body f: less than 2 characters is refused", TEXT | {"minLength": 2}, "a", False, "ab"),
    "at minLength": ("body f: 2 characters is accepted", TEXT | {"minLength": 2}, "ab", True, "abc"),
    "maxLength": ("body f: more than 1 character is refused", TEXT | {"maxLength": 1}, "ab", False, "a"),
    "at maxLength": ("body f: 1 character is accepted", TEXT | {"maxLength": 1}, "a", True, ""),
    "minimum": ("body f: less than 0 is refused", {"type": "number", "minimum": 0}, -1, False, 0),
    "at maximum": ("body f: 4 is accepted", {"type": "number", "maximum": 4}, 4, True, 3),
    "minItems": ("body f: less than 1 item is refused", {"type": "array", "minItems": 1}, [], False, [1]),
    "at maxItems": ("body f: 1 item is accepted", {"type": "array", "maxItems": 1}, [1], True, []),
    "pattern": ("body f: what does not match the pattern ^a is refused", TEXT | {"pattern": "^a"}, "b", False, "a"),
    "a fitting pattern": ("body f: the pattern ^a is accepted", {"pattern": "^a", "allOf": [{}]}, "a", True, 1),
    "an item": ("body f[]: string is accepted", {"type": "array", "items": TEXT}, ["a"], True, []),
    "a wrong item": ("body f[]: another type is refused", {"type": "array", "items": TEXT}, ["a", 1], False, ["a"]),
    "a field within": (
        "body f.g: string is accepted",
        {"type": "object", "properties": {"g": TEXT}},
        {"g": ""},
        True,
        {},
    ),
    "a missing field within": (
        "body f.g: its absence is refused",
        {"type": "object", "required": ["g"]},
        {},
        False,
        {"g": 1},
    ),
    "another field": (
        "body f.*: another type is refused",
        {"type": "object", "additionalProperties": TEXT},
        {"x": 1},
        False,
        {"x": ""},
    ),
    "allOf": ("body f: more than 1 character is refused", {"allOf": [TEXT | {"maxLength": 1}]}, "ab", False, "a"),
    "anyOf": ("body f: string is accepted", {"anyOf": [TEXT, {"type": "array"}]}, "a", True, []),
    "no branch": (
        "body f: what does not fit the alternatives is refused",
        {"anyOf": [TEXT, {"type": "array"}]},
        1,
        False,
        "a",
    ),
    "the branch that is meant": (
        "body f.b: another type is refused",
        ONE_OF,
        {"kind": "b", "b": 1},
        False,
        {"kind": "a", "a": ""},
    ),
}


@pytest.mark.parametrize(("fact", "schema", "value", "is_valid", "other"), VALUES.values(), ids=VALUES)
def test_a_value_shows_a_fact(fact: str, schema: dict[str, Any], value: Any, is_valid: bool, other: Any) -> None:
    """A valid value has to be accepted, another refused; another value shows nothing."""
    accepted, refused = exchange(200, field(value)), exchange(400, field(value))
    plain = exchange(200, {"must": "a"} if other is None else field(other))
    assert state(fact, schema, plain, accepted) == ("kept" if is_valid else "broken")
    assert state(fact, schema, plain, refused) == ("broken" if is_valid else "kept")
    assert state(fact, schema, plain) == "never seen"
    for status in (404, 429, 500):
        assert state(fact, schema, exchange(status, field(value))) == "never seen"


GOOD = exchange(200, {"must": "a"})
NO_RESPONSE = evolve(GOOD, status=None)
OTHERS: dict[str, tuple[str, Exchange, str]] = {
    "a right key": ("security: a right key is accepted", GOOD, "kept"),
    "no response": ("security: a right key is accepted", NO_RESPONSE, "never seen"),
    "no key": ("security: no key is refused", exchange(401, {"must": "a"}, without=["Authorization"]), "kept"),
    "no key is needed": (
        "security: no key is refused",
        exchange(200, {"must": "a"}, without=["Authorization"]),
        "broken",
    ),
    "a wrong key": ("security: a wrong key is refused", exchange(401, {"must": "a"}, key_is_right=False), "kept"),
    "a wrong key will do": (
        "security: a wrong key is refused",
        exchange(200, {"must": "a"}, key_is_right=False),
        "broken",
    ),
    "a required field": ("body must: its absence is refused", exchange(400, {}), "kept"),
    "a required field that is not": ("body must: its absence is refused", exchange(200, {}), "broken"),
    "two things wrong": ("body must: its absence is refused", exchange(400, {"f": 1}), "never seen"),
    "a required header": (
        "header X-Short: its absence is refused",
        exchange(400, {"must": "a"}, without=["X-Short"]),
        "kept",
    ),
    "a header too long": (
        "header X-Short: more than 3 characters is refused",
        exchange(200, {"must": "a"}, request_headers={"X-Short": "abcd"}),
        "broken",
    ),
    "JSON": ("body: application/json is accepted", GOOD, "kept"),
    "another type": (
        "body: another media type is refused",
        exchange(415, {"must": "a"}, request_headers={"Content-Type": "a/b"}),
        "kept",
    ),
    "another type is taken": (
        "body: another media type is refused",
        exchange(200, {"must": "a"}, request_headers={"Content-Type": "a/b"}),
        "broken",
    ),
    "no type": (
        "body: another media type is refused",
        exchange(200, {"must": "a"}, without=["Content-Type"]),
        "never seen",
    ),
    "no JSON": ("body: what is not JSON is refused", exchange(400, b"{"), "kept"),
    "no JSON is taken": ("body: what is not JSON is refused", exchange(200, b"{"), "broken"),
    "a part of a request": (
        "body: what is not JSON is refused",
        exchange(200, b"{", request_is_whole=False),
        "never seen",
    ),
    "a status": ("response 200: it is sent", GOOD, "kept"),
    "a range of statuses": ("response 4XX: it is sent", exchange(418, {}), "kept"),
    "another status": ("response 4XX: it is sent", exchange(503, {}), "never seen"),
    "a media type": ("response 200: Content-Type is audio/*", GOOD, "kept"),
    "another media type": (
        "response 200: Content-Type is audio/*",
        exchange(200, {}, headers={"content-type": "text/html"}),
        "broken",
    ),
    "a header": ("response 200 X-Id: it is there", GOOD, "kept"),
    "no header": ("response 200 X-Id: it is there", exchange(200, {}, headers={}), "broken"),
    "a header of a form": ("response 200 X-Id: the pattern ^id-", GOOD, "kept"),
    "a header of another form": (
        "response 200 X-Id: the pattern ^id-",
        exchange(200, {}, headers={"x-id": "1"}),
        "broken",
    ),
    "a field of an error": ("response body why: it is there", exchange(400, {}), "kept"),
    "no field of an error": ("response body why: it is there", exchange(400, {}, content=b"{}"), "broken"),
    "an error of a length": ("response body why: at most 3 characters", exchange(400, {}), "kept"),
    "an error too long": (
        "response body why: at most 3 characters",
        exchange(400, {}, content=b'{"why": "long"}'),
        "broken",
    ),
    "a part of an error": (
        "response body why: it is there",
        exchange(400, {}, content=b"{}", response_is_whole=False),
        "never seen",
    ),
    "an error that is no JSON": ("response body why: it is there", exchange(400, {}, content=b"no"), "never seen"),
}


@pytest.mark.parametrize(("fact", "seen", "expected"), OTHERS.values(), ids=OTHERS)
def test_an_exchange_shows_a_fact(fact: str, seen: Exchange, expected: str) -> None:
    assert state(fact, TEXT, seen) == expected


def test_a_refusal_is_blamed_on_a_fact_only_if_nothing_else_can_be() -> None:
    """Where a request is refused whose every fact was accepted, the server has other reasons."""
    refused = exchange(400, field("a"))
    fact = "body f: string is accepted"
    assert state(fact, TEXT, GOOD, refused) == "broken"
    assert state(fact, TEXT, GOOD, refused, exchange(400, {"must": "a"})) == "never seen"
    assert state(fact, TEXT, refused) == "never seen"
