from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.models_list_response import ModelsListResponse
from ...types import UNSET, Response, Unset


def request_kwargs(
    *,
    output_modalities: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments for `httpx.Client.request`, `stream` and `build_request`."""

    params: dict[str, Any] = {}

    params["output_modalities"] = output_modalities

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/models",
        "params": params,
    }
    return _kwargs


def parse_response(*, client: Client, response: httpx.Response) -> ErrorResponse | ModelsListResponse | None:
    """Parse a response, already read, into the type documented for its status.

    Returns:
        None if the status is not documented, or the body does not match its type.

    Raises:
        errors.UnexpectedStatus: It would return None, and the client has raise_on_unexpected_status.
    """
    try:
        if response.status_code == 200:
            response_200 = ModelsListResponse.from_dict(response.json())

            return response_200

        if response.status_code == 400:
            response_400 = ErrorResponse.from_dict(response.json())

            return response_400

        if response.status_code == 403:
            response_403 = ErrorResponse.from_dict(response.json())

            return response_403

        if response.status_code == 500:
            response_500 = ErrorResponse.from_dict(response.json())

            return response_500

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass  # not as documented: HTML from a gateway, for example
    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def build_response(*, client: Client, response: httpx.Response) -> Response[ErrorResponse | ModelsListResponse]:
    """Return a response, already read, with its parsed body. Raises what `parse_response` raises."""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    output_modalities: str | Unset = UNSET,
) -> Response[ErrorResponse | ModelsListResponse]:
    """List models

     Lists all models, or those with some kind of output. Needs no API key.

    Args:
        output_modalities (str | Unset): Kinds of output, comma-separated, or `all`. By default,
            models that write text.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelsListResponse]

    Responses:
        200: The models.
        400: A parameter is missing, or has a wrong value.
        403: The account may not see this.
        500: The server failed.
    """

    response = client.get_httpx_client().request(
        **request_kwargs(
            output_modalities=output_modalities,
        )
    )
    return build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    output_modalities: str | Unset = UNSET,
) -> ErrorResponse | ModelsListResponse | None:
    """List models

     Lists all models, or those with some kind of output. Needs no API key.

    Args:
        output_modalities (str | Unset): Kinds of output, comma-separated, or `all`. By default,
            models that write text.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelsListResponse | None

    Responses:
        200: The models.
        400: A parameter is missing, or has a wrong value.
        403: The account may not see this.
        500: The server failed.
    """

    return sync_detailed(
        client=client,
        output_modalities=output_modalities,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    output_modalities: str | Unset = UNSET,
) -> Response[ErrorResponse | ModelsListResponse]:
    """List models

     Lists all models, or those with some kind of output. Needs no API key.

    Args:
        output_modalities (str | Unset): Kinds of output, comma-separated, or `all`. By default,
            models that write text.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelsListResponse]

    Responses:
        200: The models.
        400: A parameter is missing, or has a wrong value.
        403: The account may not see this.
        500: The server failed.
    """

    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            output_modalities=output_modalities,
        )
    )
    return build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    output_modalities: str | Unset = UNSET,
) -> ErrorResponse | ModelsListResponse | None:
    """List models

     Lists all models, or those with some kind of output. Needs no API key.

    Args:
        output_modalities (str | Unset): Kinds of output, comma-separated, or `all`. By default,
            models that write text.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelsListResponse | None

    Responses:
        200: The models.
        400: A parameter is missing, or has a wrong value.
        403: The account may not see this.
        500: The server failed.
    """

    return (
        await asyncio_detailed(
            client=client,
            output_modalities=output_modalities,
        )
    ).parsed
