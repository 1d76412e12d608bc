"""Every error a call can end in.

OpenRouterError
├── ConfigurationError                     the client cannot be used as it is set up: no key, say
├── APIConnectionError                     no answer
│   └── APITimeoutError                      ... in time
├── APIStatusError                         an answer that is not a success
│   ├── BadRequestResponseError        400
│   ├── UnauthorizedResponseError      401
│   ├── PaymentRequiredResponseError   402
│   ├── NotFoundResponseError          404
│   ├── TooManyRequestsResponseError   429
│   ├── InternalServerResponseError    500
│   ├── BadGatewayResponseError        502
│   ├── ServiceUnavailableResponseError 503
│   ├── EdgeNetworkTimeoutResponseError 524
│   ├── ProviderOverloadedResponseError 529
│   ├── RedirectError                  3XX   redirects are not followed
│   └── OpenRouterDefaultError               any other status
├── AudioError                             a success whose body is not the audio it should be
│   ├── EmptyAudioError                      no byte of it
│   ├── NotAudioError                        JSON or HTML, say
│   └── TruncatedAudioError                  a part is missing
├── SaveError                              the audio arrived and is kept, but not where it was meant to go
│   ├── SuffixMismatchError                  the file's suffix contradicts the audio (also a ValueError)
│   └── FileWriteError                       the file cannot be written (also an OSError)
├── StreamConsumedError                    the stream was already read, or is closed (also a RuntimeError)
└── PlaybackError                          audio is there, but not to be heard: no device, say
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx

from . import bodies, headers, retries, wire
from .components import ErrorResponse

__all__ = [
    "BY_STATUS",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AudioError",
    "BadGatewayResponseError",
    "BadRequestResponseError",
    "ConfigurationError",
    "EdgeNetworkTimeoutResponseError",
    "EmptyAudioError",
    "FileWriteError",
    "InternalServerResponseError",
    "NotAudioError",
    "NotFoundResponseError",
    "OpenRouterDefaultError",
    "OpenRouterError",
    "PaymentRequiredResponseError",
    "PlaybackError",
    "ProviderOverloadedResponseError",
    "RedirectError",
    "SaveError",
    "ServiceUnavailableResponseError",
    "StreamConsumedError",
    "SuffixMismatchError",
    "TooManyRequestsResponseError",
    "TruncatedAudioError",
    "UnauthorizedResponseError",
]


class OpenRouterError(Exception):
    """The base of all errors of this package. What does not apply to an error is None.

    Attributes:
        message: One sentence, for a person to read. Control characters that a server sent are shown escaped: `\\x1b`.
        raw_response: The answer, read as far as it was needed. Its request no longer holds the credential.
        status_code: The answer's status.
        headers: The answer's headers; empty if there was no answer.
        body: The answer's text; empty for audio, or if there was no answer.
        data: The documented error model, where the body was of that shape.
        generation_id: The synthesis that the answer belongs to.
        retry_after: Seconds to wait before another attempt, as far as the server said.
        throttled: Whether too much was sent at once: a 429, or a 402 for what is in flight. It passes by itself.
        maybe_billed: Whether the audio may have been synthesized, and charged, without arriving.
        retryable: Whether another attempt could help. It could not if the audio is there already.
    """

    maybe_billed: bool = False
    retryable: bool = True

    def __init__(
        self, message: str, raw_response: httpx.Response | None = None, *, data: ErrorResponse | None = None
    ) -> None:
        message = bodies.escaped(message)
        super().__init__(message)
        self.message = message
        self.raw_response = raw_response
        self.data = data

    @property
    def status_code(self) -> int | None:
        return self.raw_response.status_code if self.raw_response is not None else None

    @property
    def headers(self) -> httpx.Headers:
        return self.raw_response.headers if self.raw_response is not None else httpx.Headers()

    @property
    def body(self) -> str:
        if self.raw_response is None or self.headers.get("content-type", "").startswith("audio/"):
            return ""
        try:
            return self.raw_response.text
        except httpx.ResponseNotRead:
            return ""

    @property
    def generation_id(self) -> str | None:
        return headers.generation_id(self.headers)

    @cached_property
    def retry_after(self) -> float | None:
        return retries.retry_after(self.headers, metadata=self._metadata, throttled=self.throttled)

    @cached_property
    def throttled(self) -> bool:
        return retries.is_throttled(self.status_code, self._metadata)

    @cached_property
    def _metadata(self) -> Mapping[str, Any]:
        return bodies.metadata(self.body)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException would call the class with its args again, which subclasses with other parameters cannot take.
        return type(self)._restore, (self.message, self.__dict__)

    @classmethod
    def _restore(cls, message: str, attributes: dict[str, Any]) -> Self:
        error = cls.__new__(cls, message)
        error.__dict__.update(attributes)
        return error


class ConfigurationError(OpenRouterError, ValueError):
    """The client cannot make a call as it is set up. Nothing was sent."""


class APIConnectionError(OpenRouterError):
    """No answer came, or no more of it. `__cause__` is what httpx raised.

    Where the connection was lost after the request had been sent, `maybe_billed` is True.

    Attributes:
        audio: What of the audio had arrived by then, as far as it was not handed on already.
    """

    audio: bytes = b""

    def __init__(self, message: str, *, maybe_billed: bool = False) -> None:
        super().__init__(message)
        self.maybe_billed = maybe_billed


class APITimeoutError(APIConnectionError):
    """No answer came, or no more of it, within the time that the call allows."""


class APIStatusError(OpenRouterError):
    """The server answered with a status that is not a success.

    After the statuses of `retries.MAYBE_BILLED_STATUSES`, such as 504 and 524, `maybe_billed` is True.
    """

    def __init__(
        self, message: str, raw_response: httpx.Response | None = None, *, data: ErrorResponse | None = None
    ) -> None:
        super().__init__(message, raw_response, data=data)
        self.maybe_billed = self.status_code in retries.MAYBE_BILLED_STATUSES


class BadRequestResponseError(APIStatusError):
    """400: the request is malformed, or a field of it has a wrong value."""


class UnauthorizedResponseError(APIStatusError):
    """401: the API key is missing or not valid."""


class PaymentRequiredResponseError(APIStatusError):
    """402: the account has too little credit for the request, or, if `throttled`, for all that is in flight."""


class NotFoundResponseError(APIStatusError):
    """404: there is no such model, or no such path."""


class TooManyRequestsResponseError(APIStatusError):
    """429: requests came too fast; `retry_after` says when to come back."""


class InternalServerResponseError(APIStatusError):
    """500: the server failed."""


class BadGatewayResponseError(APIStatusError):
    """502: the provider failed."""


class ServiceUnavailableResponseError(APIStatusError):
    """503: no provider can serve the request just now."""


class EdgeNetworkTimeoutResponseError(APIStatusError):
    """524: the provider took too long for the network in front of the server. It may go on, and be charged."""


class ProviderOverloadedResponseError(APIStatusError):
    """529: the provider has more requests than it can serve."""


class RedirectError(APIStatusError):
    """3XX: a redirect. It is not followed, since the request carries a key; `location` is where it points, if known."""

    @property
    def location(self) -> str | None:
        location: str | None = self.headers.get("location")
        return location


class OpenRouterDefaultError(APIStatusError):
    """Any status that has no class of its own."""


class AudioError(OpenRouterError):
    """The server reported success, but the body is not the audio it should be. It may have been charged.

    Attributes:
        audio: What arrived, as far as it was not handed on already.
        bytes_received: How many bytes of the body arrived.
    """

    maybe_billed = True

    def __init__(
        self, message: str, raw_response: httpx.Response, *, audio: bytes = b"", bytes_received: int | None = None
    ) -> None:
        super().__init__(message, raw_response)
        self.audio = audio
        self.bytes_received = len(audio) if bytes_received is None else bytes_received


class EmptyAudioError(AudioError):
    """The body has no byte."""


class NotAudioError(AudioError):
    """The body is not audio. `body` is its text, if it is one; an error message inside is part of `message`."""

    @property
    def body(self) -> str:
        try:
            return self.raw_response.text if self.raw_response is not None else ""
        except httpx.ResponseNotRead:
            return ""


class TruncatedAudioError(AudioError):
    """The audio stops short: of its announced length, or in the middle of a pcm frame."""


class SaveError(OpenRouterError):
    """The audio arrived and was paid for, but could not go where it was meant to. Nothing of it is lost.

    Attributes:
        saved_to: The file that holds the audio instead; None if it is in `audio`.
        audio: The audio as it arrived; empty if it is in `saved_to`.
    """

    maybe_billed = True
    retryable = False

    def __init__(self, message: str, *, saved_to: Path | None = None, audio: bytes = b"") -> None:
        super().__init__(message)
        self.saved_to = saved_to
        self.audio = audio


class SuffixMismatchError(SaveError, ValueError):
    """The suffix of the file contradicts the audio that arrived."""


class FileWriteError(SaveError, OSError):
    """The file cannot be written. `errno`, `strerror` and `filename` are those of the `OSError` that caused it."""

    # OSError has these in C, where pickling does not find them.
    errno: int | None = None
    strerror: str | None = None
    filename: str | None = None

    def __init__(self, message: str, *, cause: OSError, saved_to: Path | None = None, audio: bytes = b"") -> None:
        super().__init__(message, saved_to=saved_to, audio=audio)
        self.errno, self.strerror, self.filename = cause.errno, cause.strerror, cause.filename


class StreamConsumedError(OpenRouterError, RuntimeError):
    """The stream was already read, in part or whole, or it is closed."""


class PlaybackError(OpenRouterError):
    """The audio cannot be played here. It is as good as before: it can be saved."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestResponseError,
    401: UnauthorizedResponseError,
    402: PaymentRequiredResponseError,
    404: NotFoundResponseError,
    429: TooManyRequestsResponseError,
    500: InternalServerResponseError,
    502: BadGatewayResponseError,
    503: ServiceUnavailableResponseError,
    524: EdgeNetworkTimeoutResponseError,
    529: ProviderOverloadedResponseError,
}
"""The class of each status that openapi.yaml documents."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.WriteError,  # not all of the request went out, so the server cannot have understood it
    httpx.WriteTimeout,
)


def from_answer(response: httpx.Response, hide: Callable[[str], str] = str) -> OpenRouterError:
    """The error for an answer that was read: one that is not a success, or a success that is not audio.

    Args:
        response: The answer.
        hide: Makes a text in which a key that the server sent back is not shown.
    """
    if response.is_redirect:
        location = hide(response.headers.get("location", "nowhere"))
        return RedirectError(
            f"The server points to {location} (status {response.status_code}). Redirects are not followed, since the "
            "request carries a key; if the address is right, pass it as server_url.",
            response,
        )
    data = None if response.is_success else wire.parse_error(response)
    said = bodies.message(hide(response.text), hide(data.error.message) if data else None)
    said = said or bodies.excerpt(response.reason_phrase) or "an empty answer"
    if response.is_success:
        content_type = response.headers.get("content-type")
        what = f"{content_type}, not audio" if content_type else "something without a type that is not audio"
        if content_type and content_type.startswith("audio/"):
            what = f"something that is not audio under the type {content_type}"
        return NotAudioError(f"The server reported success but sent {what}: {said}", response, audio=response.content)
    if response.status_code in retries.MAYBE_BILLED_STATUSES:
        said = f"{said.rstrip('.')}. The request may have been charged."
    kind = BY_STATUS.get(response.status_code, OpenRouterDefaultError)
    return kind(f"{response.status_code}: {said}", response, data=data)


def from_transport(cause: httpx.RequestError, request: httpx.Request) -> APIConnectionError:
    """The error for an attempt that ended without an answer, or in the middle of one."""
    server = request.url.netloc.decode("ascii")
    maybe_billed = not _was_never_sent(cause)
    afterwards = " The request had been sent and may be charged." if maybe_billed else ""
    reason = bodies.excerpt(str(cause)) or type(cause).__name__
    if isinstance(cause, httpx.DecodingError):
        reason = f"it sent a response whose Content-Encoding is wrong ({reason})"
    if isinstance(cause, httpx.TimeoutException):
        return APITimeoutError(
            f"{server} did not answer in time ({_TIMEOUTS.get(type(cause), reason)}).{afterwards}",
            maybe_billed=maybe_billed,
        )
    return APIConnectionError(f"No answer from {server}: {reason}.{afterwards}", maybe_billed=maybe_billed)


def _was_never_sent(cause: httpx.RequestError) -> bool:
    if not isinstance(cause, _NEVER_SENT):
        return False
    # A client of httpx-aiohttp's own calls it a ConnectTimeout too when a connection is lost later; the cause tells.
    names = {kind.__name__ for kind in type(cause.__cause__).__mro__}
    return "ClientConnectionError" not in names or not names.isdisjoint(_NO_CONNECTION)


_NO_CONNECTION = {"ClientConnectorError", "ConnectionTimeoutError"}
"""What aiohttp raises where it could not connect."""

_TIMEOUTS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectTimeout: "while connecting",
    httpx.PoolTimeout: "while waiting for a free connection",
    httpx.ReadTimeout: "while waiting for the next bytes of the answer",
    httpx.WriteTimeout: "while sending the request",
}
