"""Where the text comes from."""

import sys
from pathlib import Path

from .failures import WrongUsageError


def read(argument: str | None, file: Path | None = None) -> str:
    """The text of an argument, a file, or standard input, which `-` stands for.

    Raises:
        WrongUsageError: There is none, there are two, or it is not UTF-8.
    """
    if argument is not None and file is not None:
        raise WrongUsageError("There are two texts, an argument and --file: leave one out")
    if file is not None:
        text = from_file(file)
    elif argument not in {None, "-"}:
        text = _from_argument(argument or "")
    elif argument is None and sys.stdin.isatty():
        raise WrongUsageError("There is no text: give it as an argument, with --file, or on standard input")
    else:
        text = from_file(Path("-"))
    if not text.strip():
        raise WrongUsageError("The text is empty")
    return text


def from_file(path: Path) -> str:
    """What a file says, without a byte order mark."""
    name = "Standard input" if str(path) == "-" else str(path)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise WrongUsageError(f"{name} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise WrongUsageError(
            f"{name} is not UTF-8: line {line} has the byte 0x{error.object[error.start]:02x} (byte {error.start})",
            "iconv -f WINDOWS-1252 -t UTF-8, with the encoding that it has, converts it",
        ) from error


def _from_argument(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongUsageError(f"The text is not UTF-8 (character {error.start})") from error
    return text
