"""The journal of requests and how each was answered. It never contains keys."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define

_LONGEST = 1000
"""Requests to keep; the oldest are dropped first."""
_HIDDEN = "Bearer **********"


@define
class RecordedRequest:
    """A request the server received."""

    number: int
    """Counts from 1, and again after the journal is cleared."""
    method: str
    path: str
    headers: dict[str, str]
    """By lower-case name; the key in `authorization` is hidden."""
    body: bytes
    status: int | None = None
    """The response's status. None while in flight, or if the connection was closed without a response."""
    fault: str = "ok"
    """The injected fault: one of `faults.KINDS`."""

    @property
    def json(self) -> Any:
        """The body, parsed.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    def as_dict(self) -> dict[str, Any]:
        """Convert to values that JSON can hold."""
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
    """The most recent requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=_LONGEST)
        self._count = 0

    def record(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> RecordedRequest:
        """Add a request. The caller fills in its body, status and fault later."""
        self._count += 1
        shown = {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in headers}
        if "authorization" in shown:
            shown["authorization"] = _HIDDEN
        request = RecordedRequest(self._count, method, path, shown, b"")
        self._requests.append(request)
        return request

    def clear(self) -> None:
        """Forget all requests, and count from 1 again."""
        self._requests.clear()
        self._count = 0

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(tuple(self._requests))
