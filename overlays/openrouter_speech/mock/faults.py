"""Faults on demand: what can go wrong with an answer, and the ways to ask for it. Pure: texts in, faults out."""

import random
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from attrs import evolve, field, frozen, validators

KINDS = {
    "ok": "nothing goes wrong",
    "status": "a documented error, with its documented example",
    "slow": "the first byte comes late, after `seconds`",
    "stall": "half of the audio comes, and then nothing more",
    "cut": "half of the audio comes, and then the connection ends",
    "close": "the connection ends without an answer",
    "empty": "a success without a byte",
    "json": "a success that holds an error in JSON",
    "html": "a 502 as a gateway gives it, in HTML",
    "type": "a success of a type that is not audio",
    "half-frame": "pcm that ends in the middle of a sample",
    "zod": "a 400 in the shape of a validation library",
}

FORMS = ("seconds", "ms", "http-date", "rfc850", "asctime", "iso", "metadata")
"""The ways to say when to come back: `Retry-After` in five forms, `retry-after-ms`, and inside the error's metadata."""

CHAOS_STATUSES = (429, 500, 502, 503, 529)
"""What goes wrong by chance, as far as it is documented: failures that pass."""

_HTTP_DATES = {"rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %d %H:%M:%S %Y", "iso": "%Y-%m-%dT%H:%M:%SZ"}


@frozen
class Fault:
    """What happens to one answer.

    Args:
        kind: One of `KINDS`.
        status: The status, for the kind "status"; it has to be documented.
        retry_after: Seconds after which to come back, for an error.
        form: How that is said: one of `FORMS`.
        seconds: How late the first byte comes, for the kind "slow".
        example: The name of the documented example, where there are several.

    Raises:
        ValueError: An argument is out of its range.
    """

    kind: str = field(default="status", validator=validators.in_(KINDS))
    status: int | None = None
    retry_after: float | None = None
    form: str = field(default="seconds", validator=validators.in_(FORMS))
    seconds: float = 1.0
    example: str | None = None

    @classmethod
    def of(cls, item: "int | str | Fault") -> "Fault":
        """A fault, a status, or a text: "503", a kind, or either with parameters, as in "429; retry-after=2; form=iso".

        Raises:
            ValueError: It names no fault.
        """
        if isinstance(item, Fault):
            return item
        name, *parameters = [part.strip() for part in str(item).split(";")]
        if name.isdecimal():
            return _with(cls("status", int(name)), parameters)
        if name not in KINDS or name == "status":
            raise ValueError(
                f"{name!r} is no fault: give a status, or one of {', '.join(k for k in KINDS if k != 'status')}"
            )
        return _with(cls(name), parameters)

    def retry_headers(self, now: datetime) -> dict[str, str]:
        """The headers that say when to come back; none where the error's metadata says it, or nothing does."""
        if self.retry_after is None or self.form == "metadata":
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
    """The fault that a `Prefer` header asks for: `code=503` as Prism reads it, or `fault=stall`; parameters may follow.

    RFC 7240 separates preferences by commas and their parameters by semicolons; either is taken here, as Prism does.

    Raises:
        ValueError: It asks for something that is no fault.
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
    """The faults of the next requests, one each, from a list and then by chance."""

    def __init__(self, documented: Iterable[int], rate: float = 0.0, seed: int = 0) -> None:
        """Begin without a list.

        Args:
            documented: The statuses that can be asked for.
            rate: The share of requests, from 0 to 1, that fail by chance.
            seed: The same seed gives the same failures, in the order in which requests arrive.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"chaos must be a share from 0 to 1, not {rate}")
        self._documented = tuple(sorted(documented))
        self._by_chance = [Fault("status", status) for status in CHAOS_STATUSES if status in self._documented]
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self._next: list[Fault] = []

    def checked(self, item: int | str | Fault) -> Fault:
        """A fault that this server can give.

        Raises:
            ValueError: It is none, or its status is not documented.
        """
        fault = Fault.of(item)
        if fault.kind == "status" and fault.status not in self._documented:
            known = ", ".join(map(str, self._documented))
            raise ValueError(f"{fault.status} is not documented; documented are {known}")
        return fault

    def write(self, items: Iterable[int | str | Fault]) -> None:
        """Set what the next requests get, in place of what was set before."""
        self._next = [self.checked(item) for item in items]

    def next(self) -> Fault:
        """What the present request gets."""
        if self._next:
            return self._next.pop(0)
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(self._by_chance)
        return OK


def decimal(number: float) -> str:
    """A number as headers have it: without an exponent, which large ones would get."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def now() -> datetime:
    """The present, as HTTP's dates count it."""
    return datetime.now(UTC)


def zod_error(field_name: str) -> dict[str, Any]:
    """A validation failure as a JavaScript library words it, in the shape that the API sometimes passes on."""
    issue = f'[{{"code": "custom", "path": ["{field_name}"], "message": "Invalid input"}}]'
    return {"success": False, "error": {"name": "ZodError", "message": issue}}


def _with(fault: Fault, parameters: Iterable[str]) -> Fault:
    changes: dict[str, Any] = {}
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name.strip() not in _PARAMETERS:
            raise ValueError(f"{name.strip()!r} is no parameter of a fault; there are {', '.join(_PARAMETERS)}")
        attribute, convert = _PARAMETERS[name.strip()]
        changes[attribute] = convert(value.strip())
    return evolve(fault, **changes)


_PARAMETERS: Mapping[str, tuple[str, Any]] = {
    "retry-after": ("retry_after", float),
    "form": ("form", str),
    "seconds": ("seconds", float),
    "example": ("example", str),
}
