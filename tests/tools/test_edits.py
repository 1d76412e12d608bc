"""One edit of the provider's description is one line, at its place, and graded for those who call."""

from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import PROJECT
from .samples import PATH, Upstream

Compare = Callable[[Upstream], tuple[int, list[str]]]
Edit = Callable[[Upstream], Any]

BODY = "request application/json"
SLUGS = f"{BODY} .provider.options"
ERROR = "response 400 application/json"
TRACE = {"name": "trace", "in": "query", "schema": {"type": "string"}}


def _field(name: str, **facts: Any) -> Edit:
    return lambda upstream: upstream.fields[name].update(facts)


def _fields(**fields: Any) -> Edit:
    return lambda upstream: upstream.fields.update(fields)


def _detail(name: str, **facts: Any) -> Edit:
    return lambda upstream: upstream.detail["properties"][name].update(facts)


def _error(**fields: Any) -> Edit:
    return lambda upstream: upstream.error["properties"].update(fields)


def _response(status: str, **parts: Any) -> Edit:
    return lambda upstream: upstream.responses.setdefault(status, {"description": "?"}).update(parts)


def _operation(**parts: Any) -> Edit:
    return lambda upstream: upstream.operation.update(parts)


def _body(**facts: Any) -> Edit:
    return lambda upstream: upstream.body.update(facts)


def _drop(mapping: Any, key: str) -> None:
    del mapping[key]


