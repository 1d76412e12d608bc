"""Recordings of a voice to clone, for `input_references`."""

import base64
import binascii
import os
from pathlib import Path

from ._core.checks import plain
from .components import SpeechInputReferenceAudio, SpeechInputReferenceAudioInput, SpeechInputReferenceText

_LARGEST = 15 << 20
"""Bytes of one recording, as documented for `input_references`."""
_MOST = {"input_audio": (3, "recordings"), "image_url": (1, "image")}
"""Parts of a kind that one request may have."""


def reference_clip(
    source: str | os.PathLike[str] | bytes, transcript: str | None = None, *, format: str | None = None
) -> list[SpeechInputReferenceAudio | SpeechInputReferenceText]:
    """Make the parts of `input_references` for a recording of the voice to clone.

        tts.create_speech(..., input_references=reference_clip("me.wav", "Hello, this is my voice."))

    Args:
        source: A file's path, the audio itself, or an http or https URL that the server fetches.
        transcript: What is said in the recording.
        format: The audio's format, such as "wav", if the provider cannot tell.

    Returns:
        One or two parts. For several recordings, join the lists: up to three are allowed.

    Raises:
        TypeError, ValueError: The source has a wrong type, is empty, or has more than 15 MiB.
        OSError: The file cannot be read.
    """
    audio = SpeechInputReferenceAudioInput()
    if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        audio.url = source
    else:
        audio.data = base64.b64encode(_content(source)).decode()
    if format is not None:
        audio.format_ = format
    parts: list[SpeechInputReferenceAudio | SpeechInputReferenceText] = [
        SpeechInputReferenceAudio(input_audio=audio, type_="input_audio")
    ]
    return parts if transcript is None else [*parts, SpeechInputReferenceText(text=transcript, type_="text")]


def check(references: object) -> None:
    """Check the rules that the description's schema cannot say. Types are checked later.

    Raises:
        ValueError: There are too many parts of a kind, or a recording is not base64 or too large.
    """
    parts = plain(references)
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return
    kinds = [part.get("type") for part in parts]
    for kind, (most, noun) in _MOST.items():
        if kinds.count(kind) > most:
            raise ValueError(f"input_references has {kinds.count(kind)} parts of type {kind!r}; {most} {noun} at most")
    if kinds.count("input_audio") > 1:
        for index, kind in enumerate(kinds):
            if kind == "text" and kinds[index - 1 : index] != ["input_audio"]:
                raise ValueError(
                    f"input_references[{index}] is a transcript that follows no recording: with several recordings, "
                    "put each transcript right after its own"
                )
    for index, part in enumerate(parts):
        audio = part.get("input_audio")
        if isinstance(audio, dict) and isinstance(audio.get("data"), str):
            _check_data(f"input_references[{index}].input_audio.data", audio["data"])


def _content(source: object) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        name, content = "the recording", bytes(source)
    elif isinstance(source, str | os.PathLike):
        name = str(source)
        with Path(source).open("rb") as file:
            content = file.read(_LARGEST + 1)
    else:
        raise TypeError(f"source must be a path, bytes or a URL, not {type(source).__name__}")
    _check_size(name, len(content))
    return content


def _check_data(name: str, data: str) -> None:
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise ValueError(f"{name} is not base64: pass utils.reference_clip(path) instead") from None
    _check_size(name, size)


def _check_size(name: str, size: int) -> None:
    if size == 0:
        raise ValueError(f"{name} is empty")
    if size > _LARGEST:
        raise ValueError(f"{name} has more than {_LARGEST >> 20} MiB of audio: use a shorter recording")
