"""Ways to call, and forms of a call: each test over real sockets runs in those that can differ."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..conftest import Caller, Connect, connecting

Use = Callable[[Caller, Path], bytes]


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """As in tests/conftest.py, plus aiohttp, whose errors must surface as the same exceptions."""
    yield from connecting(request.param)


def create(caller: Caller, _: Path) -> bytes:
    return caller.create().content


def stream(caller: Caller, _: Path) -> bytes:
    return b"".join(caller.read_stream())


def save(caller: Caller, folder: Path) -> bytes:
    return caller.save(folder / "speech.pcm").path.read_bytes()


FORMS: list[Use] = [create, stream, save]
