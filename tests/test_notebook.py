"""A notebook shows a player, the waveform and what is known; `to_numpy` has the samples."""

import base64
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from openrouter_speech import OpenRouter, SavedSpeech, SpeechResponse, _notebook, _samples, errors
from openrouter_speech._core import wav
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.mock import MockServer
from openrouter_speech.narration.results import Chapter, Narration

from .conftest import KEY, REQUEST

PCM = np.array([[0, 1], [-32768, 32767], [5, -5]], "<i2").tobytes()
STEREO = AudioInfo("pcm", 24_000, 2)


@pytest.fixture(params=["pcm", "mp3"])
def speech(request: pytest.FixtureRequest, server: MockServer) -> SpeechResponse:
    with OpenRouter(KEY, server_url=server.url) as client:
        return client.tts.create_speech(**REQUEST | {"response_format": request.param})


def played(html: str) -> tuple[str, bytes]:
    """The type and the bytes in the player."""
    ((kind, encoded),) = re.findall(r"<audio [^>]*src='data:(audio/[\w-]+);base64,([\w+/=]+)'", html)
    return kind, base64.b64decode(encoded)


def test_a_response_has_a_player_a_waveform_and_facts(speech: SpeechResponse) -> None:
    bundle = speech._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(speech)
    html = bundle["text/html"]
    kind, content = played(html)
    if speech.audio_format == "pcm":  # browsers do not play it without a header
        assert (kind, content[:4], content[44:]) == ("audio/wav", b"RIFF", speech.content)
    else:
        assert (kind, content) == ("audio/mpeg", speech.content)
    assert html.count("<svg") == 1
    assert f"format: {speech.audio_format} · length: {speech.duration:.2f} s" in html
    assert not re.search(r"<script|<link|https?:|\bon\w+=", html)
    ET.fromstring(html.replace(" controls ", " "))  # well-formed


def test_a_saved_file_has_a_player(server: MockServer, tmp_path: Path) -> None:
    with OpenRouter(KEY, server_url=server.url) as client:
        saved = client.tts.save_speech(tmp_path / "a<b.wav", **REQUEST)
    html = saved._repr_mimebundle_()["text/html"]
    assert played(html) == ("audio/wav", saved.path.read_bytes())
    assert "a&lt;b.wav" in html
    saved.path.unlink()
    assert "<audio" not in (gone := saved._repr_mimebundle_()["text/html"])
    assert "a&lt;b.wav" in gone


def test_a_narration_lists_its_chapters(tmp_path: Path) -> None:
    file = tmp_path / "book.wav"
    file.write_bytes(wav.header(len(PCM), 24_000, 2) + PCM)
    chapters = (Chapter("One & <i>two</i>", 0), Chapter("Three", 3_661_000))
    book = Narration(file, 3_700.0, 2, 2, 9, 2, 9, chapters, tmp_path / "manifest.json", ())
    html = book._repr_mimebundle_()["text/html"]
    assert re.findall(r"<li>(.*?)</li>", html) == ["0:00 One &amp; &lt;i&gt;two&lt;/i&gt;", "1:01:01 Three"]
    assert played(html)[0] == "audio/wav"


def test_a_large_file_is_described_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_notebook, "LARGEST", len(PCM) - 1)
    (tmp_path / "large.pcm").write_bytes(PCM)
    html = _notebook.of_file(tmp_path / "large.pcm", STEREO, "plain", {"length": "long"})["text/html"]
    assert "<audio" not in html
    assert "length: long" in html


def test_without_soundfile_there_is_no_waveform_of_compressed_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    html = _notebook.of_audio(b"\xff\xfb\x90\x00", AudioInfo("mp3"), "plain", {})["text/html"]
    assert "<audio" in html
    assert "<svg" not in html


@pytest.mark.parametrize(
    ("content", "info"),
    [
        (PCM, STEREO),
        (PCM + b"\x01", STEREO),
        (wav.header(len(PCM), 24_000, 2) + PCM, AudioInfo("wav")),
        (wav.header(len(PCM), 24_000, 2) + PCM, STEREO),
        (wav.header(None, 24_000, 2) + PCM, AudioInfo("wav")),
    ],
    ids=["pcm", "half a frame", "wav", "wav with the label of pcm", "wav without sizes"],
)
def test_samples_have_a_row_per_frame(content: bytes, info: AudioInfo) -> None:
    array = _samples.to_numpy(content, info)
    assert array.dtype == np.int16
    assert array.tolist() == [[0, 1], [-32768, 32767], [5, -5]]
    array[0] = 7  # it belongs to the caller


def test_a_response_and_its_file_have_the_same_samples(speech: SpeechResponse, tmp_path: Path) -> None:
    array = speech.to_numpy()
    assert speech.duration
    assert speech.sample_rate
    assert array.shape == (round(speech.duration * speech.sample_rate), speech.channels)
    file = speech.save(tmp_path / f"a.{speech.audio_format}")
    info = AudioInfo(speech.audio_format, speech.sample_rate, speech.channels)
    saved = SavedSpeech(file, speech.headers, 0, None, None, info)
    assert np.array_equal(saved.to_numpy(), array)


@pytest.mark.parametrize(
    ("missing", "sentence"), [("numpy", "needs numpy"), ("soundfile", r"openrouter-speech\[convert")]
)
def test_a_missing_package_is_named(missing: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(errors.ConfigurationError, match=sentence):
        _samples.to_numpy(b"\xff\xfb\x90\x00", AudioInfo("mp3"))


def test_what_cannot_be_decoded_is_said() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        _samples.to_numpy(b"no audio at all", AudioInfo("mp3"))
