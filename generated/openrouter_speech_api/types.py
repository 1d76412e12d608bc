"""Types that the models and the functions in `api` share."""

from collections.abc import Mapping
from typing import IO, BinaryIO, Generic, Literal, TypeVar

from attrs import define, field
from httpx import Headers


class Unset:
    """The type of `UNSET`: the value of a field that is not sent, or was not in a response."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # a copy, or what comes out of a pickle, is the same object: it is compared with `is`


UNSET: Unset = Unset()

FileContent = IO[bytes] | bytes | str
FileTypes = tuple[str | None, FileContent, str | None] | tuple[str | None, FileContent, str | None, Mapping[str, str]]
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Binary content, such as the audio of a response: `payload.read()` returns its bytes."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the file in the form that httpx uploads."""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response, and its parsed body."""

    status_code: int
    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")
    headers: Headers
    parsed: T | None
    """ The body as documented for the status; None if the status is not documented, or the body does not match. """


__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]
