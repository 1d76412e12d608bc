"""What the tests of other people's clients share: the audio that they have to end up with."""

from collections.abc import Callable
from typing import Any

import pytest
from openrouter_speech import OpenRouter
from openrouter_speech.mock import MockServer

from ..conftest import KEY, REQUEST

OurAudio = Callable[..., bytes]


@pytest.fixture
def our_audio(server: MockServer) -> OurAudio:
    """Gives the audio that our own client gets for a request; the mock speaks the same request the same way."""

    def speak(**params: Any) -> bytes:
        with OpenRouter(KEY, server_url=server.url) as client:
            return client.tts.create_speech(**REQUEST, **params).content

    return speak
