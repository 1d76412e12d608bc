"""What a built wheel has to do in an environment of its own, where `make check-wheel` runs this. No pytest module."""

import importlib.metadata
import sys
from pathlib import Path

import openrouter_speech
import openrouter_speech_api
from openrouter_speech import OpenRouter, errors
from openrouter_speech.mock import MockServer
from openrouter_speech_api import AuthenticatedClient
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.models import SpeechRequest


def main() -> None:
    for package in (openrouter_speech, openrouter_speech_api):
        folder = Path(str(package.__file__)).parent
        assert folder.is_relative_to(sys.prefix), (
            f"{package.__name__} was not imported from the wheel but from {folder}"
        )
        assert (folder / "py.typed").exists(), f"{package.__name__} has no py.typed"
    assert importlib.metadata.version("openrouter-speech") == openrouter_speech.__version__
    with MockServer() as server:
        with OpenRouter("any-key", server_url=server.url) as open_router:
            speech = open_router.tts.create_speech(input="Hello", model="a/b", voice="alloy", response_format="mp3")
            assert speech.save("hello.mp3").stat().st_size == len(speech.content) > 0
            try:
                open_router.tts.create_speech(input="Hello", model="a/b", voice="alloy", response_format="opus")
            except errors.BadRequestResponseError as error:
                refusal = str(error)
            assert "response_format" in refusal
        with AuthenticatedClient(server.url, "any-key") as client:
            response = create_speech.sync_detailed(client=client, body=SpeechRequest("Hello", "a/b", "alloy"))
            assert response.status_code == 200, response
    print(f"the wheel of {openrouter_speech.__version__} speaks: {speech!r}")  # noqa: T201


if __name__ == "__main__":
    main()
