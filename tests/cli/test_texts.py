"""Where a text comes from, in which encoding, and what must not replace it."""

import os
import threading
from pathlib import Path

import pytest
from openrouter_speech.cli import texts
from openrouter_speech.cli.failures import WrongUsageError

SCRIPTS = [
    "Hello, world\n", "Grüße", "Привет, мир", "今天天气很好\n我们去公园", "한국어 텍스트", "مرحبا بالعالم", "😀 smile",
]  # fmt: skip
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", SCRIPTS)
def test_a_text_is_read_as_its_mark_says(text: str, encoding: str) -> None:
    assert texts.decoded(text.encode(encoding), "book.txt") == text


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", SCRIPTS)
def test_a_mark_counts_in_both_orders(text: str, encoding: str) -> None:
    assert texts.decoded(f"\ufeff{text}".encode(encoding), "book.txt") == text


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", SCRIPTS)
def test_without_a_mark_an_encoding_is_refused_by_its_name(text: str, encoding: str) -> None:
    order = {"le": "little", "be": "big"}[encoding[-2:]]
    with pytest.raises(WrongUsageError, match=rf"{encoding[:6].upper()} \({order}-endian\) without") as raised:
        texts.decoded(text.encode(encoding), "book.txt")
    assert f"iconv -f {encoding.upper().replace('-LE', 'LE').replace('-BE', 'BE')} -t UTF-8" in raised.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Hello\ncaf\xe9", "is not UTF-8: line 2 has the byte 0xe9"),
        ("今天".encode("utf-16-le"), "is not UTF-8"),  # no telling which
        ("Größe".encode("utf-16")[:-1], "not valid UTF-16"),
        (b"\xff\xfe\x00\xd8", "not valid UTF-16"),
        (b"One\nT\0wo, and more", "line 2 has a NUL"),
        (b"abc\0def\n", "line 1 has a NUL"),
        (bytes(100), "line 1 has a NUL"),
        ("a\0b".encode("utf-16"), "line 1 has a NUL"),
        (bytes(range(256)), "is not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(WrongUsageError, match=message):
        texts.decoded(content, "book.txt")


def test_control_characters_alone_make_nothing_of_a_text() -> None:
    assert texts.decoded(b"One\x01 and two", "book.txt") == "One\x01 and two"


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("Hello",))
    writer.start()
    assert texts.from_file(tmp_path / "pipe") == "Hello"
    writer.join()


@pytest.mark.parametrize(
    ("path", "message"), [("/dev/zero", "MiB, and not a regular file"), ("/", "cannot be read: Is a directory")]
)
def test_what_has_no_text_is_named(monkeypatch: pytest.MonkeyPatch, path: str, message: str) -> None:
    monkeypatch.setattr(texts, "_MOST", 1 << 20)
    with pytest.raises(WrongUsageError, match=message):
        texts.from_file(Path(path))


def same(tmp_path: Path, output: str) -> None:
    text = tmp_path / "book.srt"
    text.write_text("Hello")
    (tmp_path / "link.mp3").symlink_to(text)
    (tmp_path / "hard.mp3").hardlink_to(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.mp3").write_text("other")
    texts.check_output(text, Path(output) if output in {"/dev/null", "-"} else tmp_path / output)


@pytest.mark.parametrize("output", ["book.srt", "folder/../book.srt", "link.mp3", "hard.mp3"])
def test_nothing_is_written_over_the_text(tmp_path: Path, output: str) -> None:
    with pytest.raises(WrongUsageError, match=r"would replace the text"):
        same(tmp_path, output)


@pytest.mark.parametrize("output", ["other.mp3", "new.mp3", "/dev/null", "-"])
def test_other_files_are_no_matter(tmp_path: Path, output: str) -> None:
    same(tmp_path, output)


def test_a_device_is_no_file_to_be_replaced() -> None:
    texts.check_output(Path("/dev/null"), Path("/dev/null"))


def test_a_pipe_cannot_be_both(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WrongUsageError):
        texts.check_output(tmp_path / "pipe", tmp_path / "pipe")
