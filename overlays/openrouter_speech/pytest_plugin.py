"""A pytest fixture for projects that use this package; pytest discovers it automatically.

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
    # A late import: pytest loads this module even if the extra `mock` is not installed.
    from .mock import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


@pytest.fixture
def openrouter_speech_mock(_openrouter_speech_mock_server: "MockServer") -> "MockServer":
    """A mock server on its own port, with an empty journal and script at the start of each test."""
    _openrouter_speech_mock_server.reset()
    return _openrouter_speech_mock_server
