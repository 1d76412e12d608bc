"""The only module that uses the generated code: it builds requests and parses error bodies.

It also checks arguments, so that mistakes are reported in the caller's terms before anything is sent.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from httpx import Response
from openrouter_speech_api.api.tts import create_speech as operation
from openrouter_speech_api.client import Client
from openrouter_speech_api.models import (
    ErrorDetail,
    ErrorResponse,
    ProviderOptions,
    ResponseFormatEnum,
    SpeechRequest,
    SpeechRequestProvider,
)
from openrouter_speech_api.types import UNSET, Unset

__all__ = ["UNSET", "PreparedRequest", "Unset", "parse_error", "speech_request"]

_FIELDS = frozenset({"input", "model", "voice", "provider", "response_format", "speed"})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_PARSER = Client("")  # `parse_response` only looks up whether to raise; this client does not


class PreparedRequest(NamedTuple):
    """What one call sends, except for the API key and the transport's headers."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def speech_request(
    *,
    input: str,
    model: str,
    voice: str,
    provider: SpeechRequestProvider | Mapping[str, Any] | None = None,
    response_format: ResponseFormatEnum | str | None = None,
    speed: float | None = None,
    extra_body: Mapping[str, Any] | None = None,
    http_referer: str | None = None,
    x_open_router_title: str | None = None,
    x_open_router_categories: str | None = None,
) -> PreparedRequest:
    """Build a request.

    Raises:
        TypeError, ValueError: An argument has a wrong type or value; the message names it.
    """
    additional = _extra_body(extra_body)
    known_format: ResponseFormatEnum | Unset = UNSET
    if response_format is not None:
        try:
            known_format = ResponseFormatEnum(_text("response_format", response_format))
        except ValueError:
            # Not in the spec (yet): let the server decide.
            additional["response_format"] = _text("response_format", response_format)
    request = SpeechRequest(
        input_=_text("input", input),
        model=_text("model", model),
        voice=_text("voice", voice),
        provider=UNSET if provider is None else _provider(provider),
        response_format=known_format,
        speed=UNSET if speed is None else _speed(speed),
    )
    request.additional_properties.update(additional)
    kwargs = operation.request_kwargs(
        body=request,
        http_referer=_or_unset(http_referer),
        x_open_router_title=_or_unset(x_open_router_title),
        x_open_router_categories=_or_unset(x_open_router_categories),
    )
    return PreparedRequest(kwargs["method"].upper(), kwargs["url"], kwargs["headers"], _json(kwargs["json"]))


def parse_error(response: Response) -> ErrorResponse | None:
    """Parse an error body into the documented model; None if it does not match."""
    parsed = operation.parse_response(client=_PARSER, response=response)
    if isinstance(parsed, ErrorResponse) and _is_documented(parsed.error):
        return parsed
    return None


def _is_documented(detail: ErrorDetail) -> bool:
    # The generated models accept any value for a field. The rest of the package relies on these two.
    return isinstance(detail.code, int) and isinstance(detail.message, str)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} is empty: give at least one character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} has a lone surrogate at position {error.start}, which no encoding can carry; "
            "was the text decoded with errors='surrogateescape'?"
        ) from None
    return value


def _speed(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"speed must be a number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"speed must be a finite number, not {value}")
    return value


def _provider(value: object) -> SpeechRequestProvider:
    if isinstance(value, SpeechRequestProvider):
        options: object = value.options
        additional = value.additional_properties
    elif isinstance(value, Mapping):
        options = value.get("options", UNSET)
        additional = {name: content for name, content in value.items() if name != "options"}
    else:
        raise TypeError(f"provider must be a SpeechRequestProvider or a dict, not {type(value).__name__}")
    provider = SpeechRequestProvider(options=_provider_options(options))
    provider.additional_properties.update(additional)
    return provider


def _provider_options(options: object) -> ProviderOptions | Unset:
    if isinstance(options, ProviderOptions | Unset):
        return options
    if not isinstance(options, Mapping):
        raise TypeError(f"provider.options must be a dict of provider slugs, not {type(options).__name__}")
    for slug, values in options.items():
        if not isinstance(values, Mapping):
            raise TypeError(f"provider.options[{slug!r}] must be a dict of options, not {type(values).__name__}")
    return ProviderOptions.from_dict(options)


def _extra_body(extra: object) -> dict[str, Any]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise TypeError(f"extra_body must be a dict, not {type(extra).__name__}")
    if known := sorted(_FIELDS & extra.keys()):
        raise ValueError(f"extra_body has {known[0]!r}, which is a parameter: pass {known[0]}=...")
    return dict(extra)


def _json(body: dict[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # Only these two may hold values that were not checked.
        raise ValueError(f"provider or extra_body cannot be encoded as JSON: {error}") from error


def _or_unset(value: str | None) -> str | Unset:
    return UNSET if value is None else value
