"""What an application sent and got through the proxy, checked against the description."""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from attrs import define, evolve, field, frozen
from schemathesis import Response
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from .checks import message
from .exchanges import Exchange, Failure, hiding
from .facts import MALFORMED, OTHER_TYPE, Operation
from .ledger import Ledger
from .rules import WATCHED

LIMIT = 24 << 20
"""Bytes of a body that are checked: more than the longest request of the description."""

Headers = tuple[tuple[str, str], ...]

_OF_THE_HEAD = (
    "status_code_conformance", "content_type_conformance", "response_headers_conformance", "headers_are_readable",
    "json_is_utf_8",
)  # fmt: skip
_OF_THE_BODY = ("response_schema_conformance", "audio_is_what_was_asked_for", "error_repeats_its_status")
_SECRET = re.compile("auth|key|token|secret|cookie|password|signature", re.IGNORECASE)
"""Names of headers and parameters whose values are not shown."""
_MASK = "***"
_OF_HTTP = {"HEAD", "OPTIONS"}
"""Methods that a browser or a library may use without being told."""


@frozen(kw_only=True)
class Passed:
    """What the proxy passed on."""

    method: str
    url: str
    request_headers: Headers
    body: bytes
    body_is_whole: bool
    status: int | None
    headers: Headers
    content: bytes
    """As it was sent, so perhaps compressed."""
    size: int
    content_is_whole: bool
    trouble: str
    """Why there was no response, or not all of it; empty if that is not the server's fault."""


@define
class Watcher:
    """What is known of the traffic so far."""

    schema: Any
    ledger: Ledger = field(init=False)
    _operations: dict[tuple[str, str], Any] = field(init=False)
    _unknown: dict[str, int] = field(init=False, factory=dict)
    """How often each method and path was asked for that no operation has."""
    _partly: int = field(init=False, default=0)

    @ledger.default
    def _empty(self) -> Ledger:
        return Ledger(self.schema.raw_schema, WATCHED)

    @_operations.default
    def _by_path(self) -> dict[tuple[str, str], Any]:
        every = (each.ok() for each in self.schema.get_all_operations())
        return {(each.path, each.method.lower()): each for each in every}

    def take(self, passed: Passed) -> None:
        """Check a request and its response, and keep what they show. No key is kept."""
        exchange = _exchange(passed)
        at_path = any(each.is_at(exchange.url) for each in self.ledger.operations)
        if not at_path:
            name = f"{exchange.method} {urlsplit(exchange.url).path}"
            if name in self._unknown or len(self._unknown) < _NAMED:
                self._unknown[name] = self._unknown.get(name, 0) + 1
        if not at_path and exchange.status is not None:
            return
        self._partly += exchange.status is not None and not (exchange.request_is_whole and exchange.response_is_whole)
        operation = self.ledger.operation(exchange)
        more = _method(exchange) if operation is None else self._failures(exchange, operation, passed)
        self.ledger.add(evolve(exchange, failures=(*exchange.failures, *(more if at_path else ()))))

    def remarks(self) -> Iterator[str]:
        """Yield sentences about what was not checked."""
        if self._unknown:
            count = sum(self._unknown.values())
            yield f"Not checked, because the description has no such path ({count}): {', '.join(self._unknown)}."
        if self._partly:
            yield f"Checked only in part, for a body cut off, too large or in an unknown coding: {self._partly}."

    def _failures(self, exchange: Exchange, operation: Operation, passed: Passed) -> Iterator[Failure]:
        forbidden = operation.forbids(exchange)
        if forbidden:
            yield Failure("requests", forbidden)
        if exchange.status is None:
            return
        if forbidden and 200 <= exchange.status < 300:
            yield Failure(
                _rule(operation, exchange), f"a {exchange.status} for a request that is forbidden: {forbidden}"
            )
        case = self._operations[operation.path, operation.method].Case(body=_json(exchange))
        response = _response(exchange, passed)
        names = (*_OF_THE_HEAD, *_OF_THE_BODY) if exchange.response_is_whole else _OF_THE_HEAD
        for check in CHECKS.get_by_names(names):
            try:
                case.validate_response(response, checks=[check])
            except FailureGroup as group:
                yield from (Failure(check.__name__, message(each)) for each in group.exceptions)


_NAMED = 10
"""How many unknown paths are named."""


