"""Recordings of a voice to clone: what is sent, and what is refused before it is sent."""

import base64
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import OpenRouter, components, utils
from openrouter_speech.mock import MockServer

from .conftest import KEY, REQUEST

AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA"}}
TEXT = {"type": "text", "text": "Hello"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def sent(server: MockServer, references: Any) -> Any:
    with OpenRouter(KEY, server_url=server.url) as open_router:
        params: Any = {**REQUEST, "input_references": references}
        open_router.tts.create_speech(**params)
    return server.requests[-1].json["input_references"]


def test_a_file_bytes_and_a_url_become_parts(server: MockServer, tmp_path: Path) -> None:
    file = tmp_path / "me.wav"
    file.write_bytes(b"RIFF")
    data = base64.b64encode(b"RIFF").decode()
    clips = [
        *utils.reference_clip(file, "Hello"),
        *utils.reference_clip(b"RIFF", format="wav"),
        *utils.reference_clip("https://example.com/a.mp3"),
    ]
    assert sent(server, clips) == [
        {"type": "input_audio", "input_audio": {"data": data}},
        {"type": "text", "text": "Hello"},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"url": "https://example.com/a.mp3"}},
    ]
    assert sent(server, utils.reference_clip(str(file)))[0]["input_audio"]["data"] == data


def test_dicts_and_models_are_taken_as_they_are(server: MockServer) -> None:
    assert sent(server, [AUDIO, TEXT, IMAGE]) == [AUDIO, TEXT, IMAGE]
    assert sent(server, [TEXT, AUDIO]) == [TEXT, AUDIO]  # with one recording, the transcript may come first
    model = components.SpeechInputReferenceText(text="Hello", type_="text")
    assert sent(server, [AUDIO, model]) == [AUDIO, TEXT]
    assert sent(server, []) == []


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ([AUDIO] * 4, "4 parts of type 'input_audio'; 3 recordings at most"),
        ([AUDIO, IMAGE, IMAGE], "2 parts of type 'image_url'; 1 image at most"),
        ([TEXT, AUDIO, AUDIO], r"input_references\[0\] is a transcript that follows no recording"),
        ([AUDIO, TEXT, TEXT, AUDIO], r"input_references\[2\] is a transcript"),
        ([{"type": "input_audio", "input_audio": {"data": "no base64!"}}], "is not base64: pass utils.reference_clip"),
        ([{"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64,"}}], "is empty"),
        ([{"type": "input_audio", "input_audio": {"data": "A" * 20_971_524}}], "more than 15 MiB of audio"),
        ([{"type": "input_audio", "input_audio": {}}], "must have exactly one of 'data' or 'url'"),
        ([{"type": "input_audio"}], r"input_references\[0\]\.input_audio is missing"),
    ],
)
def test_wrong_references_are_refused(references: Any, message: str) -> None:
    params: Any = {**REQUEST, "input_references": references}
    with pytest.raises(ValueError, match=message):
        OpenRouter(KEY).tts.create_speech(**params)


@pytest.mark.parametrize("references", ["me.wav", 5, [5], ["me.wav"]])
def test_references_of_a_wrong_type_are_refused(references: Any) -> None:
    params: Any = {**REQUEST, "input_references": references}
    with pytest.raises(TypeError, match="input_references"):
        OpenRouter(KEY).tts.create_speech(**params)


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (b"", ValueError, "the recording is empty"),
        (b"\0" * ((15 << 20) + 1), ValueError, "the recording has more than 15 MiB of audio"),
        ("missing.wav", FileNotFoundError, "missing.wav"),
        (5, TypeError, "source must be a path, bytes or a URL, not int"),
    ],
    ids=["empty", "large", "missing", "number"],
)
def test_a_wrong_recording_is_refused(source: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        utils.reference_clip(source)
