"""Run the contract tests against a server, with Schemathesis."""

import json
import random
import warnings
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import requests
from attrs import field, frozen
from requests import RequestException
from schemathesis import Case, HookContext, Response
from schemathesis.checks import CHECKS
from schemathesis.core.failures import Failure as CheckFailure
from schemathesis.core.failures import FailureGroup
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.errors import ServerUnavailable
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.reporting.har import HarWriter
from schemathesis.specs.openapi.checks import ignored_auth

from . import description as descriptions
from .checks import message
from .description import InputError, base_url, schema
from .exchanges import Exchange, Failure, hiding
from .facts import Schemas
from .ledger import Ledger
from .report import Report

EXAMPLES = 100


def run(
    url: str,
    key: str,
    *,
    live: bool = False,
    seed: int | None = None,
    examples: int = EXAMPLES,
    description: str | Path | None = None,
    key_name: str = "API_KEY",
    har: bool = False,
) -> Report:
    """Test a server against a description.

    Args:
        url: The server's base URL, to which the paths of the description are added.
        key: An API key that the server accepts.
        live: Send at most 10 short requests, because each costs money.
        seed: Chooses the generated requests; the same ones by default.
        examples: The number of requests that are generated beside those that the description determines.
        description: An OpenAPI file; by default the one of this package.
        key_name: The variable that stands for the key in the curl lines of the report.
        har: Whether to record every exchange for `Report.har`.

    Raises:
        InputError: The server cannot be reached, is no API or refuses the key; or the description is not one.
    """
    if not key or not (key.isascii() and key.isprintable()):
        raise InputError("the key is empty, or has a character that no header can carry")
    url = base_url(url)
    loaded = schema(url, description, key=key, seed=seed, examples=examples)
    absent = [] if live else _absent(loaded, url, key)  # a short run only tests the first one
    if absent:
        loaded = schema(url, description, key=key, seed=seed, examples=examples, without=absent)
    suite = _Suite(url, key, key_name, loaded, har)
    suite.first()
    for probe in suite.probes(live=live):
        if suite.send(probe).status is None and _outage(url):
            suite.remarks.append(_STOPPED)
            break
    if not live and not suite.remarks:
        suite.generate()
    ledger = suite.ledger
    return Report(
        url=url, requests=ledger.requests, verdicts=ledger.verdicts(), facts=ledger.facts(),
        stopped=bool(suite.remarks), remarks=(*suite.remarks, *_not_offered(absent)),
        seed=None if live else suite.schema.config.seed, examples=None if live else examples, har=suite.har(),
    )  # fmt: skip


_ELSEWHERE = frozenset({404, 405, 501})
"""Statuses of an operation that a server does not have."""


def _absent(loaded: Any, url: str, key: str) -> list[str]:
    """Find the operations beside the first one with a body that the server does not offer, such as "GET /models"."""
    operations = [each.ok() for each in loaded.get_all_operations()]
    if not any(operation.body for operation in operations):
        return []
    found = []
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=headers, timeout=descriptions.TIMEOUT) as client:
        for operation in operations:
            if operation.body or operation.method.upper() != "GET":
                continue
            raw = [
                Schemas(loaded.raw_schema, of_requests=True).resolved(one)
                for one in operation.definition.raw.get("parameters", ())
            ]
            given = {(one["in"], one["name"]): str(one.get("example", "x")) for one in raw}
            path = operation.path
            for (place, name), value in given.items():
                path = path.replace(f"{{{name}}}", quote(value, safe="")) if place == "path" else path
            query = {name: value for (place, name), value in given.items() if place == "query"}
            try:
                answer = client.get(url + path, params=query)
            except httpx.TransportError:
                continue
            if answer.status_code in _ELSEWHERE:
                found.append(f"{operation.method.upper()} {operation.path}")
    return found


def _not_offered(operations: list[str]) -> list[str]:
    return [f"Not offered, so not tested: {', '.join(operations)}."] if operations else []


