"""`openrouter-speech say`: any text, to a file, a pipe or the speakers."""

import io
import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

import httpx
import miniaudio
import pytest
from openrouter_speech import errors
from openrouter_speech.cli import speaker
from openrouter_speech.mock import MockServer

from ..wire_server import CLOSE, Connection, WireServer, chunk, head, refusing
from .conftest import PROGRAM, Run, asked

LONG = "The keeper wrote down each ship that passed. " * 20
"""Long enough to fill a pipe."""


def frames(path: Path) -> int:
    """Return the frames of a file, decoded."""
    return int(miniaudio.decode_file(str(path), nchannels=1, sample_rate=24_000).num_frames)


@pytest.mark.parametrize(
    ("name", "variable", "response_format"),
    [("a.mp3", "pcm", "mp3"), ("a.wav", "mp3", "pcm"), ("a.pcm", "mp3", "pcm"), ("-", "mp3", "mp3"), ("-", "", None)],
)
def test_the_suffix_picks_the_format_or_else_the_variable(
    run: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, variable: str, response_format: str | None,
) -> None:  # fmt: skip
    if variable:
        monkeypatch.setenv("OPENROUTER_SPEECH_FORMAT", variable)
    outcome = run("say", "Hello world", "-o", name)
    assert outcome.code == 0
    assert asked(server).get("response_format") == response_format
    if name == "-":
        assert outcome.audio[:2] == b"\xff\xf3" if response_format == "mp3" else len(outcome.audio) == 21_120 * 2
        assert outcome.stderr.startswith("standard output: ")
    elif name == "a.pcm":
        assert (tmp_path / name).stat().st_size == 21_120 * 2
    else:
        assert outcome.stderr == ""
        assert frames(tmp_path / name) == 21_120


def test_the_result_is_one_line(run: Run, tmp_path: Path) -> None:
    outcome = run("say", "Hello world", "-o", "hello.mp3")
    (line,) = outcome.stdout.splitlines()
    assert line.startswith("hello.mp3: 0.88 s of mp3, 7.0 kB, first audio after 0.")
    assert "gen-tts-" in line


def test_the_result_is_json_for_programs(run: Run, server: MockServer, tmp_path: Path) -> None:
    facts = json.loads(run("say", "Hello world", "-o", "hello.wav", "--json").stdout)
    assert facts.pop("generation_id").startswith("gen-tts-")
    assert facts.pop("time_to_first_audio") > 0
    assert facts == {
        "path": "hello.wav", "format": "pcm", "sample_rate": 24_000, "channels": 1, "duration": 0.88,
        "bytes": 42_240, "characters": 11, "from_cache": False, "cost": None,
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [["Grüße, 世界"], ["--file", "text.txt"], [], ["-"], ["--file", "-"]], ids=str)
def test_the_text_is_an_argument_a_file_or_standard_input(
    run: Run, server: MockServer, tmp_path: Path, arguments: list[str]
) -> None:
    """A byte order mark is not part of it."""
    (tmp_path / "text.txt").write_text("Grüße, 世界", encoding="utf-8-sig")
    assert run("say", *arguments, "-o", "hello.mp3", stdin="Grüße, 世界".encode("utf-8-sig")).code == 0
    assert asked(server)["input"] == "Grüße, 世界"


