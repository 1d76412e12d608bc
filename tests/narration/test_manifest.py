"""What the manifest says, before and after the parts are joined."""

from pathlib import Path

from openrouter_speech.narration.joining import Joined
from openrouter_speech.narration.manifest import chapters, content, cues
from openrouter_speech.narration.plan import Part
from openrouter_speech.narration.results import Chapter
from openrouter_speech.narration.storage import StoredPart

PARTS = [Part(0, "One. Two.", "a"), Part(0, "Three.", "b"), Part(1, "* * *", None), Part(2, "Four.", "a")]
STORED = {"a": StoredPart(Path("folder/parts/a.wav"), 100, 0.5, "gen-1")}
JOINED = Joined(1000, ((0, 501), (501, 200), (701, 0), (801, 501)), 1302)


def test_before_the_parts_are_joined() -> None:
    told = content(PARTS, STORED, {"settings": {}}, None)
    assert (told["settings"], told["duration_ms"], told["chapters"]) == ({}, None, [])
    assert [part["start_ms"] for part in told["parts"]] == [None] * 4
    assert told["parts"][0] == {
        "key": "a", "paragraph": 0, "text": "One. Two.", "characters": 9, "file": "parts/a.wav", "bytes": 100,
        "start_ms": None, "duration_ms": 500, "generation_id": "gen-1",
    }  # fmt: skip
    assert (told["parts"][1]["file"], told["parts"][1]["duration_ms"]) == (None, None)


def test_after_the_parts_are_joined() -> None:
    """What was decoded counts: the frames of an mp3 may say something else."""
    told = content(PARTS, STORED, {}, JOINED)
    assert told["duration_ms"] == 1302
    assert [(part["start_ms"], part["duration_ms"]) for part in told["parts"]] == [
        (0, 501), (501, 200), (701, 0), (801, 501),
    ]  # fmt: skip
    assert told["chapters"] == [{"title": "One. Two.", "start_ms": 0}, {"title": "Four.", "start_ms": 801}]


def test_each_paragraph_that_is_spoken_is_a_chapter() -> None:
    assert list(chapters(PARTS, JOINED)) == [Chapter("One. Two.", 0), Chapter("Four.", 801)]


def test_captions_stay_within_their_part() -> None:
    told = [(cue.start_ms, cue.end_ms, cue.text) for cue in cues(PARTS, JOINED)]
    assert told == [(0, 501, "One. Two."), (501, 701, "Three."), (801, 1302, "Four.")]
