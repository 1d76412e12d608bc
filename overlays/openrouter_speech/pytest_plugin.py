"""A fixture for the tests of people who build on this package; pytest finds it by itself.

def test_it_says_hello(openrouter_speech_mock):
    with OpenRouter("any-key", server_url=openrouter_speech_mock.url) as open_router:
        ...
    assert openrouter_speech_mock.requests[0].json["input"] == "Hello"
"""

from typing import TYPE_CHECKING

import pytest

__all__ = ["openrouter_speech_mock"]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .mock import MockServer


@pytest.fixture(scope="session")
def _openrouter_speech_mock_server() -> "Iterator[MockServer]":
    # Imported here, since pytest loads this module wherever the package is installed, with or without its extra `mock`.
    from .mock import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


@pytest.fixture
def openrouter_speech_mock(_openrouter_speech_mock_server: "MockServer") -> "MockServer":
    """A mock server on a port of its own. Its journal and its script are empty at the beginning of each test."""
    _openrouter_speech_mock_server.reset()
    return _openrouter_speech_mock_server
