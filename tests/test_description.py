"""openapi.yaml says what the operation is; these facts of it must not be lost in an edit."""

from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate
from openrouter_speech._generated import SERVER_URL

from .conftest import PROJECT

STATUSES = {"200", "400", "401", "402", "404", "429", "500", "502", "503", "524", "529"}


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load((PROJECT / "openapi.yaml").read_text())


@pytest.fixture(scope="module")
def operation(document: Any) -> Any:
    return document["paths"]["/audio/speech"]["post"]


def resolved(document: Any, node: Any) -> Any:
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_describes_speech_and_what_its_users_look_up(document: Any) -> None:
    found = {
        (method, path): (operation["operationId"], *operation["tags"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert found == {
        ("post", "/audio/speech"): ("createSpeech", "TTS"),
        ("get", "/models"): ("listModels", "Models"),
        ("get", "/models/{author}/{slug}/endpoints"): ("listModelEndpoints", "Models"),
        ("get", "/generation"): ("getGeneration", "Generations"),
    }


def test_the_client_speaks_to_its_server(document: Any) -> None:
    assert document["servers"][0]["url"] == SERVER_URL


def test_a_bearer_key_is_needed(document: Any, operation: Any) -> None:
    (name,) = operation["security"][0]
    scheme = document["components"]["securitySchemes"][name]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


@pytest.mark.parametrize(
    ("field", "required", "kind", "default"),
    [
        ("input", True, None, None),
        ("model", True, "string", None),
        ("voice", False, "string", None),
        ("provider", False, "object", None),
        ("response_format", False, "string", "pcm"),
        ("speed", False, "number", None),
    ],
)
def test_a_body_field(document: Any, field: str, required: bool, kind: str | None, default: str | None) -> None:
    """Each parameter of the reference has its type, its default, an example or parts, and a description."""
    schema = document["components"]["schemas"]["SpeechRequest"]
    property_ = resolved(document, schema["properties"][field])
    assert (field in schema["required"]) is required
    assert property_.get("type") == kind
    assert property_.get("default") == default
    assert property_.get("examples") or kind == "object"
    assert property_["description"]


def test_provider_options_are_free_objects_by_slug(document: Any) -> None:
    schemas = document["components"]["schemas"]
    options = resolved(document, schemas["SpeechRequestProvider"]["properties"]["options"])
    values = resolved(document, options["additionalProperties"])
    assert (values["type"], values["additionalProperties"]) == ("object", True)


def test_the_app_headers_are_optional(document: Any, operation: Any) -> None:
    parameters = [resolved(document, parameter) for parameter in operation["parameters"]]
    names = ["HTTP-Referer", "X-OpenRouter-Title", "X-OpenRouter-Categories"]
    found = [(p["name"], p["in"], p["required"]) for p in parameters]
    assert {(name, "header", False) for name in names} <= set(found)


def test_success_is_audio_with_a_generation_id(document: Any, operation: Any) -> None:
    success = operation["responses"]["200"]
    assert success["content"] == {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
    assert resolved(document, success["headers"]["X-Generation-Id"])["required"]


def test_statuses_are_named_one_by_one(operation: Any) -> None:
    """A `default` or a range would make a contract test accept any status."""
    assert set(operation["responses"]) >= STATUSES
    assert all(status.isdecimal() for status in operation["responses"])


@pytest.mark.parametrize("status", sorted(STATUSES - {"200"}))
def test_an_error_has_the_shared_shape_and_an_example(document: Any, operation: Any, status: str) -> None:
    media = resolved(document, operation["responses"][status])["content"]["application/json"]
    assert media["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}
    assert media["example"]["error"]["code"] == int(status)


@pytest.mark.parametrize(("schema", "field"), [("ErrorDetail", "metadata"), ("ErrorResponse", "openrouter_metadata")])
def test_an_objects_null_is_allowed(document: Any, schema: str, field: str) -> None:
    alternatives = document["components"]["schemas"][schema]["properties"][field]["oneOf"]
    assert {"type": "null"} in alternatives


def test_the_user_id_may_be_null(document: Any) -> None:
    properties = document["components"]["schemas"]["ErrorResponse"]["properties"]
    assert properties["user_id"]["type"] == ["string", "null"]
