"""The endpoint, as a Starlette application: every route, rule and status is the description's."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .description import JSON, Description, Operation, Parameter
from .encoder import encode
from .voices import Voice

BODY_LIMIT = 1 << 20
"""Bytes of a request's body that are read before it is refused."""
CHUNK_SIZE = 8 << 10
"""Bytes of audio that are sent at a time."""

Endpoint = Callable[[Request], Awaitable[Response]]


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def application(description: Description, voice: Voice, body_limit: int = BODY_LIMIT) -> Starlette:
    """The application that serves all operations of a description."""
    routes = [
        Route(
            description.base_path + operation.path, _endpoint(operation, voice, body_limit), methods=[operation.method]
        )
        for operation in description.operations
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused_by_routing})


def _endpoint(operation: Operation, voice: Voice, body_limit: int) -> Endpoint:
    success = next((answer for status, answer in operation.answers.items() if 200 <= status < 300), None)
    if success is None:
        raise ValueError(f"{operation.method} {operation.path} documents no success to answer with")
    speaks = (success.content_type or "").startswith("audio/")

    async def endpoint(request: Request) -> Response:
        try:
            _check_credential(operation, request)
            body = await _checked_body(operation, request, body_limit)
            _check_parameters(operation.parameters, request)
            if not speaks:
                return JSONResponse(success.example, success.status)
            audio, content_type = await run_in_threadpool(_speech, voice, {**operation.body_defaults, **body})
        except RefusedError as refused:
            return _error(refused.status, refused.message)
        headers = {"X-Generation-Id": _generation_id()} if "X-Generation-Id" in success.headers else {}
        return StreamingResponse(_chunks(audio), success.status, headers, content_type)

    return endpoint


def _check_credential(operation: Operation, request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if operation.needs_bearer and (scheme.lower() != "bearer" or not key.strip()):
        raise RefusedError(401, "The Authorization header with a bearer key is missing")


async def _checked_body(operation: Operation, request: Request, limit: int) -> dict[str, Any]:
    content = await _limited_body(request, limit)
    if not content and not operation.body_required:
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in operation.body_types:
        raise RefusedError(415, f"Content-Type: this endpoint takes {' or '.join(operation.body_types)}")
    try:
        body = json.loads(content.decode(), parse_constant=_not_json)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RefusedError(400, f"The body is not JSON in UTF-8: {error}") from error
    if operation.body_rule is not None:
        problems = [str(problem) for problem in operation.body_rule.problems(body)]
        if problems:
            raise RefusedError(400, "; ".join(problems))
    return body if isinstance(body, dict) else {}


async def _limited_body(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise RefusedError(413, f"The body is larger than {limit} bytes")
    return bytes(content)


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_parameters(parameters: tuple[Parameter, ...], request: Request) -> None:
    for parameter in parameters:
        given = request.query_params if parameter.location == "query" else request.headers
        value = given.get(parameter.name)
        if value is None and parameter.required:
            raise RefusedError(400, f"{parameter.name}: this {parameter.location} parameter is required")
        if value is not None and (problem := next(parameter.rule.problems(value), None)):
            raise RefusedError(400, f"{parameter.name}: {problem}")


def _speech(voice: Voice, body: dict[str, Any]) -> tuple[bytes, str]:
    samples = voice(body.get("input", ""), body.get("voice", ""), body.get("speed", 1.0))
    try:
        return encode(samples, body.get("response_format", "pcm"))
    except ValueError as error:
        raise RefusedError(400, str(error)) from error


async def _chunks(audio: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(audio), CHUNK_SIZE):
        yield audio[start : start + CHUNK_SIZE]


def _generation_id() -> str:
    return f"gen-tts-{int(time.time())}-{secrets.token_hex(8)}"


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"error": {"code": status, "message": message}}
    return Response(json.dumps(body), status, headers, media_type=JSON)


async def _refused_by_routing(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reasons = {404: f"There is no {request.url.path} here", 405: f"{request.method} is not a method of this path"}
    headers = dict(error.headers or {})
    return _error(error.status_code, reasons.get(error.status_code, error.detail), headers)
