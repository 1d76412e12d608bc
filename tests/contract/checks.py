"""What openapi.yaml says in words, or HTTP does, as checks beside Schemathesis's own."""

from typing import Any

from schemathesis import Case, CheckContext, CheckFunction, Response
from schemathesis.generation.meta import TestPhase

from . import audio


def audio_is_what_was_asked_for(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A success is audio, whole, in the format that `response_format` or its default names."""
    documented = case.operation.schema.get_content_types(case.operation, response)
    if any(content_type.startswith("audio/") for content_type in documented):
        formats = case.operation.schema.raw_schema["components"]["schemas"]["ResponseFormatEnum"]
        body = case.body if isinstance(case.body, dict) else {}
        content_type = response.headers.get("content-type", [""])[0]
        audio.check(response.content, content_type, str(body.get("response_format", formats["default"])))


def error_repeats_its_status(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """`error.code` is the status code, once more. Whether it is there at all is checked by the schema."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return
    if isinstance(code, int) and code != response.status_code:
        raise AssertionError(f"error.code is {code} in an answer of status {response.status_code}")


def another_media_type_is_refused(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Schemathesis sends requests of other types, but only minds answers of 500 and above to them."""
    sent = str(response.request.headers.get("Content-Type", "")).partition(";")[0]
    documented = {body.media_type for body in case.operation.body}
    if sent and documented and sent not in documented and response.status_code < 400:
        raise AssertionError(f"a body of type {sent} was answered with {response.status_code}")


def documented_example_is_spoken(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A valid request may ask for a model that is not there; the examples ask for what the description promises."""
    if case.meta and case.meta.phase.name is TestPhase.EXAMPLES and response.status_code != 200:
        raise AssertionError(f"an example of the description was answered with {response.status_code}")


CHECKS: list[CheckFunction] = [
    audio_is_what_was_asked_for,
    error_repeats_its_status,
    another_media_type_is_refused,
    documented_example_is_spoken,
]
