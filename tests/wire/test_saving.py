"""Saving over real sockets: formats, and paths rejected before any charge."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import errors

from ..conftest import Connect
from ..wire_server import WireServer, http
from .answers import EAGER, GOOD, MP3


def test_the_suffix_picks_the_format(connect: Connect, tmp_path: Path) -> None:
    with WireServer(GOOD, GOOD, http(body=MP3, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        saved = [caller.save(tmp_path / name) for name in ("a.wav", "a.pcm", "a.mp3")]
    assert [json.loads(request.body)["response_format"] for request in server.requests] == ["pcm", "pcm", "mp3"]
    assert [speech.audio_format for speech in saved] == ["pcm", "pcm", "mp3"]
    assert {(speech.sample_rate, speech.channels) for speech in saved} == {(24_000, 1)}
    assert [speech.duration for speech in saved] == [0.01, 0.01, 0.072]
    assert [speech.path.stat().st_size for speech in saved] == [524, 480, len(MP3)]
    assert (saved[0].generation_id, saved[0].bytes_received) == ("gen-tts-1-a", 480)
    assert saved[0].time_to_first_audio is not None


@pytest.mark.parametrize(
    ("name", "params", "kind", "message"),
    [
        ("a.mp3", {"response_format": "pcm", "convert": False}, ValueError, "cannot hold"),
        ("a.aac", {"response_format": "pcm"}, ValueError, "cannot hold"),
        ("missing/a.pcm", {}, FileNotFoundError, "create it first"),
        ("a.wave", {}, ValueError, r"\.mp3, \.pcm or \.wav"),
    ],
)
def test_a_file_that_cannot_be_written_is_rejected_before_it_is_paid_for(
    connect: Connect, tmp_path: Path, name: str, params: Any, kind: type[Exception], message: str
) -> None:
    with WireServer(GOOD) as server:
        with pytest.raises(kind, match=message):
            connect(server_url=server.url).save(tmp_path / name, **params)
        assert not server.requests


def test_audio_in_an_unexpected_format_is_saved_under_its_own_suffix(
    connect: Connect, slept: list[float], tmp_path: Path
) -> None:
    """The audio has arrived, so there is no retry."""
    with WireServer(GOOD) as server:
        with pytest.raises(errors.SuffixMismatchError, match="The audio is pcm") as raised:
            connect(server_url=server.url, retry_config=EAGER).save(tmp_path / "a.mp3", convert=False)
        assert len(server.requests) == 1
    assert raised.value.saved_to == tmp_path / "a.wav"
    assert (tmp_path / "a.wav").stat().st_size == 524


def test_audio_can_be_saved_to_a_device(connect: Connect) -> None:
    """It cannot be read back to find the duration of mp3."""
    with WireServer(GOOD, http(body=MP3, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        assert caller.save(Path(os.devnull)).duration == 0.01
        saved = caller.save(Path(os.devnull))
    assert (saved.audio_format, saved.sample_rate, saved.duration) == ("mp3", 24_000, None)
