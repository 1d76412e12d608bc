"""A request that was sent, and what came back."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

_LEFT_OUT = re.compile(
    "accept|accept-encoding|connection|content-length|transfer-encoding|user-agent|x-schemathesis-testcaseid",
    re.IGNORECASE,
)
"""Headers that curl sets itself, or that no server needs."""


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
    is_example: bool = False
    failures: tuple[Failure, ...] = ()

    def sent(self, header: str) -> str | None:
        """Return the value of a header of the request."""
        return next((value for name, value in self.request_headers.items() if name.lower() == header.lower()), None)

    @property
    def size(self) -> int:
        """How long the request is."""
        return len(self.body) + len(self.url) + sum(len(name + value) for name, value in self.request_headers.items())

    def curl(self) -> str:
        """Return the request as a line for a shell. A right key is a variable in it."""
        words = [f"curl -X {self.method}"]
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
            return f"{kept}, {len(self.content)} bytes"
        text = " ".join(self.content[:1_000].decode(errors="replace").split())
        return f"{kept}: {text[:300]}{'...' if len(text) > 300 or len(self.content) > 1_000 else ''}"


def _quoted(content: bytes) -> str:
    """Quote for a POSIX shell; anything but printable ASCII in the form that bash and zsh know."""
    if all(32 <= byte < 127 for byte in content):
        return "'" + content.decode().replace("'", "'\\''") + "'"
    plain = {39: "\\'", 92: "\\\\"}
    shown = (plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in content)
    return "$'" + "".join(shown) + "'"


def hiding(key: str) -> Callable[[Any], Any]:
    """Return a function that masks the key in a text or bytes. The length stays the same.

    A short key is masked only as a word of its own, because its letters are part of many words.
    """
    pattern = re.escape(key) if len(key) >= 8 else rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])"
    text, raw, mask = re.compile(pattern), re.compile(pattern.encode()), "*" * len(key)
    return lambda value: raw.sub(mask.encode(), value) if isinstance(value, bytes) else text.sub(mask, value)
