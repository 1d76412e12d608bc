"""Any format from any model: audio is converted to the format of the file's suffix."""

import io
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from openrouter_speech import SpeechResponse, errors
from openrouter_speech import _files as files
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.mock import MockServer

from .conftest import Caller, Connect
from .wire_server import PCM, WireServer, chunked, http

RATE = 24_000
TONE = (np.sin(np.arange(RATE) * 440 * 2 * np.pi / RATE) * 16_000).astype("<i2")
"""A second of sound."""
GEMINI, MINIMAX = "google/gemini-3-tts", "minimax/speech-3"


def encoded(container: str, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, TONE, rate, format=container)
    return file.getvalue()


def pieces(audio: bytes, content_type: str) -> Any:
    return chunked(*(audio[start : start + 999] for start in range(0, len(audio), 999)), content_type=content_type)


def heard(path: Path) -> float:
    """Return the frequency that dominates, in Hz."""
    samples, rate = soundfile.read(path)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp3", ("MP3", "MPEG_LAYER_III")), ("a.flac", ("FLAC", "PCM_16")), ("a.ogg", ("OGG", "OPUS")),
        ("a.opus", ("OGG", "OPUS")), ("a.WAV", ("WAV", "PCM_16")),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("model", "audio", "content_type"),
    [(GEMINI, TONE.tobytes(), PCM), (MINIMAX, encoded("MP3"), "audio/mpeg")],
    ids=["pcm", "mp3"],
)
def test_a_model_with_one_format_fills_any_file(
    connect: Connect, tmp_path: Path, name: str, kind: tuple[str, str], model: str, audio: bytes, content_type: str
) -> None:
    """An odd number of bytes arrives at a time."""
    with WireServer(pieces(audio, content_type)) as server:
        saved = connect(server_url=server.url).save(tmp_path / name, model=model, voice="v")
        wanted = {GEMINI: b'"response_format":"pcm"', MINIMAX: b'"response_format":"mp3"'}[model]
        assert wanted in server.requests[0].body
    found = soundfile.info(saved.path)
    assert (found.format, found.subtype) == kind
    assert found.duration == pytest.approx(1, abs=0.1)
    assert heard(saved.path) == pytest.approx(440, abs=3)
    assert saved.audio_format in {Path(name).suffix[1:].lower(), "pcm"}
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_length_of_a_converted_file_is_known(connect: Connect, tmp_path: Path) -> None:
    with WireServer(pieces(TONE.tobytes(), PCM)) as server:
        caller = connect(server_url=server.url)
        assert caller.save(tmp_path / "a.mp3", model=GEMINI).duration == pytest.approx(1, abs=0.1)
        assert caller.save(tmp_path / "a.flac", model=GEMINI).duration == 1


