"""What is written by hand keeps up with openapi.yaml. Each guard names what was left behind, and the file to edit.

The order is that of the checklist in CONTRIBUTING.md; test_rehearsal.py goes through it.
"""

import json
from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core import audio
from openrouter_speech._http.session import Session
from openrouter_speech.mock import encoder, synthesizer
from openrouter_speech.tts import SpeechParams

from .conftest import KEY, PROJECT, REQUEST
from .test_description import resolved

PACKAGE = "overlays/openrouter_speech"
HOW = (
    f"add it to SpeechParams in {PACKAGE}/tts.py, to Session.call in _http/session.py, and to speech_request in "
    "_generated.py"
)
SAMPLES = {"string": "any", "integer": 1, "number": 1.0, "boolean": True, "object": {}, "array": []}


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load((PROJECT / "openapi.yaml").read_text())


@pytest.fixture(scope="module")
def operation(document: Any) -> Any:
    (item,) = document["paths"].values()
    return item["post"]


@pytest.fixture(scope="module")
def fields(document: Any, operation: Any) -> dict[str, Any]:
    """The fields of the body."""
    schema = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
    return {name: resolved(document, field) for name, field in schema["properties"].items()}


def sent(**params: Any) -> httpx.Request:
    """The request that a call makes."""
    requests = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, content=b"\0\0", headers={"content-type": "audio/pcm"})

    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        OpenRouter(KEY, client=client).tts.create_speech(**{**REQUEST, **params})
    return requests[0]


def sample(field: Mapping[str, Any]) -> Any:
    if values := field.get("examples") or field.get("enum"):
        return values[0]
    kind = field.get("type", "string")
    return SAMPLES[kind if isinstance(kind, str) else kind[0]]


def test_create_speech_offers_each_body_field(fields: dict[str, Any]) -> None:
    """It takes them, and sends them."""
    taken = SpeechParams.__annotations__.keys() & signature(Session.call).parameters.keys()
    missing = sorted(fields.keys() - taken)
    assert not missing, f"create_speech does not offer the body field {missing}: {HOW}"
    body = json.loads(sent(**{name: sample(field) for name, field in fields.items()}).content)
    missing = sorted(fields.keys() - body.keys())
    assert not missing, (
        f"create_speech takes the body field {missing} and does not send it: see to {PACKAGE}/_generated.py"
    )


def test_create_speech_sends_each_header(document: Any, operation: Any, fields: dict[str, Any]) -> None:
    """With a text for each parameter that is neither a field nor a setting of ours."""
    settings = {"retries", "server_url", "timeout_ms", "http_headers", "extra_body"}
    params = SpeechParams.__annotations__.keys() - fields.keys() - settings
    headers = sent(**dict.fromkeys(params, "any")).headers
    parameters = [resolved(document, parameter) for parameter in operation["parameters"]]
    missing = [p["name"] for p in parameters if p["in"] == "header" and p["name"] not in headers]
    assert not missing, f"create_speech cannot send the header {missing}: {HOW}"


def test_each_error_status_has_a_class(operation: Any) -> None:
    documented = {int(status) for status in operation["responses"]} - {200}
    without = sorted(documented - errors.BY_STATUS.keys())
    assert not without, (
        f"the status {without} has no error class: add one, and a row of BY_STATUS, in {PACKAGE}/errors.py"
    )
    undocumented = sorted(errors.BY_STATUS.keys() - documented)
    assert not undocumented, f"{PACKAGE}/errors.py has a class for the status {undocumented}, which is not documented"


def test_audio_knows_each_format(fields: dict[str, Any]) -> None:
    """A suffix stands for it, and what the mock server makes of it is recognized and has its length."""
    samples = synthesizer.speak("Hello")
    for name in fields["response_format"]["enum"]:
        assert name in audio.SUFFIXES.values(), f"no suffix stands for {name}: see to {PACKAGE}/_core/audio.py"
        try:
            encoded, content_type = encoder.encode(samples, name)
        except ValueError:
            continue  # the next guard speaks of it
        info = audio.info_from_content_type(content_type)
        assert info is not None, f"{content_type} is not known as audio: see to {PACKAGE}/_core/audio.py"
        assert info.format == name, f"{content_type} is taken for {info.format}: see to {PACKAGE}/_core/audio.py"
        seconds = audio.duration(encoded, info)
        assert seconds is not None, f"no duration is known for {name}: see to duration in {PACKAGE}/_core/audio.py"
        assert seconds == pytest.approx(len(samples) / synthesizer.SAMPLE_RATE, abs=1 / synthesizer.SAMPLE_RATE)


def test_the_mock_server_speaks_each_format(fields: dict[str, Any]) -> None:
    samples = synthesizer.speak("Hello")
    for name in fields["response_format"]["enum"]:
        try:
            encoder.encode(samples, name)
        except ValueError as error:
            pytest.fail(f"{error}: see to {PACKAGE}/mock/encoder.py")


def test_each_documented_example_is_valid(document: Any) -> None:
    problems = []
    for place, schema, example in examples(document):
        validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
        problems += [f"{place}: {error.message}" for error in validator.iter_errors(example)]
    assert not problems, f"an example does not fit its schema; correct it in upstream/curation.overlay.yaml: {problems}"


def examples(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Where each example stands, the schema it belongs to, and the example."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from examples(item, f"{place} {index}".strip())
    if not isinstance(node, dict):
        return
    if isinstance(node.get("examples"), list):  # of a schema
        for index, example in enumerate(node["examples"]):
            yield f"{place} examples {index}", node, example
    elif "schema" in node:  # of a media type, a header, a parameter
        if "example" in node:
            yield f"{place} example", node["schema"], node["example"]
        for name, example in node.get("examples", {}).items():
            yield f"{place} examples {name}", node["schema"], example["value"]
    for key, child in node.items():
        if key not in {"example", "examples"}:
            yield from examples(child, f"{place} {key}".strip())


def test_all_examples_are_found(document: Any) -> None:
    """At each kind of place that OpenAPI has for them."""
    found = {place for place, _, _ in examples(document)}
    assert {
        "paths /audio/speech post requestBody content application/json examples short",
        "components parameters HttpReferer example",
        "components headers GenerationId example",
        "components schemas SpeechRequest properties speed examples 0",
        "paths /audio/speech post responses 404 content application/json example",
    } <= found
