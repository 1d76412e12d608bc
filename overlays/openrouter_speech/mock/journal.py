"""The journal: what arrived, and how it was answered. Keys are never in it."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define

_LONGEST = 1000
"""Requests that are kept; the oldest go first."""
_HIDDEN = "Bearer **********"


@define
class RecordedRequest:
    """One request, as it arrived."""

    number: int
    """1 for the first since the journal was begun."""
    method: str
    path: str
    headers: dict[str, str]
    """By lower-case name; the key in `authorization` is hidden."""
    body: bytes
    status: int | None = None
    """The status of the answer; None while there is none, or where the connection was closed without one."""
    fault: str = "ok"
    """What went wrong on purpose: one of `faults.KINDS`."""

    @property
    def json(self) -> Any:
        """The body, parsed.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body": self.body.decode("utf-8", "replace"),
            "status": self.status,
            "fault": self.fault,
        }


class Journal:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=_LONGEST)
        self._count = 0

    def record(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> RecordedRequest:
        """Add a request; its body and its answer are filled in as they come."""
        self._count += 1
        shown = {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in headers}
        if "authorization" in shown:
            shown["authorization"] = _HIDDEN
        request = RecordedRequest(self._count, method, path, shown, b"")
        self._requests.append(request)
        return request

    def clear(self) -> None:
        """Begin anew."""
        self._requests.clear()
        self._count = 0

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(tuple(self._requests))
