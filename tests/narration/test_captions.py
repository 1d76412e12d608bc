"""Captions: SubRip and WebVTT."""

import os
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openrouter_speech.narration.captions import Cue, save, share_out, srt, texts, vtt

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
        (["1234", "12345678"], 12_000, [Cue(1_000, 5_000, "1234"), Cue(5_000, 13_000, "12345678")]),
        (["1234", "12345678"], 1_200, [Cue(1_000, 2_200, "1234\n12345678")]),  # too short to read alone
        (["12345678", "1234"], 3_600, [Cue(1_000, 3_400, "12345678"), Cue(3_400, 4_600, "1234")]),
        (["12\n34", "5"], 1_000, [Cue(1_000, 1_833, "12\n34"), Cue(1_833, 2_000, "5")]),  # three lines
        (["a\na", "b\nb"], 1, [Cue(1_000, 1_001, "a\na"), Cue(1_001, 1_002, "b\nb")]),  # each takes some time
    ],
)
def test_time_is_shared_out_by_characters(texts: list[str], duration: int, cues: list[Cue]) -> None:
    assert list(share_out(texts, 1_000, duration)) == cues


WORDS = st.text("abcdefghijklmnop", min_size=1, max_size=60)


@given(st.lists(st.tuples(WORDS, st.sampled_from([" ", " ", ", ", ". ", "\n"])), min_size=1, max_size=60))
def test_a_caption_has_at_most_two_lines_of_42_characters_and_no_word_is_lost(words: list[tuple[str, str]]) -> None:
    paragraph = "".join(word + end for word, end in words)
    found = list(texts(paragraph, "en"))
    assert "".join("".join(found).split()) == "".join(paragraph.split())
    assert all(len(text.split("\n")) <= 2 for text in found)
    assert all(len(line) <= 42 for text in found for line in text.split("\n"))
    cues = list(share_out(found, 0, 1_000))
    assert all(before.end_ms <= after.start_ms < after.end_ms for before, after in pairwise(cues))


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One two.\nThree four.", ["One two.", "Three four."]),
        (
            "It was late in the year, and the last ships had left, when he came. He stayed.",
            ["It was late in the year,\nand the last ships had left, when he came.", "He stayed."],
        ),
        ("今天天气很好。我们去公园。", ["今天天气很好。", "我们去公园。"]),
    ],
)
def test_a_sentence_is_a_caption(paragraph: str, expected: list[str]) -> None:
    assert list(texts(paragraph, "en")) == expected


SPOKEN = [
    Cue(0, 1_000, "Hello.", "ALICE"), Cue(1_000, 2_000, "Still me.", "ALICE"), Cue(2_000, 3_000, "No & no.", "B&B"),
    Cue(3_000, 4_000, "They left."), Cue(4_000, 5_000, "x" * 40, "ALICE"),
]  # fmt: skip


def test_captions_name_the_speaker_where_it_changes() -> None:
    shown = [block.split("\n", 2)[2] for block in srt(SPOKEN).rstrip().split("\n\n")]
    assert shown == ["ALICE: Hello.", "Still me.", "B&B: No & no.", "They left.", f"ALICE:\n{'x' * 40}"]
    voices = [block.split("\n", 1)[1] for block in vtt(SPOKEN).rstrip().split("\n\n")[1:]]
    expected = ["<v ALICE>Hello.", "<v ALICE>Still me.", "<v B&amp;B>No &amp; no.", "They left."]
    assert voices[:4] == expected


def test_people_do_not_share_captions() -> None:
    found = share_out(["Hello.", "Yes.", "No."], 0, 300, ["ALICE", "BOB", "BOB"])
    assert [(cue.text, cue.speaker) for cue in found] == [("Hello.", "ALICE"), ("Yes.\nNo.", "BOB")]


@given(st.lists(WORDS, min_size=1, max_size=12), st.text("ABC. ", min_size=1, max_size=40).map(str.strip).filter(bool))
@example([*"aaaaaaaaaa", "aaa", "a" * 19], "A" * 30)  # the name is split off alone
def test_the_name_of_a_speaker_fits_in(words: list[str], speaker: str) -> None:
    found = list(texts(" ".join(words), "en", speaker))
    assert "".join("".join(found).split()) == "".join(words)
    blocks = srt([Cue(number, number + 1, text, speaker) for number, text in enumerate(found)]).rstrip().split("\n\n")
    lines = [block.split("\n")[2:] for block in blocks]
    assert max(map(len, lines)) <= 2
    assert max(len(line) for block in lines for line in block) <= 42


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