def _rename(mapping: Any, old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


def _audio(upstream: Upstream) -> Any:
    return upstream.responses["200"]["content"]


def _content(upstream: Upstream) -> Any:
    return upstream.operation["requestBody"]["content"]


def _schemes(upstream: Upstream) -> Any:
    return upstream.document["components"]["securitySchemes"]


def _one_more_scheme(upstream: Upstream) -> None:
    _schemes(upstream)["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    upstream.document["security"].append({"key": []})


def _a_required_field(upstream: Upstream) -> None:
    upstream.fields["tone"] = {"type": "string"}
    upstream.body["required"].append("tone")


BREAKING: list[tuple[str, str, Edit]] = [
    ("another server", "server", lambda u: u.document.update(servers=[{"url": "https://example.com/v2"}])),
    ("another scheme", "security", lambda u: _schemes(u)["apiKey"].update(scheme="basic")),
    ("a scope", "security", lambda u: u.document.update(security=[{"apiKey": ["speech"]}])),
    ("a required parameter", "query trace", _operation(parameters=[{**TRACE, "required": True}])),
    ("another type of body", BODY, lambda u: _rename(_content(u), "application/json", "application/xml")),
    ("no body", "request", lambda u: _drop(u.operation, "requestBody")),
    ("a required field", f"{BODY} .tone", _a_required_field),
    ("a field less", f"{BODY} .speed", lambda u: _drop(u.fields, "speed")),
    ("a field that becomes required", f"{BODY} .speed required", lambda u: u.body["required"].append("speed")),
    ("another type", f"{BODY} .speed", _fields(speed={"type": "string"})),
    ("a narrower type", f"{BODY} .speed type", _field("speed", type="integer")),
    ("alternatives", f"{BODY} .provider", _fields(provider={"oneOf": [{"type": "string"}, {"type": "integer"}]})),
    ("another format", f"{BODY} .speed format", _field("speed", format="float")),
    ("a value less", f"{BODY} .response_format enum", _field("response_format", enum=["pcm"])),
    ("one value for another", f"{BODY} .response_format enum", _field("response_format", enum=["pcm", "wav"])),
    ("values where all were free", f"{BODY} .voice enum", _field("voice", enum=["alloy"])),
    ("another default", f"{BODY} .response_format default", _field("response_format", default="mp3")),
    ("no default", f"{BODY} .response_format default", lambda u: _drop(u.fields["response_format"], "default")),
    ("a longest length", f"{BODY} .input maxLength", _field("input", maxLength=4096)),
    ("a least value", f"{BODY} .speed minimum", _field("speed", minimum=0.25)),
    ("a value to be above", f"{BODY} .speed exclusiveMinimum", _field("speed", exclusiveMinimum=0)),
    ("a pattern", f"{BODY} .model pattern", _field("model", pattern="/")),
    ("an unusual keyword", f"{BODY} .provider dependentRequired", _field("provider", dependentRequired={"a": ["b"]})),
    ("a condition", f"{BODY} .voice.<not>", _field("voice", **{"not": {"const": "nobody"}})),
    ("no further fields", f"{BODY} .<other> type", _body(additionalProperties=False)),
    ("typed further fields", f"{BODY} .<other> type", _body(additionalProperties={"type": "string"})),
    ("only slugs that are listed", f"{SLUGS}.<other>", lambda u: u.options.update(additionalProperties=False)),
    ("a field for answers only", f"{BODY} .speed readOnly", _field("speed", readOnly=True)),
    ("another audio type", "response 200 audio/*", lambda u: _rename(_audio(u), "audio/*", "application/octet-stream")),
    ("audio as text", "response 200 audio/* format", lambda u: _audio(u)["audio/*"]["schema"].update(format="byte")),
    ("no audio", "response 200 audio/*", lambda u: _drop(u.responses["200"], "content")),
    ("a status less", "response 529", lambda u: _drop(u.responses, "529")),
    ("an error's field less", f"{ERROR} .user_id", lambda u: _drop(u.error["properties"], "user_id")),
    ("an error's field that may lack", f"{ERROR} .error.code required", lambda u: u.detail["required"].remove("code")),
    ("an error's field of another type", f"{ERROR} .error.code type", _detail("code", type="string")),
    ("an error's field that may be null", f"{ERROR} .error.message null", _detail("message", nullable=True)),
    ("an error of another shape", f"{ERROR} .error", _error(error={"type": "string"})),
]

COMPATIBLE: list[tuple[str, str, Edit]] = [
    ("one more server", "server", lambda u: u.document["servers"].append({"url": "https://eu.openrouter.ai/api/v1"})),
    ("one more scheme", "security", _one_more_scheme),
    ("no credential", "security", _operation(security=[])),
    ("an optional parameter", "query trace", _operation(parameters=[TRACE])),
    ("a parameter of the path", "query trace", lambda u: u.document["paths"][PATH].update(parameters=[TRACE])),
    ("a body that may lack", "request required", lambda u: u.operation["requestBody"].update(required=False)),
    ("one more type of body", "request application/xml", lambda u: _content(u).update({"application/xml": {}})),
    ("an optional field", f"{BODY} .tone", _fields(tone={"type": "string", "enum": ["warm"], "default": "warm"})),
    ("a field that may lack", f"{BODY} .voice required", lambda u: u.body["required"].remove("voice")),
    ("a wider type", f"{BODY} .speed type", _field("speed", type=["number", "string"])),
    ("no format", f"{BODY} .speed format", lambda u: _drop(u.fields["speed"], "format")),
    ("one more value", f"{BODY} .response_format enum", lambda u: u.fields["response_format"]["enum"].append("wav")),
    ("any value", f"{BODY} .response_format enum", lambda u: _drop(u.fields["response_format"], "enum")),
    ("a default where none was", f"{BODY} .speed default", _field("speed", default=1)),
    ("a field that may be null", f"{BODY} .speed null", _field("speed", nullable=True)),
    ("a field to be given up", f"{BODY} .speed deprecated", _field("speed", deprecated=True)),
    ("an operation to be given up", "deprecated", _operation(deprecated=True)),
    ("a slug of its own", f"{SLUGS}.openai", lambda u: u.options["properties"].update(openai={"type": "string"})),
    ("one more audio type", "response 200 audio/wav", lambda u: _audio(u).update({"audio/wav": {}})),
    ("one more status", "response 413", _response("413")),
    ("statuses by range", "response 5XX", _response("5xx")),
    ("a header", "response 200 header x-model", _response("200", headers={"X-Model": {"required": True}})),
    ("an error's field more", f"{ERROR} .retry_after", _error(retry_after={"type": "integer"})),
    ("an error's field always there", f"{ERROR} .user_id required", lambda u: u.error["required"].append("user_id")),
    ("an error's field never null", f"{ERROR} .user_id null", _error(user_id={"type": "string"})),
    ("an error's values", f"{ERROR} .error.code enum", _detail("code", enum=[400])),
    ("no further fields in an error", f"{ERROR} .<other> type", lambda u: u.error.update(additionalProperties=False)),
]

EDITS = [(*edit, True) for edit in BREAKING] + [(*edit, False) for edit in COMPATIBLE]


@pytest.mark.parametrize(("where", "edit", "breaking"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_an_edit_is_one_line(upstream: Upstream, compare: Compare, where: str, edit: Edit, breaking: bool) -> None:
    edit(upstream)
    status, lines = compare(upstream)
    assert status == 1
    (line,) = lines
    place, what, grade, advice = line.split(" | ")
    assert place == where
    assert " here, " in what
    assert what.endswith(" upstream")
    assert grade == ("breaking" if breaking else "not breaking")
    assert "openapi.yaml" in advice
    assert "docs/deviations.yaml" in advice


def test_an_edit_of_all_errors_is_one_line(upstream: Upstream, compare: Compare) -> None:
    for name, schema in upstream.schemas.items():
        if name.endswith("ResponseErrorData"):
            schema["properties"]["hint"] = {"type": "string"}
    _, (line,) = compare(upstream)
    statuses = "400, 401, 402, 404, 429, 500, 502, 503, 524, 529"
    assert line.startswith(
        f"response {statuses} application/json .error.hint | nothing here, required false, type string"
    )


def test_two_edits_are_two_lines(upstream: Upstream, compare: Compare) -> None:
    upstream.fields["speed"]["default"] = 1
    del upstream.responses["529"]
    _, lines = compare(upstream)
    assert [line.partition(" | ")[0] for line in lines] == ["response 529", f"{BODY} .speed default"]


PACKAGE = "overlays/openrouter_speech"
ADVICE: list[tuple[str, str, Edit]] = [
    ("add it to", f"{PACKAGE}/tts.py (SpeechParams) and _http/session.py", _fields(tone={})),
    ("add it to", f"{PACKAGE}/tts.py (SpeechParams) and _http/session.py", _operation(parameters=[TRACE])),
    ("remove it from", f"{PACKAGE}/tts.py (SpeechParams) and _http/session.py", lambda u: _drop(u.fields, "speed")),
    (
        "change it in",
        f"{PACKAGE}/_core/audio.py and mock/encoder.py",
        _field("response_format", enum=["mp3", "pcm", "wav"]),
    ),
    ("change it in", f"{PACKAGE}/_http/credential.py", _operation(security=[])),
    ("change it in", f"{PACKAGE}/_http/session.py", _operation(servers=[{"url": "https://example.com"}])),
    ("add it to", f"{PACKAGE}/errors.py", _response("413")),
    ("add it to", f"{PACKAGE}/_core/headers.py", _response("200", headers={"X-Model": {}})),
    ("change it in", f"{PACKAGE}/_core/audio.py", lambda u: _rename(_audio(u), "audio/*", "audio/mpeg")),
    ("change it in", "", _field("input", maxLength=4096)),
    ("add it to", "", _error(hint={})),
]


@pytest.mark.parametrize(("how", "file", "edit"), ADVICE)
def test_a_line_says_what_to_do(how: str, file: str, edit: Edit, upstream: Upstream, compare: Compare) -> None:
    edit(upstream)
    _, (line,) = compare(upstream)
    steps = [f"{how} openapi.yaml", "run make generate", *([f"update {file}"] if file else [])]
    assert line.split(" | ")[3].split(", ") == [*steps, "or record it in docs/deviations.yaml", "with the reason"]
    for name in file.replace("(SpeechParams) ", "").split(" and "):
        assert (PROJECT / "overlays/openrouter_speech" / name.removeprefix(f"{PACKAGE}/")).exists()
