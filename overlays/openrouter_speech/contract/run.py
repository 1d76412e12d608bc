"""Run the contract tests against a server, with Schemathesis."""

import random
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import schemathesis
from attrs import field, frozen
from requests import RequestException
from schemathesis import Case, HookContext, Response
from schemathesis.checks import CHECKS
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import CustomFailure, FailureGroup
from schemathesis.core.failures import Failure as CheckFailure
from schemathesis.core.result import Err
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.errors import ServerUnavailable
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi.checks import ignored_auth

from . import checks  # noqa: F401  (registers them)
from .exchanges import Exchange, Failure, hiding
from .facts import Schemas
from .report import Report

EXAMPLES = 100
SETTINGS = resources.files(__package__) / "schemathesis.toml"


class InputError(ValueError):
    """The contract tests cannot run with this URL, key or description."""


def run(
    url: str,
    key: str,
    *,
    live: bool = False,
    seed: int | None = None,
    examples: int = EXAMPLES,
    description: str | Path | None = None,
    key_name: str = "API_KEY",
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

    Raises:
        InputError: The server cannot be reached, is no API or refuses the key; or the description is not one.
    """
    if not key or not (key.isascii() and key.isprintable()):
        raise InputError("the key is empty, or has a character that no header can carry")
    if (parts := urlsplit(url)).scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(f"{url!r} is no URL of a server: it needs http:// or https://, and a host")
    settings = tomllib.loads(SETTINGS.read_text("utf-8"))
    settings["generation"]["max-examples"] = examples
    settings["seed"] = settings["seed"] if seed is None else seed
    url = url.rstrip("/")
    suite = _Suite(url, key, key_name, _schema(url, key, settings, description))
    exchanges = suite.first()
    stopped = False
    exchanges += map(suite.judged, suite.probes(live=live))
    if any(exchange.status is None for exchange in exchanges) and _outage(url):
        stopped = True
    elif not live:
        generated, stopped = suite.generated()
        exchanges += generated
    return Report(
        url=url, document=suite.schema.raw_schema, exchanges=exchanges, stopped=stopped, live=live,
        seed=settings["seed"], examples=examples,
    )  # fmt: skip


def random_seed() -> int:
    """Return a seed for other requests than those of the last run."""
    return random.randrange(1 << 32)  # noqa: S311


def _outage(url: str) -> str:
    """Return the reason why no connection to a server can be made; empty if one can."""
    try:
        httpx.get(url, follow_redirects=False)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        return str(error) or type(error).__name__
    except httpx.TransportError:
        pass
    return ""


def _schema(url: str, key: str, settings: dict[str, Any], description: str | Path | None) -> Any:
    try:
        if description is None:
            text = (resources.files("openrouter_speech_api") / "openapi.yaml").read_text("utf-8")
        else:
            text = Path(description).read_text("utf-8")
        config = schemathesis.Config.from_dict({**settings, "base-url": url})
        schema = schemathesis.openapi.from_file(text, config=config)
        # The name that the description has for the key: the check for ignored credentials can leave that one out.
        secured = schema.raw_schema.get("components", {}).get("securitySchemes", {})
        bearers = [name for name, scheme in secured.items() if scheme.get("scheme", "").lower() == "bearer"]
        settings["auth"] = {"openapi": {name: {"bearer": key} for name in bearers}}
        config = schemathesis.Config.from_dict({**settings, "base-url": url})
        schema = schemathesis.openapi.from_file(text, config=config)
        if not schema.statistic.operations.total:
            raise InputError(f"{description} describes no operation")
        for operation in schema.get_all_operations():
            if isinstance(operation, Err):
                raise operation.err()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{description} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from error
    except InputError:
        raise
    except (SchemathesisError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputError(f"{description} is not an OpenAPI description: {reason}") from error
    return schema


@frozen
class _Probe:
    """A request with the status that it must get."""

    rule: str
    status: int
    changes: Mapping[str, Any]
    options: Mapping[str, Any] = field(factory=dict)


class _Suite:
    """The tests of one server."""

    def __init__(self, url: str, key: str, key_name: str, schema: Any) -> None:
        self.url, self.key, self.key_name, self.schema = url, key, key_name, schema
        self.hide = hiding(key)
        self.operation: Any = next((found for each in schema.get_all_operations() if (found := each.ok()).body), None)

        @schema.hook  # type: ignore[untyped-decorator]
        def filter_failure(_: HookContext, failure: CheckFailure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001
            """Accept a 415 for a request without `Content-Type`, which RFC 9110 allows for any operation."""
            untyped = "Content-Type" not in response.request.headers
            return not (isinstance(failure, UndefinedStatusCode) and response.status_code == 415 and untyped)

        @schema.hook  # type: ignore[untyped-decorator]
        def after_call(_: HookContext, case: Case[Any], response: Response) -> None:  # noqa: ARG001
            """Mask a key that the server echoes, because failures quote responses."""
            response.content = self.hide(response.content)
            for values in response.headers.values():
                values[:] = [self.hide(value) for value in values]

    def first(self) -> list[Exchange]:
        """Send the shortest valid request, which shows whether the tests can run at all."""
        short = self._short()
        if short is None:
            if reason := _outage(self.url):
                raise InputError(f"{self.url} cannot be reached: {reason}")
            return []
        exchange = self.judged(_Probe("examples", 200, {"body": short}))
        if exchange.status is None and (reason := _outage(self.url)):
            raise InputError(f"{self.url} cannot be reached: {reason}")
        if exchange.status == httpx.codes.UNAUTHORIZED:
            raise InputError(f"the server refuses the key: {exchange.response()}")
        if exchange.headers.get("content-type", "").startswith("text/html"):
            raise InputError(f"{exchange.url} responds with a page ({exchange.status}, text/html), so it is no API")
        return [exchange]

    def probes(self, *, live: bool) -> Iterator[_Probe]:
        """Yield requests with a known outcome."""
        short = self._short()
        if short is None:
            return
        for each in self._formats():
            yield _Probe("examples", 200, {"body": short | {"response_format": each}})
        for headers in ({}, {"Authorization": "Bearer not-a-key"}):
            yield _Probe("security", 401, {"body": short, "headers": headers})
        first, *_ = short
        missing = {name: value for name, value in short.items() if name != first}
        for body in (missing, short | {first: 5}, short | {"response_format": "no-such-format"}):
            yield _Probe("malformed-requests", 400, {"body": body})
        for content in () if live else (b'{"input": "Hello', b'{"input": "\xff"}'):
            typed = {"data": content, "headers": {"Content-Type": "application/json"}}
            yield _Probe("malformed-requests", 400, {"body": short}, typed)

    def judged(self, probe: _Probe) -> Exchange:
        """Send a request and check the response."""
        case = self.operation.Case(**{"headers": {"Authorization": f"Bearer {self.key}"}, **probe.changes})
        try:
            response = case.call(**probe.options)
        except RequestException as error:
            message = self.hide(str(error)) or type(error).__name__
            return self._exchange(error.request, None, failures=(Failure("responds", message),))
        failures = []
        if response.status_code != probe.status:
            failures.append(Failure(probe.rule, f"expected a {probe.status}, got a {response.status_code}"))
        for check in CHECKS.get_all():
            # `ignored_auth` sends more requests; two of the probes check the same.
            if check is not ignored_auth and not isinstance(check, type):
                try:
                    case.validate_response(response, checks=[check])
                except FailureGroup as group:
                    failures += [Failure(check.__name__, self.hide(_message(each))) for each in group.exceptions]
        return self._exchange(response.request, response, failures=tuple(failures))

    def generated(self) -> tuple[list[Exchange], bool]:
        """Run the phases of Schemathesis. Returns what was exchanged, and whether the server stopped in the middle."""
        exchanges: list[Exchange] = []
        stopped = False
        reason = "no response"
        for event in self._events():
            if isinstance(event, events.NonFatalError):
                if not isinstance(event.value, RequestException | ServerUnavailable):
                    raise InputError(f"requests cannot be made from the description: {event.value}") from event.value
                reason = self.hide(str(event.value))
            elif isinstance(event, events.FatalError):
                raise event.exception
            elif isinstance(event, events.ScenarioFinished):
                exchanges += self._recorded(event.recorder, reason)
            elif isinstance(event, events.EngineFinished):
                stopped = event.stop_reason is StopReason.SERVER_UNAVAILABLE
            elif isinstance(event, events.Interrupted):
                raise KeyboardInterrupt
        return exchanges, stopped

    def _events(self) -> Iterator[events.EngineEvent]:
        with warnings.catch_warnings(action="ignore"):  # they are for whoever writes Hypothesis tests
            yield from from_schema(self.schema).execute()

    def _recorded(self, recorder: ScenarioRecorder, reason: str) -> Iterator[Exchange]:
        failures: dict[str, list[Failure]] = {}
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                if node.failure_info is not None:
                    failure = node.failure_info.failure
                    # A check may have sent another request, which is the one that failed.
                    of = failure.case_id if failure.case_id in recorder.interactions else case_id
                    failures.setdefault(of, []).append(Failure(node.name, self.hide(_message(failure))))
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is None:
                failures[case_id] = [Failure("responds", reason)]
            sent = recorder.cases[case_id]
            meta = sent.value.meta
            is_example = sent.parent_id is None and meta is not None and meta.phase.name is TestPhase.EXAMPLES
            found = tuple(failures.get(case_id, ()))
            yield self._exchange(interaction.request, interaction.response, failures=found, is_example=is_example)

    def _exchange(self, request: Any, response: Response | None, **more: Any) -> Exchange:
        """Record an exchange, without the key.

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
        return Exchange(
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
            given = [*child.get("examples", ()), *([child["example"]] if "example" in child else ())]
            if not given:
                return None
            examples[name] = given[0]
        return examples or None

    def _formats(self) -> list[str]:
        schemas, schema = self._body_schema()
        formats = schemas.resolved(schema.get("properties", {}).get("response_format", {}))
        return list(formats.get("enum", ()))


def _message(failure: CheckFailure) -> str:
    """Return a failure's title and message; without the title that Schemathesis gives the checks of others."""
    titles = () if isinstance(failure, CustomFailure) else (failure.title,)
    return ": ".join(filter(None, (*titles, failure.message)))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