OUT = ["Hello", "-o", "a.mp3"]
WRONG = [
    ([], "audio needs an output"),
    (["Hello"], "audio needs an output"),
    ([*OUT, "-f", "text.txt"], "two texts"),
    (["-f", "missing.txt", "-o", "a.mp3"], "missing.txt cannot be read: No such file"),
    (["-f", "latin.txt", "-o", "a.mp3"], "latin.txt is not UTF-8: line 2 has the byte 0xe9"),
    (["-f", "text.txt", "-o", "./text.txt"], "would replace the text"),
    ([" \n", "-o", "a.mp3"], "The text is empty"),
    (["-o", "a.mp3"], "The text is empty"),
    (["\udce9", "-o", "a.mp3"], "The text is not UTF-8"),
    (["Hello", "-o", "missing/a.mp3"], "does not exist; create it first"),
    (["Hello", "-o", "."], "it is a folder"),
    ([*OUT, "--format", "pcm"], "a.mp3 cannot hold pcm"),
    ([*OUT, "--speed", "fast"], "--speed"),
    ([*OUT, "--speed", "nan"], "--speed must be a finite number"),
    ([*OUT, "--timeout", "0"], "'--timeout' (env var: 'OPENROUTER_SPEECH_TIMEOUT')"),
    ([*OUT, "--retries", "-1"], "--retries"),
    ([*OUT, "--retry-wait", "-1"], "'--retry-wait'"),
    ([*OUT, "--provider-options", "{"], "--provider-options is not JSON"),
    ([*OUT, "--provider-options", "[]"], "--provider-options must be objects by provider"),
    ([*OUT, "--provider-options", '{"a": 1}'], "--provider-options must be objects"),
    ([*OUT, "-H", "no colon"], "--header takes 'Name: value'"),
    ([*OUT, "-H", "Bad Name: x"], "which is not a header name"),
    ([*OUT, "--server-url", "ftp://x"], "--server-url must begin with https://"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_wrong_usage_is_one_line_and_a_hint_and_sends_nothing(
    run: Run, server: MockServer, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "text.txt").write_text("Hello")
    (tmp_path / "latin.txt").write_bytes(b"Hello\ncaf\xe9")
    outcome = run("say", *arguments)
    error, hint = outcome.stderr.splitlines()
    assert error.startswith("Error: ")
    assert words in error
    assert hint.startswith("Hint: ")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert not server.requests
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt", "latin.txt"}
    assert (tmp_path / "text.txt").read_text() == "Hello"


@pytest.mark.parametrize("name", ["API_KEY", "SPEECH_MODEL"])
def test_a_missing_setting_is_named_with_its_variable(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"OPENROUTER_{name}")
    outcome = run("say", "Hello", "-o", "hello.mp3")
    assert outcome.code == 2
    assert f"OPENROUTER_{name}" in outcome.stderr


SPEECH = "OPENROUTER_SPEECH_"
OPTIONS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("--model", f"{SPEECH}MODEL", "a/b", {"model": "a/b"}),
    ("--voice", f"{SPEECH}VOICE", "nova", {"voice": "nova"}),
    ("--speed", f"{SPEECH}SPEED", "2.5", {"speed": 2.5}),
    ("--format", f"{SPEECH}FORMAT", "mp3", {"response_format": "mp3"}),
    ("--provider-options", f"{SPEECH}PROVIDER_OPTIONS", '{"a": {"b": 1}}', {"provider": {"options": {"a": {"b": 1}}}}),
    ("--http-referer", "OPENROUTER_HTTP_REFERER", "https://example.com", {"http-referer": "https://example.com"}),
    ("--x-open-router-title", "OPENROUTER_X_OPEN_ROUTER_TITLE", "Café", {"x-openrouter-title": "Café"}),
    ("--x-open-router-categories", "OPENROUTER_X_OPEN_ROUTER_CATEGORIES", "a,b", {"x-openrouter-categories": "a,b"}),
]


@pytest.mark.parametrize("by_variable", [False, True], ids=["option", "variable"])
@pytest.mark.parametrize(("option", "variable", "value", "sent"), OPTIONS, ids=[option for option, *_ in OPTIONS])
def test_an_option_or_its_variable_is_sent(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch,
    option: str, variable: str, value: str, sent: dict[str, Any], by_variable: bool,
) -> None:  # fmt: skip
    if by_variable:
        monkeypatch.setenv(variable, value)
    assert run("say", "Hello", "-o", os.devnull, *([] if by_variable else [option, value])).code == 0
    arrived = {**asked(server), **server.requests[0].headers}
    assert arrived.items() >= sent.items()


def test_headers_are_added(run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_SPEECH_HEADERS", "X-One: 1\n\nX-Two: two: 2\n")
    assert run("say", "Hello", "-o", "hello.mp3", "-H", "X-Three: 3", "-H", "x-one: another").code == 0
    headers = server.requests[0].headers
    assert [headers[name] for name in ("x-one", "x-two", "x-three")] == ["another", "two: 2", "3"]


@pytest.mark.parametrize("status", [400, 503])
def test_a_refusal_is_one_line_and_a_hint(run: Run, server: MockServer, tmp_path: Path, status: int) -> None:
    server.script([status])
    outcome = run("say", "Hello", "-o", "hello.mp3", "--retries", "0")
    error, hint = outcome.stderr.splitlines()
    assert error.startswith(f"Error: {status}: ")
    assert hint.startswith("Hint: ")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_json_for_programs(run: Run, server: MockServer) -> None:
    server.script(["429; retry-after=7"])
    outcome = run("say", "Hello", "-o", "hello.mp3", "--json", "--retries", "0")
    error = json.loads(outcome.stdout)["error"]
    assert (error["type"], error["status_code"]) == ("TooManyRequestsResponseError", 429)
    assert (error["retry_after"], error["maybe_billed"]) == (7, False)
    assert outcome.stderr.startswith("Error: 429: ")


def test_a_refused_connection_is_one_line_and_a_hint(run: Run) -> None:
    with refusing() as url:
        outcome = run("say", "Hello", "-o", "hello.mp3", "--server-url", url, "--retries", "0")
    error, hint = outcome.stderr.splitlines()
    assert (outcome.code, hint) == (1, "Hint: run openrouter-speech doctor to check the setup")
    assert f"No response from {httpx.URL(url).netloc.decode()}" in error


@pytest.mark.parametrize(("retries", "code"), [(["--retries", "3"], 0), ([], 1), (["--retries", "0"], 1)])
def test_the_number_of_retries_can_be_set(run: Run, server: MockServer, retries: list[str], code: int) -> None:
    """The default is 2."""
    server.script([503, 503, 503, "ok"])
    assert run("say", "Hello", "-o", "hello.mp3", *retries).code == code
    assert len(server.requests) == {"3": 4, "0": 1}.get(retries[-1] if retries else "", 3)


def test_the_first_wait_and_the_time_for_retries_can_be_set(run: Run, server: MockServer, slept: list[float]) -> None:
    server.script([503, 503])
    assert run("say", "Hello", "-o", "hello.mp3", "--retry-wait", "20").code == 0
    first, second = slept
    assert 20 <= first <= 30 < 40 <= second
    server.script([503])
    assert run("say", "Hello", "-o", "hello.mp3", "--retry-wait", "20", "--retry-for", "10").code == 1


def test_a_timeout_says_how_to_wait_longer(run: Run, server: MockServer, tmp_path: Path) -> None:
    server.script(["stall"])
    outcome = run("say", "Hello", "-o", "hello.mp3", "--timeout", "0.05")
    assert outcome.code == 1
    assert outcome.stderr.endswith("Hint: wait longer: --timeout\n")
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_may_have_been_charged_is_retried_only_on_request(run: Run, server: MockServer) -> None:
    server.script(["empty"])
    assert run("say", "Hello", "-o", "hello.mp3").code == 1
    server.script(["empty"])
    assert run("say", "Hello", "-o", "hello.mp3", "--retry-maybe-billed").code == 0


def test_truncated_audio_leaves_the_old_file(run: Run, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "hello.mp3").write_text("old")
    server.script(["cut"])
    assert run("say", "Hello", "-o", "hello.mp3").code == 1
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_audio_is_piped_as_it_arrives() -> None:
    heard = threading.Event()

    def answer(connection: Connection) -> object:
        connection.send(head(200, "audio/pcm", None) + chunk(bytes(480)))
        connection.wait_for(heard)
        connection.send(chunk(b""))
        return CLOSE

    with WireServer(answer) as wire:
        command = [str(PROGRAM), "say", "Hello", "-o", "-", "--server-url", wire.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert len(process.stdout.read(480)) == 480
            heard.set()
            process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("text", "output", "read"),
    [("Hello", "-", 0), ("Hello", "hello.mp3", 0), (LONG, "-", 10)],
    ids=["pipe", "file", "long"],
)
def test_a_pipe_that_its_reader_closes_is_no_error(tmp_path: Path, text: str, output: str, read: int) -> None:
    command = [str(PROGRAM), "say", text, "-o", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(read)) == read
        process.stdout.close()
        assert (process.wait(timeout=30), process.stderr.read()) == (141, b"")
    assert (tmp_path / "hello.mp3").exists() == (output == "hello.mp3")


class FakePlayer:
    """Collects what is fed to it."""

    heard: bytes
    finished: bool

    def __init__(self, *info: Any) -> None:
        type(self).heard, type(self).finished = b"", False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def feed(self, chunk: bytes) -> None:
        type(self).heard += chunk

    def finish(self) -> None:
        type(self).finished = True


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> type[FakePlayer]:
    """Replace the player and the device."""
    monkeypatch.setattr(speaker, "Player", FakePlayer)
    monkeypatch.setattr(speaker, "open_device", lambda *_: io.BytesIO())
    return FakePlayer


def test_audio_can_be_played_and_saved(run: Run, player: type[FakePlayer], tmp_path: Path) -> None:
    assert run("say", "Hello world", "--play", "-o", "hello.pcm").code == 0
    assert player.heard == (tmp_path / "hello.pcm").read_bytes()
    assert player.finished


def test_audio_can_be_played_only(run: Run, player: type[FakePlayer], tmp_path: Path) -> None:
    outcome = run("say", "Hello world", "--play")
    assert outcome.stdout.startswith("played: 0.88 s of pcm")
    assert len(player.heard) == 21_120 * 2
    assert list(tmp_path.iterdir()) == []


def no_device(*_: object) -> None:
    raise errors.PlaybackError("There is no device.")


@pytest.mark.parametrize("lost_later", [False, True])
def test_without_a_device_the_audio_is_still_saved(
    run: Run, player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost_later: bool
) -> None:
    if lost_later:
        monkeypatch.setattr(player, "__enter__", no_device)
    else:
        monkeypatch.setattr(speaker, "open_device", no_device)
    outcome = run("say", "Hello world", "--play", "-o", "hello.mp3")
    assert (outcome.code, outcome.stderr) == (1, "Error: There is no device.\n")
    assert outcome.stdout.startswith("hello.mp3: 0.88 s")
    assert frames(tmp_path / "hello.mp3") == 21_120


def test_without_a_device_nothing_is_bought_only_to_be_played(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker, "open_device", no_device)
    outcome = run("say", "Hello world", "--play")
    assert (outcome.code, outcome.stderr) == (1, "Error: There is no device.\n")
    assert not server.requests


STRANGE = "Grüße-今天-\udce9\x1b[2J.mp3"
"""Letters that few encodings have, half a character, and a code that clears the screen."""


@pytest.mark.parametrize(
    ("encoding", "json_wanted"), [("ascii", False), ("ascii", True), ("utf-8", False), ("latin-1:strict", False)]
)
def test_a_file_name_that_the_terminal_cannot_show_is_escaped(
    script: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str, json_wanted: bool
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    outcome = script("say", "Hello world", "-o", STRANGE, *(["--json"] if json_wanted else []))
    assert (outcome.code, outcome.stderr) == (0, "")
    assert (tmp_path / STRANGE).exists()
    if json_wanted:
        assert json.loads(outcome.stdout)["path"] == STRANGE
    else:
        assert r"-\udce9\x1b[2J.mp3: 0.88 s of mp3" in outcome.stdout


def test_a_name_that_the_c_locale_lacks_can_be_written(script: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With UTF-8 mode and locale coercion switched off."""
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    assert script("say", "Hello world", "-o", "Gr\u00fc\u00dfe.mp3").code == 0


def test_a_named_pipe_gets_the_audio(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe.mp3").read_bytes()))
    reader.start()
    outcome = run("say", "Hello world", "-o", "pipe.mp3", "--json")
    reader.join()
    told = json.loads(outcome.stdout)
    assert (outcome.code, outcome.stderr, told["path"]) == (0, "", "pipe.mp3")
    assert len(heard[0]) == told["bytes"] > 0


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_closed_standard_stream_is_no_error(tmp_path: Path, closed: str) -> None:
    """Services may be started like this."""
    command = f"exec {PROGRAM} say 'Hello world' -o hello.mp3 {closed}>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert frames(tmp_path / "hello.mp3") == 21_120


def test_debug_logs_attempts_and_shows_the_traceback(run: Run, server: MockServer) -> None:
    """And never the key, which `run` checks."""
    server.script([503, 401])
    outcome = run("say", "Hello", "-o", "hello.mp3", "--debug")
    assert "attempt 1 ended with 503: next one in" in outcome.stderr
    assert "attempt 2 ended with 401: giving up" in outcome.stderr
    assert "Traceback" in outcome.stderr
    assert outcome.stderr.splitlines()[-2].startswith("Error: 401: ")


def test_the_length_of_mp3_is_estimated_while_it_arrives(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("openrouter_speech.cli.progress.Watcher.show", lambda _, details, *more: shown.append(details))
    monkeypatch.setattr("openrouter_speech.streams.SpeechStream.__iter__", lambda stream: stream.iter_bytes(8192))
    result = run("say", LONG, "-o", "hello.mp3", "--json")
    told = json.loads(result.stdout)["duration"]
    assert "of audio" in shown[-1]
    assert "of audio" not in shown[0]
    minutes, seconds = shown[-1].split(", ")[1].split()[0].split(":")
    assert int(minutes) * 60 + int(seconds) == pytest.approx(told, rel=0.05)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full to write to")
@pytest.mark.parametrize("room", ["here", "elsewhere"])
def test_audio_that_cannot_be_written_is_saved_elsewhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    if room == "elsewhere":  # root may write anywhere, so the place is taken away
        (tmp_path / "here").rmdir()
        monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "here")
    outcome = run("say", "Hello", "-o", "/dev/full")
    assert outcome.code == 1
    (kept,) = (tmp_path / room).iterdir()
    assert f"Hint: The audio was saved to {kept}" in outcome.stderr
    assert frames(kept) > 10_000


def test_options_from_the_description_are_sent(run: Run, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "me.wav").write_bytes(b"RIFF")
    outcome = run(
        "say", "Hello", "-o", "hello.mp3", "--instructions", "Warmly", "--trace", '{"trace_id": "a"}',
        "--provider", '{"zdr": true}', "--provider-options", '{"openai": {"a": 1}}',
        "--reference", "me.wav", "--transcript", "Hi", "--reference", "https://example.com/a.wav", "--transcript", "Ho",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    sent = server.requests[-1].json
    assert (sent["instructions"], sent["trace"]) == ("Warmly", {"trace_id": "a"})
    assert sent["provider"] == {"zdr": True, "options": {"openai": {"a": 1}}}
    assert [part["type"] for part in sent["input_references"]] == ["input_audio", "text"] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trace", "{"], "--trace is not JSON"),
        (["--session-id", "a" * 257], "--session-id has 257 characters; the maximum is 256"),
        (["--reference", "missing.wav"], "missing.wav"),
        (["--reference", "a.wav", "--transcript", "a", "--transcript", "b"], "--transcript must be given for each"),
    ],
)
def test_a_wrong_option_from_the_description_is_named(run: Run, arguments: list[str], words: str) -> None:
    outcome = run("say", "Hello", "-o", "hello.mp3", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert words in outcome.stderr
