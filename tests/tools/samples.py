"""A small description in the provider's manner, and where copies of the provider's own are."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tools.document import Document, read

from ..conftest import PROJECT

PATH = "/audio/speech"
UPSTREAM = PROJECT.parent / "shared" / "upstream"
needs_copies = pytest.mark.skipif(
    not UPSTREAM.exists(), reason="copies of the provider's descriptions are only beside the project, or nowhere"
)


@cache
def published(date: str) -> Document:
    """The provider's own description of that day, which takes a second to read."""
    return read(str(UPSTREAM / f"openrouter-{date}.yaml"))


ERRORS = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "402": "PaymentRequired",
    "404": "NotFound",
    "429": "TooManyRequests",
    "500": "InternalServer",
    "502": "BadGateway",
    "503": "ServiceUnavailable",
    "524": "EdgeNetworkTimeout",
    "529": "ProviderOverloaded",
}


def small() -> Any:
    """Describe the operation as the provider does: a schema for each error, nullables of OpenAPI 3.0."""
    schemas: dict[str, Any] = {
        "SpeechRequest": {
            "type": "object",
            "required": ["model", "input", "voice"],
            "properties": {
                "input": {"type": "string"},
                "model": {"type": "string"},
                "provider": {
                    "type": "object",
                    "properties": {"options": {"$ref": "#/components/schemas/ProviderOptions"}},
                },
                "response_format": {"type": "string", "enum": ["mp3", "pcm"], "default": "pcm"},
                "speed": {"type": "number", "format": "double"},
                "voice": {"type": "string"},
            },
        },
        "ProviderOptions": {"type": "object", "properties": {"openai": _free(), "z-ai": _free()}},
    }
    for name in ERRORS.values():
        schemas |= _error_schemas(name)
    success = {"description": "Sound", "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "All of it", "version": "1"},
        "servers": [{"url": "https://openrouter.ai/api/v1"}],
        "security": [{"apiKey": []}],
        "paths": {
            "/audio/transcriptions": {"post": {"responses": {"200": {"description": "Text"}}}},
            PATH: {
                "post": {
                    "requestBody": {"required": True, "content": _json("SpeechRequest")},
                    "responses": {"200": success} | {status: _error(name) for status, name in ERRORS.items()},
                }
            },
        },
        "components": {"schemas": schemas, "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
    }


def _free() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"nullable": True}}


def _error_schemas(name: str) -> dict[str, Any]:
    return {
        f"{name}Response": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {"$ref": f"#/components/schemas/{name}ResponseErrorData"},
                "user_id": {"type": "string", "nullable": True},
                "openrouter_metadata": {**_free(), "nullable": True},
            },
        },
        f"{name}ResponseErrorData": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "metadata": {**_free(), "nullable": True},
            },
        },
    }


def _error(name: str) -> dict[str, Any]:
    return {"description": name, "content": _json(f"{name}Response")}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


class Upstream:
    """A description to edit: what its parts are called, whoever wrote it."""

    def __init__(self, document: Any) -> None:
        self.document = copy.deepcopy(document)
        self.operation = self.document["paths"][PATH]["post"]
        self.responses = self.operation["responses"]
        self.schemas = self.document["components"]["schemas"]
        self.body = self.schemas["SpeechRequest"]
        self.fields = self.body["properties"]
        self.options = self.schemas["ProviderOptions"]
        self.error = self.schemas["BadRequestResponse"]
        self.detail = self.schemas["BadRequestResponseErrorData"]

    def write(self, folder: Path) -> Path:
        path = folder / "upstream.yaml"
        path.write_text(json.dumps(self.document, default=str))  # JSON is YAML too, and read in a tenth of the time
        return path


def schemas_of(node: Any) -> Iterator[dict[str, Any]]:
    """Each mapping in a description, outermost first."""
    if isinstance(node, dict):
        yield node
        for child in list(node.values()):
            yield from schemas_of(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas_of(child)
