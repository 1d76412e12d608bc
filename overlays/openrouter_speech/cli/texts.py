"""Read the text, and check that no output would replace it."""

import codecs
import os
import re
import stat
import sys
from pathlib import Path
from unicodedata import category

from .failures import WrongUsageError

_MARKS = (  # longer ones first: the UTF-32 mark starts with the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_NAMES = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
}
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})
"""Bytes that occur in no text, in UTF-8 or any single-byte encoding."""
_MOST = 1 << 26
"""Bytes to read from anything but a regular file, which may never end: more than any book has."""


def read(argument: str | None, file: Path | None = None) -> str:
    """Return the text from an argument, a file, or standard input (`-`).

    Raises:
        WrongUsageError: There is no text, there are two, or it is not UTF-8, UTF-16 or UTF-32.
    """
    if argument is not None and file is not None:
        raise WrongUsageError("There are two texts, an argument and --file: pass only one")
    if file is not None:
        text = from_file(file)
    elif argument not in {None, "-"}:
        text = _from_argument(argument or "")
    elif argument is None and sys.stdin.isatty():
        raise WrongUsageError("There is no text: pass it as an argument, with --file, or on standard input")
    else:
        text = from_file(Path("-"))
    if not text.strip():
        raise WrongUsageError("The text is empty")
    return text


def from_file(path: Path) -> str:
    """Return the text of a file, without a byte order mark."""
    name = "Standard input" if str(path) == "-" else str(path)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else _content(path)
    except OSError as error:
        raise WrongUsageError(f"{name} cannot be read: {error.strerror or error}") from error
    if len(content) > _MOST and not path.is_file():
        raise WrongUsageError(f"{name} is larger than {_MOST >> 20} MiB, and not a regular file: no text is that long")
    return decoded(content, name)


def decoded(content: bytes, name: str) -> str:
    """Decode bytes as UTF-8, or as their byte order mark says.

    Raises:
        WrongUsageError: They are in another encoding; the message names it if possible.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    content = content.removeprefix(mark)
    if not mark and (likely := _unmarked(content)):
        raise WrongUsageError(
            f"{name} seems to be {_NAMES[likely]} without a byte order mark",
            f"convert it: iconv -f {_iconv_name(likely)} -t UTF-8",
        )
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise WrongUsageError(
                f"{name} is not valid {_NAMES[encoding]}: {error.reason} (byte {error.start})"
            ) from error
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongUsageError(
            f"{name} is not UTF-8: line {line} has the byte 0x{content[error.start]:02x} (byte {error.start})",
            "convert it, from its own encoding: iconv -f WINDOWS-1252 -t UTF-8",
        ) from error
    if (nul := text.find("\0")) >= 0:
        raise WrongUsageError(f"{name} is not a text: line {text.count(chr(10), 0, nul) + 1} has a NUL character")
    return text


def check_output(text: Path | None, output: Path | None, what: str = "The output") -> None:
    """Check that an output does not replace the text.

    Raises:
        WrongUsageError: Both are the same file, even under different names.
    """
    if text is None or output is None or "-" in {str(text), str(output)}:
        return
    try:
        same = os.path.samefile(text, output) and not stat.S_ISCHR(os.stat(text).st_mode)  # noqa: PTH116, PTH121
    except OSError:  # one of them does not exist
        return
    if same:
        raise WrongUsageError(f"{what} {output} would replace the text, {text}", "name another file with -o")


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read() if path.is_file() else file.read(_MOST + 1)


def _unmarked(content: bytes) -> str | None:
    """Guess whether bytes without a mark are UTF-16 or UTF-32; None if neither.

    The guess only serves the error message: such a text is refused. The bytes include some that occur in no other text,
    and decode to printable characters only. Of several candidates, the best has the most ASCII (all scripts use spaces
    and line breaks), then the fewest blocks of characters.
    """
    controls = sum(map(content.count, _CONTROLS))
    if not controls or (controls * 4 < len(content) and _is_utf_8(content)):  # no control bytes, or a stray one
        return None
    likely = [name for _, name in _MARKS if name != "utf-8" and _is_text(content, name)]
    return min(likely, key=lambda name: _strangeness(content.decode(name)), default=None)


def _strangeness(text: str) -> tuple[int, int]:
    return -sum(map(str.isascii, text)), len({ord(character) >> 8 for character in text})


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text(content: bytes, encoding: str) -> bool:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return all(character in "\t\n\v\f\r" or category(character) not in {"Cc", "Cn", "Co", "Cs"} for character in text)


def _from_argument(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongUsageError(f"The text is not UTF-8 (character {error.start})") from error
    return text


def _iconv_name(encoding: str) -> str:
    """Return the name of an encoding as iconv writes it: UTF-16LE."""
    return re.sub("-(?=[LB]E$)", "", encoding.upper())
