from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.speech_request import SpeechRequest
from ...types import UNSET, File, Response, Unset


def request_kwargs(
    *,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments for `httpx.Client.request`, `stream` and `build_request`."""
    headers: dict[str, Any] = {}
    if not isinstance(http_referer, Unset):
        headers["HTTP-Referer"] = http_referer

    if not isinstance(x_open_router_title, Unset):
        headers["X-OpenRouter-Title"] = x_open_router_title

    if not isinstance(x_open_router_categories, Unset):
        headers["X-OpenRouter-Categories"] = x_open_router_categories

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/audio/speech",
    }
    _kwargs["json"] = body.to_dict()
    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def parse_response(*, client: Client, response: httpx.Response) -> ErrorResponse | File | None:
    """Parse a response, already read, into the type documented for its status.

    Returns:
        None if the status is not documented, or the body does not match its type.

    Raises:
        errors.UnexpectedStatus: It would return None, and the client has raise_on_unexpected_status.
    """
    try:
        if response.status_code == 200:
            response_200 = File(payload=BytesIO(response.content))

            return response_200

        if response.status_code == 400:
            response_400 = ErrorResponse.from_dict(response.json())

            return response_400

        if response.status_code == 401:
            response_401 = ErrorResponse.from_dict(response.json())

            return response_401

        if response.status_code == 402:
            response_402 = ErrorResponse.from_dict(response.json())

            return response_402

        if response.status_code == 403:
            response_403 = ErrorResponse.from_dict(response.json())

            return response_403

        if response.status_code == 404:
            response_404 = ErrorResponse.from_dict(response.json())

            return response_404

        if response.status_code == 413:
            response_413 = ErrorResponse.from_dict(response.json())

            return response_413

        if response.status_code == 429:
            response_429 = ErrorResponse.from_dict(response.json())

            return response_429

        if response.status_code == 500:
            response_500 = ErrorResponse.from_dict(response.json())

            return response_500

        if response.status_code == 502:
            response_502 = ErrorResponse.from_dict(response.json())

            return response_502

        if response.status_code == 503:
            response_503 = ErrorResponse.from_dict(response.json())

            return response_503

        if response.status_code == 524:
            response_524 = ErrorResponse.from_dict(response.json())

            return response_524

        if response.status_code == 529:
            response_529 = ErrorResponse.from_dict(response.json())

            return response_529

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass  # not as documented: HTML from a gateway, for example
    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def build_response(*, client: Client, response: httpx.Response) -> Response[ErrorResponse | File]:
    """Return a response, already read, with its parsed body. Raises what `parse_response` raises."""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> Response[ErrorResponse | File]:
    """Create speech

     Turns a text into spoken audio. The response is the audio itself, sent while it is synthesized, in
    the format that `response_format` names; it is never JSON.

    Args:
        http_referer (str | Unset): Your app's URL. It identifies the app in usage statistics and
            rankings.
        x_open_router_title (str | Unset): Your app's name, as shown in rankings.
        x_open_router_categories (str | Unset): Your app's categories in rankings, comma-
            separated.
        body (SpeechRequest): What to say, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | File]

    Responses:
        200: The audio. `Content-Type` names what it is: `audio/mpeg` for mp3; for pcm
            `audio/pcm;rate=24000;channels=1`, which is 16-bit little-endian samples.
        400: The request is malformed, or a field has a wrong value.
        401: The API key is missing or invalid.
        402: The account lacks the credit for this request.
        403: The key, or a guardrail of its account, does not allow this request.
        404: There is no such model, or no such path.
        413: The request is too large, for example a recording in it.
        429: Too many requests for the account or the provider.
        500: The server failed.
        502: The provider failed, or sent an unusable response.
        503: No provider can serve the request at the moment.
        524: The edge network gave up waiting for the server.
        529: The provider is overloaded.
    """

    response = client.get_httpx_client().request(
        **request_kwargs(
            body=body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
        )
    )
    return build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> ErrorResponse | File | None:
    """Create speech

     Turns a text into spoken audio. The response is the audio itself, sent while it is synthesized, in
    the format that `response_format` names; it is never JSON.

    Args:
        http_referer (str | Unset): Your app's URL. It identifies the app in usage statistics and
            rankings.
        x_open_router_title (str | Unset): Your app's name, as shown in rankings.
        x_open_router_categories (str | Unset): Your app's categories in rankings, comma-
            separated.
        body (SpeechRequest): What to say, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | File | None

    Responses:
        200: The audio. `Content-Type` names what it is: `audio/mpeg` for mp3; for pcm
            `audio/pcm;rate=24000;channels=1`, which is 16-bit little-endian samples.
        400: The request is malformed, or a field has a wrong value.
        401: The API key is missing or invalid.
        402: The account lacks the credit for this request.
        403: The key, or a guardrail of its account, does not allow this request.
        404: There is no such model, or no such path.
        413: The request is too large, for example a recording in it.
        429: Too many requests for the account or the provider.
        500: The server failed.
        502: The provider failed, or sent an unusable response.
        503: No provider can serve the request at the moment.
        524: The edge network gave up waiting for the server.
        529: The provider is overloaded.
    """

    return sync_detailed(
        client=client,
        body=body,
        http_referer=http_referer,
        x_open_router_title=x_open_router_title,
        x_open_router_categories=x_open_router_categories,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> Response[ErrorResponse | File]:
    """Create speech

     Turns a text into spoken audio. The response is the audio itself, sent while it is synthesized, in
    the format that `response_format` names; it is never JSON.

    Args:
        http_referer (str | Unset): Your app's URL. It identifies the app in usage statistics and
            rankings.
        x_open_router_title (str | Unset): Your app's name, as shown in rankings.
        x_open_router_categories (str | Unset): Your app's categories in rankings, comma-
            separated.
        body (SpeechRequest): What to say, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | File]

    Responses:
        200: The audio. `Content-Type` names what it is: `audio/mpeg` for mp3; for pcm
            `audio/pcm;rate=24000;channels=1`, which is 16-bit little-endian samples.
        400: The request is malformed, or a field has a wrong value.
        401: The API key is missing or invalid.
        402: The account lacks the credit for this request.
        403: The key, or a guardrail of its account, does not allow this request.
        404: There is no such model, or no such path.
        413: The request is too large, for example a recording in it.
        429: Too many requests for the account or the provider.
        500: The server failed.
        502: The provider failed, or sent an unusable response.
        503: No provider can serve the request at the moment.
        524: The edge network gave up waiting for the server.
        529: The provider is overloaded.
    """

    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            body=body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
        )
    )
    return build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> ErrorResponse | File | None:
    """Create speech

     Turns a text into spoken audio. The response is the audio itself, sent while it is synthesized, in
    the format that `response_format` names; it is never JSON.

    Args:
        http_referer (str | Unset): Your app's URL. It identifies the app in usage statistics and
            rankings.
        x_open_router_title (str | Unset): Your app's name, as shown in rankings.
        x_open_router_categories (str | Unset): Your app's categories in rankings, comma-
            separated.
        body (SpeechRequest): What to say, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | File | None

    Responses:
        200: The audio. `Content-Type` names what it is: `audio/mpeg` for mp3; for pcm
            `audio/pcm;rate=24000;channels=1`, which is 16-bit little-endian samples.
        400: The request is malformed, or a field has a wrong value.
        401: The API key is missing or invalid.
        402: The account lacks the credit for this request.
        403: The key, or a guardrail of its account, does not allow this request.
        404: There is no such model, or no such path.
        413: The request is too large, for example a recording in it.
        429: Too many requests for the account or the provider.
        500: The server failed.
        502: The provider failed, or sent an unusable response.
        503: No provider can serve the request at the moment.
        524: The edge network gave up waiting for the server.
        529: The provider is overloaded.
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
        )
    ).parsed


@contextmanager
def sync_stream(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> Iterator[httpx.Response]:
    """Send the request, and leave the body unread.

    Iterate over `iter_bytes()` of a success; `read()` an error and pass it to `build_response`. Leaving the `with`
    block closes the connection.

    Raises:
        httpx.TimeoutException: The next bytes took longer than the client's timeout.

    Returns:
        A context manager for the httpx.Response.
    """
    with client.get_httpx_client().stream(
        **request_kwargs(
            body=body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
        )
    ) as response:
        yield response


@asynccontextmanager
async def asyncio_stream(
    *,
    client: AuthenticatedClient,
    body: SpeechRequest,
    http_referer: str | Unset = UNSET,
    x_open_router_title: str | Unset = UNSET,
    x_open_router_categories: str | Unset = UNSET,
) -> AsyncIterator[httpx.Response]:
    """As `sync_stream`, for `async with`, `aiter_bytes()` and `aread()`."""
    async with client.get_async_httpx_client().stream(
        **request_kwargs(
            body=body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
        )
    ) as response:
        yield response
