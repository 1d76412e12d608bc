"""The manifest, before and after the parts are joined."""

from pathlib import Path

from openrouter_speech.narration.doubts import Sound, Verdict
from openrouter_speech.narration.joining import Joined
from openrouter_speech.narration.manifest import chapters, content, cues
from openrouter_speech.narration.plan import Part
from openrouter_speech.narration.results import Chapter
from openrouter_speech.narration.storage import StoredPart

PARTS = [
    Part(0, "One. Two.", "a", "One."),
    Part(0, "Three.", "b"),
    Part(1, "* * *", None),
    Part(2, "Four.\n\nFive", "a"),
]
STORED = {"a": StoredPart(Path("folder/parts/a.wav"), 100, 0.5, "gen-1", Sound(0.50001, 0.25))}
JOINED = Joined(1000, ((0, 501), (501, 200), (701, 0), (801, 501)), 1302)


def test_before_joining_nothing_has_a_start() -> None:
    manifest = content(PARTS, STORED, {"settings": {}}, None)
    assert (manifest["settings"], manifest["duration_ms"], manifest["chapters"]) == ({}, None, [])
    assert [part["start_ms"] for part in manifest["parts"]] == [None] * 4
    assert manifest["parts"][0] == {
        "key": "a", "paragraph": 0, "paragraphs": 1, "text": "One. Two.", "characters": 9,
        "file": "parts/a.wav", "bytes": 100, "start_ms": None, "duration_ms": 500, "generation_id": "gen-1",
        "cost": None, "peak": 0.5, "end_peak": 0.25, "speakers": [], "suspicious": [],
    }  # fmt: skip
    assert (manifest["parts"][1]["file"], manifest["parts"][1]["duration_ms"]) == (None, None)


def test_after_joining_the_decoded_lengths_count() -> None:
    """The headers of an mp3 may give another length."""
    manifest = content(PARTS, STORED, {}, JOINED)
    assert manifest["duration_ms"] == 1302
    spans = [(part["start_ms"], part["duration_ms"]) for part in manifest["parts"]]
    assert spans == [(0, 501), (501, 200), (701, 0), (801, 501)]
    assert manifest["chapters"] == [{"title": "One.", "start_ms": 0}]
    assert list(chapters(PARTS, JOINED)) == [Chapter("One.", 0)]
    assert [(part["paragraph"], part["paragraphs"]) for part in manifest["parts"]] == [(0, 1), (0, 1), (1, 1), (2, 2)]


def test_suspicious_parts_are_marked() -> None:
    manifest = content(PARTS, STORED, {}, JOINED, {"a": Verdict(("silent", "too short"), 2, 9)})
    assert [part["suspicious"] for part in manifest["parts"]] == [
        ["silent", "too short"],
        [],
        [],
        ["silent", "too short"],
    ]


def test_captions_stay_within_their_part() -> None:
    found = [(cue.start_ms, cue.end_ms, cue.text) for cue in cues(PARTS, JOINED, "en")]
    assert found == [(0, 501, "One.\nTwo."), (501, 701, "Three."), (801, 1302, "Four.\nFive")]
