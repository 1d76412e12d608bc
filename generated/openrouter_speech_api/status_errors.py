"""The errors of the API: one class for each documented status."""

from typing import Any, Self

import httpx

from .models.error_response import ErrorResponse


class OpenRouterError(Exception):
    """The base of all errors. Attributes that do not apply are None.

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

    retry_after: float | None = None
    throttled: bool = False
    maybe_billed: bool = False
    retryable: bool = True

    def __init__(
        self, message: str, raw_response: httpx.Response | None = None, *, data: ErrorResponse | None = None
    ) -> None:
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
        return self.headers.get("x-generation-id")

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


class APIStatusError(OpenRouterError):
    """The server responded with a status other than success."""


class BadRequestResponseError(APIStatusError):
    """400: The request is malformed, or a field has a wrong value."""


class UnauthorizedResponseError(APIStatusError):
    """401: The API key is missing or invalid."""


class PaymentRequiredResponseError(APIStatusError):
    """402: The account lacks the credit for this request."""


class ForbiddenResponseError(APIStatusError):
    """403: The key, or a guardrail of its account, does not allow this request."""


class NotFoundResponseError(APIStatusError):
    """404: There is no such model, or no such path."""


class PayloadTooLargeResponseError(APIStatusError):
    """413: The request is too large, for example a recording in it."""


class TooManyRequestsResponseError(APIStatusError):
    """429: Too many requests."""


class InternalServerResponseError(APIStatusError):
    """500: The server failed."""


class BadGatewayResponseError(APIStatusError):
    """502: The provider failed, or sent an unusable response."""


class ServiceUnavailableResponseError(APIStatusError):
    """503: No provider can serve the request at the moment."""


class EdgeNetworkTimeoutResponseError(APIStatusError):
    """524: The edge network gave up waiting for the server."""


class ProviderOverloadedResponseError(APIStatusError):
    """529: The server is overloaded."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestResponseError,
    401: UnauthorizedResponseError,
    402: PaymentRequiredResponseError,
    403: ForbiddenResponseError,
    404: NotFoundResponseError,
    413: PayloadTooLargeResponseError,
    429: TooManyRequestsResponseError,
    500: InternalServerResponseError,
    502: BadGatewayResponseError,
    503: ServiceUnavailableResponseError,
    524: EdgeNetworkTimeoutResponseError,
    529: ProviderOverloadedResponseError,
}
"""The class of each documented status."""

__all__ = [
    "BY_STATUS",
    "APIStatusError",
    "BadGatewayResponseError",
    "BadRequestResponseError",
    "EdgeNetworkTimeoutResponseError",
    "ForbiddenResponseError",
    "InternalServerResponseError",
    "NotFoundResponseError",
    "OpenRouterError",
    "PayloadTooLargeResponseError",
    "PaymentRequiredResponseError",
    "ProviderOverloadedResponseError",
    "ServiceUnavailableResponseError",
    "TooManyRequestsResponseError",
    "UnauthorizedResponseError",
]
