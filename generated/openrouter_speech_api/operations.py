"""What each operation takes, and where it is sent. Plain data: importing it is fast."""

from typing import Any, NamedTuple

__all__ = ["OPERATIONS", "SCHEMAS", "SERVER_URL", "Operation", "Parameter"]


class Parameter(NamedTuple):
    """A keyword argument of a call."""

    name: str
    """The name on the wire."""
    location: str
    """Where it is sent: "body", "header", "path" or "query"."""
    required: bool
    schema: dict[str, Any]
    """Its JSON Schema."""
    description: str


class Operation(NamedTuple):
    """An operation of the API."""

    method: str
    path: str
    """Below the server's URL, with the parameters in braces."""
    parameters: dict[str, Parameter]
    """By keyword, the required ones first."""
    body: dict[str, Any] | None
    """The JSON Schema of the body; None if there is none."""
    needs_key: bool
    success: str
    """The media type of a success, such as "audio/*"; "" if it has no body."""


SERVER_URL = "https://openrouter.ai/api/v1"

OPERATIONS: dict[str, Operation] = {
    "create_speech": Operation(
        "POST",
        "/audio/speech",
        {
            "input": Parameter(
                "input",
                "body",
                True,
                {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"$ref": "#/components/schemas/SpeechTurn"}},
                    ]
                },
                "The text to speak, or a list of turns for models with several speakers. Billing is by its characters.",
            ),
            "model": Parameter(
                "model", "body", True, {"type": "string"}, "The text-to-speech model, as `author/name`."
            ),
            "voice": Parameter(
                "voice",
                "body",
                False,
                {"type": "string", "minLength": 1},
                "The voice to speak with. Each model has its own; some need one, some have none.",
            ),
            "provider": Parameter(
                "provider",
                "body",
                False,
                {"$ref": "#/components/schemas/SpeechRequestProvider"},
                "Which providers may serve the request, and options for them.",
            ),
            "response_format": Parameter(
                "response_format",
                "body",
                False,
                {"$ref": "#/components/schemas/ResponseFormatEnum"},
                "The audio format of the response.",
            ),
            "speed": Parameter(
                "speed",
                "body",
                False,
                {"type": "number", "format": "double"},
                "How fast to speak: 1 is the voice's own pace, 2 is twice as fast. Models without such a setting ignore it.",
            ),
            "input_references": Parameter(
                "input_references",
                "body",
                False,
                {"type": "array", "items": {"$ref": "#/components/schemas/SpeechInputReference"}},
                "Recordings of the voice to clone, each optionally followed by its transcript. An empty list has no effect.",
            ),
            "session_id": Parameter(
                "session_id",
                "body",
                False,
                {"type": "string", "maxLength": 256},
                "Groups related requests in logs, such as those of a conversation. At most 256 characters.",
            ),
            "trace": Parameter(
                "trace",
                "body",
                False,
                {"$ref": "#/components/schemas/TraceConfig"},
                "Tracing metadata. Additional fields are kept as is.",
            ),
            "user": Parameter("user", "body", False, {"type": "string"}, "Your identifier for the end user, for logs."),
            "instructions": Parameter(
                "instructions",
                "body",
                False,
                {"type": "string"},
                'How to speak, in words ("Calmly, with a smile"). Models without such a setting ignore it.',
            ),
            "http_referer": Parameter(
                "HTTP-Referer",
                "header",
                False,
                {"type": "string"},
                "Your app's URL. It identifies the app in usage statistics and rankings.",
            ),
            "x_open_router_title": Parameter(
                "X-OpenRouter-Title", "header", False, {"type": "string"}, "Your app's name, as shown in rankings."
            ),
            "x_open_router_categories": Parameter(
                "X-OpenRouter-Categories",
                "header",
                False,
                {"type": "string"},
                "Your app's categories in rankings, comma-separated.",
            ),
        },
        {"$ref": "#/components/schemas/SpeechRequest"},
        True,
        "audio/*",
    ),
    "get_generation": Operation(
        "GET",
        "/generation",
        {
            "id": Parameter(
                "id", "query", True, {"type": "string", "minLength": 1}, "The `X-Generation-Id` of a response."
            ),
        },
        None,
        True,
        "application/json",
    ),
    "list_models": Operation(
        "GET",
        "/models",
        {
            "output_modalities": Parameter(
                "output_modalities",
                "query",
                False,
                {"type": "string"},
                "Kinds of output, comma-separated, or `all`. By default, models that write text.",
            ),
        },
        None,
        False,
        "application/json",
    ),
    "list_model_endpoints": Operation(
        "GET",
        "/models/{author}/{slug}/endpoints",
        {
            "author": Parameter(
                "author", "path", True, {"type": "string"}, "The part of the model's ID before the slash."
            ),
            "slug": Parameter("slug", "path", True, {"type": "string"}, "The part of the model's ID after the slash."),
        },
        None,
        False,
        "application/json",
    ),
}
"""By name."""

