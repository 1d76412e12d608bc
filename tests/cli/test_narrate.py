"""`openrouter-speech narrate`: a long text to one file, and its cost before and after."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from openrouter_speech import NarrationProgress
from openrouter_speech._core import wav
from openrouter_speech._engine import lock
from openrouter_speech.cli.narrate import Teller
from openrouter_speech.cli.progress import Watcher
from openrouter_speech.mock import MockServer

from .conftest import Run, Terminal

Start = Callable[..., Terminal]

BOOK = "One, two.\n\n* * *\n\nThree, four. Five, six.\n\n* * *\n\nSeven, eight."


@pytest.fixture(autouse=True)
def book(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(BOOK)


def test_a_dry_run_shows_the_cost_without_a_key_and_writes_nothing(
    run: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY")
    outcome = run("narrate", "book.txt", "-o", "book.mp3", "--dry-run")
    assert (outcome.code, outcome.stdout) == (0, "3 requests, 45 characters to send; cost unknown\n")
    assert [request.method for request in server.requests] == ["GET"]  # prices
    assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]


def test_a_second_run_requests_nothing(run: Run, server: MockServer, tmp_path: Path) -> None:
    outcome = run("narrate", "book.txt", "-o", "book.wav")
    assert (outcome.code, outcome.stderr) == (0, "")
    (line,) = outcome.stdout.splitlines()
    assert line.startswith("book.wav: ")
    assert line.endswith("of audio in 3 parts; sent 3 requests, 45 characters")
    assert (tmp_path / "book.wav").exists()
    server.reset()
    planned = run("narrate", "book.txt", "-o", "book.wav", "--dry-run").stdout
    assert planned == "0 requests, 0 characters to send; 3 of 3 already in book.narration\n"
    assert "sent 0 requests, 0 characters" in run("narrate", "book.txt", "-o", "book.wav").stdout
    assert not server.requests


def test_the_result_is_json_on_request(run: Run) -> None:
    before = json.loads(run("narrate", "book.txt", "-o", "book.wav", "--json", "-n").stdout)
    assert (before["dry_run"], before["requests"], before["missing_characters"]) == (True, 3, 45)
    after = json.loads(run("narrate", "book.txt", "-o", "book.wav", "--json", "--srt").stdout)
    assert (after["path"], after["new_requests"], after["captions"]) == ("book.wav", 3, ["book.srt"])
    assert after["duration"] > 1


def test_respellings_and_voices_are_shown_before_and_sent(run: Run, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("ALICE: A gif, a GIF.\n\nBOB: No.\n\nThey left.")
    (tmp_path / "words.txt").write_text("# Names\n\nUFO = you eff oh\nGIF = jif\n")
    options = ["--say", "words.txt", "--say", "No=Nope", "--voice-of", "ALICE=nova", "--voice-of", "BOB = echo"]
    planned = run("narrate", "script.txt", "-o", "book.wav", *options, "--dry-run").stdout
    assert planned == (
        "3 requests, 28 characters to send; UFO respelled 0 times; GIF respelled 2 times; No respelled 1 time; "
        "1 paragraph by ALICE; 1 paragraph by BOB; cost unknown\n"
    )
    server.reset()
    assert run("narrate", "script.txt", "-o", "book.wav", *options, "--concurrency", "1").code == 0
    sent = [(request.json["input"], request.json["voice"]) for request in server.requests]
    assert sent == [("A jif, a jif.", "nova"), ("Nope.", "echo"), ("They left.", "alloy")]


def test_turns_are_one_request(run: Run, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("ALICE: Yes.\n\nBOB: No.")
    options = ["--voice-of", "ALICE=nova", "--voice-of", "BOB=echo", "--turns"]
    assert run("narrate", "script.txt", "-o", "book.wav", *options).code == 0
    (request,) = server.requests
    assert request.json["input"] == [{"text": "Yes.", "voice": "nova"}, {"text": "No.", "voice": "echo"}]


def test_suspicious_parts_are_in_the_report(
    run: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first parts of a file of one's own replace those that were made."""
    lines = [f"This is line number {number} of the book, which has eight." for number in range(8)]
    (tmp_path / "book.txt").write_text("\n\n".join(lines))
    command = ["narrate", "book.txt", "-o", "book.wav", "--pause", "0"]
    assert "too" not in run(*command).stdout
    parts = [part["file"] for part in json.loads((tmp_path / "book.narration/manifest.json").read_text())["parts"]]
    for number in (1, 3, 5, 7):
        (tmp_path / "book.narration" / parts[number]).write_bytes(wav.header(4_800, 24_000, 1) + bytes(4_800))
    (tmp_path / "book.narration/manifest.json").unlink()
    line = run(*command).stdout
    assert line.count("too short and silent: paragraph ") == 3
    assert line.endswith("; 1 more suspicious parts are in book.narration/manifest.json\n")
    assert len(json.loads(run(*command, "--json").stdout)["suspicious"]) == 4
    monkeypatch.setenv("OPENROUTER_SPEECH_RETRY_SUSPICIOUS", "1")
    server.reset()
    assert "silent" not in run(*command).stdout
    assert len(server.requests) == 4


