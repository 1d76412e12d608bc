"""The exceptions of this package.

OpenRouterError
├── ConfigurationError                     the setup is wrong: no API key, for example
├── InvalidRowsError                       rows of a batch are wrong (also a ValueError)
├── APIConnectionError                     no complete response
│   └── APITimeoutError                      ... in time
├── APIStatusError                         the server reports an error
│   ├── BadRequestResponseError, ...         one class for each documented status, in `BY_STATUS`
│   ├── RedirectError                        3XX: redirects are not followed
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

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from openrouter_speech_api import status_errors
from openrouter_speech_api.status_errors import *  # noqa: F403
from openrouter_speech_api.status_errors import BY_STATUS, APIStatusError, OpenRouterError

from . import _generated as wire
from ._core import bodies, retries

__all__ = [  # noqa: PLE0604
    *status_errors.__all__,
    "APIConnectionError",
    "APITimeoutError",
    "AudioError",
    "ConfigurationError",
    "EmptyAudioError",
    "FileWriteError",
    "InvalidRowsError",
    "NotAudioError",
    "OpenRouterDefaultError",
    "PlaybackError",
    "RedirectError",
    "SaveError",
    "StreamConsumedError",
    "SuffixMismatchError",
    "TruncatedAudioError",
]


class ConfigurationError(OpenRouterError, ValueError):
    """The client's setup is wrong. Nothing was sent."""


class InvalidRowsError(OpenRouterError, ValueError):
    """Rows of a batch are wrong. Nothing was sent.

    Attributes:
        problems: What is wrong with each row, with its line number; the first thousand.
    """

    def __init__(self, message: str, problems: Sequence[str]) -> None:
        super().__init__(bodies.escaped(message))
        self.problems = tuple(map(bodies.escaped, problems))
        for problem in self.problems:
            self.add_note(problem)


class APIConnectionError(OpenRouterError):
    """No complete response arrived. `__cause__` is the httpx exception.

    If the connection was lost after the request was sent, `maybe_billed` is True.

    Attributes:
        audio: The audio that arrived and was not passed to the caller yet.
    """

    audio: bytes = b""

    def __init__(self, message: str, *, maybe_billed: bool = False) -> None:
        super().__init__(bodies.escaped(message))
        self.maybe_billed = maybe_billed


class APITimeoutError(APIConnectionError):
    """No complete response arrived within the timeout."""


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
        super().__init__(bodies.escaped(message), raw_response)
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
        super().__init__(bodies.escaped(message))
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
        message = (
            f"The server redirects to {location} (status {response.status_code}). Redirects are not followed, because "
            "the request carries an API key. If the address is right, pass it as server_url."
        )
        return RedirectError(bodies.escaped(message), response)
    data = None if response.is_success else wire.parse_error(response)
    said = bodies.message(hide(response.text), hide(data.error.message) if data else None)
    said = said or bodies.excerpt(response.reason_phrase) or "an empty response"
    if response.is_success:
        return NotAudioError(_not_audio(response, said), response, audio=response.content)
    maybe_billed = response.status_code in retries.MAYBE_BILLED_STATUSES and _costs_money(response)
    if maybe_billed:
        said = f"{said.rstrip('.')}. The request may have been charged."
    kind = BY_STATUS.get(response.status_code, OpenRouterDefaultError)
    error = kind(bodies.escaped(f"{response.status_code}: {said}"), response, data=data)
    metadata = bodies.metadata(error.body)
    error.maybe_billed = maybe_billed
    error.throttled = retries.is_throttled(response.status_code, metadata)
    error.retry_after = retries.retry_after(response.headers, metadata=metadata, throttled=error.throttled)
    return error


def _not_audio(response: httpx.Response, said: str) -> str:
    content_type = response.headers.get("content-type")
    sent = f"{content_type}, not audio" if content_type else "untyped content that is not audio"
    if content_type and content_type.startswith("audio/"):
        sent = f"content labelled {content_type} that is not audio"
    return f"The server reported success but sent {sent}: {said}"


def _costs_money(response: httpx.Response) -> bool:
    try:
        return response.request.method != "GET"
    except RuntimeError:  # a response that a user made, without a request
        return True


def from_transport(cause: httpx.RequestError, request: httpx.Request) -> APIConnectionError:
    """Make the error for an attempt without a complete response."""
    server = request.url.netloc.decode("ascii")
    maybe_billed = request.method != "GET" and not _was_never_sent(cause)
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
