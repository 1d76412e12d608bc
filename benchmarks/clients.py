"""The clients that are compared, used as their documentation shows. Each imports its package when it is made."""
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

KEY = "sk-or-v1-benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
REQUEST = {"input": "Hello world", "model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "response_format": "pcm"}


class Client:
    """A sync and an async client, kept for all calls. A package may have one object for both."""

    sync: Any
    awaited: Any

    def stream(self) -> Iterator[bytes]:
        """Yield the audio in the pieces that the client hands out by default."""
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write the audio to a file. Clients with a method for that override this one."""
        with path.open("wb") as file:
            for piece in self.stream():
                file.write(piece)

    async def aclose(self) -> None:
        """Close all connections."""
        self.sync.__exit__(None, None, None)
        await self.awaited.__aexit__(None, None, None)


class BareHttpx(Client):
    """httpx and nothing else: the limit for any client built on it."""

    def __init__(self, url: str, **pool: int) -> None:
        httpx = import_module("httpx")
        self.sync = httpx.Client()
        self.awaited = httpx.AsyncClient(limits=httpx.Limits(**pool)) if pool else httpx.AsyncClient()
        self._request: Any = {"url": f"{url}/audio/speech", "json": REQUEST, "headers": HEADERS}

    def call(self) -> bytes:
        return self.sync.post(**self._request).content

    async def call_async(self) -> bytes:
        return (await self.awaited.post(**self._request)).content

    def stream(self) -> Iterator[bytes]:
        with self.sync.stream("POST", **self._request) as response:
            yield from response.iter_bytes()


class Ours(Client):
    """This project's client, as the README shows it."""

    def __init__(self, url: str) -> None:
        self.sync = self.awaited = import_module("openrouter_speech").OpenRouter(KEY, server_url=url)

    def call(self) -> bytes:
        return self.sync.tts.create_speech(**REQUEST).content

    async def call_async(self) -> bytes:
        return (await self.awaited.tts.create_speech_async(**REQUEST)).content

    def stream(self) -> Iterator[bytes]:
        with self.sync.tts.stream_speech(**REQUEST) as stream:
            yield from stream.iter_bytes()

    def save(self, path: Path) -> None:
        self.sync.tts.save_speech(path, **REQUEST)


class OpenAI(Client):
    """The `openai` package with another base URL."""

    def __init__(self, url: str) -> None:
        openai = import_module("openai")
        self.sync = openai.OpenAI(api_key=KEY, base_url=url)
        self.awaited = openai.AsyncOpenAI(api_key=KEY, base_url=url)

    def call(self) -> bytes:
        return self.sync.audio.speech.create(**REQUEST).content

    async def call_async(self) -> bytes:
        return (await self.awaited.audio.speech.create(**REQUEST)).content

    def stream(self) -> Iterator[bytes]:
        with self.sync.audio.speech.with_streaming_response.create(**REQUEST) as response:
            yield from response.iter_bytes()

    def save(self, path: Path) -> None:
        with self.sync.audio.speech.with_streaming_response.create(**REQUEST) as response:
            response.stream_to_file(path)


class OpenRouterPackage(Client):
    """The `openrouter` package, which is the reference."""

    def __init__(self, url: str) -> None:
        self.sync = self.awaited = import_module("openrouter").OpenRouter(api_key=KEY, server_url=url)

    def call(self) -> bytes:
        return self.sync.tts.create_speech(**REQUEST).read()

    async def call_async(self) -> bytes:
        return await (await self.awaited.tts.create_speech_async(**REQUEST)).aread()

    def stream(self) -> Iterator[bytes]:
        with closing(self.sync.tts.create_speech(**REQUEST)) as response:
            yield from response.iter_bytes()


CLIENTS: dict[str, tuple[Callable[[str], Client], list[str]]] = {
    "bare httpx": (BareHttpx, ["attrs", "httpx"]),
    "bare httpx, tuned": (partial(BareHttpx, max_connections=50, max_keepalive_connections=50), ["attrs", "httpx"]),
    "openrouter-speech": (Ours, ["openrouter-speech @ {wheel}"]),
    "openrouter-speech[aiohttp]": (Ours, ["openrouter-speech[aiohttp,cli] @ {wheel}"]),
    "openai": (OpenAI, ["openai"]),
    "openrouter": (OpenRouterPackage, ["openrouter"]),
}
"""What makes each client from the base URL of the server, and what its environment needs."""
