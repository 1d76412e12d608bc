"""The `openai` package, with another base URL."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import FORMAT, KEY, MODEL, TEXT, VOICE

openai: Any = importlib.import_module("openai")  # not installed where types are checked
ASKED = {"input": TEXT, "model": MODEL, "voice": VOICE, "response_format": FORMAT}


class Client:
    """One `OpenAI`, and one `AsyncOpenAI`, kept for all calls."""

    def __init__(self, url: str) -> None:
        self._sync = openai.OpenAI(api_key=KEY, base_url=url)
        self._async = openai.AsyncOpenAI(api_key=KEY, base_url=url)

    def call(self) -> bytes:
        content: bytes = self._sync.audio.speech.create(**ASKED).content
        return content

    async def call_async(self) -> bytes:
        content: bytes = (await self._async.audio.speech.create(**ASKED)).content
        return content

    def stream(self) -> Iterator[bytes]:
        with self._sync.audio.speech.with_streaming_response.create(**ASKED) as response:
            yield from response.iter_bytes()

    def save(self, path: Path) -> None:
        with self._sync.audio.speech.with_streaming_response.create(**ASKED) as response:
            response.stream_to_file(path)

    async def aclose(self) -> None:
        self._sync.close()
        await self._async.close()
