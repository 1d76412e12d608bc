"""What changed between two descriptions: one line for each change, at its place, graded for callers."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools import ToolError
from tools.contract import differences
from tools.cut import cut
from tools.document import Document
from tools.report import Finding

from .samples import PATH, Upstream, schemas_of, small

Edit = Callable[[Upstream], Any]

BODY, ERROR = "request application/json", "response 400 application/json"
TRACE = {"name": "trace", "in": "query", "schema": {"type": "string"}}
REFERENCE = "#/components/schemas/"
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}


def cut_of(content: Any) -> Document:
    return Document("sample", cut(Document("sample", content), [("post", PATH)], {}))


BASE = cut_of(small())


def changed(*edits: Edit) -> list[Finding]:
    """Edit the published description; return what changed."""
    upstream = Upstream(small())
    for edit in edits:
        edit(upstream)
    return differences(BASE, cut_of(upstream.document))


def _field(name: str, **facts: Any) -> Edit:
    return lambda upstream: upstream.fields.setdefault(name, {}).update(facts)


def _detail(name: str, **facts: Any) -> Edit:
    return lambda upstream: upstream.detail["properties"][name].update(facts)


def _error(**fields: Any) -> Edit:
    return lambda upstream: upstream.error["properties"].update(fields)


def _response(status: str, **parts: Any) -> Edit:
    return lambda upstream: upstream.responses.setdefault(status, {"description": "?"}).update(parts)


def _operation(**parts: Any) -> Edit:
    return lambda upstream: upstream.operation.update(parts)


def _rename(mapping: Any, old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


def _audio(upstream: Upstream) -> Any:
    return upstream.responses["200"]["content"]


def _content(upstream: Upstream) -> Any:
    return upstream.operation["requestBody"]["content"]


def _schemes(upstream: Upstream) -> Any:
    return upstream.document["components"]["securitySchemes"]


def _security(*requirements: Any) -> Edit:
    return lambda upstream: (_schemes(upstream).update(key=KEY), upstream.operation.update(security=list(requirements)))


def _required(upstream: Upstream) -> None:
    upstream.fields["tone"] = {"type": "string"}
    upstream.body["required"].append("tone")


BREAKING: list[tuple[str, Edit]] = [
    ("server", lambda u: u.document.update(servers=[{"url": "https://example.com/v2"}])),
    ("security", lambda u: _schemes(u)["apiKey"].update(scheme="basic")),
    ("security", lambda u: u.document.update(security=[{"apiKey": ["speech"]}])),
    ("security", _security({"apiKey": [], "key": []})),
    ("query trace", _operation(parameters=[{**TRACE, "required": True}])),
    ("callbacks", _operation(callbacks={"done": {}})),
    ("request", lambda u: u.operation.pop("requestBody")),
    (f"{BODY} .tone", _required),
    (f"{BODY} .speed required", lambda u: u.body["required"].append("speed")),
    (f"{BODY} .speed type", _field("speed", type="integer")),
    (f"{BODY} .response_format enum", _field("response_format", enum=["pcm", "wav"])),
    ("response 200 audio/* format", lambda u: _audio(u)["audio/*"]["schema"].update(format="byte")),
    ("response 200 audio/*", lambda u: u.responses["200"].pop("content")),
    ("response 529", lambda u: u.responses.pop("529")),
    (f"{ERROR} .user_id", lambda u: u.error["properties"].pop("user_id")),
    (f"{ERROR} .error.code required", lambda u: u.detail["required"].remove("code")),
    (f"{ERROR} .error.message null", _detail("message", nullable=True)),
]

COMPATIBLE: list[tuple[str, Edit]] = [
    ("server", lambda u: u.document["servers"].append({"url": "https://eu.openrouter.ai/api/v1"})),
    ("security", _security({"apiKey": []}, {"key": []})),
    ("security", _security()),
    ("security", _security({})),
    ("query trace", _operation(parameters=[TRACE])),
    ("query trace", lambda u: u.document["paths"][PATH].update(parameters=[TRACE])),
    ("request required", lambda u: u.operation["requestBody"].update(required=False)),
    ("request application/xml", lambda u: _content(u).update({"application/xml": {}})),
    (f"{BODY} .tone", _field("tone", type="string", enum=["warm"], default="warm")),
    (f"{BODY} .voice required", lambda u: u.body["required"].remove("voice")),
    (f"{BODY} .response_format enum", lambda u: u.fields["response_format"]["enum"].append("wav")),
    ("deprecated", _operation(deprecated=True)),
    ("response 200 audio/wav", lambda u: _audio(u).update({"audio/wav": {}})),
    ("response 413", _response("413")),
    ("response 5XX", _response("5xx")),
    ("response 200 header x-model", _response("200", headers={"X-Model": {"required": True}})),
    (f"{ERROR} .retry_after", _error(retry_after={"type": "integer"})),
    (f"{ERROR} .user_id required", lambda u: u.error["required"].append("user_id")),
    (f"{ERROR} .error.code enum", _detail("code", enum=[400])),
]

EDITS = [(*edit, True) for edit in BREAKING] + [(*edit, False) for edit in COMPATIBLE]


@pytest.mark.parametrize(("where", "edit", "breaking"), EDITS, ids=[f"{edit[0]}-{edit[2]}" for edit in EDITS])
def test_a_change_is_one_line_at_its_place(where: str, edit: Edit, breaking: bool) -> None:
    assert [(found.where, found.breaking) for found in changed(edit)] == [(where, breaking)]


def query(**parts: Any) -> Edit:
    return _operation(parameters=[{"name": "Q", "in": "query", **parts}])


@pytest.mark.parametrize(
    ("before", "after", "where", "breaking"),
    [
        (query(), query(style="pipeDelimited"), "query Q style", True),
        (query(), query(explode=False), "query Q explode", True),
        (query(), query(allowReserved=True), "query Q allowReserved", True),
        (query(), query(deprecated=True), "query Q deprecated", False),
        (query(), query(required=True), "query Q required", True),
        (query(required=True), query(), "query Q required", False),
        (query(), _operation(parameters=[]), "query Q", True),
        (query(schema={"type": "string"}), query(content={"text/csv": {}}), "query Q content", True),
        (query(schema={"type": "string"}), query(schema={}), "query Q type", False),
        (query(content={"text/csv": {}}), query(content={"text/csv": {"schema": {"maxLength": 1}}}),
         "query Q text/csv maxLength", True),
        (_response("200", headers={"X-A": {}}), _response("200", headers={}), "response 200 header x-a", True),
        (_response("200", headers={"X-A": {"required": True}}), _response("200", headers={"x-a": {}}),
         "response 200 header x-a required", True),
    ],
)  # fmt: skip
def test_a_parameter_or_header_that_changes(before: Edit, after: Edit, where: str, breaking: bool) -> None:
    sides = []
    for edit in (before, after):
        upstream = Upstream(small())
        edit(upstream)
        sides.append(cut_of(upstream.document))
    assert [(found.where, found.breaking) for found in differences(*sides)] == [(where, breaking)]


def test_what_only_looks_like_a_description_is_refused() -> None:
    for edit in (_field("voice", discriminator=5), _operation(parameters=[{"in": "query"}])):
        with pytest.raises(ToolError, match="sample: it is not a valid description"):
            changed(edit)


def test_a_replaced_media_type_is_two_lines() -> None:
    found = changed(lambda u: _rename(_audio(u), "audio/*", "audio/mpeg"))
    assert [str(line).split(" | ")[:3] for line in found] == [
        ["response 200 audio/*", 'type string, format "binary" before, nothing now', "breaking"],
        ["response 200 audio/mpeg", 'nothing before, type string, format "binary" now', "not breaking"],
    ]


def test_a_change_of_all_errors_is_one_line() -> None:
    def hint(upstream: Upstream) -> None:
        for name, schema in upstream.schemas.items():
            if name.endswith("ResponseErrorData"):
                schema["properties"]["hint"] = {"type": "string"}

    def header(upstream: Upstream) -> None:
        for response in upstream.responses.values():
            response["headers"] = {"X-Trace": {}}

    (line,) = changed(header)
    assert line.where.endswith("503, 524, 529 header x-trace")
    (line,) = changed(hint)
    assert line.where == "response 400, 401, 402, 404, 429, 500, 502, 503, 524, 529 application/json .error.hint"
    assert (line.before, line.after) == (None, "required false, type string")


def other_words(upstream: Upstream) -> None:
    upstream.document.update(info={"title": "Another title", "version": "99"}, tags=[{"name": "Sound"}])
    upstream.operation.update(summary="S", description="D", operationId="speak", tags=["Sound"])
    for schema in upstream.schemas.values():
        schema.update(description="D", title="T", example={"input": "x"}, **{"x-order": 1, "$comment": "c"})
    upstream.responses["400"].update(description="Wrong", links={"help": {"operationId": "help"}})
    upstream.responses["x-note"] = 1
    _content(upstream)["application/json"].update(example={}, examples={})


def other_names(upstream: Upstream) -> None:
    names = {name: f"Renamed{number}" for number, name in enumerate(upstream.schemas)}
    for node in schemas_of(upstream.document):
        if "$ref" in node:
            node["$ref"] = REFERENCE + names[node["$ref"].removeprefix(REFERENCE)]
    components = upstream.document["components"]
    components["schemas"] = {names[name]: schema for name, schema in upstream.schemas.items()}
    _rename(components["securitySchemes"], "apiKey", "token")
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


def nullable(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Edit:
    def edit(upstream: Upstream) -> None:
        for node in [node for node in schemas_of(upstream.schemas) if node.get("nullable") is True and "type" in node]:
            del node["nullable"]
            bare = dict(node)
            node.clear()
            node.update(change(bare))

    return edit


def unsaid(upstream: Upstream) -> None:
    upstream.body["additionalProperties"] = True
    upstream.fields["provider"]["additionalProperties"] = {}
    upstream.fields["input"].update(minLength=0, deprecated=False, nullable=False)
    upstream.operation.update(deprecated=False, parameters=[])
    upstream.responses["200"]["headers"] = {}


def drawn_apart(upstream: Upstream) -> None:
    speed = upstream.fields.pop("speed")
    first = copy.deepcopy(upstream.body)
    upstream.schemas["First"] = first
    second = {"type": "object", "properties": {"speed": speed}}
    upstream.body.clear()
    upstream.body.update(allOf=[{"$ref": REFERENCE + "First"}, second], description="Both")
    first["properties"]["provider"] = {"allOf": [first["properties"]["provider"]], "description": "Settings"}


def stated_where_it_applies(upstream: Upstream) -> None:
    upstream.operation["security"] = upstream.document.pop("security")
    upstream.document["paths"][PATH]["servers"] = upstream.document.pop("servers")
    upstream.document["paths"][PATH]["servers"][0]["url"] += "/"


@pytest.mark.parametrize(
    "edit",
    [
        other_words, other_names, all_inline, all_by_reference, another_order, unsaid, drawn_apart,
        stated_where_it_applies,
        nullable(lambda bare: {**bare, "type": ["null", bare["type"]]}),
        nullable(lambda bare: {"oneOf": [{"type": "null"}, bare]}),
        nullable(lambda bare: {"anyOf": [bare, {"enum": [None]}]}),
        lambda upstream: upstream.fields.update(voice={"oneOf": [upstream.fields["voice"]]}),
        lambda upstream: upstream.operation.update(parameters=[]),
    ],
)  # fmt: skip
def test_the_same_in_other_words_is_no_change(edit: Edit) -> None:
    before = small()
    upstream = Upstream(before)
    edit(upstream)
    assert repr(upstream.document) != repr(before)
    assert changed(edit) == []
