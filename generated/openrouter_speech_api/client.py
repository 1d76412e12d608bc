"""The clients that send the requests of the functions in `api`."""

import ssl
from typing import Any, Self

import httpx
from attrs import define, evolve, field

DEFAULT_TIMEOUT = httpx.Timeout(120.0, connect=10.0)
"""Seconds: 10 to connect, 120 for each wait for the next bytes."""


@define
class Client:
    """A client without an API key.

    The httpx clients are created on first use. `with` and `async with` close them.

    Args:
        base_url: The server, such as "https://example.com/api/v1"; paths are appended.
        cookies: Sent with every request.
        headers: Sent with every request.
        timeout: The timeouts, in seconds; `DEFAULT_TIMEOUT` if not given. None waits forever.
        verify_ssl: False accepts any certificate; an SSLContext or a path to a CA bundle replaces the default ones.
        follow_redirects: Whether to follow redirects.
        httpx_args: Further arguments for `httpx.Client` and `httpx.AsyncClient`.
        raise_on_unexpected_status: Whether to raise `errors.UnexpectedStatus` for an undocumented response, instead
            of parsing it to None.
    """

    _base_url: str = field(alias="base_url")
    raise_on_unexpected_status: bool = field(default=False, kw_only=True)
    # Cookies, headers and arguments may hold credentials, so no repr shows them.
    _cookies: dict[str, str] = field(factory=dict, kw_only=True, alias="cookies", repr=False)
    _headers: dict[str, str] = field(factory=dict, kw_only=True, alias="headers", repr=False)
    _timeout: httpx.Timeout | None = field(default=DEFAULT_TIMEOUT, kw_only=True, alias="timeout")
    _verify_ssl: str | bool | ssl.SSLContext = field(default=True, kw_only=True, alias="verify_ssl")
    _follow_redirects: bool = field(default=False, kw_only=True, alias="follow_redirects")
    _httpx_args: dict[str, Any] = field(factory=dict, kw_only=True, alias="httpx_args", repr=False)
    _client: httpx.Client | None = field(default=None, init=False, repr=False, eq=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False, eq=False)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Return a copy that also sends these headers. It has httpx clients of its own."""
        return evolve(self, headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Return a copy that also sends these cookies. It has httpx clients of its own."""
        return evolve(self, cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | None) -> Self:
        """Return a copy with another timeout. It has httpx clients of its own."""
        return evolve(self, timeout=timeout)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this httpx client as is, with its own base URL, headers and timeout."""
        self._client = client
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Use this async httpx client as is, with its own base URL, headers and timeout."""
        self._async_client = async_client
        return self

    def get_httpx_client(self) -> httpx.Client:
        """Return the httpx client, created on first use."""
        if self._client is None:
            self._client = httpx.Client(**self._httpx_options())
        return self._client

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the async httpx client, created on first use."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._httpx_options())
        return self._async_client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.get_httpx_client().__exit__(*exc_info)

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.get_async_httpx_client().__aexit__(*exc_info)

    def _httpx_options(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._request_headers(),
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }

    def _request_headers(self) -> dict[str, str]:
        return self._headers


@define
class AuthenticatedClient(Client):
    """A client that sends an API key with every request.

    Args:
        token: The API key.
        prefix: What precedes the key in the header; may be empty.
        auth_header_name: The header that carries the key.
    """

    token: str = field(kw_only=False, repr=False)
    prefix: str = "Bearer"
    auth_header_name: str = "Authorization"

    def _request_headers(self) -> dict[str, str]:
        return {**self._headers, self.auth_header_name: f"{self.prefix} {self.token}".lstrip()}
