"""httpx and nothing else: the limit for any client that is built on it."""

from collections.abc import Iterator
from pathlib import Path

import httpx

from . import BODY, KEY

HEADERS = {"Authorization": f"Bearer {KEY}"}


class Client:
    """One `httpx.Client`, and one `httpx.AsyncClient`, kept for all calls."""

    def __init__(self, url: str, limits: httpx.Limits | None = None) -> None:
        self._url = f"{url}/audio/speech"
        self._sync = httpx.Client()
        self._async = httpx.AsyncClient(limits=limits) if limits else httpx.AsyncClient()

    def call(self) -> bytes:
        return self._sync.post(self._url, json=BODY, headers=HEADERS).content

    async def call_async(self) -> bytes:
        return (await self._async.post(self._url, json=BODY, headers=HEADERS)).content

    def stream(self) -> Iterator[bytes]:
        with self._sync.stream("POST", self._url, json=BODY, headers=HEADERS) as response:
            yield from response.iter_bytes()

    def save(self, path: Path) -> None:
        with self._sync.stream("POST", self._url, json=BODY, headers=HEADERS) as response, path.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)

    async def aclose(self) -> None:
        self._sync.close()
        await self._async.aclose()
