"""The facts of some operations, cut out of a published description: all they refer to, and no wording."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tools import ToolError
from tools.curate import FACTS, dumped
from tools.cut import NAMES, WORDING, cut
from tools.document import Document, parse, read

from ..conftest import PROJECT
from .samples import PATH, Upstream, needs_copies, published, small

SPEECH = ("post", PATH)
SIBLINGS = [SPEECH, ("get", "/models"), ("get", "/models/{author}/{slug}/endpoints"), ("get", "/generation")]
SCHEMA = "#/components/schemas"


def facts(content: Any) -> dict[str, Any]:
    return cut(Document("sample", content), [SPEECH], {SPEECH: "createAudioSpeech"})


def wording(node: Any, *, names: bool = False) -> list[str]:
    """The keywords for words that a value still has."""
    if isinstance(node, list):
        return [key for item in node for key in wording(item)]
    if not isinstance(node, dict):
        return []
    found = [] if names else [key for key in node if key in WORDING or key.startswith("x-")]
    return found + [key for name, part in node.items() for key in wording(part, names=not names and name in NAMES)]


def test_the_project_has_none_of_the_providers_wording() -> None:
    text = (PROJECT / FACTS).read_text()
    content = yaml.load(text, yaml.CSafeLoader)
    assert content.pop("x-cut-from").keys() == {"source", "date", "sha256"}
    assert wording(content) == []
    # Names of providers in enums have up to four words.
    long = [line for line in text.splitlines()[2:] if len(line.split()) > 5 and "[" not in line]
    assert long == []


@needs_copies
@pytest.mark.parametrize("date", ["2026-04-21", "2026-08-22"])  # in the style of OpenAPI 3.0, and of 3.1
def test_the_provider_s_own_description_is_cut(date: str) -> None:
    found = cut(published(date), [SPEECH], {})
    assert wording(found) == []
    assert list(found["paths"]) == [PATH]
    assert "Model" not in found["components"]["schemas"]


@needs_copies
def test_the_facts_here_are_those_of_the_newest_copy() -> None:
    found = cut(published("2026-08-22"), SIBLINGS, {})
    assert wording(found) == []
    assert {(method, path) for path, item in found["paths"].items() for method in item} == set(SIBLINGS)
    properties = found["components"]["schemas"]["Model"]["properties"]
    assert {"description", "supported_voices"} <= properties.keys()  # a name is no wording
    again = cut(parse(dumped(found).encode(), "again"), SIBLINGS, {})
    assert again == found
    facts_here = dict(read(str(PROJECT / FACTS)).content)
    del facts_here["x-cut-from"]
    assert found == facts_here


def test_what_a_property_or_header_is_called_is_no_wording() -> None:
    upstream = Upstream(small())
    upstream.fields.update(
        title={"type": "string", "title": "T"}, enum={"x-note": {"type": [1, "a"]}}, example={"example": "x"}
    )
    upstream.responses["200"]["headers"] = {"x-name": {"description": "D", "schema": {"default": {"title": "kept"}}}}
    found = facts(upstream.document)
    properties = found["components"]["schemas"]["SpeechRequest"]["properties"]
    assert (properties["title"], properties["enum"], properties["example"]) == ({"type": "string"}, {}, {})
    assert list(properties) == sorted(properties)
    headers = found["paths"][PATH]["post"]["responses"]["200"]["headers"]
    assert headers == {"x-name": {"schema": {"default": {"title": "kept"}}}}


def test_the_path_the_servers_and_the_security_belong_to_an_operation() -> None:
    content = small()
    item = content["paths"][PATH]
    item |= {"parameters": [{"$ref": "#/components/parameters/Q"}], "servers": [{"url": "u", "description": "D"}]}
    content["components"]["parameters"] = {"Q": {"name": "q", "in": "query"}, "Unused": {}}
    found = facts(content)
    assert found["paths"][PATH]["parameters"] == [{"$ref": "#/components/parameters/Q"}]
    assert found["paths"][PATH]["servers"] == [{"url": "u"}]
    assert found["paths"][PATH]["post"]["security"] == [{"apiKey": []}]
    assert list(found["components"]["parameters"]) == ["Q"]
    assert list(found["components"]["securitySchemes"]) == ["apiKey"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "enum": ["b", "a"], "nullable": True},
         {"type": ["string", "null"], "enum": ["a", "b", None]}),
        ({"$ref": f"{SCHEMA}/Tree", "nullable": True}, {"anyOf": [{"$ref": f"{SCHEMA}/Tree"}, {"type": "null"}]}),
        ({"nullable": True}, {}),
        ({"allOf": [{"$ref": f"{SCHEMA}/Tree"}, {"title": "T"}], "example": 1}, {"$ref": f"{SCHEMA}/Tree"}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"type": ["null", "string"]}, {"type": ["string", "null"]}),
        ({"required": ["b", "a"]}, {"required": ["a", "b"]}),
    ],
)  # fmt: skip
def test_a_schema_is_in_the_style_of_3_1(schema: Any, expected: Any) -> None:
    upstream = Upstream(small())
    upstream.schemas["Tree"] = {"items": {"$ref": f"{SCHEMA}/Tree"}}  # it may well contain itself
    upstream.fields["speed"] = schema
    assert facts(upstream.document)["components"]["schemas"]["SpeechRequest"]["properties"]["speed"] == expected


def test_what_a_discriminator_leads_to_is_kept() -> None:
    upstream = Upstream(small())
    mapping = {"a": f"{SCHEMA}/A", "b": "B"}
    upstream.schemas.update(A={}, B={}, C={})
    upstream.fields["speed"] = {"oneOf": [], "discriminator": {"propertyName": "kind", "mapping": mapping}}
    assert {"A", "B"} == facts(upstream.document)["components"]["schemas"].keys() & {"A", "B", "C"}


def test_what_a_scope_is_called_is_kept() -> None:
    content = small()
    flows = {"clientCredentials": {"tokenUrl": "u", "scopes": {"title": "Words"}}}
    content["components"]["securitySchemes"]["apiKey"] = {"type": "oauth2", "flows": flows}
    (scheme,) = facts(content)["components"]["securitySchemes"].values()
    assert scheme["flows"]["clientCredentials"]["scopes"] == {"title": ""}


def test_a_component_is_kept_whole() -> None:
    upstream = Upstream(small())
    upstream.schemas.update(A={"properties": {"b": {}, "c": {"$ref": f"{SCHEMA}/C"}}}, C={})
    upstream.fields["speed"] = {"$ref": f"{SCHEMA}/A/properties/b"}
    assert {"A", "C"} <= facts(upstream.document)["components"]["schemas"].keys()


BODY, ITSELF = f"{SCHEMA}/SpeechRequest", "#/components/responses/A"


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda u: u.fields.update(speed={"$ref": "#/components/Speed"}), "'#/components/Speed' leads nowhere"),
        (lambda u: u.responses.update({"400": {"$ref": "#/nowhere"}}), "'#/nowhere' leads nowhere"),
        (lambda u: u.fields.update(speed={"$ref": "speed.yaml"}), "'speed.yaml' leads out of the file"),
        (lambda u: u.fields.update(speed={"$ref": ["a"]}), "leads out of the file"),
        (lambda u: u.fields.update(speed={"$ref": "#/info"}), "'#/info' does not lead to a component"),
        (lambda u: u.schemas.update(SpeechRequest={"$ref": BODY}), f"{BODY!r} leads back to itself"),
        (lambda u: u.schemas.update(SpeechRequest={"allOf": [{"$ref": BODY}]}), f"{BODY!r} leads back to itself"),
        (lambda u: (u.responses.update({"400": {"$ref": ITSELF}}),
                    u.document["components"].update(responses={"A": {"$ref": ITSELF}})),
         f"{ITSELF!r} leads back to itself"),
        (lambda u: u.document.update(security=[{"nobody": []}]), "'#/components/securitySchemes/nobody' leads nowhere"),
        (lambda u: u.document["paths"].update({"/b": {"get": u.operation}}) or u.operation.update(operationId="a"),
         "POST /audio/speech and GET /b share the id a"),
        (lambda u: u.document["paths"].update({"/audio/speeches": u.document["paths"].pop(PATH)}),
         "there is no POST /audio/speech; similar paths: /audio/speeches, /audio/transcriptions"),
        (lambda u: u.document["paths"].update({"/say": u.document["paths"].pop(PATH)}) or u.operation.update(
            operationId="createAudioSpeech"), "there is no POST /audio/speech; createAudioSpeech is now POST /say"),
        (lambda u: u.document.update(paths={"/say": {"get": {"operationId": "createSpeechAudio"}}}),
         "there is no POST /audio/speech; similar operations: createSpeechAudio (GET /say)"),
        (lambda u: u.document["paths"].update({PATH: {"put": {}, "get": {}}}),
         "there is no POST /audio/speech; the path has GET, PUT"),
        (lambda u: u.document.update(paths={}), "there is no POST /audio/speech; nothing is similar"),
        (lambda u: u.document.update(paths=[]), "paths must be a mapping, not []"),
        (lambda u: u.document["paths"].update({PATH: {"post": 5}}), "post must be a mapping, not 5"),
        (lambda u: u.document.update(security=5), "it is not a valid description ("),
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_refused(edit: Callable[[Upstream], Any], problem: str) -> None:
    upstream = Upstream(small())
    edit(upstream)
    with pytest.raises(ToolError, match=re.escape(problem)):
        facts(upstream.document)


def test_nesting_beyond_what_python_can_follow_is_refused() -> None:
    upstream = Upstream(small())
    deep: dict[str, Any] = {}
    upstream.fields["speed"] = deep
    for _ in range(2000):
        deep["items"] = deep = {}
    with pytest.raises(ToolError, match="nested too deeply"):
        facts(upstream.document)
