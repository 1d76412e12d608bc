"""The `openrouter` package, which is the reference. It has no way to save but to write what it streams."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import FORMAT, KEY, MODEL, TEXT, VOICE

openrouter: Any = importlib.import_module("openrouter")  # not installed where types are checked
ASKED = {"input": TEXT, "model": MODEL, "voice": VOICE, "response_format": FORMAT}


class Client:
    """One `OpenRouter` for all calls."""

    def __init__(self, url: str) -> None:
        self._open_router = openrouter.OpenRouter(api_key=KEY, server_url=url)

    def call(self) -> bytes:
        content: bytes = self._open_router.tts.create_speech(**ASKED).read()
        return content

    async def call_async(self) -> bytes:
        content: bytes = await (await self._open_router.tts.create_speech_async(**ASKED)).aread()
        return content

    def stream(self) -> Iterator[bytes]:
        response = self._open_router.tts.create_speech(**ASKED)
        try:
            yield from response.iter_bytes()
        finally:
            response.close()

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            for piece in self.stream():
                file.write(piece)

    async def aclose(self) -> None:
        self._open_router.__exit__(None, None, None)
        await self._open_router.__aexit__(None, None, None)
