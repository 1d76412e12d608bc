"""Faults on demand: how a response can fail, and how to request it. Pure: no I/O."""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import groupby
from typing import Any

from attrs import evolve, field, frozen, validators

KINDS = {
    "ok": "nothing goes wrong",
    "status": "a documented error, with its documented example",
    "slow": "the first byte is delayed by `seconds`",
    "stall": "half of the audio arrives, then nothing more",
    "cut": "half of the audio arrives, then the connection closes",
    "close": "the connection closes without a response",
    "empty": "a success with an empty body",
    "json": "a success with a JSON error as its body",
    "html": "a gateway's 502 in HTML",
    "type": "a success with a content type that is not audio",
    "half-frame": "pcm that ends in the middle of a sample",
    "zod": "a 400 in the shape of a validation library",
    "in-flight": "a 402 because too much is in flight, which passes by itself",
}

FORMS = ("seconds", "ms", "http-date", "rfc850", "asctime", "iso", "metadata", "metadata-seconds")
"""Ways to say when to retry: `Retry-After` in five forms, `retry-after-ms`, and two inside the error's metadata."""

CHAOS_STATUSES = (429, 500, 502, 503, 529)
"""Statuses of random failures, if documented: all are transient."""

_HTTP_DATES = {"rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %d %H:%M:%S %Y", "iso": "%Y-%m-%dT%H:%M:%SZ"}


_YEARS = 1e9
"""Seconds, some thirty years. A date further away is of no use, and infinity is none."""


@frozen
class Fault:
    """A fault in one response.

    Args:
        kind: One of `KINDS`.
        status: The status, for the kind "status"; must be documented.
        retry_after: Seconds until the client may retry, for an error.
        form: How to send `retry_after`: one of `FORMS`.
        seconds: Delay of the first byte, for the kind "slow".
        example: The name of the documented example, if there are several.

    Raises:
        ValueError: An argument is out of its range.
    """

    kind: str = field(default="status", validator=validators.in_(KINDS))
    status: int | None = None
    retry_after: float | None = field(
        default=None, validator=validators.optional([validators.ge(-_YEARS), validators.le(_YEARS)])
    )
    form: str = field(default="seconds", validator=validators.in_(FORMS))
    seconds: float = field(default=1.0, validator=[validators.ge(0), validators.le(_YEARS)])
    example: str | None = None

    @classmethod
    def of(cls, item: "int | str | Fault") -> "Fault":
        """Parse a status or a kind, with optional parameters: 503, "stall", "429; retry-after=2; form=iso".

        A `Fault` is returned as is.

        Raises:
            ValueError: `item` is not a fault.
        """
        if isinstance(item, Fault):
            return item
        name, *parameters = [part.strip() for part in str(item).split(";")]
        if name.isdecimal():
            return _with(cls("status", int(name)), parameters)
        if name not in KINDS or name == "status":
            raise ValueError(
                f"{name!r} is not a fault: give a status, or one of {', '.join(k for k in KINDS if k != 'status')}"
            )
        return _with(cls(name), parameters)

    def retry_headers(self, now: datetime) -> dict[str, str]:
        """Return the headers that say when to retry; none without `retry_after`, or if it goes into the metadata."""
        if self.retry_after is None or self.form.startswith("metadata"):
            return {}
        if self.form == "ms":
            return {"retry-after-ms": decimal(self.retry_after * 1000)}
        if self.form == "seconds":
            return {"Retry-After": decimal(self.retry_after)}
        moment = now + timedelta(seconds=self.retry_after)
        date = (
            moment.strftime(_HTTP_DATES[self.form])
            if self.form in _HTTP_DATES
            else format_datetime(moment, usegmt=True)
        )
        return {"Retry-After": date}


OK = Fault("ok")


def preferred(header: str) -> Fault | None:
    """Parse the fault in a `Prefer` header: `code=503` (Prism's syntax) or `fault=stall`, with optional parameters.

    RFC 7240 separates preferences by commas and their parameters by semicolons; like Prism, accept either.

    Raises:
        ValueError: The preference is not a fault.
    """
    preferences: dict[str, str] = {}
    for part in re.split(r'[,;]\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', header):
        name, _, value = part.partition("=")
        preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    wanted = preferences.pop("fault", None) or preferences.pop("code", None)
    if wanted is None:
        return None
    parameters = [
        f"{name}={preferences[name]}" for name in ("retry-after", "form", "seconds", "example") if name in preferences
    ]
    return Fault.of("; ".join([wanted, *parameters]))


class Script:
    """One fault per request: first from a list, then at random."""

    def __init__(self, documented: Iterable[int], rate: float = 0.0, seed: int = 0) -> None:
        """Start with an empty list.

        Args:
            documented: The statuses that can be requested.
            rate: Share of requests, from 0 to 1, that fail at random.
            seed: The same seed gives the same failures, in order of arrival.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"chaos must be a share from 0 to 1, not {rate}")
        self._documented = tuple(sorted(documented))
        self._by_chance = [Fault("status", status) for status in CHAOS_STATUSES if status in self._documented]
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self._next: list[Fault] = []

    def checked(self, item: int | str | Fault) -> Fault:
        """Parse a fault, and check that this server supports it.

        Raises:
            ValueError: `item` is not a fault, or its status is not documented.
        """
        fault = Fault.of(item)
        if fault.kind == "status" and fault.status not in self._documented:
            known = ", ".join(_ranges(self._documented))
            raise ValueError(f"{fault.status} is not documented; documented statuses: {known}")
        return fault

    def write(self, items: Iterable[int | str | Fault]) -> None:
        """Replace the list of faults for the next requests."""
        self._next = [self.checked(item) for item in items]

    def next(self) -> Fault:
        """Return the fault for the current request."""
        if self._next:
            return self._next.pop(0)
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(self._by_chance)
        return OK


def _ranges(statuses: Sequence[int]) -> Iterator[str]:
    """Yield sorted statuses as text, and those without a gap as a range."""
    for _, group in groupby(enumerate(statuses), lambda pair: pair[1] - pair[0]):
        run = [status for _, status in group]
        yield from map(str, run) if len(run) < 5 else [f"{run[0]} to {run[-1]}"]


def decimal(number: float) -> str:
    """Format a number for a header: never with an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def now() -> datetime:
    """Return the current time in UTC, as HTTP dates need it."""
    return datetime.now(UTC)


def zod_error(*problems: tuple[str, str]) -> dict[str, Any]:
    """Build a validation error as Zod, a JavaScript library, reports it. Each problem is a field and a reason."""
    issues = [
        {"code": "custom", "path": field_name.split(".") if field_name else [], "message": reason}
        for field_name, reason in problems
    ]
    return {"success": False, "error": {"name": "ZodError", "message": json.dumps(issues)}}


def _with(fault: Fault, parameters: Iterable[str]) -> Fault:
    changes: dict[str, Any] = {}
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name.strip() not in _PARAMETERS:
            raise ValueError(f"{name.strip()!r} is not a fault parameter; use one of {', '.join(_PARAMETERS)}")
        attribute, convert = _PARAMETERS[name.strip()]
        changes[attribute] = convert(value.strip())
    return evolve(fault, **changes)


_PARAMETERS: Mapping[str, tuple[str, Any]] = {
    "retry-after": ("retry_after", float),
    "form": ("form", str),
    "seconds": ("seconds", float),
    "example": ("example", str),
}
