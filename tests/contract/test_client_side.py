"""The clients send what openapi.yaml allows and what the caller passed, and return what openapi.yaml documents.

Requests are validated here against openapi.yaml, as received by the mock server and independently of it.
`EXAMPLES=1000 make test ARGS=tests/contract` draws more of them.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import yaml
from attrs import define, has
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from openrouter_speech import errors
from openrouter_speech.mock import MockServer, RecordedRequest
from openrouter_speech_api import AuthenticatedClient, models
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.models import ErrorResponse, ProviderOptions, SpeechRequest
from openrouter_speech_api.types import UNSET, File, Response, Unset

from ..conftest import KEY, PROJECT, Caller, Connect
from ..test_description import resolved
from .strategies import (
    ASCII_HEADERS,
    EXAMPLES,
    HEADER_PARAMETERS,
    HEADERS,
    REQUESTS,
    arguments,
    instances,
    plain,
    wire_names,
)

DOCUMENT = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
PATH, ITEM = next(iter(DOCUMENT["paths"].items()))
METHOD, OPERATION = next(iter(ITEM.items()))
(CONTENT_TYPE,) = OPERATION["requestBody"]["content"]
PARAMETERS: dict[str, Any] = {p["name"]: p for p in (resolved(DOCUMENT, node) for node in OPERATION["parameters"])}

checked = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    # All examples of a test share the client and the server; `arrived` clears the journal.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def rule(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


BODY_RULE = rule(OPERATION["requestBody"]["content"][CONTENT_TYPE]["schema"])
HEADER_RULES = {name: rule(parameter["schema"]) for name, parameter in PARAMETERS.items()}


def header_name(parameter: str) -> str:
    """Return the documented header of a client's parameter."""
    (name,) = [name for name in PARAMETERS if name.replace("-", "").lower() == parameter.replace("_", "")]
    return name


def exact(value: Any) -> str:
    """Serialize JSON for comparison: in Python 1, 1.0 and true are equal."""
    return json.dumps(value, sort_keys=True)


def arrived(server: MockServer) -> RecordedRequest:
    """Take the only request from the journal."""
    (request,) = server.requests
    server.reset()
    return request


def check(request: RecordedRequest, meant: SpeechRequest, app: Mapping[str, str]) -> None:
    """Check that the request is what openapi.yaml allows, and what the caller passed."""
    assert (request.method, request.path) == (METHOD.upper(), urlsplit(DOCUMENT["servers"][0]["url"]).path + PATH)
    assert request.headers["content-type"] == CONTENT_TYPE
    assert request.status == 200  # not a 401: the journal masks the key
    assert "authorization" in request.headers
    body = json.loads(request.body.decode())
    BODY_RULE.validate(body)
    assert exact(body) == exact(plain(meant))
    headers = {name: request.headers[name.lower()] for name in PARAMETERS if name.lower() in request.headers}
    for name, value in headers.items():
        HEADER_RULES[name].validate(value)
    assert headers == {header_name(parameter): value for parameter, value in app.items()}


@pytest.fixture
def caller(connect: Connect, server: MockServer) -> Caller:
    server.reset()
    return connect(server_url=server.url, retry_config=None)


@checked
@given(meant=REQUESTS, app=HEADERS, plainly=st.booleans())
def test_a_request_arrives_as_passed(
    caller: Caller, server: MockServer, meant: SpeechRequest, app: dict[str, str], plainly: bool
) -> None:
    given = {"voice": None, **arguments(meant, plainly=plainly)}  # None leaves out what the caller would add
    assert caller.create(**given, **app).content
    check(arrived(server), meant, app)


Generated = Callable[..., Response[ErrorResponse | File]]


@pytest.fixture(params=["sync", "async"])
def generated(request: pytest.FixtureRequest, server: MockServer) -> Iterator[Generated]:
    """Make calls with the generated client alone, sync or async."""
    server.reset()
    client = AuthenticatedClient(server.url, KEY)
    if request.param == "sync":
        with client:
            yield partial(create_speech.sync_detailed, client=client)
        return
    with asyncio.Runner() as runner:
        yield lambda **call: runner.run(create_speech.asyncio_detailed(client=client, **call))
        runner.run(client.get_async_httpx_client().aclose())


@checked
@given(meant=REQUESTS, app=ASCII_HEADERS)
def test_the_generated_client_sends_a_request_as_passed(
    generated: Generated, server: MockServer, meant: SpeechRequest, app: dict[str, str]
) -> None:
    assert isinstance(generated(body=meant, **app).parsed, File)
    check(arrived(server), meant, app)


def documented_errors() -> Iterator[Any]:
    """Iterate over the documented errors: status, class and example."""
    for status, response in OPERATION["responses"].items():
        if int(status) >= 400:
            example = response["content"]["application/json"]["example"]
            yield pytest.param(int(status), errors.BY_STATUS[int(status)], example, id=status)