def _exchange(passed: Passed) -> Exchange:
    """Return what was passed on, without a secret."""
    hide = _hiding(passed)
    credentials = {name.lower(): value for name, value in passed.request_headers}.get("authorization", "")
    is_right = credentials.lower().startswith("bearer ") and passed.status != requests.codes.unauthorized
    content, is_whole, trouble = _decoded(passed)
    trouble = passed.trouble or trouble
    request_headers = {name: _MASK if _SECRET.search(name) else hide(value) for name, value in passed.request_headers}
    if is_right:
        request_headers |= {name: "Bearer $API_KEY" for name in request_headers if name.lower() == "authorization"}
    headers: dict[str, str] = {}
    for name, value in passed.headers:
        headers.setdefault(name.lower(), hide(value))
    return Exchange(
        method=passed.method,
        url=hide(_without_secrets(passed.url)),
        request_headers=request_headers,
        body=hide(passed.body),
        key_is_right=is_right,
        status=passed.status,
        headers=headers,
        content=content if headers.get("content-type", "").startswith("audio/") else hide(content),
        response_size=passed.size,
        request_is_whole=passed.body_is_whole,
        response_is_whole=is_whole,
        failures=(Failure("responds", hide(trouble)),) if trouble else (),
    )


def _hiding(passed: Passed) -> Callable[[Any], Any]:
    """Return a function that masks every secret of a request."""
    secrets = [value.rpartition(" ")[2] for name, value in passed.request_headers if _SECRET.search(name)]
    secrets += [value for name, value in parse_qsl(urlsplit(passed.url).query) if _SECRET.search(name)]
    masks = [hiding(secret) for secret in dict.fromkeys(secrets) if secret]

    def hide(value: Any) -> Any:
        for mask in masks:
            value = mask(value)
        return value

    return hide


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(_SECRET.search(name) for name, _ in query):
        return url
    shown = urlencode([(name, _MASK if _SECRET.search(name) else value) for name, value in query], safe="*")
    return parts._replace(query=shown).geturl()


def _decoded(passed: Passed) -> tuple[bytes, bool, str]:
    """Return the content without its coding, whether that is all of it, and what is wrong with the coding."""
    codings = [value.strip().lower() for name, value in passed.headers if name.lower() == "content-encoding"]
    if not passed.content_is_whole or codings in ([], ["identity"]):
        return passed.content, passed.content_is_whole, ""
    if codings not in (["gzip"], ["x-gzip"], ["deflate"]):
        return passed.content, False, ""
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        content = decoder.decompress(passed.content, LIMIT)
    except zlib.error as error:
        return passed.content, False, f"the body is not {codings[0]}, as Content-Encoding says: {error}"
    return content, decoder.eof, ""


def _response(exchange: Exchange, passed: Passed) -> Response:
    """Return a response as Schemathesis reads it."""
    values: dict[str, list[str]] = {}
    for name, value in passed.headers:
        values.setdefault(name.lower(), []).append(value)
    for name, value in exchange.headers.items():  # without a secret
        values[name] = [value, *values[name][1:]]
    sent = requests.Request(exchange.method, exchange.url, dict(exchange.request_headers), data=exchange.body)
    return Response(exchange.status or 0, values, exchange.content, sent.prepare(), elapsed=0, verify=True)


def _json(exchange: Exchange) -> Any:
    try:
        return json.loads(exchange.body)
    except ValueError:
        return exchange.body


def _rule(operation: Operation, exchange: Exchange) -> str:
    """Return the rule that a server breaks by accepting a request."""
    request = operation.read_request(exchange)
    violated = request.violated if request is not None else frozenset()
    if any(fact.part == "security" for fact in violated):
        return "security"
    return (
        "media-types"
        if OTHER_TYPE in violated
        else "malformed-requests"
        if MALFORMED in violated
        else "invalid-requests"
    )


def _method(exchange: Exchange) -> Iterator[Failure]:
    """Yield what is wrong where the description has the path, but not the method."""
    if exchange.method in _OF_HTTP:
        return
    yield Failure("requests", f"{exchange.method} is not documented for this path")
    if exchange.status is not None and exchange.status < 400:
        yield Failure("methods", f"{exchange.method} got a {exchange.status}, and is not documented")
    elif exchange.status == requests.codes.method_not_allowed and "allow" not in exchange.headers:
        yield Failure("methods", "a 405 without the header Allow")
