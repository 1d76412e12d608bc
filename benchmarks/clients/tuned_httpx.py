"""httpx with a pool for 50 calls at once: all connections are kept."""

import httpx

from . import bare_httpx


class Client(bare_httpx.Client):
    """As bare httpx, but for the pool."""

    def __init__(self, url: str) -> None:
        super().__init__(url, httpx.Limits(max_connections=50, max_keepalive_connections=50))