ERRORS = list(documented_errors())


@pytest.mark.parametrize(("status", "kind", "example"), ERRORS)
def test_a_documented_error_is_raised_with_its_body(
    caller: Caller, server: MockServer, status: int, kind: type[errors.APIStatusError], example: Any
) -> None:
    server.script([status])
    with pytest.raises(errors.OpenRouterError) as raised:
        caller.create()
    assert type(raised.value) is kind
    assert raised.value.status_code == status
    assert raised.value.data is not None
    assert exact(raised.value.data.to_dict()) == exact(example)


@pytest.mark.parametrize(("status", "example"), [pytest.param(*e.values[::2], id=e.id) for e in ERRORS])
def test_the_generated_client_parses_a_documented_error(
    generated: Generated, server: MockServer, status: int, example: Any
) -> None:
    server.script([status])
    response = generated(body=SpeechRequest("Hello", "a/b", "alloy"))
    assert response.status_code == status
    assert isinstance(response.parsed, ErrorResponse)
    assert exact(response.parsed.to_dict()) == exact(example)


def first(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], object]) -> Any:
    """Return the first drawn value that fits, without shrinking it; raise NoSuchExample if none does."""
    unshrunk = settings(phases=[Phase.generate], derandomize=True, database=None, report_multiple_bugs=False)
    return find(strategy, lambda drawn: bool(wanted(drawn)), settings=unshrunk)


def holding(name: str) -> Callable[[Any], bool]:
    return lambda drawn: name in drawn


MODELS = [model for name in models.__all__ if has(model := getattr(models, name))]


def properties(model: type[Any]) -> set[str]:
    return set(DOCUMENT["components"]["schemas"][model.__name__].get("properties", {}))


@pytest.mark.parametrize("model", MODELS)
def test_each_documented_field_is_in_its_model_and_is_drawn(model: type[Any]) -> None:
    assert wire_names(model).keys() == properties(model)
    for name in properties(model):
        assert first(instances(model).map(plain), holding(name))


def test_each_documented_header_is_a_parameter_and_is_drawn() -> None:
    assert sorted(map(header_name, HEADER_PARAMETERS)) == sorted(PARAMETERS)
    for parameter, strategy in product(HEADER_PARAMETERS, (HEADERS, ASCII_HEADERS)):
        assert first(strategy, holding(parameter))


@define
class New:
    """A generated model with fields of types that the description does not have yet."""

    texts: list[str]
    count: int | Unset | None = UNSET
    options: ProviderOptions | Unset = UNSET


def test_new_types_of_fields_are_drawn_with_all_their_values() -> None:
    assert first(instances(New), lambda drawn: len(drawn.texts) > 1)
    assert first(instances(New), lambda drawn: drawn.count is UNSET)
    assert first(instances(New), lambda drawn: drawn.count is None)
    assert first(instances(New), lambda drawn: isinstance(drawn.count, int))
    assert first(instances(New), lambda drawn: isinstance(drawn.options, ProviderOptions))


@define
class Unknown:
    """A model with a field of a type that has no strategy."""

    when: datetime


def test_a_field_of_an_unknown_type_is_named() -> None:
    with pytest.raises(NotImplementedError, match=r"^Unknown\.when: "):
        instances(Unknown)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "PUT"}, "PUT"),
        ({"path": "/audio/speech"}, "/audio/speech"),
        ({"body": b'{"input":"Hi","model":"a/b"}'}, "voice"),
        ({"body": b'{"input":"Hi","model":"a/b","voice":"alloy"}'}, "speed"),
        ({"body": b'{"input":"Hi","model":"a/b","voice":"alloy","speed":1.0}'}, "speed"),
        ({"body": b'{"input":"Hi","model":"a/b","voice":"alloy","speed":1,"provider":{}}'}, "provider"),
        ({"headers": {"content-type": "text/plain", "authorization": "Bearer"}}, "text/plain"),
        ({"headers": {"content-type": "application/json"}}, "authorization"),
        ({"headers": {"content-type": "application/json", "authorization": "", "http-referer": "b"}}, "HTTP-Referer"),
        ({"status": 401}, "401"),
    ],
)
def test_the_check_above_rejects_a_wrong_request(change: dict[str, Any], reason: str) -> None:
    right: dict[str, Any] = {
        "method": "POST",
        "path": "/api/v1/audio/speech",
        "headers": {"content-type": "application/json", "authorization": "Bearer **********"},
        "body": b'{"input":"Hi","model":"a/b","voice":"alloy","speed":1}',
        "status": 200,
    }
    meant = SpeechRequest("Hi", "a/b", "alloy", speed=1)
    check(RecordedRequest(1, **right), meant, {})
    with pytest.raises((AssertionError, jsonschema_rs.ValidationError), match=reason):
        check(RecordedRequest(1, **{**right, **change}), meant, {})