FORMS: list[Callable[[Caller, Path], object]] = [
    lambda caller, path: caller.create(model=GEMINI).save(path),
    lambda caller, path: caller.save(path, model=GEMINI),
    lambda caller, path: caller.save(path, model="any/model", response_format="pcm"),
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_each_way_to_save_converts(connect: Connect, tmp_path: Path, form: Any) -> None:
    with WireServer(http(body=TONE.tobytes())) as server:
        form(connect(server_url=server.url), tmp_path / "a.mp3")
    assert soundfile.info(tmp_path / "a.mp3").format == "MP3"


def test_an_unexpected_format_is_converted_too(connect: Connect, tmp_path: Path) -> None:
    with WireServer(http(body=encoded("WAV"), content_type="audio/wav")) as server:
        assert heard(connect(server_url=server.url).save(tmp_path / "a.mp3").path) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(("rate", "subtype"), [(48_000, "OPUS"), (44_100, "VORBIS")])
def test_a_rate_that_opus_lacks_becomes_vorbis(tmp_path: Path, rate: int, subtype: str) -> None:
    with files.keeping(tmp_path / "a.ogg", AudioInfo("pcm", rate, 1), convert=True) as sink:
        sink.write(TONE.tobytes())
    found = soundfile.info(tmp_path / "a.ogg")
    assert (found.subtype, found.samplerate) == (subtype, rate)


@pytest.mark.parametrize(
    ("name", "info", "audio", "message"),
    [
        ("a.mp3", AudioInfo("pcm", 96_000, 1), TONE.tobytes(), "mp3 cannot hold 1 channels at 96000 Hz"),
        ("a.flac", AudioInfo("mp3"), b"\xff\xfbno mp3" * 9, "The mp3 audio cannot be decoded"),
        ("a.flac", AudioInfo("wav"), b"RIFFxxxx", "The wav audio cannot be decoded"),
    ],
)
def test_what_cannot_be_converted_is_not_lost(
    tmp_path: Path, name: str, info: AudioInfo, audio: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(b"old")
    saving = files.keeping(tmp_path / name, info, convert=True).__enter__()
    saving.write(audio[:7])
    saving.write(audio[7:])
    with pytest.raises(errors.FileWriteError, match=message) as raised:
        saving.__exit__(None, None, None)
    assert raised.value.audio == audio
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {name: b"old"}


def test_a_stream_that_is_cut_leaves_no_file_and_all_of_its_audio(connect: Connect, tmp_path: Path) -> None:
    with WireServer(http(body=TONE.tobytes()[:1000], length=2000)) as server:
        caller = connect(server_url=server.url, retry_config=None)
        with pytest.raises(errors.TruncatedAudioError) as raised:
            caller.save(tmp_path / "a.flac", model=GEMINI)
    assert raised.value.audio == TONE.tobytes()[:1000]
    assert list(tmp_path.glob("*")) == []


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("a.flac", {}, r"a\.flac needs a conversion: pip install 'openrouter-speech\[convert\]', or name it \.mp3"),
        ("a.mp3", {"model": GEMINI}, r"response_format must be pcm for google/gemini-3-tts, not 'mp3'"),
        ("a.mp3", {"response_format": "pcm"}, "cannot hold"),
    ],
)
def test_without_the_extra_nothing_is_sent(
    connect: Connect, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str,
    params: dict[str, Any], message: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("openrouter_speech._convert.is_installed", lambda: False)
    server.reset()
    with pytest.raises(ValueError, match=message):
        connect(server_url=server.url).save(tmp_path / name, **params)
    assert server.requests == []


@pytest.mark.parametrize("name", ["a.flac", "a.ogg"])
def test_a_conversion_can_be_turned_off(connect: Connect, server: MockServer, tmp_path: Path, name: str) -> None:
    server.reset()
    with pytest.raises(ValueError, match="unsupported suffix"):
        connect(server_url=server.url).save(tmp_path / name, convert=False)
    assert server.requests == []
    speech: SpeechResponse = connect(server_url=server.url).create()
    with pytest.raises(errors.SuffixMismatchError):
        speech.save(tmp_path / name, convert=False)


def test_soundfile_is_imported_to_convert_and_not_before(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with WireServer(http(body=TONE.tobytes())) as server:
        assert connect(server_url=server.url).save(tmp_path / "a.wav").path.exists()


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.ogg", "a.wav"])
@pytest.mark.parametrize("source", ["pcm", "mp3"])
def test_a_full_disk_costs_no_audio(tmp_path: Path, name: str, source: str) -> None:
    """The system's limit on file sizes stands for it. It also limits the copy of the audio."""
    if name.endswith(source):
        pytest.skip("nothing to convert")
    audio = TONE.tobytes() * 4 if source == "pcm" else encoded("MP3")
    old_limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, most))
    try:
        saving = files.keeping(tmp_path / name, AudioInfo(source), convert=True).__enter__()
        for start in range(0, len(audio), 1000):
            saving.write(audio[start : start + 1000])
        with pytest.raises(errors.FileWriteError) as raised:
            saving.__exit__(None, None, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (old_limit, most))
    assert raised.value.audio == audio
    assert list(tmp_path.iterdir()) == []
