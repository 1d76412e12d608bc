"""The endpoint as a Starlette application: every route, rule and status comes from the description."""

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._version import __version__
from . import docs_page
from .answers import Answers, InvalidBodyError, Pace, RefusedError, error
from .catalog import Catalog
from .description import JSON, Description, Operation, Parameter
from .faults import Fault, Script, preferred
from .journal import Journal, RecordedRequest
from .profiles import Profile
from .transport import NoResponse
from .voices import Voice

BODY_LIMIT = 64 << 20
"""The largest request body accepted, in bytes: three recordings of 15 MiB in base64, and some."""

_LOCAL_ORIGIN = r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
"""Pages of this machine may call the server. Not all pages: the journal and the script are for its owner."""

LENIENT = Profile()

Endpoint = Callable[[Request], Awaitable[Response]]


def application(
    description: Description,
    voice: Voice,
    *,
    journal: Journal,
    script: Script,
    pace: Pace = "fast",
    body_limit: int = BODY_LIMIT,
    api_key: str | None = None,
    profile: Profile = LENIENT,
    catalog: Catalog | None = None,
) -> Starlette:
    """Build the application: all operations of a description, the control routes, and the page at /docs."""

    async def routing_error(request: Request, reason: Exception) -> Response:
        if not isinstance(reason, HTTPException):
            raise reason
        reasons = {404: f"There is no {request.url.path} here", 405: f"{request.method} is not a method of this path"}
        message = reasons.get(reason.status_code, reason.detail)
        _recorded(journal, request).status = reason.status_code
        return error(reason.status_code, message, dict(reason.headers or {}))

    catalog = Catalog() if catalog is None else catalog
    operations = [
        Route(
            description.base_path + operation.path,
            _endpoint(
                operation,
                Answers(operation, voice, pace, profile, catalog),
                profile=profile,
                journal=journal,
                script=script,
                body_limit=body_limit,
                api_key=api_key,
            ),
            methods=[operation.method],
        )
        for operation in description.operations
    ]
    return Starlette(
        routes=[*operations, *_control(description, journal, script), *docs_page.routes(description)],
        middleware=[_cors(description)],
        exception_handlers={HTTPException: routing_error},
    )


def _cors(description: Description) -> Middleware:
    """Answer browsers that ask whether a page of this machine may call, and let it read all headers of ours."""
    answers = [answer for operation in description.operations for answer in operation.answers.values()]
    documented = {header for answer in answers for header in answer.headers}
    return Middleware(
        CORSMiddleware,
        allow_origin_regex=_LOCAL_ORIGIN,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=sorted({*documented, "Retry-After", "retry-after-ms", "X-Provider-Name"}),
    )


def _endpoint(
    operation: Operation,
    answers: Answers,
    *,
    profile: Profile,
    journal: Journal,
    script: Script,
    body_limit: int,
    api_key: str | None,
) -> Endpoint:
    async def respond(request: Request, entry: RecordedRequest) -> Response:
        try:
            if not profile.body_first:
                _check_credential(operation, request, api_key)
            entry.body = await _limited_body(request, body_limit)
            body = _checked_body(operation, request, entry.body, as_zod=profile.body_first)
            if profile.body_first:
                _check_credential(operation, request, api_key)
            _check_parameters(operation.parameters, request)
            fault = _fault(request, script)
            entry.fault = fault.kind
            return await answers.answer(fault, body, request)
        except RefusedError as refused:
            return refused.response()
        except ClientDisconnect:  # mid-request: nobody is left to respond to
            return NoResponse()

    async def endpoint(request: Request) -> Response:
        entry = _recorded(journal, request)
        response = await respond(request, entry)
        entry.status = None if isinstance(response, NoResponse) else response.status_code
        return response

    return endpoint


def _recorded(journal: Journal, request: Request) -> RecordedRequest:
    return journal.record(request.method, request.url.path, request.headers.raw)


def _check_credential(operation: Operation, request: Request, api_key: str | None) -> None:
    if not operation.needs_bearer:
        return
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise RefusedError(401, "The Authorization header with a bearer key is missing")
    if api_key is not None and not secrets.compare_digest(key.strip().encode(), api_key.encode()):
        raise RefusedError(401, "The key in the Authorization header is not valid")


async def _limited_body(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise RefusedError(413, f"The body is larger than {limit} bytes")
    return bytes(content)


def _checked_body(operation: Operation, request: Request, content: bytes, *, as_zod: bool) -> dict[str, Any]:
    if not content and not operation.body_required:
        return {}
    if not content and "content-type" not in request.headers:
        raise RefusedError(400, "The body is missing")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in operation.body_types:
        raise RefusedError(415, f"Content-Type: this endpoint takes {' or '.join(operation.body_types)}")
    if media_type != JSON and not media_type.endswith("+json"):
        return {}  # the description has no rules for other content
    try:
        body = json.loads(content.decode(), parse_constant=_not_json)
    except (UnicodeDecodeError, ValueError, RecursionError) as reason:
        raise RefusedError(400, f"The body is not JSON in UTF-8: {reason}") from reason
    if operation.body_rule is not None:
        problems = list(operation.body_rule.problems(body))
        if problems and as_zod:
            raise InvalidBodyError(problems)
        if problems:
            raise RefusedError(400, "; ".join(map(str, problems)))
    return body if isinstance(body, dict) else {}


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_parameters(parameters: tuple[Parameter, ...], request: Request) -> None:
    given = {"query": request.query_params, "path": request.path_params, "cookie": request.cookies}
    for parameter in parameters:
        value = given.get(parameter.location, request.headers).get(parameter.name)
        if value is None and parameter.required:
            raise RefusedError(400, f"{parameter.name}: this {parameter.location} parameter is required")
        if value is None:
            continue
        # What looks like a number or a boolean may also be meant as text; a list is repeated or has commas.
        values = request.query_params.getlist(parameter.name) if parameter.location == "query" else value.split(",")
        forms = (value, _json_or_text(value), values, [_json_or_text(each) for each in values])
        problems = [next(parameter.rule.problems(form), None) for form in forms]
        if all(problems):
            raise RefusedError(400, f"{parameter.name}: {problems[0]}")


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _fault(request: Request, script: Script) -> Fault:
    """Return the fault from the request's `Prefer` header, or the script's next one."""
    try:
        wanted = preferred(", ".join(request.headers.getlist("prefer")))
        return script.next() if wanted is None else script.checked(wanted)
    except ValueError as reason:
        raise RefusedError(400, f"Prefer: {reason}") from reason


def _control(description: Description, journal: Journal, script: Script) -> list[Route]:
    """Build the routes that let other processes control the server."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__, "description": description.hash})

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            journal.clear()
        return JSONResponse([entry.as_dict() for entry in journal])

    async def set_script(request: Request) -> Response:
        try:
            items = await request.json()
            if not isinstance(items, list):
                raise TypeError("expected a list")
            script.write(items)
        except (TypeError, ValueError) as reason:
            return error(400, f"The script is not a list of faults: {reason}")
        return Response(status_code=204)

    return [
        Route("/__mock__/health", health),
        Route("/__mock__/requests", requests, methods=["GET", "DELETE"]),
        Route("/__mock__/script", set_script, methods=["PUT"]),
    ]
