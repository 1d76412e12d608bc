from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.generation_response import GenerationResponse
from ...types import UNSET, Response


def request_kwargs(
    *,
    id: str,
) -> dict[str, Any]:
    """Return the keyword arguments for `httpx.Client.request`, `stream` and `build_request`."""

    params: dict[str, Any] = {}

    params["id"] = id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/generation",
        "params": params,
    }
    return _kwargs


def parse_response(*, client: Client, response: httpx.Response) -> ErrorResponse | GenerationResponse | None:
    """Parse a response, already read, into the type documented for its status.

    Returns:
        None if the status is not documented, or the body does not match its type.

    Raises:
        errors.UnexpectedStatus: It would return None, and the client has raise_on_unexpected_status.
    """
    try:
        if response.status_code == 200:
            response_200 = GenerationResponse.from_dict(response.json())

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

        if response.status_code == 404:
            response_404 = ErrorResponse.from_dict(response.json())

            return response_404

        if response.status_code == 429:
            response_429 = ErrorResponse.from_dict(response.json())

            return response_429

        if response.status_code == 500:
            response_500 = ErrorResponse.from_dict(response.json())

            return response_500

        if response.status_code == 502:
            response_502 = ErrorResponse.from_dict(response.json())

            return response_502

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


def build_response(*, client: Client, response: httpx.Response) -> Response[ErrorResponse | GenerationResponse]:
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
    id: str,
) -> Response[ErrorResponse | GenerationResponse]:
    """Get a generation

     Looks up what a request cost and who served it, by the `X-Generation-Id` of its response. It is not
    found during the first minutes after the request.

    Args:
        id (str): The `X-Generation-Id` of a response.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | GenerationResponse]

    Responses:
        200: The generation.
        400: A parameter is missing, or has a wrong value.
        401: The API key is missing or invalid.
        402: The account has no credit.
        404: There is no such model or generation, or not yet.
        429: Too many requests.
        500: The server failed.
        502: A service behind the server failed.
        524: The edge network gave up waiting for the server.
        529: The server is overloaded.
    """

    response = client.get_httpx_client().request(
        **request_kwargs(
            id=id,
        )
    )
    return build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    id: str,
) -> ErrorResponse | GenerationResponse | None:
    """Get a generation

     Looks up what a request cost and who served it, by the `X-Generation-Id` of its response. It is not
    found during the first minutes after the request.

    Args:
        id (str): The `X-Generation-Id` of a response.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | GenerationResponse | None

    Responses:
        200: The generation.
        400: A parameter is missing, or has a wrong value.
        401: The API key is missing or invalid.
        402: The account has no credit.
        404: There is no such model or generation, or not yet.
        429: Too many requests.
        500: The server failed.
        502: A service behind the server failed.
        524: The edge network gave up waiting for the server.
        529: The server is overloaded.
    """

    return sync_detailed(
        client=client,
        id=id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    id: str,
) -> Response[ErrorResponse | GenerationResponse]:
    """Get a generation

     Looks up what a request cost and who served it, by the `X-Generation-Id` of its response. It is not
    found during the first minutes after the request.

    Args:
        id (str): The `X-Generation-Id` of a response.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | GenerationResponse]

    Responses:
        200: The generation.
        400: A parameter is missing, or has a wrong value.
        401: The API key is missing or invalid.
        402: The account has no credit.
        404: There is no such model or generation, or not yet.
        429: Too many requests.
        500: The server failed.
        502: A service behind the server failed.
        524: The edge network gave up waiting for the server.
        529: The server is overloaded.
    """

    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            id=id,
        )
    )
    return build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    id: str,
) -> ErrorResponse | GenerationResponse | None:
    """Get a generation

     Looks up what a request cost and who served it, by the `X-Generation-Id` of its response. It is not
    found during the first minutes after the request.

    Args:
        id (str): The `X-Generation-Id` of a response.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | GenerationResponse | None

    Responses:
        200: The generation.
        400: A parameter is missing, or has a wrong value.
        401: The API key is missing or invalid.
        402: The account has no credit.
        404: There is no such model or generation, or not yet.
        429: Too many requests.
        500: The server failed.
        502: A service behind the server failed.
        524: The edge network gave up waiting for the server.
        529: The server is overloaded.
    """

    return (
        await asyncio_detailed(
            client=client,
            id=id,
        )
    ).parsed
