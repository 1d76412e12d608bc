"""Responses to valid requests: audio, or the requested fault."""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .._core.audio import PCM_SAMPLE_WIDTH
from .catalog import Catalog
from .description import JSON, Answer, Operation, Problem
from .encoder import encode
from .faults import Fault, decimal, now, zod_error
from .profiles import Profile
from .synthesizer import SAMPLE_RATE, Samples
from .transport import AudioResponse, NoResponse
from .voices import Voice

Pace = Literal["fast", "realtime"]
PACES = ("fast", "realtime")

_GATEWAY_HTML = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)

_BODIES: Mapping[str, tuple[int | None, Any]] = {
    "zod": (400, zod_error(("input", "Invalid input"))),
    "json": (None, {"error": {"code": 502, "message": "The provider failed"}}),
    "in-flight": (
        402,
        {
            "error": {
                "code": 402,
                "message": "Too many requests are in flight",
                "metadata": {"limit_source": "openrouter_in_flight_budget"},
            }
        },
    ),
}
"""The status and body of some faults; None for the documented success."""


class RefusedError(Exception):
    """The request is rejected with an error response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> Response:
        """Build the error response."""
        return error(self.status, self.message)


class InvalidBodyError(RefusedError):
    """The body does not match the description, and the live service would say so in Zod's form."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(400, "; ".join(map(str, problems)))
        self._problems = problems

    def response(self) -> Response:
        return JSONResponse(zod_error(*((problem.field, problem.reason) for problem in self._problems)), 400)


class ProviderRefusedError(RefusedError):
    """The provider refuses the request. Its reason is where the live service puts it, as JSON in a string."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(400, "Provider returned error")
        self._metadata = {"provider_name": provider, "raw": json.dumps({"error": {"message": reason}})}

    def response(self) -> Response:
        return JSONResponse({"error": {"code": 400, "message": self.message, "metadata": self._metadata}}, 400)


class Answers:
    """Builds the responses of one operation."""

    def __init__(self, operation: Operation, voice: Voice, pace: Pace, profile: Profile, catalog: Catalog) -> None:
        """Look up the documented success response.

        Raises:
            ValueError: The operation documents none.
        """
        success = next((answer for status, answer in operation.answers.items() if 200 <= status < 300), None)
        if success is None:
            raise ValueError(f"{operation.method} {operation.path} documents no success response")
        self._operation = operation
        self._success = success
        self._voice = voice
        self._pace = pace
        self._profile = profile
        self._catalog = catalog

    async def answer(self, fault: Fault, body: Mapping[str, Any], request: Request) -> Response:
        """Build the response to a request with this body.

        Raises:
            RefusedError: The body requests something unsupported.
        """
        if (fixed := self._without_audio(fault)) is not None:
            return fixed
        if self._success.content_type is None:
            return Response(status_code=self._success.status)
        if not self._success.content_type.startswith("audio/"):
            return self._looked_up(request, fault)
        audio_format = body.get("response_format", self._operation.body_defaults.get("response_format", "pcm"))
        rule = self._profile.rule(body.get("model"))
        if rule is not None and (reason := rule.refusal(body, audio_format)):
            raise ProviderRefusedError(rule.provider, reason)
        samples = await run_in_threadpool(self._samples, body)
        audio, content_type = await run_in_threadpool(
            _encoded, samples, audio_format, SAMPLE_RATE if rule is None else rule.rate
        )
        response = self._with_audio(fault, audio, content_type, len(samples) / SAMPLE_RATE)
        if rule is not None:
            response.headers["X-Provider-Name"] = rule.provider
        if generation := response.headers.get("X-Generation-Id"):
            self._catalog.charge(generation, body, response.headers.get("X-Provider-Name"), len(samples) / SAMPLE_RATE)
        return response

    def _looked_up(self, request: Request, fault: Fault) -> Response:
        try:
            found = None if fault.example else self._catalog.answer(self._operation, request)
        except KeyError:
            raise RefusedError(404, "Not found") from None
        return found or JSONResponse(_example(self._success, fault.example), self._success.status)

    def _samples(self, body: Mapping[str, Any]) -> Samples:
        """Speak the text, or each turn with its own voice."""
        said, voice = body.get("input", ""), body.get("voice", "")
        turns = [{"text": said}] if isinstance(said, str) else said
        return np.concatenate(
            [self._voice(turn["text"], turn.get("voice", voice), body.get("speed", 1.0)) for turn in turns]
            or [self._voice("", voice, 1.0)]
        )

    def _without_audio(self, fault: Fault) -> Response | None:
        if fault.kind in _BODIES:
            status, body = _BODIES[fault.kind]
            return JSONResponse(body, status or self._success.status, fault.retry_headers(now()))
        match fault.kind:
            case "status":
                return self._documented_error(fault)
            case "html":
                return Response(_GATEWAY_HTML, 502, media_type="text/html")
            case "close":
                return NoResponse()
        return None

    def _with_audio(self, fault: Fault, audio: bytes, content_type: str, seconds: float) -> Response:
        if fault.kind == "empty":
            audio = b""
        elif fault.kind == "half-frame":
            audio = audio[: len(audio) // PCM_SAMPLE_WIDTH * PCM_SAMPLE_WIDTH - 1]
        return AudioResponse(
            audio,
            self._success.status,
            {"X-Generation-Id": _generation_id()} if "X-Generation-Id" in self._success.headers else {},
            "text/plain" if fault.kind == "type" else content_type,
            seconds=seconds if self._pace == "realtime" else 0.0,
            delay=fault.seconds if fault.kind == "slow" else 0.0,
            ending=fault.kind if fault.kind in {"cut", "stall"} else None,
        )

    def _documented_error(self, fault: Fault) -> Response:
        documented = self._operation.answers[fault.status or 0]
        body = _example(documented, fault.example)
        if body is None and documented.content_type == JSON:
            body = {"error": {"code": documented.status, "message": f"Status {documented.status}, as requested"}}
        if fault.retry_after is not None and fault.form.startswith("metadata"):
            if not isinstance(body, Mapping) or not isinstance(body.get("error"), Mapping):
                raise RefusedError(
                    400, f"form={fault.form}: the {documented.status} has no example with an error object"
                )
            body = json.loads(json.dumps(body))
            body["error"]["metadata"] = (
                {"retry_after_seconds": fault.retry_after}
                if fault.form == "metadata-seconds"
                else {"headers": {"Retry-After": decimal(fault.retry_after)}}
            )
        headers = fault.retry_headers(now())
        if documented.content_type is None:
            return Response(None, documented.status, headers)
        return JSONResponse(body, documented.status, headers)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build an error response in the documented shape."""
    return Response(json.dumps({"error": {"code": status, "message": message}}), status, headers, JSON)


def _example(answer: Answer, name: str | None) -> Any:
    if name is None:
        return answer.example
    if name not in answer.examples:
        known = ", ".join(answer.examples) or "none"
        raise RefusedError(400, f"Prefer: {answer.status} has no example {name!r}; it has {known}")
    return answer.examples[name]


def _encoded(samples: Samples, audio_format: str, rate: int) -> tuple[bytes, str]:
    try:
        return encode(samples, audio_format, rate)
    except ValueError as reason:
        raise RefusedError(400, str(reason)) from reason


def _generation_id() -> str:
    return f"gen-tts-{int(time.time())}-{secrets.token_hex(8)}"
