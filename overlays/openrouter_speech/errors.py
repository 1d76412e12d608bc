"""The exceptions of this package.

OpenRouterError
├── ConfigurationError                     the setup is wrong: no API key, for example
├── APIConnectionError                     no complete response
│   └── APITimeoutError                      ... in time
├── APIStatusError                         the server reports an error
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
├── AudioError                             a success without complete audio
│   ├── EmptyAudioError                      no bytes at all
│   ├── NotAudioError                        JSON or HTML, for example
│   └── TruncatedAudioError                  some of it is missing
├── SaveError                              the audio arrived, but could not be saved as requested
│   ├── SuffixMismatchError                  the file's suffix contradicts the audio (also a ValueError)
│   └── FileWriteError                       the file cannot be written (also an OSError)
├── StreamConsumedError                    the stream was already read, or is closed (also a RuntimeError)
└── PlaybackError                          the audio cannot be played: no device, for example
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx

from . import _generated as wire
from ._core import bodies, headers, retries
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
    """The base of all errors of this package. Attributes that do not apply are None.

    Attributes:
        message: A readable sentence. Control characters from the server are escaped: `\\x1b`.
        raw_response: The response, read as far as needed. Its request no longer holds the API key.
        status_code: The response's status.
        headers: The response's headers; empty if there was no response.
        body: The response's text; empty for audio, or if there was no response.
        data: The documented error model, if the body matches it.
        generation_id: The ID of the synthesis.
        retry_after: Seconds to wait before another attempt, if the server said so.
        throttled: Whether too much was sent at once: a 429, or a 402 for in-flight requests. Waiting helps.
        maybe_billed: Whether the audio may have been synthesized and charged, but not delivered.
        retryable: Whether another attempt could help. False if the audio has arrived already.
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
        # BaseException would call the class with `args`, which does not fit subclasses with other parameters.
        return type(self)._restore, (self.message, self.__dict__)

    @classmethod
    def _restore(cls, message: str, attributes: dict[str, Any]) -> Self:
        error = cls.__new__(cls, message)
        error.__dict__.update(attributes)
        return error


class ConfigurationError(OpenRouterError, ValueError):
    """The client's setup is wrong. Nothing was sent."""


class APIConnectionError(OpenRouterError):
    """No complete response arrived. `__cause__` is the httpx exception.

    If the connection was lost after the request was sent, `maybe_billed` is True.

    Attributes:
        audio: The audio that arrived and was not passed to the caller yet.
    """

    audio: bytes = b""

    def __init__(self, message: str, *, maybe_billed: bool = False) -> None:
        super().__init__(message)
        self.maybe_billed = maybe_billed


class APITimeoutError(APIConnectionError):
    """No complete response arrived within the timeout."""


class APIStatusError(OpenRouterError):
    """The server responded with a status other than success.

    `maybe_billed` is True for `retries.MAYBE_BILLED_STATUSES`, such as 504 and 524.
    """

    def __init__(
        self, message: str, raw_response: httpx.Response | None = None, *, data: ErrorResponse | None = None
    ) -> None:
        super().__init__(message, raw_response, data=data)
        self.maybe_billed = self.status_code in retries.MAYBE_BILLED_STATUSES


class BadRequestResponseError(APIStatusError):
    """400: the request is malformed, or a field has a wrong value."""


class UnauthorizedResponseError(APIStatusError):
    """401: the API key is missing or invalid."""


class PaymentRequiredResponseError(APIStatusError):
    """402: the account lacks the credit for the request or, if `throttled`, for all in-flight requests."""


class NotFoundResponseError(APIStatusError):
    """404: there is no such model, or no such path."""


class TooManyRequestsResponseError(APIStatusError):
    """429: too many requests; `retry_after` says when to try again."""


class InternalServerResponseError(APIStatusError):
    """500: the server failed."""


class BadGatewayResponseError(APIStatusError):
    """502: the provider failed."""


class ServiceUnavailableResponseError(APIStatusError):
    """503: no provider can serve the request at the moment."""


class EdgeNetworkTimeoutResponseError(APIStatusError):
    """524: the edge network gave up waiting for the server. The synthesis may continue, and be charged."""


class ProviderOverloadedResponseError(APIStatusError):
    """529: the provider is overloaded."""


class RedirectError(APIStatusError):
    """3XX: a redirect to `location`. It is not followed, because the request carries an API key."""

    @property
    def location(self) -> str | None:
        location: str | None = self.headers.get("location")
        return location


class OpenRouterDefaultError(APIStatusError):
    """Any other status."""


class AudioError(OpenRouterError):
    """The server reported success, but the body is not complete audio. It may have been charged.

    Attributes:
        audio: The bytes that arrived and were not passed to the caller yet.
        bytes_received: The number of bytes that arrived.
    """

    maybe_billed = True

    def __init__(
        self, message: str, raw_response: httpx.Response, *, audio: bytes = b"", bytes_received: int | None = None
    ) -> None:
        super().__init__(message, raw_response)
        self.audio = audio
        self.bytes_received = len(audio) if bytes_received is None else bytes_received


