"""Captions: SubRip and WebVTT."""

import os
import threading
from pathlib import Path

import pytest
from openrouter_speech.narration.captions import Cue, save, share_out, srt, vtt

CUES = [Cue(0, 1_500, "Hello."), Cue(3_723_004, 3_724_000, "a < b & c --> d")]
SRT = "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n2\n01:02:03,004 --> 01:02:04,000\na < b & c → d\n\n"
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n01:02:03.004 --> 01:02:04.000\na &lt; b &amp; c --&gt; d\n"


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.VTT", VTT)])
def test_the_suffix_picks_the_format(tmp_path: Path, name: str, content: str) -> None:
    assert {"a.srt": srt, "a.VTT": vtt}[name](CUES) == content
    assert save(CUES, tmp_path / name).read_text("utf-8") == content
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("texts", "duration", "cues"),
    [
        (["1234", "12345678"], 1_200, [Cue(1_000, 1_400, "1234"), Cue(1_400, 2_200, "12345678")]),
        (["one\n\ntwo"], 1, [Cue(1_000, 1_001, "one two")]),  # an empty line would end it
        (["a", "b"], 1, [Cue(1_000, 1_001, "a"), Cue(1_000, 1_001, "b")]),  # each takes some time
    ],
)
def test_time_is_shared_out_by_characters(texts: list[str], duration: int, cues: list[Cue]) -> None:
    assert list(share_out(texts, 1_000, duration)) == cues


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("a.txt", ValueError, r"\.srt or \.vtt"),
        ("missing/a.srt", FileNotFoundError, "does not exist; create it first"),
    ],
)
def test_a_wrong_path_is_refused(tmp_path: Path, name: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        save(CUES, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_captions_can_be_written_to_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.srt")
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "a.srt").read_text("utf-8")))
    reader.start()
    save(CUES, tmp_path / "a.srt")
    reader.join()
    assert received == [SRT]
