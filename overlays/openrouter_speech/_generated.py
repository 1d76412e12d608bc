"""The only module that uses the generated code: it builds requests and parses error bodies.

It also checks arguments, so that mistakes are reported in the caller's terms before anything is sent.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from httpx import Response
from openrouter_speech_api.models import ErrorDetail, ErrorResponse
from openrouter_speech_api.operations import OPERATIONS, SCHEMAS, SERVER_URL, Operation, Parameter
from openrouter_speech_api.params import CreateSpeechOptions, CreateSpeechParams
from openrouter_speech_api.types import UNSET, Unset

from ._core.checks import Checker, plain
from ._core.headers import app_header

__all__ = [
    "OPERATIONS",
    "SCHEMAS",
    "SERVER_URL",
    "UNSET",
    "CreateSpeechOptions",
    "CreateSpeechParams",
    "Operation",
    "Parameter",
    "PreparedRequest",
    "Unset",
    "parse_error",
    "prepare",
]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_CHECKER = Checker(SCHEMAS)


class PreparedRequest(NamedTuple):
    """What one call sends, except for the API key and the transport's headers."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """Return the fields of the body."""
        return json.loads(self.body)  # type: ignore[no-any-return]

    def with_fields(self, fields: Mapping[str, Any]) -> "PreparedRequest":
        """Replace the body by fields that `prepare` has accepted before."""
        return PreparedRequest(self.method, self.path, self.headers, _json(fields))


def prepare(
    operation: Operation, arguments: Mapping[str, Any], extra_body: Mapping[str, Any] | None = None
) -> PreparedRequest:
    """Build a request.

    Args:
        operation: What to request.
        arguments: By keyword; None leaves an optional one out.
        extra_body: Fields of the body without a keyword. They are not checked.

    Raises:
        TypeError, ValueError: An argument has a wrong type or value; the message names it.
    """
    path, query, headers, body = operation.path, dict[str, str](), dict[str, str](), dict[str, Any]()
    for keyword, argument in arguments.items():
        parameter = operation.parameters[keyword]
        if argument is UNSET or (argument is None and not parameter.required):
            continue
        if parameter.location == "header":
            if value := _header(keyword, argument, parameter):
                headers[parameter.name] = value
            continue
        value = plain(argument)
        if parameter.required and value in ("", []):
            raise ValueError(f"{keyword} is empty: give at least one {'character' if value == '' else 'item'}")
        _CHECKER.check(keyword, value, parameter.schema)
        if parameter.location == "body":
            body[parameter.name] = value
        elif parameter.location == "query":
            query[parameter.name] = _text(value)
        else:
            path = path.replace(f"{{{parameter.name}}}", quote(_text(value), safe=""))
    if query:
        path = f"{path}?{urlencode(query)}"
    if operation.body is None:
        return PreparedRequest(operation.method, path, headers, b"")
    headers["Content-Type"] = "application/json"
    extra = _extra_body(operation, extra_body)
    try:
        return PreparedRequest(operation.method, path, headers, _json(body | extra))
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            _unencodable({f"extra_body[{name!r}]": value for name, value in extra.items()} | body)
        ) from None


def parse_error(response: Response) -> ErrorResponse | None:
    """Parse an error body into the documented model; None if it does not match."""
    try:
        parsed = ErrorResponse.from_dict(response.json())
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None
    return parsed if _is_documented(parsed.error) else None


def _is_documented(detail: ErrorDetail) -> bool:
    # The generated models accept any value for a field. The rest of the package relies on these two.
    return isinstance(detail.code, int) and isinstance(detail.message, str)


def _header(keyword: str, argument: object, parameter: Parameter) -> str | None:
    if isinstance(argument, int | float):
        _CHECKER.check(keyword, argument, parameter.schema)
        return _text(argument)
    if value := app_header(keyword, argument):
        _CHECKER.check(keyword, value, parameter.schema)
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _extra_body(operation: Operation, extra: object) -> dict[str, Any]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise TypeError(f"extra_body must be a dict, not {type(extra).__name__}")
    for keyword, parameter in operation.parameters.items():
        if parameter.location == "body" and parameter.name in extra:
            raise ValueError(f"extra_body has {parameter.name!r}, which is a parameter: pass {keyword}=...")
    return {name: plain(value) for name, value in extra.items()}


def _json(body: Mapping[str, Any]) -> bytes:
    return _ENCODER.encode(body).encode()


def _unencodable(body: Mapping[str, Any]) -> str:
    """Find the field that is not JSON."""
    for name, value in body.items():
        try:
            _json({name: value})
        except (TypeError, ValueError, RecursionError) as error:
            return f"{name} cannot be encoded as JSON: {error}"
    raise AssertionError("each field can be encoded, and the body cannot")
