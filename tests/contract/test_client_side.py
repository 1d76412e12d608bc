"""What the clients send is what openapi.yaml allows and what was meant; what openapi.yaml answers comes out whole.

The judge of a request is openapi.yaml itself, read here a second time, on the bytes that arrived at the mock server;
the mock's own opinion is not asked. `EXAMPLES=1000 make test ARGS=tests/contract` looks further.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
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
    # The client and the server are the same for all examples of a test; `arrived` empties the journal for each.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def rule(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


BODY_RULE = rule(OPERATION["requestBody"]["content"][CONTENT_TYPE]["schema"])
HEADER_RULES = {name: rule(parameter["schema"]) for name, parameter in PARAMETERS.items()}


def header_name(parameter: str) -> str:
    """The documented header that a parameter of the clients stands for."""
    (name,) = [name for name in PARAMETERS if name.replace("-", "").lower() == parameter.replace("_", "")]
    return name


def exact(value: Any) -> str:
    """A text that is the same for the same JSON only: Python's `==` takes 1, 1.0 and true for one another."""
    return json.dumps(value, sort_keys=True)


def arrived(server: MockServer) -> RecordedRequest:
    """The one request that arrived since the last was taken."""
    (request,) = server.requests
    server.reset()
    return request


def check(request: RecordedRequest, meant: SpeechRequest, app: Mapping[str, str]) -> None:
    """The request is what openapi.yaml allows, and what was meant."""
    assert (request.method, request.path) == (METHOD.upper(), urlsplit(DOCUMENT["servers"][0]["url"]).path + PATH)
    assert request.headers["content-type"] == CONTENT_TYPE
    assert request.status == 200  # with 401 the mock answers where there is no bearer; the journal hides what was there
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
def test_a_request_arrives_as_it_was_meant(
    caller: Caller, server: MockServer, meant: SpeechRequest, app: dict[str, str], plainly: bool
) -> None:
    assert caller.create(**arguments(meant, plainly=plainly), **app).content
    check(arrived(server), meant, app)


Generated = Callable[..., Response[ErrorResponse | File]]


@pytest.fixture(params=["sync", "async"])
def generated(request: pytest.FixtureRequest, server: MockServer) -> Iterator[Generated]:
    """Makes calls with the generated client by itself, in both ways."""
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
def test_the_generated_client_by_itself_sends_what_was_meant(
    generated: Generated, server: MockServer, meant: SpeechRequest, app: dict[str, str]
) -> None:
    assert isinstance(generated(body=meant, **app).parsed, File)
    check(arrived(server), meant, app)


def documented_errors() -> Iterator[Any]:
    """Each status of an error, the class that is named like its schema upstream, and its example."""
    facts = yaml.safe_load((PROJECT / "upstream/openrouter.yaml").read_text())
    upstream = facts["paths"][PATH][METHOD]["responses"]
    for status, response in OPERATION["responses"].items():
        if int(status) >= 400:
            schema = upstream[status]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            example = response["content"]["application/json"]["example"]
            yield pytest.param(int(status), getattr(errors, f"{schema}Error"), example, id=status)


ERRORS = list(documented_errors())


@pytest.mark.parametrize("asked_by", ["script", "header"])
@pytest.mark.parametrize(("status", "kind", "example"), ERRORS)
def test_a_documented_error_comes_out_whole(
    caller: Caller, server: MockServer, status: int, kind: type[errors.APIStatusError], example: Any, asked_by: str
) -> None:
    if asked_by == "script":
        server.script([status])
    prefer = {"Prefer": f"code={status}"} if asked_by == "header" else None
    with pytest.raises(errors.OpenRouterError) as raised:
        caller.create(http_headers=prefer)
    assert type(raised.value) is kind
    assert raised.value.status_code == status
    assert raised.value.data is not None
    assert exact(raised.value.data.to_dict()) == exact(example)


@pytest.mark.parametrize(("status", "example"), [pytest.param(*e.values[::2], id=e.id) for e in ERRORS])
def test_the_generated_client_by_itself_parses_a_documented_error(
    generated: Generated, server: MockServer, status: int, example: Any
) -> None:
    server.script([status])
    response = generated(body=SpeechRequest("Hello", "a/b", "alloy"))
    assert response.status_code == status
    assert isinstance(response.parsed, ErrorResponse)
    assert exact(response.parsed.to_dict()) == exact(example)


def first(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], object]) -> Any:
    """The first that is drawn of what is wanted, as it comes.

    Raises:
        NoSuchExample: Nothing of the kind is drawn.
    """
    as_it_comes = settings(phases=[Phase.generate], derandomize=True, database=None, report_multiple_bugs=False)
    return find(strategy, lambda drawn: bool(wanted(drawn)), settings=as_it_comes)


MODELS = [model for name in models.__all__ if has(model := getattr(models, name))]


def properties(model: type[Any]) -> set[str]:
    return set(DOCUMENT["components"]["schemas"][model.__name__].get("properties", {}))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_the_fields_of_the_description(model: type[Any]) -> None:
    assert wire_names(model).keys() == properties(model)


@pytest.mark.parametrize(("model", "name"), [(model, name) for model in MODELS for name in sorted(properties(model))])
def test_each_field_of_the_description_is_drawn(model: type[Any], name: str) -> None:
    assert first(instances(model), lambda drawn: name in plain(drawn))


def test_the_clients_have_the_headers_of_the_description() -> None:
    assert sorted(map(header_name, HEADER_PARAMETERS)) == sorted(PARAMETERS)


@pytest.mark.parametrize("parameter", HEADER_PARAMETERS)
@pytest.mark.parametrize("strategy", [HEADERS, ASCII_HEADERS], ids=["any", "ascii"])
def test_each_header_of_the_description_is_drawn(parameter: str, strategy: st.SearchStrategy[Any]) -> None:
    assert first(strategy, lambda drawn: parameter in drawn)


@define
class Gained:
    """As the generator writes a model, with fields of kinds that the description does not have yet."""

    texts: list[str]
    count: int | Unset | None = UNSET
    options: ProviderOptions | Unset = UNSET


def test_a_field_that_is_gained_is_drawn() -> None:
    """With none of its kinds of values left out."""
    assert first(instances(Gained), lambda drawn: len(drawn.texts) > 1)
    assert first(instances(Gained), lambda drawn: drawn.count is UNSET)
    assert first(instances(Gained), lambda drawn: drawn.count is None)
    assert first(instances(Gained), lambda drawn: isinstance(drawn.count, int))
    assert first(instances(Gained), lambda drawn: isinstance(drawn.options, ProviderOptions))


@define
class Unknown:
    """A model with a field of a type that has no strategy."""

    when: datetime


def test_a_field_without_a_strategy_is_named() -> None:
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
def test_a_request_that_is_wrong_is_not_taken(change: dict[str, Any], reason: str) -> None:
    """The check above, tried on requests that it has to reject."""
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
