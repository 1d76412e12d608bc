"""This project's client, as the README shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openrouter_speech import OpenRouter

from . import FORMAT, KEY, MODEL, TEXT, VOICE

ASKED: Any = {"input": TEXT, "model": MODEL, "voice": VOICE, "response_format": FORMAT}


class Client:
    """One `OpenRouter` for all calls."""

    def __init__(self, url: str) -> None:
        self._open_router = OpenRouter(KEY, server_url=url)

    def call(self) -> bytes:
        return self._open_router.tts.create_speech(**ASKED).content

    async def call_async(self) -> bytes:
        return (await self._open_router.tts.create_speech_async(**ASKED)).content

    def stream(self) -> Iterator[bytes]:
        with self._open_router.tts.stream_speech(**ASKED) as stream:
            yield from stream.iter_bytes()

    def save(self, path: Path) -> None:
        self._open_router.tts.save_speech(path, **ASKED)

    async def aclose(self) -> None:
        await self._open_router.aclose()