def test_captions_are_saved_next_to_the_audio(run: Run, tmp_path: Path) -> None:
    outcome = run("narrate", "book.txt", "-o", "book.mp3", "--srt", "--vtt")
    assert outcome.stdout.endswith("; book.srt; book.vtt\n")
    assert "Seven, eight." in (tmp_path / "book.srt").read_text()
    assert (tmp_path / "book.vtt").read_text().startswith("WEBVTT")


def test_the_text_may_come_from_a_pipe(run: Run, server: MockServer) -> None:
    assert run("narrate", "-", "-o", "book.mp3", stdin="Grüße, 世界".encode("utf-8-sig")).code == 0
    assert server.requests[0].json["input"] == "Grüße, 世界"


def test_the_options_for_parts_and_pauses_are_used(run: Run, server: MockServer, tmp_path: Path) -> None:
    cut = ["--limit", "12", "--limit-unit", "bytes", "--folder", "parts", "--concurrency", "1"]
    plain = json.loads(run("narrate", "book.txt", "-o", "book.wav", *cut, "--json").stdout)
    assert [request.json["input"] for request in server.requests] == [
        "One, two.", "Three, four.", "Five, six.", "Seven,", "eight."
    ]  # fmt: skip
    assert (tmp_path / "parts" / "manifest.json").exists()
    assert json.loads((tmp_path / "parts" / "manifest.json").read_text())["settings"]["pause_ms"] is None
    slow = json.loads(run("narrate", "book.txt", "-o", "book.wav", *cut, "--json", "--pause", "0.5").stdout)
    assert slow["duration"] - plain["duration"] == pytest.approx(2)  # four pauses; each row of stars is one more


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.txt", "-o", "a.mp3"], "missing.txt cannot be read"),
        (["book.txt", "-o", "-"], "needs a file"),
        (["book.txt", "-o", "a.ogg"], ".wav, .pcm or .mp3"),
        (["book.txt", "-o", "missing/a.mp3"], "does not exist"),
        (["book.txt", "-o", "a.mp3", "--limit", "0"], "'--limit'"),
        (["book.txt", "-o", "a.mp3", "--pause", "nan"], "'--pause'"),
        (["book.txt", "-o", "a.mp3", "--format", "opus"], "--format must be"),
        (["book.txt", "-o", "a.mp3", "--concurrency", "0"], "--concurrency"),
        (
            ["book.txt", "-o", "a.mp3", "--say", "GIF"],
            "or a file of such lines; GIF is neither",
        ),
        (["book.txt", "-o", "a.mp3", "--say", "=jif"], "--say takes two texts with = between them, not =jif"),
        (["book.txt", "-o", "a.mp3", "--say", "...=jif"], "--say has '...', which is no word"),
        (["book.txt", "-o", "a.mp3", "--voice-of", "ALICE"], "--voice-of takes two texts"),
        (
            ["cast.txt", "-o", "a.mp3", "--voice-of", "BOB=echo"],
            "--voice-of lacks ALICE (paragraph 1): add these speakers",
        ),
        (["book.txt", "-o", "a.mp3", "--heading", "("], "--heading is not a regular expression"),
        (["book.txt", "-o", "a.mp3", "--turns"], "--turns needs voices"),
        (["stars.txt", "-o", "a.mp3"], "nothing to speak"),
        # These would replace or mix up files:
        (["link.wav", "-o", "book.wav"], "The output book.wav would replace the text"),
        (["book.srt", "-o", "book.mp3", "--srt"], "The captions book.srt would replace the text"),
        (["book.txt", "-o", "audio.mp3", "--vtt"], "audio.vtt and the audio audio.mp3 are the same file"),
        (["book.txt", "-o", "folder.mp3", "--srt"], "it is a folder"),
        (["book.txt", "-o", "parts/book.mp3", "--folder", "parts"], "is in the folder of the parts"),
        (["book.narration/manifest.json", "-o", "book.mp3"], "manifest.json would replace the text"),
        (["book.txt", "-o", "book.mp3", "--folder", "site"], "is not a narration's, and would be replaced"),
    ],
)
def test_wrong_usage_sends_nothing_and_changes_no_file(
    run: Run, server: MockServer, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "stars.txt").write_text("* * *")
    (tmp_path / "cast.txt").write_text("ALICE: One.")
    for name in ("book.srt", "book.wav", "audio.mp3"):
        (tmp_path / name).write_text("One. Two.")
    (tmp_path / "link.wav").symlink_to(tmp_path / "book.wav")
    (tmp_path / "audio.vtt").symlink_to(tmp_path / "audio.mp3")
    for name in ("folder.srt", "parts", "site", "book.narration/parts"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("site", "book.narration"):
        (tmp_path / name / "manifest.json").write_text("One. Two.")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outcome = run("narrate", *arguments)
    assert words in outcome.stderr.splitlines()[0]
    assert outcome.code == 2
    assert not server.requests
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_refused_part_is_named(run: Run, server: MockServer) -> None:
    server.script([400, 400])
    arguments = ["narrate", "book.txt", "-o", "book.wav", "--concurrency", "1"]
    assert 'Paragraph 1 ("One, two.") was refused: edit it' in run(*arguments).stderr
    notes = json.loads(run(*arguments, "--json").stdout)["error"]["notes"]
    assert [note.split(" ", 2)[:2] for note in notes] == [["Paragraph", "1"], ["0", "of"]]


def test_another_narration_in_the_same_folder_is_named(run: Run, server: MockServer, tmp_path: Path) -> None:
    with lock.held(tmp_path / "book.narration", "narration", "long"):
        outcome = run("narrate", "book.txt", "-o", "book.mp3")
        assert run("narrate", "book.txt", "-o", "book.mp3", "--dry-run").code == 0
    assert f"process {os.getpid()} on " in outcome.stderr.splitlines()[0]
    assert outcome.code == 2
    assert {request.method for request in server.requests} == {"GET"}  # prices, for the dry run


def test_a_failure_says_how_to_resume(run: Run, server: MockServer) -> None:
    server.script(["ok", 402])
    outcome = run("narrate", "book.txt", "-o", "book.wav", "--concurrency", "1")
    error, *hints = outcome.stderr.splitlines()
    assert outcome.code == 1
    assert error.startswith("Error: 402: ")
    assert hints == [
        "Hint: add credits to the account of this key",
        "Hint: 1 of 3 parts are in book.narration; the same call goes on from there.",
    ]
    assert "sent 2 requests" in run("narrate", "book.txt", "-o", "book.wav").stdout


def test_the_terminal_shows_the_cost_the_progress_and_the_result(terminal: Start, server: MockServer) -> None:
    server.script(["429; retry-after=0.4"])
    command = terminal("narrate", "book.txt", "-o", "book.wav", "--concurrency", "1")
    seen = command.seen()
    assert "3 requests, 45 characters to send" in seen
    assert "throttled: next request in 0 s" in seen
    assert "into one file" in seen
    assert "sent 3 requests, 45 characters" in seen
    assert command.code == 0


class Listener(Watcher):
    """Collects what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float, float | None]] = []

    def show(self, details: str, done: float = 0, total: float | None = None) -> None:
        self.shown.append((details, done, total))


def test_progress_is_shown_in_characters_then_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time left is estimated from the work of this run, without the parts that were already there."""
    clock = iter([100.0, 110.0])
    monkeypatch.setattr("openrouter_speech.cli.narrate.monotonic", lambda: next(clock))
    listener = Listener()
    tell = Teller(listener)
    tell(NarrationProgress(parts=4, characters=400, parts_done=1, characters_done=100, audio_seconds=30))
    tell(NarrationProgress(parts=4, characters=400, parts_done=2, characters_done=200, audio_seconds=90))
    tell(NarrationProgress(parts=4, characters=400, parts_done=2, characters_done=200, waiting_seconds=7.4))
    tell(NarrationProgress(parts=4, characters=400, parts_done=4, characters_done=400, suspicious_parts=1))
    tell(NarrationProgress(parts=4, characters=400, parts_done=4, audio_seconds=120, joined_seconds=60))
    assert listener.shown == [
        ("1 of 4 parts, 30.00 s of audio", 100, 400),
        ("2 of 4 parts, 1:30 of audio, 20 s left", 200, 400),
        ("2 of 4 parts, 0.00 s of audio, throttled: next request in 7 s", 200, 400),
        ("4 of 4 parts, 0.00 s of audio, requesting 1 suspicious part once more", 400, 400),
        ("joining 2:00 of audio into one file", 60, 120),
    ]


def test_the_cost_is_told_before_and_after(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_SPEECH_MODEL", "hexgrad/kokoro-82m")
    monkeypatch.setenv("OPENROUTER_SPEECH_VOICE", "af_sky")
    arguments = ("narrate", "book.txt", "-o", "book.wav")
    assert run(*arguments, "--dry-run").stdout.endswith("; $0.0002 at most\n")
    assert json.loads(run(*arguments, "--dry-run", "--json").stdout)["estimate"] == "0.0002340"
    refused = run(*arguments, "--max-cost", "0.0001")
    assert (refused.code, refused.stderr.partition(":")[2].partition("\n")[0]) == (
        2, " --max-cost is 0.0001, and the text may cost 0.0002340: raise it, or shorten the text"
    )  # fmt: skip
    outcome = run(*arguments, "--max-cost", "0.01", "--cost", "--json")
    assert json.loads(outcome.stdout)["cost"] == "0.0000360"
    assert "; $0.0000360 for all parts" in run(*arguments, "--cost").stdout
