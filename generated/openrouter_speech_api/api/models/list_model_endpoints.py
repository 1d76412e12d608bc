from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.model_endpoints_response import ModelEndpointsResponse
from ...types import Response


def request_kwargs(
    author: str,
    slug: str,
) -> dict[str, Any]:
    """Return the keyword arguments for `httpx.Client.request`, `stream` and `build_request`."""

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/models/{author}/{slug}/endpoints".format(
            author=quote(str(author), safe=""),
            slug=quote(str(slug), safe=""),
        ),
    }
    return _kwargs


def parse_response(*, client: Client, response: httpx.Response) -> ErrorResponse | ModelEndpointsResponse | None:
    """Parse a response, already read, into the type documented for its status.

    Returns:
        None if the status is not documented, or the body does not match its type.

    Raises:
        errors.UnexpectedStatus: It would return None, and the client has raise_on_unexpected_status.
    """
    try:
        if response.status_code == 200:
            response_200 = ModelEndpointsResponse.from_dict(response.json())

            return response_200

        if response.status_code == 403:
            response_403 = ErrorResponse.from_dict(response.json())

            return response_403

        if response.status_code == 404:
            response_404 = ErrorResponse.from_dict(response.json())

            return response_404

        if response.status_code == 500:
            response_500 = ErrorResponse.from_dict(response.json())

            return response_500

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass  # not as documented: HTML from a gateway, for example
    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def build_response(*, client: Client, response: httpx.Response) -> Response[ErrorResponse | ModelEndpointsResponse]:
    """Return a response, already read, with its parsed body. Raises what `parse_response` raises."""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse_response(client=client, response=response),
    )


def sync_detailed(
    author: str,
    slug: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorResponse | ModelEndpointsResponse]:
    """List a model's endpoints

     Lists the providers that serve a model, each with its own price. The price in the list of models is
    the lowest of them. Needs no API key.

    Args:
        author (str): The part of the model's ID before the slash.
        slug (str): The part of the model's ID after the slash.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelEndpointsResponse]

    Responses:
        200: The model's endpoints.
        403: The account may not see this.
        404: There is no such model or generation, or not yet.
        500: The server failed.
    """

    response = client.get_httpx_client().request(
        **request_kwargs(
            author=author,
            slug=slug,
        )
    )
    return build_response(client=client, response=response)


def sync(
    author: str,
    slug: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | ModelEndpointsResponse | None:
    """List a model's endpoints

     Lists the providers that serve a model, each with its own price. The price in the list of models is
    the lowest of them. Needs no API key.

    Args:
        author (str): The part of the model's ID before the slash.
        slug (str): The part of the model's ID after the slash.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelEndpointsResponse | None

    Responses:
        200: The model's endpoints.
        403: The account may not see this.
        404: There is no such model or generation, or not yet.
        500: The server failed.
    """

    return sync_detailed(
        author=author,
        slug=slug,
        client=client,
    ).parsed


async def asyncio_detailed(
    author: str,
    slug: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorResponse | ModelEndpointsResponse]:
    """List a model's endpoints

     Lists the providers that serve a model, each with its own price. The price in the list of models is
    the lowest of them. Needs no API key.

    Args:
        author (str): The part of the model's ID before the slash.
        slug (str): The part of the model's ID after the slash.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelEndpointsResponse]

    Responses:
        200: The model's endpoints.
        403: The account may not see this.
        404: There is no such model or generation, or not yet.
        500: The server failed.
    """

    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            author=author,
            slug=slug,
        )
    )
    return build_response(client=client, response=response)


async def asyncio(
    author: str,
    slug: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | ModelEndpointsResponse | None:
    """List a model's endpoints

     Lists the providers that serve a model, each with its own price. The price in the list of models is
    the lowest of them. Needs no API key.

    Args:
        author (str): The part of the model's ID before the slash.
        slug (str): The part of the model's ID after the slash.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelEndpointsResponse | None

    Responses:
        200: The model's endpoints.
        403: The account may not see this.
        404: There is no such model or generation, or not yet.
        500: The server failed.
    """

    return (
        await asyncio_detailed(
            author=author,
            slug=slug,
            client=client,
        )
    ).parsed
