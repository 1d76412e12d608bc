"""Schemathesis checks for rules that openapi.yaml states in words, and rules of HTTP.

Importing this module registers them, so `SCHEMATHESIS_HOOKS=openrouter_speech.contract.checks` adds them to any
Schemathesis run.
"""

from collections.abc import Mapping
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.generation.meta import TestPhase

from . import audio

__all__ = [
    "another_media_type_is_refused",
    "audio_is_what_was_asked_for",
    "documented_example_is_spoken",
    "error_repeats_its_status",
]


@schemathesis.check
def audio_is_what_was_asked_for(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that a success is whole audio in the requested or default format."""
    documented = case.operation.schema.get_content_types(case.operation, response)
    if any(content_type.startswith("audio/") for content_type in documented):
        body = case.body if isinstance(case.body, dict) else {}
        default = _default_format(case.operation.schema.raw_schema)
        content_type = response.headers.get("content-type", [""])[0]
        audio.check(response.content, content_type, str(body.get("response_format", default)))


def _default_format(description: Mapping[str, Any]) -> Any:
    return description["components"]["schemas"]["ResponseFormatEnum"]["default"]


@schemathesis.check
def error_repeats_its_status(_: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001
    """Check that `error.code` is the status code. The schema checks that it is there."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return
    if isinstance(code, int) and code != response.status_code:
        raise AssertionError(f"error.code is {code} in a response of status {response.status_code}")


@schemathesis.check
def another_media_type_is_refused(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that other types are refused. Schemathesis sends them, but reports only a 500 or above."""
    sent = str(response.request.headers.get("Content-Type", "")).partition(";")[0]
    documented = {body.media_type for body in case.operation.body}
    if sent and documented and sent not in documented and response.status_code < 400:
        raise AssertionError(f"a body of type {sent} got a {response.status_code}")


@schemathesis.check
def documented_example_is_spoken(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that the examples succeed. Another valid request may name a model that does not exist."""
    if case.meta and case.meta.phase.name is TestPhase.EXAMPLES and response.status_code != 200:
        raise AssertionError(f"an example of the description got a {response.status_code}")
