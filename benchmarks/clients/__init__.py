"""The clients that are compared. Each runs in a process, and an environment, of its own."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

KEY = "sk-or-v1-benchmark"
TEXT, MODEL, VOICE, FORMAT = "Hello world", "elevenlabs/eleven-turbo-v2", "alloy", "pcm"
BODY = {"input": TEXT, "model": MODEL, "voice": VOICE, "response_format": FORMAT}


class Client(Protocol):
    """What each of them can do, in the way that its own documentation shows. It is made with the server's URL."""

    def call(self) -> bytes:
        """The whole answer."""

    async def call_async(self) -> bytes:
        """The whole answer, awaited."""

    def stream(self) -> Iterator[bytes]:
        """The answer in the pieces that come by themselves."""

    def save(self, path: Path) -> None:
        """The answer in a file, without all of it in memory."""

    async def aclose(self) -> None:
        """Close all connections."""


def make(name: str, url: str) -> Client:
    """A client of the module with this name."""
    return cast("Client", importlib.import_module(f"{__name__}.{name}").Client(url))
