"""What a description cannot say keeps up with it: how an audio format is encoded and recognized."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openrouter_speech._core import audio
from openrouter_speech.mock import encoder, synthesizer

from .conftest import PROJECT
from .test_description import resolved

PACKAGE = "overlays/openrouter_speech"


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load((PROJECT / "openapi.yaml").read_text())


@pytest.fixture(scope="module")
def operation(document: Any) -> Any:
    return document["paths"]["/audio/speech"]["post"]


@pytest.fixture(scope="module")
def fields(document: Any, operation: Any) -> dict[str, Any]:
    """The fields of the body."""
    schema = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
    return {name: resolved(document, field) for name, field in schema["properties"].items()}


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


def test_the_default_format_is_that_of_the_description(fields: dict[str, Any]) -> None:
    assert fields["response_format"]["default"] == audio.DEFAULT_FORMAT


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
