"""Responses to valid requests: audio, or the requested fault."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from .._core.audio import PCM_SAMPLE_WIDTH
from .description import JSON, Answer, Operation
from .encoder import encode
from .faults import Fault, decimal, now, zod_error
from .synthesizer import SAMPLE_RATE, Samples
from .transport import AudioResponse, NoResponse
from .voices import Voice

Pace = Literal["fast", "realtime"]
PACES = ("fast", "realtime")

_GATEWAY_HTML = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)


class RefusedError(Exception):
    """The request is rejected with an error response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Answers:
    """Builds the responses of one operation."""

    def __init__(self, operation: Operation, voice: Voice, pace: Pace) -> None:
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

    async def answer(self, fault: Fault, body: Mapping[str, Any]) -> Response:
        """Build the response to a request with this body.

        Raises:
            RefusedError: The body requests something unsupported.
        """
        if (fixed := self._without_audio(fault)) is not None:
            return fixed
        if not (self._success.content_type or "").startswith("audio/"):
            return JSONResponse(_example(self._success, fault.example), self._success.status)
        samples = await run_in_threadpool(self._samples, body)
        audio_format = body.get("response_format", self._operation.body_defaults.get("response_format", "pcm"))
        audio, content_type = await run_in_threadpool(_encoded, samples, audio_format)
        return self._with_audio(fault, audio, content_type, len(samples) / SAMPLE_RATE)

    def _samples(self, body: Mapping[str, Any]) -> Samples:
        """Speak the text, or each turn with its own voice."""
        said, voice = body.get("input", ""), body.get("voice", "")
        turns = [{"text": said}] if isinstance(said, str) else said
        return np.concatenate(
            [self._voice(turn["text"], turn.get("voice", voice), body.get("speed", 1.0)) for turn in turns]
            or [self._voice("", voice, 1.0)]
        )

    def _without_audio(self, fault: Fault) -> Response | None:
        match fault.kind:
            case "status":
                return self._documented_error(fault)
            case "html":
                return Response(_GATEWAY_HTML, 502, media_type="text/html")
            case "zod":
                return JSONResponse(zod_error("input"), 400)
            case "close":
                return NoResponse()
            case "json":
                return JSONResponse({"error": {"code": 502, "message": "The provider failed"}}, self._success.status)
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
        if fault.retry_after is not None and fault.form == "metadata":
            body = json.loads(json.dumps(body))
            body["error"]["metadata"] = {"headers": {"Retry-After": decimal(fault.retry_after)}}
        return JSONResponse(body, documented.status, fault.retry_headers(now()))


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


def _encoded(samples: Samples, audio_format: str) -> tuple[bytes, str]:
    try:
        return encode(samples, audio_format)
    except ValueError as reason:
        raise RefusedError(400, str(reason)) from reason


def _generation_id() -> str:
    return f"gen-tts-{int(time.time())}-{secrets.token_hex(8)}"
