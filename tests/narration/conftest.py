"""Shared by the narration tests: one interface for sync and async, and no sleeps."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from openrouter_speech import Narration
from openrouter_speech.mock import MockServer

from ..conftest import KEY, Connect, sleeps_in

Narrate = Callable[..., Narration]

SETTINGS: dict[str, Any] = {"model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "speed": 4}
"""At speed 4, 44 characters are a second of audio."""

TEXT = """The first paragraph. It has two sentences.

The second one.

And this is the third paragraph, which is a little longer than the others were. Then it ends."""


@pytest.fixture
def narrate(connect: Connect, server: MockServer, tmp_path: Path) -> Iterator[Narrate]:
    """Narrate a text to `book.wav`, or to `path`, with a request for each paragraph.

    The test runs once per way of calling.
    """
    server.reset()

    def run(text: str = TEXT, path: Path | None = None, *, client: Any = None, **options: Any) -> Narration:
        client = {"server_url": server.url} | (client or {})
        caller = connect(client.pop("api_key", KEY), **client)
        options = SETTINGS | {"pause_ms": 0} | options
        return cast("Narration", caller.call("narrate", text, path or tmp_path / "book.wav", **options))

    yield run
    server.reset()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the sleeps of the engine."""
    return sleeps_in("openrouter_speech._engine.loops", monkeypatch)
