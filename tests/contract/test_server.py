"""Contract tests of a server against openapi.yaml: the one at BASE_URL, or the mock server.

`make contract` passes its variables in the environment: BASE_URL and API_KEY name another server, SEED and EXAMPLES
control the generated requests, LIVE=1 limits the run to a few short requests.
"""

import os
import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from openrouter_speech.mock import MockServer
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi.checks import ignored_auth

from ..conftest import PROJECT
from .checks import CHECKS

BASE_URL = os.environ.get("BASE_URL", "")
KEY = os.environ.get("API_KEY", "").strip() or "the-contract-tests-own-key"
if not (KEY.isascii() and KEY.isprintable()):  # an error later would show it
    raise pytest.UsageError("API_KEY has a character that no header can carry")
MASK = "*" * len(KEY)
LIVE = os.environ.get("LIVE", "") not in {"", "0"}
SETTINGS: dict[str, Any] = tomllib.loads((PROJECT / "schemathesis.toml").read_text())
SETTINGS["auth"]["openapi"]["apiKey"]["bearer"] = KEY
if seed := os.environ.get("SEED"):
    SETTINGS["seed"] = random.randrange(1 << 32) if seed == "random" else int(seed)
EXAMPLES = SETTINGS["generation"]["max-examples"] = int(os.environ.get("EXAMPLES") or 100)

SCHEMA = schemathesis.openapi.from_path(PROJECT / "openapi.yaml", config=schemathesis.Config.from_dict(SETTINGS))
SPEECH = SCHEMA.find_operation_by_id("createSpeech")
_REQUEST = SCHEMA.raw_schema["components"]["schemas"]["SpeechRequest"]
SHORT = {name: _REQUEST["properties"][name]["examples"][0] for name in _REQUEST["required"]}
"""The required fields, with the description's examples."""
FORMATS = SCHEMA.raw_schema["components"]["schemas"]["ResponseFormatEnum"]["enum"]

not_live = pytest.mark.skipif(LIVE, reason="LIVE=1 makes few requests, because each costs money")


@SCHEMA.hook
def filter_failure(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Accept a 415 for a request without `Content-Type`, which RFC 9110 allows for any operation."""
    untyped = "Content-Type" not in response.request.headers
    return not (isinstance(failure, UndefinedStatusCode) and response.status_code == 415 and untyped)


@SCHEMA.hook
def after_call(_: HookContext, case: Case[Any], response: Response) -> None:
    """Mask a key that the server echoes, because failures show responses. The length stays the same."""
    response.content = response.content.replace(KEY.encode(), MASK.encode())
    for values in response.headers.values():
        values[:] = [value.replace(KEY, MASK) for value in values]


if BASE_URL:  # the server may be anywhere, and behind a proxy

    @pytest.fixture(autouse=True)
    def loopback_only() -> None:
        """Allow the network."""

    @pytest.fixture(autouse=True)
    def clean_environment() -> None:
        """Keep proxies."""


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    if BASE_URL:
        yield BASE_URL.rstrip("/")
        return
    with MockServer(api_key=KEY) as server:
        yield server.url


def judge(
    case: Case[Any], server_url: str, *, status: int | None = None, generated: bool = False, **options: Any
) -> None:
    """Send a request and check the response.

    Failures have no traceback, which would show arguments, and with them the key.
    """
    try:
        response = case.call(base_url=server_url, **options)
        if status not in {None, response.status_code}:
            raise AssertionError(f"expected a {status}, got a {response.status_code}")
        # `ignored_auth` sends more requests, which LIVE=1 cannot spend; `test_a_valid_key_is_required` checks the same.
        excluded = [] if generated else [ignored_auth]
        case.validate_response(response, additional_checks=CHECKS, excluded_checks=excluded)
    except FailureGroup as group:
        failure = group.message.rstrip()
    except Exception as error:  # noqa: BLE001
        failure = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
    else:
        return
    again = f"\n\nThe same requests again: SEED={SETTINGS['seed']} EXAMPLES={EXAMPLES}" if generated else ""
    pytest.fail(failure.replace(KEY, MASK) + again, pytrace=False)


def request(**changes: Any) -> Case[Any]:
    return SPEECH.Case(**{"body": SHORT, "headers": {"Authorization": f"Bearer {KEY}"}} | changes)


@pytest.mark.parametrize("response_format", ["default", *FORMATS])
def test_a_short_text_is_spoken(response_format: str, server_url: str) -> None:
    asked = {} if response_format == "default" else {"response_format": response_format}
    judge(request(body=SHORT | asked), server_url, status=200)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer not-a-key"}], ids=["no key", "a wrong key"])
def test_a_valid_key_is_required(headers: dict[str, str], server_url: str) -> None:
    judge(request(headers=headers), server_url, status=401)


MALFORMED: dict[str, dict[str, Any]] = {
    "input is missing": {name: value for name, value in SHORT.items() if name != "input"},
    "input is a number": SHORT | {"input": 5},
    "response_format is unknown": SHORT | {"response_format": "no-such-format"},
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_refused(body: dict[str, Any], server_url: str) -> None:
    judge(request(body=body), server_url, status=400)


@not_live
@pytest.mark.parametrize("content", [b'{"input": "Hello', b'{"input": "\xff"}'], ids=["cut off", "not UTF-8"])
def test_a_body_that_is_not_json_is_refused(content: bytes, server_url: str) -> None:
    judge(request(), server_url, status=400, data=content, headers={"Content-Type": "application/json"})


if not LIVE:  # generating the requests takes a while, even if none is sent

    @SCHEMA.parametrize()
    @settings(report_multiple_bugs=False)  # a fault of every response would be reported a hundred times
    def test_generated_requests_get_documented_responses(case: Case[Any], server_url: str) -> None:
        """Run Schemathesis's examples, coverage and fuzzing with all of its checks and ours."""
        judge(case, server_url, generated=True)
