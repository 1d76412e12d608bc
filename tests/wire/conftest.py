"""Ways to call, and forms of a call: each test over real sockets runs in those that can differ."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Caller, Connect, connecting

Use = Callable[[Caller, Path, Any], bytes]


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """As in tests/conftest.py, plus aiohttp, whose errors must surface as the same exceptions."""
    yield from connecting(request.param)


def create(caller: Caller, _: Path, params: Any) -> bytes:
    return caller.create(**params).content


def stream(caller: Caller, _: Path, params: Any) -> bytes:
    return b"".join(caller.read_stream(**params))


def save(caller: Caller, folder: Path, params: Any) -> bytes:
    return caller.save(folder / "speech.pcm", **params).path.read_bytes()


FORMS: list[Use] = [create, stream, save]
