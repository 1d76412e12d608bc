"""What the models and the functions in `api` share."""

from collections.abc import Mapping
from typing import IO, BinaryIO, Generic, Literal, TypeVar

from attrs import define, field
from httpx import Headers


class Unset:
    """The type of `UNSET`, the value of a field that is left out of a request or was not in an answer."""

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
    """Binary content, such as the audio of an answer: `payload.read()` gives its bytes."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """The form in which httpx takes a file to upload."""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


@define
class Response(Generic[T]):
    """An answer, and what its body was parsed to."""

    status_code: int
    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")
    headers: Headers
    parsed: T | None
    """ The documented type of this status; None where the status is not documented or the body is not of its type. """


__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]
