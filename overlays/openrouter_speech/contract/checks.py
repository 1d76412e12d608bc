"""Schemathesis checks for rules that openapi.yaml states in words, and rules of HTTP.

Importing this module registers them, so `SCHEMATHESIS_HOOKS=openrouter_speech.contract.checks` adds them to any
Schemathesis run.
"""

import re
from email.utils import parsedate_to_datetime
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.core.failures import CustomFailure, Failure
from schemathesis.generation.meta import TestPhase

from . import audio
from .facts import Schemas

__all__ = [
    "another_media_type_is_refused",
    "audio_is_what_was_asked_for",
    "documented_example_is_spoken",
    "error_repeats_its_status",
    "headers_are_readable",
    "json_is_utf_8",
]


@schemathesis.check
def audio_is_what_was_asked_for(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that a success is whole audio in the requested or default format.

    Where a description does not say that the type is `audio/*`, only the audio itself is checked.
    """
    documented = case.operation.schema.get_content_types(case.operation, response)
    if response.status_code // 100 != 2 or not any(_is_audio(content_type) for content_type in documented):
        return
    body = case.body if isinstance(case.body, dict) else {}
    requested = str(body.get("response_format", _default_format(case.operation)))
    if requested in audio.FORMATS:
        content_type = response.headers.get("content-type", [""])[0] if "audio/*" in documented else None
        audio.check(response.content, content_type, requested)
    elif response.content == b"":
        raise AssertionError("a success without a byte of audio")


def _is_audio(content_type: str) -> bool:
    return content_type.startswith("audio/") or content_type == "application/octet-stream"


def _default_format(operation: Any) -> Any:
    """Return the default of the field `response_format`; None if there is none."""
    schemas = Schemas(operation.schema.raw_schema, of_requests=True)
    content = schemas.resolved(operation.definition.raw.get("requestBody", {})).get("content", {})
    body = schemas.resolved(content.get("application/json", {}).get("schema", {}))
    return schemas.resolved(body.get("properties", {}).get("response_format", {})).get("default")


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
    sent = str(response.request.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    documented = {body.media_type for body in case.operation.body}
    if sent and documented and sent not in documented and response.status_code < 400:
        raise AssertionError(f"a body of type {sent} got a {response.status_code}")


@schemathesis.check
def documented_example_is_spoken(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that the examples succeed. Another valid request may name a model that does not exist."""
    if case.meta and case.meta.phase.name is TestPhase.EXAMPLES and response.status_code != 200:
        raise AssertionError(f"an example of the description got a {response.status_code}")


@schemathesis.check
def headers_are_readable(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that headers of one value come once, and that `Retry-After` is seconds or a date (RFC 9110)."""
    definition = case.operation.responses.find_by_status_code(response.status_code)
    documented = [name for name, _ in definition.headers.items()] if definition is not None else []
    for name in ("Content-Type", "Retry-After", *documented):
        values = response.headers.get(name.lower(), [])
        if len(values) > 1:
            raise AssertionError(f"the response has {len(values)} headers {name}: {', '.join(values)}")
    for value in response.headers.get("retry-after", []):
        if not _is_delay(value):
            raise AssertionError(f"Retry-After is {value!r}, which is neither seconds nor a date")


def _is_delay(value: str) -> bool:
    if re.fullmatch(r"[0-9]+", value):
        return True
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True


@schemathesis.check
def json_is_utf_8(_: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001
    """Check that JSON is not labelled as of another character set, which RFC 8259 does not allow."""
    content_type = response.headers.get("content-type", [""])[0]
    named = re.search(r";\s*charset\s*=\s*\"?([^\s;\"]*)", content_type, re.IGNORECASE)
    if "json" in content_type.partition(";")[0].lower() and named and named[1].lower() not in {"utf-8", "utf8"}:
        raise AssertionError(f"Content-Type is {content_type!r} where JSON is UTF-8")


def message(failure: Failure) -> str:
    """Return a failure's title and message; without the title that Schemathesis gives the checks of others."""
    titles = () if isinstance(failure, CustomFailure) else (failure.title,)
    return ": ".join(filter(None, (*titles, failure.message)))
