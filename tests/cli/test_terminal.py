"""On a terminal: a progress bar, one line at the end, and signals."""

import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from openrouter_speech.mock import MockServer

from ..wire_server import Connection, WireServer, chunk, head, http, silence
from .conftest import Terminal

Start = Callable[..., Terminal]
COLOUR = "\x1b[3"
"""The start of the codes of all colours."""


def test_the_bar_shows_bytes_seconds_and_the_rate(terminal: Start, tmp_path: Path) -> None:
    command = terminal("say", "Hello world", "-o", "hello.wav")
    seen = command.seen()
    assert "42.2 kB, 0.88 s of audio, " in seen
    assert "kB/s" in seen or "MB/s" in seen
    assert COLOUR in seen
    assert "hello.wav: 0.88 s of pcm" in seen
    assert command.code == 0
    assert (tmp_path / "hello.wav").exists()


def test_no_color_is_respected(terminal: Start) -> None:
    seen = terminal("say", "Hello world", "-o", "hello.wav", NO_COLOR="1").seen()
    assert "0.88 s of audio" in seen
    assert COLOUR not in seen


def test_a_dumb_terminal_gets_plain_lines(terminal: Start) -> None:
    seen = terminal("say", "Hello world", "-o", "hello.wav", TERM="dumb").seen()
    assert "hello.wav: 0.88 s of pcm" in seen
    assert "\x1b" not in seen


def test_an_ascii_terminal_gets_ascii_only(terminal: Start) -> None:
    seen = terminal("say", "Hello world", "-o", "Grüße \x1b]0;.wav", PYTHONIOENCODING="ascii").seen()
    assert "0.88 s of audio" in seen
    assert "Gr\\xfc\\xdfe \\x1b]0;.wav: 0.88 s of pcm" in seen
    assert seen.isascii()
    assert "\\u28" not in seen  # the dots of a spinner
    assert "\x1b]0;" not in seen


def test_a_retry_is_shown(terminal: Start, server: MockServer) -> None:
    server.script([503])
    seen = terminal("say", "Hello world", "-o", "hello.wav", OPENROUTER_SPEECH_RETRY_WAIT="0.3").seen()
    assert "attempt 1 ended with 503: next one in 0." in seen


def test_audio_is_not_written_to_a_terminal(terminal: Start, server: MockServer) -> None:
    command = terminal("say", "Hello world", "-o", "-")
    assert "Error: A terminal cannot show audio" in command.seen()
    assert command.code == 2
    assert not server.requests


def test_without_a_text_a_terminal_is_not_read(terminal: Start) -> None:
    command = terminal("say", "-o", "hello.mp3")
    assert "Error: There is no text" in command.seen()
    assert command.code == 2


def test_a_text_can_be_typed(terminal: Start) -> None:
    command = terminal("say", "-", "-o", "hello.mp3")
    command.process.sendline("Hello world")
    command.process.sendeof()
    assert "hello.mp3: 1.28 s of mp3" in command.seen()
    assert command.code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_audio_arrives_leaves_no_partial_file(
    terminal: Start, server: MockServer, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    server.script(["stall"])
    command = terminal("say", "Hello world", "-o", "hello.wav")
    command.process.expect("0.44 s of audio")  # the other half never comes
    (half,) = tmp_path.iterdir()
    assert half.suffix == ".part"
    if number == signal.SIGINT:
        command.process.sendintr()  # Ctrl-C
    else:
        command.process.kill(number)
    seen = command.seen()
    assert "Interrupted." in seen
    assert "Hint: no file was written" in seen
    assert command.code == code
    assert not list(tmp_path.iterdir())


def test_a_signal_while_a_part_arrives_keeps_the_others(terminal: Start, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("One.\n\nTwo.")
    half = threading.Event()

    def stall(connection: Connection) -> object:
        connection.send(head(200, "audio/pcm", None) + chunk(bytes(4800)))
        half.set()
        return silence(connection)

    with WireServer(http(body=bytes(4800)), stall) as wire:
        cutting = ["--concurrency", "1", "--pause", "0"]  # with a pause, each paragraph is a request
        command = terminal("narrate", "book.txt", "-o", "book.wav", *cutting, "--server-url", wire.url)
        assert half.wait(10)
        command.process.kill(signal.SIGTERM)
        seen = command.seen()
        wire.wait_until_closed()
    assert command.code == 143
    assert "Traceback" not in seen
    assert "run the same command again to resume" in seen
    assert not list(tmp_path.glob("*.wav"))
    assert [path.suffix for path in (tmp_path / "book.narration/parts").iterdir()] == [".wav"]


def test_help_is_in_groups(terminal: Start) -> None:
    seen = re.sub("\x1b\\[[0-9;]*m", "", terminal("say", "--help").seen())
    for group in ("The voice", "The service", "Your app", "Output"):
        assert f"─ {group} ─" in seen