_STOPPED = "The server stopped responding before all requests were sent. This is what was seen until then."


def random_seed() -> int:
    """Return a seed for other requests than those of the last run."""
    return random.randrange(1 << 32)  # noqa: S311


def _outage(url: str) -> str:
    """Return the reason why a server cannot be reached, or responds to nothing; empty if it responds."""
    try:
        httpx.get(url, follow_redirects=False, timeout=descriptions.TIMEOUT)
    except (httpx.ConnectError, httpx.TimeoutException, httpx.ProxyError) as error:
        return str(error) or type(error).__name__
    except httpx.TransportError:
        pass
    return ""


_OK, _UNAUTHORIZED, _REFUSED = range(200, 201), range(401, 402), range(400, 500)
_MASKED = 1 << 16
"""Bytes at the beginning of a response in which a key is masked; failures quote no more."""


@frozen
class _Probe:
    """A request with the statuses that it may get."""

    rule: str
    statuses: range
    changes: Mapping[str, Any]
    options: Mapping[str, Any] = field(factory=dict)


class _Suite:
    """The tests of one server."""

    def __init__(self, url: str, key: str, key_name: str, schema: Any, har: bool) -> None:
        self.url, self.key, self.key_name, self.schema = url, key, key_name, schema
        self.hide = hiding(key)
        self.operation: Any = next((found for each in schema.get_all_operations() if (found := each.ok()).body), None)
        self.ledger = Ledger(schema.raw_schema)
        self.remarks: list[str] = []
        """Why the run ended before all requests were sent."""
        self._har = StringIO() if har else None
        self._writer = HarWriter(self._har, schema.config.output) if self._har is not None else None
        if self._writer is not None:
            self._writer.open()

        @schema.hook  # type: ignore[untyped-decorator]
        def filter_failure(_: HookContext, failure: CheckFailure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001
            """Accept a 415 for a request without `Content-Type`, which RFC 9110 allows for any operation."""
            untyped = "Content-Type" not in response.request.headers
            return not (isinstance(failure, UndefinedStatusCode) and response.status_code == 415 and untyped)

        @schema.hook  # type: ignore[untyped-decorator]
        def after_call(_: HookContext, case: Case[Any], response: Response) -> None:  # noqa: ARG001
            """Mask a key that the server echoes, because failures quote responses."""
            head = response.content[:_MASKED]
            response.content = self.hide(head) + response.content[_MASKED:]
            for values in response.headers.values():
                values[:] = [self.hide(value) for value in values]

    def first(self) -> None:
        """Send the shortest valid request, which shows whether the tests can run at all."""
        short = self._short()
        if short is None:
            if reason := _outage(self.url):
                raise InputError(f"{self.url} cannot be reached: {reason}")
            return
        exchange = self.send(_Probe("examples", _OK, {"body": short}))
        if exchange.status is None and (reason := _outage(self.url)):
            raise InputError(f"{self.url} cannot be reached: {reason}")
        if exchange.status == httpx.codes.UNAUTHORIZED:
            raise InputError(f"the server refuses the key: {exchange.response()}")
        if exchange.headers.get("content-type", "").startswith("text/html"):
            raise InputError(f"{exchange.url} responds with a page ({exchange.status}, text/html), so it is no API")

    def probes(self, *, live: bool) -> Iterator[_Probe]:
        """Yield requests with a known outcome."""
        short = self._short()
        if short is None:
            return
        documented = self.operation.definition.raw["responses"]
        for each in self._formats():
            yield _Probe("examples", _OK, {"body": short | {"response_format": each}})
        if self.operation.definition.raw.get("security", self.schema.raw_schema.get("security")):
            for headers in ({}, {"Authorization": "Bearer not-a-key"}):
                yield _Probe("security", _UNAUTHORIZED, {"body": short, "headers": headers})
            if not live:  # the key would be in the logs of others
                yield _Probe("security", _REFUSED, {"body": short, "headers": {"Authorization": self.key}})
                in_url = dict.fromkeys(("access_token", "api_key", "key"), self.key)
                yield _Probe("security", _REFUSED, {"body": short, "headers": {}}, {"params": in_url})
        refused = range(400, 401) if "400" in documented else _REFUSED
        first, *_ = short
        missing = {name: value for name, value in short.items() if name != first}
        bodies = [missing, short | {first: 5}]
        if self._formats():
            bodies.append(short | {"response_format": "no-such-format"})
        for body in bodies:
            yield _Probe("malformed-requests", refused, {"body": body})
        if not live:
            whole = json.dumps(short).encode()
            texts = [json.dumps(value).encode() for value in short.values() if isinstance(value, str)]
            for content in (whole[:-1], *(whole.replace(text, b'"\xff"') for text in texts[:1])):
                typed = {"data": content, "headers": {"Content-Type": "application/json"}}
                yield _Probe("malformed-requests", refused, {"body": short}, typed)
            yield _Probe("methods", range(405, 406), {"method": "HEAD"})

    def send(self, probe: _Probe) -> Exchange:
        """Send a request, check the response and take the exchange in."""
        case = self.operation.Case(**{"headers": {"Authorization": f"Bearer {self.key}"}, **probe.changes})
        started = ScenarioRecorder(label=self.operation.label)
        started.record_case(parent_id=None, case=case, transition=None, is_transition_applied=False)
        try:
            response = case.call(**probe.options)
        except RequestException as error:
            reason = self.hide(str(error)) or type(error).__name__
            request = error.request or _prepared(case)
            return self._add(request, None, failures=(Failure("responds", reason),))
        started.record_response(case_id=case.id, response=response)
        self._record(started)
        failures = []
        if response.status_code not in probe.statuses:
            expected = " to ".join(str(status) for status in sorted({probe.statuses[0], probe.statuses[-1]}))
            failures.append(Failure(probe.rule, f"expected a {expected}, got a {response.status_code}"))
        for check in CHECKS.get_all():
            # `ignored_auth` sends more requests; two of the probes check the same.
            if check is not ignored_auth and not isinstance(check, type) and case.method != "HEAD":
                try:
                    case.validate_response(response, checks=[check])
                except FailureGroup as group:
                    failures += [Failure(check.__name__, self.hide(message(each))) for each in group.exceptions]
        return self._add(response.request, response, failures=tuple(failures))

    def generate(self) -> None:
        """Run the phases of Schemathesis."""
        reason = "no response"
        unread = ""
        for event in self._events():
            if isinstance(event, events.NonFatalError):
                reason = self.hide(str(event.value))
                unread = reason if isinstance(event.value, RequestException) else ""
                if not isinstance(event.value, RequestException | ServerUnavailable):
                    self._end(f"requests cannot be made from the description: {reason}", event.value)
            elif isinstance(event, events.FatalError):
                self._end(f"Schemathesis failed: {self.hide(str(event.exception))}", event.exception)
            elif isinstance(event, events.ScenarioFinished):
                self._record(event.recorder)
                self._take(event.recorder, reason)
                if unread and all(one.response is not None for one in event.recorder.interactions.values()):
                    # Schemathesis does not say which request it was.
                    self._remark(f"Requests are missing, because a response could not be read: {unread}")
                unread = ""
                if any(one.response is None for one in event.recorder.interactions.values()) and _outage(self.url):
                    self._remark(_STOPPED)
                    break
            elif isinstance(event, events.EngineFinished):
                if event.stop_reason is StopReason.SERVER_UNAVAILABLE:
                    self._remark(_STOPPED)
            elif isinstance(event, events.Interrupted):
                raise KeyboardInterrupt

    def _end(self, reason: str, error: Exception) -> None:
        """Note why requests are missing; without any before it, nothing was tested."""
        line = " ".join(reason.split())
        if not self.ledger.requests:
            raise InputError(line) from error
        self._remark(f"{line[0].upper()}{line[1:].rstrip('.')}. This is what was seen besides.")

    def _remark(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks.append(remark)

    def har(self) -> str | None:
        """Return the exchanges so far as an HTTP archive, or None if none is wanted."""
        if self._har is None or self._writer is None:
            return None
        self._writer.close()
        return str(self.hide(self._har.getvalue()))

    def _record(self, recorder: ScenarioRecorder) -> None:
        if self._writer is not None:
            self._writer.write(recorder)

    def _events(self) -> Iterator[events.EngineEvent]:
        with warnings.catch_warnings(action="ignore"):  # they are for whoever writes Hypothesis tests
            yield from from_schema(self.schema).execute()

    def _take(self, recorder: ScenarioRecorder, reason: str) -> None:
        failures: dict[str, list[Failure]] = {}
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                if node.failure_info is not None:
                    failure = node.failure_info.failure
                    # A check may have sent another request, which is the one that failed.
                    of = failure.case_id if failure.case_id in recorder.interactions else case_id
                    failures.setdefault(of, []).append(Failure(node.name, self.hide(message(failure))))
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is None:
                failures[case_id] = [Failure("responds", reason)]
            sent = recorder.cases[case_id]
            meta = sent.value.meta
            is_example = sent.parent_id is None and meta is not None and meta.phase.name is TestPhase.EXAMPLES
            found = tuple(failures.get(case_id, ()))
            self._add(interaction.request, interaction.response, failures=found, is_example=is_example)

    def _add(self, request: Any, response: Response | None, **more: Any) -> Exchange:
        """Take in an exchange, without the key.

        Args:
            request: As requests has it, or as Schemathesis records it.
            response: None if there was none.
            more: Other fields.
        """
        flat = {name: value if isinstance(value, str) else value[0] for name, value in request.headers.items()}
        names = {name.lower(): name for name in flat}
        is_right = flat.get(names.get("authorization", ""), "") == f"Bearer {self.key}"
        sent = {name: _text(self.hide(value)) for name, value in flat.items()}
        if is_right:
            sent[names["authorization"]] = f"Bearer ${self.key_name}"
        body = request.body or b""
        exchange = Exchange(
            method=request.method,
            url=self.hide(getattr(request, "uri", None) or request.url),
            request_headers=sent,
            body=self.hide(body.encode() if isinstance(body, str) else body),
            key_is_right=is_right,
            status=None if response is None else response.status_code,
            headers={} if response is None else {name.lower(): values[0] for name, values in response.headers.items()},
            content=b"" if response is None else response.content,
            **more,
        )
        self.ledger.add(exchange)
        return exchange

    def _body_schema(self) -> tuple[Schemas, Mapping[str, Any]]:
        schemas = Schemas(self.schema.raw_schema, of_requests=True)
        if self.operation is None:
            return schemas, {}
        body = schemas.resolved(self.operation.definition.raw["requestBody"])
        return schemas, schemas.resolved(body.get("content", {}).get("application/json", {}).get("schema", {}))

    def _short(self) -> dict[str, Any] | None:
        """Return a body of the required fields, with the description's examples; None if it has none."""
        schemas, schema = self._body_schema()
        examples = {}
        for name in schema.get("required", ()):
            child = schemas.resolved(schema.get("properties", {}).get(name, {}))
            given = [*child.get("examples", ()), *(child[word] for word in ("example", "default") if word in child)]
            if not given:
                return None
            examples[name] = given[0]
        return examples or None

    def _formats(self) -> list[str]:
        schemas, schema = self._body_schema()
        formats = schemas.resolved(schema.get("properties", {}).get("response_format", {}))
        return list(formats.get("enum", ()))


def _prepared(case: Case[Any]) -> requests.PreparedRequest:
    sent = case.as_transport_kwargs()
    request = requests.Request(*(sent.get(name) for name in ("method", "url", "headers", "files", "data", "params")))
    request.json = sent.get("json")
    return request.prepare()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
