"""Texts: their encodings, and the outputs that must not replace them."""

import os
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from openrouter_speech.cli import texts
from openrouter_speech.cli.failures import WrongUsageError

SCRIPTS = pytest.mark.parametrize(
    "text", ["Hello, world\n", "Grüße", "Привет, мир", "今天天气很好\n我们去公园", "😀 smile"]
)
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_a_byte_order_mark_sets_the_encoding(encoding: str) -> None:
    assert texts.decoded("\ufeffGrüße, 😀".encode(encoding), "book.txt") == "Grüße, 😀"
    assert texts.decoded("Grüße, 😀".encode(), "book.txt") == "Grüße, 😀"


@pytest.mark.parametrize("encoding", WIDE)
@SCRIPTS
def test_without_a_mark_the_encoding_is_refused_by_name(text: str, encoding: str) -> None:
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
def test_other_bytes_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(WrongUsageError, match=message):
        texts.decoded(content, "book.txt")


def test_a_text_may_have_control_characters() -> None:
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
def test_a_path_without_a_text_is_named(monkeypatch: pytest.MonkeyPatch, path: str, message: str) -> None:
    monkeypatch.setattr(texts, "_MOST", 1 << 20)
    with pytest.raises(WrongUsageError, match=message):
        texts.from_file(Path(path))


@pytest.mark.parametrize(
    ("output", "replaces"),
    [("book.srt", True), ("folder/../book.srt", True), ("link.mp3", True), ("hard.mp3", True), ("other.mp3", False),
     ("new.mp3", False), ("/dev/null", False), ("-", False)],
)  # fmt: skip
def test_no_output_replaces_the_text(tmp_path: Path, output: str, replaces: bool) -> None:
    text = tmp_path / "book.srt"
    text.write_text("Hello")
    (tmp_path / "link.mp3").symlink_to(text)
    (tmp_path / "hard.mp3").hardlink_to(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.mp3").write_text("other")
    with pytest.raises(WrongUsageError, match="would replace the text") if replaces else nullcontext():
        texts.check_output(text, Path(output) if output == "-" else tmp_path / output)


def test_a_device_may_be_text_and_output_but_a_pipe_may_not(tmp_path: Path) -> None:
    texts.check_output(Path("/dev/null"), Path("/dev/null"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WrongUsageError):
        texts.check_output(tmp_path / "pipe", tmp_path / "pipe")