SCHEMAS: dict[str, dict[str, Any]] = {
    "SpeechRequest": {
        "type": "object",
        "required": ["input", "model"],
        "properties": {
            "input": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/SpeechTurn"}}]
            },
            "model": {"type": "string"},
            "voice": {"type": "string", "minLength": 1},
            "provider": {"$ref": "#/components/schemas/SpeechRequestProvider"},
            "response_format": {"$ref": "#/components/schemas/ResponseFormatEnum"},
            "speed": {"type": "number", "format": "double"},
            "input_references": {"type": "array", "items": {"$ref": "#/components/schemas/SpeechInputReference"}},
            "session_id": {"type": "string", "maxLength": 256},
            "trace": {"$ref": "#/components/schemas/TraceConfig"},
            "user": {"type": "string"},
            "instructions": {"type": "string"},
        },
    },
    "SpeechRequestProvider": {
        "type": "object",
        "properties": {
            "options": {"$ref": "#/components/schemas/ProviderOptions"},
            "zdr": {"type": ["boolean", "null"]},
            "data_collection": {
                "anyOf": [{"$ref": "#/components/schemas/SpeechRequestDataCollection"}, {"type": "null"}]
            },
        },
    },
    "ProviderOptions": {
        "type": "object",
        "additionalProperties": {"$ref": "#/components/schemas/ProviderOptionValues"},
    },
    "ProviderOptionValues": {"type": "object", "additionalProperties": True},
    "ResponseFormatEnum": {"type": "string", "enum": ["mp3", "pcm"], "default": "pcm"},
    "ErrorResponse": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {"$ref": "#/components/schemas/ErrorDetail"},
            "user_id": {"type": ["string", "null"]},
            "openrouter_metadata": {"oneOf": [{"$ref": "#/components/schemas/RoutingMetadata"}, {"type": "null"}]},
        },
    },
    "ErrorDetail": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "metadata": {"oneOf": [{"$ref": "#/components/schemas/ErrorMetadata"}, {"type": "null"}]},
        },
    },
    "ErrorMetadata": {"type": "object", "additionalProperties": {}},
    "RoutingMetadata": {"type": "object", "additionalProperties": {}},
    "SpeechInputReference": {
        "discriminator": {
            "mapping": {
                "input_audio": "#/components/schemas/SpeechInputReferenceAudio",
                "text": "#/components/schemas/SpeechInputReferenceText",
                "image_url": "#/components/schemas/SpeechInputReferenceImage",
            },
            "propertyName": "type",
        },
        "oneOf": [
            {"$ref": "#/components/schemas/SpeechInputReferenceAudio"},
            {"$ref": "#/components/schemas/SpeechInputReferenceText"},
            {"$ref": "#/components/schemas/SpeechInputReferenceImage"},
        ],
    },
    "SpeechInputReferenceAudio": {
        "type": "object",
        "required": ["input_audio", "type"],
        "properties": {
            "input_audio": {"$ref": "#/components/schemas/SpeechInputReferenceAudioInput"},
            "type": {"type": "string", "enum": ["input_audio"]},
        },
    },
    "SpeechInputReferenceText": {
        "type": "object",
        "required": ["text", "type"],
        "properties": {"text": {"type": "string", "maxLength": 10000}, "type": {"type": "string", "enum": ["text"]}},
    },
    "ModelsListResponse": {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}},
    },
    "Model": {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "alias_target": {"$ref": "#/components/schemas/ModelAliasTarget"},
            "architecture": {"$ref": "#/components/schemas/ModelArchitecture"},
            "pricing": {"$ref": "#/components/schemas/PublicPricing"},
            "id": {"type": "string"},
            "canonical_slug": {"type": "string"},
            "name": {"type": "string"},
            "created": {"type": "integer"},
            "description": {"type": "string"},
            "supported_voices": {"type": ["array", "null"], "items": {"type": "string"}},
            "expiration_date": {"type": ["string", "null"]},
            "supported_parameters": {"type": "array", "items": {"type": "string"}},
        },
    },
    "ModelArchitecture": {
        "type": "object",
        "properties": {
            "input_modalities": {"type": "array", "items": {"type": "string"}},
            "output_modalities": {"type": "array", "items": {"type": "string"}},
        },
    },
    "ModelAliasTarget": {
        "type": "object",
        "required": ["name", "slug"],
        "properties": {"slug": {"type": "string"}, "name": {"type": "string"}},
    },
    "PublicPricing": {
        "type": "object",
        "properties": {
            "prompt": {"type": "string"},
            "completion": {"type": "string"},
            "request": {"type": "string"},
            "audio": {"type": "string"},
            "audio_output": {"type": "string"},
            "discount": {"type": "number", "format": "double"},
        },
    },
    "ModelEndpointsResponse": {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"$ref": "#/components/schemas/ModelEndpoints"}},
    },
    "ModelEndpoints": {
        "type": "object",
        "required": ["endpoints", "id"],
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "created": {"type": "integer"},
            "description": {"type": "string"},
            "endpoints": {"type": "array", "items": {"$ref": "#/components/schemas/PublicEndpoint"}},
        },
    },
    "PublicEndpoint": {
        "type": "object",
        "properties": {
            "supported_parameters": {"type": "array", "items": {"type": "string"}},
            "provider_name": {"type": "string"},
            "pricing": {"$ref": "#/components/schemas/PublicPricing"},
            "supports_voice_cloning": {"type": "boolean"},
            "name": {"type": "string"},
            "model_id": {"type": "string"},
            "model_name": {"type": "string"},
            "tag": {"type": "string"},
            "uptime_last_30m": {"type": ["number", "null"], "format": "double"},
        },
    },
    "GenerationResponse": {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"$ref": "#/components/schemas/GenerationResponseData"}},
    },
    "GenerationResponseData": {
        "type": "object",
        "required": ["id", "total_cost"],
        "properties": {
            "id": {"type": "string"},
            "model": {"type": "string"},
            "provider_name": {"type": ["string", "null"]},
            "created_at": {"type": "string"},
            "total_cost": {"type": "number", "format": "double"},
            "usage": {"type": "number", "format": "double"},
            "upstream_inference_cost": {"type": ["number", "null"], "format": "double"},
            "latency": {"type": ["number", "null"], "format": "double"},
            "generation_time": {"type": ["number", "null"], "format": "double"},
            "tokens_prompt": {"type": ["integer", "null"]},
            "tokens_completion": {"type": ["integer", "null"]},
            "is_byok": {"type": "boolean"},
            "cancelled": {"type": ["boolean", "null"]},
            "streamed": {"type": ["boolean", "null"]},
        },
    },
    "TraceConfig": {
        "type": "object",
        "properties": {
            "trace_id": {"type": "string"},
            "trace_name": {"type": "string"},
            "span_name": {"type": "string"},
            "generation_name": {"type": "string"},
            "parent_span_id": {"type": "string"},
        },
        "additionalProperties": True,
    },
    "SpeechInputReferenceAudioInput": {
        "type": "object",
        "properties": {
            "data": {"type": "string", "maxLength": 20971520, "minLength": 1},
            "format": {"type": "string"},
            "url": {"type": "string"},
        },
        "oneOf": [{"required": ["data"]}, {"required": ["url"]}],
    },
    "SpeechInputReferenceImage": {
        "type": "object",
        "required": ["type", "image_url"],
        "properties": {
            "type": {"type": "string", "enum": ["image_url"]},
            "image_url": {"$ref": "#/components/schemas/SpeechInputReferenceImageInput"},
        },
    },
    "SpeechInputReferenceImageInput": {
        "type": "object",
        "required": ["url"],
        "properties": {"url": {"type": "string"}},
    },
    "SpeechTurn": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}, "voice": {"type": "string"}, "instructions": {"type": "string"}},
    },
    "SpeechRequestDataCollection": {"type": "string", "enum": ["allow", "deny"]},
}
"""What `#/components/schemas/...` refers to, by name."""
