"""Captions that players read."""

import os
import threading
from pathlib import Path

import pytest
from openrouter_speech.narration.captions import Cue, save, share_out, srt, vtt

CUES = [Cue(0, 1_500, "Hello."), Cue(3_723_004, 3_724_000, "a < b & c --> d")]


def test_subrip() -> None:
    assert srt(CUES) == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n2\n01:02:03,004 --> 01:02:04,000\na < b & c → d\n\n"
    )


def test_webvtt() -> None:
    assert vtt(CUES) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n01:02:03.004 --> 01:02:04.000\na &lt; b &amp; c --&gt; d\n"
    )


def test_time_is_shared_out_by_characters() -> None:
    assert list(share_out(["1234", "12345678"], 1_000, 1_200)) == [
        Cue(1_000, 1_400, "1234"), Cue(1_400, 2_200, "12345678"),
    ]  # fmt: skip


def test_a_caption_has_no_line_break_of_its_text() -> None:
    """An empty line would end it."""
    (cue,) = share_out(["one\n\ntwo"], 0, 1)
    assert cue.text == "one two"


def test_a_caption_takes_some_time() -> None:
    assert all(cue.end_ms > cue.start_ms for cue in share_out(["a", "b"], 0, 1))


@pytest.mark.parametrize(("name", "begins"), [("a.srt", "1\n"), ("a.VTT", "WEBVTT\n")])
def test_the_suffix_picks_the_format(tmp_path: Path, name: str, begins: str) -> None:
    assert save(CUES, tmp_path / name).read_bytes().startswith(begins.encode())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.srt or \.vtt"):
        save(CUES, tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        save(CUES, tmp_path / "missing" / "a.srt")


def test_they_go_into_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.srt")
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "a.srt").read_text("utf-8")))
    reader.start()
    save(CUES, tmp_path / "a.srt")
    reader.join()
    assert heard == [srt(CUES)]
