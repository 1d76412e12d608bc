"""What is only said in other words is no difference."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .samples import PATH, Upstream, schemas_of

Compare = Callable[[Upstream], tuple[int, list[str]]]
Rewording = Callable[[Upstream], None]
REFERENCE = "#/components/schemas/"


def other_words(upstream: Upstream) -> None:
    upstream.document["info"] = {"title": "Another title", "version": "99"}
    upstream.document["tags"] = [{"name": "Sound"}]
    upstream.operation.update(
        summary="S", description="D", operationId="speak", tags=["Sound"], externalDocs={"url": "u"}
    )
    for schema in upstream.schemas.values():
        schema.update(description="D", title="T", example={"input": "x"}, **{"x-order": 1, "$comment": "c"})
    upstream.fields["input"].update(description="The words", examples=["Hi"], title="Words")
    upstream.responses["400"].update(description="Wrong", links={"help": {"operationId": "help"}})
    upstream.operation["requestBody"]["content"]["application/json"].update(example={}, examples={})


def other_names(upstream: Upstream) -> None:
    names = {name: f"Renamed{number}" for number, name in enumerate(upstream.schemas)}
    for node in schemas_of(upstream.document):
        if "$ref" in node:
            node["$ref"] = REFERENCE + names[node["$ref"].removeprefix(REFERENCE)]
    components = upstream.document["components"]
    components["schemas"] = {names[name]: schema for name, schema in upstream.schemas.items()}
    components["securitySchemes"] = {"token": components["securitySchemes"]["apiKey"]}
    upstream.document["security"] = [{"token": []}]


def all_inline(upstream: Upstream) -> None:
    for node in schemas_of(upstream.document):
        while "$ref" in node:
            node.update(copy.deepcopy(upstream.schemas[node.pop("$ref").removeprefix(REFERENCE)]))
    upstream.schemas.clear()


def all_by_reference(upstream: Upstream) -> None:
    components = upstream.document["components"]
    components["requestBodies"] = {"Speech": upstream.operation["requestBody"]}
    components["responses"] = {"Bad/Request": upstream.responses["400"]}
    components["pathItems"] = {"Speech": upstream.document["paths"][PATH]}
    components["schemas"]["Speed"] = upstream.fields["speed"]
    upstream.operation["requestBody"] = {"$ref": "#/components/requestBodies/Speech"}
    upstream.responses["400"] = {"$ref": "#/components/responses/Bad~1Request"}
    upstream.fields["speed"] = {"$ref": "#/components/schemas/Speed", "description": "How fast"}
    upstream.document["paths"][PATH] = {"$ref": "#/components/pathItems/Speech"}


def another_order(upstream: Upstream) -> None:
    for node in [*schemas_of(upstream.document)]:
        for key, value in reversed(list(node.items())):
            node[key] = node.pop(key)
            if key in {"required", "enum"} and isinstance(value, list):
                value.reverse()


def nullable_fields(upstream: Upstream) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each schema that allows null, and what it is without."""
    found = []
    for node in schemas_of(upstream.schemas):
        if node.get("nullable") is True and "type" in node:
            found.append((node, {key: value for key, value in node.items() if key != "nullable"}))
        elif isinstance(node.get("type"), list):
            (kind,) = set(node["type"]) - {"null"}
            found.append((node, {**node, "type": kind}))
    assert found
    return found


def nullable_as_in_3_0(upstream: Upstream) -> None:
    upstream.document["openapi"] = "3.0.3"
    for node, bare in nullable_fields(upstream):
        node.clear()
        node.update(bare, nullable=True)


def nullable_as_in_3_1(upstream: Upstream) -> None:
    for node, bare in nullable_fields(upstream):
        node.clear()
        node.update(bare, type=["null", bare["type"]])


def nullable_by_one_of(upstream: Upstream) -> None:
    for node, bare in nullable_fields(upstream):
        node.clear()
        node.update(oneOf=[{"type": "null"}, bare])


def nullable_by_any_of(upstream: Upstream) -> None:
    for node, bare in nullable_fields(upstream):
        node.clear()
        node.update(anyOf=[bare, {"enum": [None]}])


def what_goes_without_saying(upstream: Upstream) -> None:
    upstream.body["additionalProperties"] = True
    upstream.fields["provider"]["additionalProperties"] = {}
    upstream.fields["input"].update(minLength=0, deprecated=False, nullable=False)
    upstream.operation.update(deprecated=False, parameters=[])
    upstream.error["properties"]["openrouter_metadata"].pop("additionalProperties")
    upstream.responses["200"]["headers"] = {}


def drawn_apart(upstream: Upstream) -> None:
    """By `allOf`, which descriptions use to add words to a reference, and to put schemas together."""
    speed = upstream.fields.pop("speed")
    first = copy.deepcopy(upstream.body)
    upstream.schemas["First"] = first
    second = {"type": "object", "properties": {"speed": speed}}
    upstream.body.clear()
    upstream.body.update(allOf=[{"$ref": REFERENCE + "First"}, second], description="Both")
    first["properties"]["provider"] = {"allOf": [first["properties"]["provider"]], "description": "Settings"}


def statuses_without_quotes(upstream: Upstream) -> None:
    upstream.operation["responses"] = {int(status): answer for status, answer in upstream.responses.items()}


def stated_where_it_applies(upstream: Upstream) -> None:
    upstream.operation["security"] = upstream.document.pop("security")
    upstream.document["paths"][PATH]["servers"] = upstream.document.pop("servers")
    upstream.document["paths"][PATH]["servers"][0]["url"] += "/"


def one_of_one(upstream: Upstream) -> None:
    upstream.fields["voice"] = {"oneOf": [upstream.fields["voice"]], "description": "Who speaks"}


@pytest.mark.parametrize(
    "rewording",
    [
        other_words,
        other_names,
        all_inline,
        all_by_reference,
        another_order,
        nullable_as_in_3_0,
        nullable_as_in_3_1,
        nullable_by_one_of,
        nullable_by_any_of,
        what_goes_without_saying,
        drawn_apart,
        statuses_without_quotes,
        stated_where_it_applies,
        one_of_one,
    ],
)
def test_it_is_no_difference(upstream: Upstream, compare: Compare, rewording: Rewording) -> None:
    before = copy.deepcopy(upstream.document)
    rewording(upstream)
    assert repr(upstream.document) != repr(before)
    assert compare(upstream) == (0, ["No differences besides those in docs/deviations.yaml"])


def test_json_is_read_as_well(upstream: Upstream, run: Run, tmp_path: Path) -> None:
    upstream.operation["summary"] = "\N{GRINNING FACE}"  # as a pair of escapes, which YAML does not have
    (tmp_path / "upstream.json").write_text(json.dumps(upstream.document, indent="\t"))
    assert run("upstream-diff", tmp_path / "upstream.json")[0] == 0
