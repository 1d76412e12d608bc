"""A request that was sent, and what came back."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

_LEFT_OUT = re.compile(
    "accept|accept-encoding|connection|content-length|host|transfer-encoding|user-agent|x-schemathesis-testcaseid",
    re.IGNORECASE,
)
"""Headers that curl sets itself, or that no server needs."""


_SHOWN = 1_000
"""Bytes of a response."""


@frozen
class Failure:
    """A rule that an exchange broke."""

    rule: str
    message: str


@frozen(kw_only=True)
class Exchange:
    """A request and its response. It holds no key."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    body: bytes
    key_is_right: bool
    status: int | None
    """None if there was no response."""
    headers: Mapping[str, str] = field(factory=dict)
    """By lower-case name."""
    content: bytes = b""
    request_is_whole: bool = True
    """Whether the body is all of it; one that is too large is kept in part."""
    response_is_whole: bool = True
    response_size: int = field()
    """Bytes of the response's body, of which `content` may be the beginning."""
    is_example: bool = False
    failures: tuple[Failure, ...] = ()

    @response_size.default
    def _size_of_content(self) -> int:
        return len(self.content)

    def sent(self, header: str) -> str | None:
        """Return the value of a header of the request."""
        return next((value for name, value in self.request_headers.items() if name.lower() == header.lower()), None)

    @property
    def size(self) -> int:
        """How long the request is."""
        return len(self.body) + len(self.url) + sum(len(name + value) for name, value in self.request_headers.items())

    def shortened(self) -> "Exchange":
        """Return it with as much of the response as is shown."""
        return evolve(self, content=self.content[:_SHOWN])

    def curl(self) -> str:
        """Return the request as a line for a shell. A right key is a variable in it."""
        words = ["curl --head" if self.method == "HEAD" else f"curl -X {self.method}"]
        names = {name.lower() for name in self.request_headers}
        for name, value in self.request_headers.items():
            if name.lower() == "authorization" and self.key_is_right:
                words.append(f'-H "{name}: {value}"')
            elif not _LEFT_OUT.fullmatch(name):
                words.append("-H " + _quoted(f"{name}: {value}".encode() if value else f"{name};".encode()))
        if self.body:
            if "content-type" not in names:  # curl would add one
                words.append("-H Content-Type:")
            words.append("--data-raw " + _quoted(self.body))
        return " ".join([*words, _quoted(self.url.encode())])

    def response(self) -> str:
        """Return the response on one line."""
        if self.status is None:
            return "no response"
        content_type = self.headers.get("content-type", "no Content-Type")
        kept = f"{self.status}, {content_type}"
        if not self.content or content_type.startswith("audio/"):
            return f"{kept}, {self.response_size} bytes"
        text = " ".join(self.content[:_SHOWN].decode(errors="replace").split())
        return f"{kept}: {text[:300]}{'...' if len(text) > 300 or self.response_size > _SHOWN else ''}"


def _quoted(content: bytes) -> str:
    """Quote for a POSIX shell; anything but printable ASCII in the form that bash and zsh know."""
    if all(32 <= byte < 127 for byte in content):
        return "'" + content.decode().replace("'", "'\\''") + "'"
    plain = {39: "\\'", 92: "\\\\"}
    shown = (plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in content)
    return "$'" + "".join(shown) + "'"


def hiding(key: str) -> Callable[[Any], Any]:
    """Return a function that masks the key in a text or bytes, also where it is escaped. The length stays the same.

    The escapes are those of JSON, URLs and HTML, and base64. A short key is masked only as a word of its own, because
    its letters are part of many words.
    """
    pattern = "".join(map(_spellings, key))
    if len(key) >= _SHORT:
        pattern = "|".join([pattern, *map(re.escape, _in_base64(key.encode()))])
    else:
        pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
    text, raw = re.compile(pattern), re.compile(pattern.encode())

    def mask(value: Any) -> Any:
        if isinstance(value, bytes):
            return raw.sub(lambda found: b"*" * len(found[0]), value)
        return text.sub(lambda found: "*" * len(found[0]), value)

    return mask


_SHORT = 8
"""Characters; a key with fewer is a short one."""


def _spellings(character: str) -> str:
    """Return a pattern for a character of a key, plain or escaped."""
    code = f"{ord(character):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    plain = re.escape(character)
    return rf"(?:{plain}|%{either}|\\+u00{either}|\\+{plain}|&#0*{ord(character)};|&#[xX]0*{either};)"


def _in_base64(key: bytes) -> Iterator[str]:
    """Yield what base64 of any text with the key in it has in common, by the place of the key in it."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + key).decode().rstrip("=")
        # The first and the last characters have bits of what is around the key.
        first = -(-before * 8 // 6)
        last = (before + len(key)) * 8 // 6
        found = encoded[first:last]
        yield from {found, found.replace("+", "-").replace("/", "_")}
