"""What belongs to an operation beside its schemas, and how a change of it is graded."""

from typing import Any

import pytest

from tools.compare import differences
from tools.document import Document
from tools.facts import operation_facts

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key", "description": "A key"},
    "token": {"type": "http", "scheme": "Bearer", "bearerFormat": "JWT"},
    "login": {"type": "oauth2", "flows": {}},
}


def facts(**operation: Any) -> Any:
    content = {"paths": {"/a": {"get": operation}}, "components": {"securitySchemes": SCHEMES}}
    return operation_facts(Document("sample", content), "get", "/a")


def query(**parts: Any) -> Any:
    return {"parameters": [{"name": "Q", "in": "query", **parts}]}


def answer(**schema: Any) -> Any:
    return {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}


def request(**schema: Any) -> Any:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([], ("no credential",)),
        ([{"key": []}, {}], ("apiKey in header X-Key", "no credential")),
        ([{"token": [], "key": []}], ("apiKey in header X-Key and http bearer",)),
        ([{"login": ["write", "read"]}], ('{"flows": {}, "type": "oauth2"} with read, write',)),
    ],
)
def test_security_is_what_has_to_be_sent(security: Any, expected: tuple[str, ...]) -> None:
    assert facts(security=security)["security",] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (query(style="form", explode=True), query()),
        (query(name="Q", required=False, allowReserved=False), query(schema={})),
        ({"parameters": [{"name": "X-A", "in": "header"}]}, {"parameters": [{"name": "x-a", "in": "header"}]}),
        ({"responses": {"x-note": 1, "default": {}}}, {"responses": {"default": {"description": "Any"}}}),
        ({"responses": {"4xx": {}}}, {"responses": {"4XX": {"headers": {}}}}),
        (
            {"responses": {"200": {"content": {"audio/PCM; rate=24000": {}}}}},
            {"responses": {"200": {"content": {"audio/pcm;rate=24000": {"schema": {}}}}}},
        ),
    ],
)
def test_what_means_the_same_gives_the_same_facts(one: Any, other: Any) -> None:
    assert facts(**one) == facts(**other)


@pytest.mark.parametrize(
    ("before", "after", "where", "breaking"),
    [
        (query(), query(style="pipeDelimited"), "query Q style", True),
        (query(), query(explode=False), "query Q explode", True),
        (query(), query(allowReserved=True), "query Q allowReserved", True),
        (query(), query(deprecated=True), "query Q deprecated", False),
        (query(), query(required=True), "query Q required", True),
        (query(required=True), query(), "query Q required", False),
        (query(), {}, "query Q", True),
        (query(content={"text/csv": {}}), query(content={"text/csv": {"schema": {"minLength": 1}}}),
         "query Q text/csv minLength", True),
        ({}, {"callbacks": {"done": {}}}, "callbacks", True),
        (request(maxLength=1), request(maxLength=2), "request application/json maxLength", False),
        (request(maxLength=2), request(maxLength=1), "request application/json maxLength", True),
        (request(minItems=1), request(minItems=2), "request application/json minItems", True),
        (request(minItems=2), request(minItems=1), "request application/json minItems", False),
        (request(minItems=1), request(), "request application/json minItems", False),
        (request(multipleOf=2), request(multipleOf=3), "request application/json multipleOf", True),
        (request(uniqueItems=True), request(), "request application/json uniqueItems", False),
        (request(type="integer"), request(type="number"), "request application/json type", False),
        (request(), request(type="object"), "request application/json", True),
        (request(type="object"), request(), "request application/json", False),
        (request(**{"not": {"maxLength": 1}}), request(**{"not": {"maxLength": 2}}),
         "request application/json .<not> maxLength", True),
        (answer(minLength=1), answer(), "response 200 application/json minLength", True),
        (answer(), answer(minLength=1), "response 200 application/json minLength", False),
        (answer(enum=["a"]), answer(enum=["a", "b"]), "response 200 application/json enum", True),
        (answer(enum=["a", "b"]), answer(enum=["a"]), "response 200 application/json enum", False),
        (answer(default=1), answer(default=2), "response 200 application/json default", False),
        (answer(type="number"), answer(type="integer"), "response 200 application/json type", False),
        (answer(type="integer"), answer(type="number"), "response 200 application/json type", True),
        (answer(readOnly=True), answer(), "response 200 application/json readOnly", True),
    ],
)  # fmt: skip
def test_a_change_is_graded_for_those_who_call(before: Any, after: Any, where: str, breaking: bool) -> None:
    (difference,) = differences(facts(**before), facts(**after))
    assert (difference.where, difference.breaking) == (where, breaking)


STRING, NUMBER, ARRAY = {"type": "string"}, {"type": "number"}, {"type": "array"}


@pytest.mark.parametrize("alternatives", ["oneOf", "anyOf"])
def test_an_alternative_more_breaks_who_receives_it(alternatives: str) -> None:
    """And one less breaks who sends it."""
    two, three = {alternatives: [STRING, NUMBER]}, {alternatives: [STRING, NUMBER, ARRAY]}
    step = f".<{alternatives[:3]} of: array>"
    for kind, more_breaks, where in (
        (request, False, "request application/json"),
        (answer, True, "response 200 application/json"),
    ):
        few, many = facts(**kind(**two)), facts(**kind(**three))
        (more,) = differences(few, many)
        (less,) = differences(many, few)
        assert (more.where, more.breaking) == (f"{where} {step}", more_breaks)
        assert (less.where, less.breaking) == (f"{where} {step}", not more_breaks)


def test_the_parameters_of_an_operation_count_more_than_those_of_its_path() -> None:
    parameter = {"name": "q", "in": "query"}
    item = {"parameters": [parameter | {"required": True}], "get": {"parameters": [parameter]}}
    assert operation_facts(Document("sample", {"paths": {"/a": item}}), "get", "/a")["query q", "required"] is False


def test_a_server_is_that_of_the_operation_the_path_or_all() -> None:
    content: Any = {"paths": {"/a": {"get": {}}}}
    found = [operation_facts(Document("sample", content), "get", "/a")["server",]]
    for owner, name in ((content, "all"), (content["paths"]["/a"], "path"), (content["paths"]["/a"]["get"], "own")):
        owner["servers"] = [{"url": f"https://{name}"}]
        found.append(operation_facts(Document("sample", content), "get", "/a")["server",])
    assert found == [("",), ("https://all",), ("https://path",), ("https://own",)]