class EmptyAudioError(AudioError):
    """The body is empty."""


class NotAudioError(AudioError):
    """The body is not audio. `body` is its text, if any; an error message in it is part of `message`."""

    @property
    def body(self) -> str:
        try:
            return self.raw_response.text if self.raw_response is not None else ""
        except httpx.ResponseNotRead:
            return ""


class TruncatedAudioError(AudioError):
    """The audio ends early: before its announced length, or in the middle of a pcm frame."""


class SaveError(OpenRouterError):
    """The audio arrived and was paid for, but could not be saved as requested. None of it is lost.

    Attributes:
        saved_to: The file that holds the audio instead; None if `audio` holds it.
        audio: The audio as it arrived; empty if `saved_to` holds it.
    """

    maybe_billed = True
    retryable = False

    def __init__(self, message: str, *, saved_to: Path | None = None, audio: bytes = b"") -> None:
        super().__init__(message)
        self.saved_to = saved_to
        self.audio = audio


class SuffixMismatchError(SaveError, ValueError):
    """The file's suffix contradicts the audio that arrived."""


class FileWriteError(SaveError, OSError):
    """The file cannot be written. `errno`, `strerror` and `filename` come from the underlying `OSError`."""

    # OSError implements these in C, where pickling does not find them.
    errno: int | None = None
    strerror: str | None = None
    filename: str | None = None

    def __init__(self, message: str, *, cause: OSError, saved_to: Path | None = None, audio: bytes = b"") -> None:
        super().__init__(message, saved_to=saved_to, audio=audio)
        self.errno, self.strerror, self.filename = cause.errno, cause.strerror, cause.filename


class StreamConsumedError(OpenRouterError, RuntimeError):
    """The stream was already read, at least in part, or is closed."""


class PlaybackError(OpenRouterError):
    """The audio cannot be played here. It can still be saved."""


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
    httpx.WriteError,  # the request did not go out in full, so the server cannot have acted on it
    httpx.WriteTimeout,
)


def from_response(response: httpx.Response, hide: Callable[[str], str] = str) -> OpenRouterError:
    """Make the error for a response that reports one, or for a success that is not audio.

    Args:
        response: The response, read.
        hide: Masks an API key that the server echoed in a text.
    """
    if response.is_redirect:
        location = hide(response.headers.get("location", "nowhere"))
        return RedirectError(
            f"The server redirects to {location} (status {response.status_code}). Redirects are not followed, because "
            "the request carries an API key. If the address is right, pass it as server_url.",
            response,
        )
    data = None if response.is_success else wire.parse_error(response)
    said = bodies.message(hide(response.text), hide(data.error.message) if data else None)
    said = said or bodies.excerpt(response.reason_phrase) or "an empty response"
    if response.is_success:
        content_type = response.headers.get("content-type")
        sent = f"{content_type}, not audio" if content_type else "untyped content that is not audio"
        if content_type and content_type.startswith("audio/"):
            sent = f"content labelled {content_type} that is not audio"
        return NotAudioError(f"The server reported success but sent {sent}: {said}", response, audio=response.content)
    if response.status_code in retries.MAYBE_BILLED_STATUSES:
        said = f"{said.rstrip('.')}. The request may have been charged."
    kind = BY_STATUS.get(response.status_code, OpenRouterDefaultError)
    return kind(f"{response.status_code}: {said}", response, data=data)


def from_transport(cause: httpx.RequestError, request: httpx.Request) -> APIConnectionError:
    """Make the error for an attempt without a complete response."""
    server = request.url.netloc.decode("ascii")
    maybe_billed = not _was_never_sent(cause)
    billing = " The request was sent and may be charged." if maybe_billed else ""
    reason = bodies.excerpt(str(cause)) or type(cause).__name__
    if isinstance(cause, httpx.TimeoutException):
        return APITimeoutError(
            f"{server} did not respond in time ({_TIMEOUTS.get(type(cause), reason)}).{billing}",
            maybe_billed=maybe_billed,
        )
    problem = f"No response from {server}"
    if isinstance(cause, httpx.DecodingError):
        problem = f"{server} sent a response whose Content-Encoding is wrong"
    return APIConnectionError(f"{problem}: {reason}.{billing}", maybe_billed=maybe_billed)


def _was_never_sent(cause: httpx.RequestError) -> bool:
    if not isinstance(cause, _NEVER_SENT):
        return False
    # httpx-aiohttp's own client also raises ConnectTimeout when a connection is lost later; check the cause.
    names = {kind.__name__ for kind in type(cause.__cause__).__mro__}
    return "ClientConnectionError" not in names or not names.isdisjoint(_NO_CONNECTION)


_NO_CONNECTION = {"ClientConnectorError", "ConnectionTimeoutError"}
"""aiohttp's exceptions for a failure to connect."""

_TIMEOUTS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectTimeout: "while connecting",
    httpx.PoolTimeout: "while waiting for a free connection",
    httpx.ReadTimeout: "while waiting for the next bytes of the response",
    httpx.WriteTimeout: "while sending the request",
}
