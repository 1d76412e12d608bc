"""Whether to send a request again, and when. Pure: no clock, no sleep, no httpx in here.

A retry decision is a function of the outcome, the number of attempts and the time that has passed. The two loops that
act on it are in `exchange`.
"""

import logging
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Protocol

from attrs import field, frozen, validators

logger = logging.getLogger("openrouter_speech")

RETRIED = ("408", "429", "5XX")
"""Statuses that are retried unless `status_codes_override` names others."""

_CLOUDFLARE = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors"
MAYBE_BILLED_STATUSES: Mapping[int, str] = {
    499: "nginx's ngx_http_request.h: an intermediary hung up while the server was at work",
    504: "RFC 9110 section 15.6.5: a gateway had passed the request on, and no response came in time",
    520: f"{_CLOUDFLARE}/error-520: the origin took the request, and its response was empty or could not be read",
    522: f"{_CLOUDFLARE}/error-522: no connection, or the origin did not acknowledge the request, but may have it",
    524: f"{_CLOUDFLARE}/error-524: the origin took the request, and no response came in time",
    527: f"{_CLOUDFLARE}: the connection to the origin was lost, or no response came in time (until 2024)",
    598: "A convention of proxies, registered nowhere: the request had been passed on, and reading timed out",
}
"""Statuses after which the audio may exist, and be charged, and where that is said.

Safe to retry are those of a server that did not take the request, or that says how it ended: 408 (RFC 9110 section
15.5.9: it never arrived whole), 500, 502, 503, 521 (refused), 523 (unreachable), 525 and 526 (no TLS), 529
(overloaded), 530 (no such origin), and 599 (a proxy could not connect).
"""

SHORTEST_WAIT = 0.1
"""Seconds. A shorter wait that a server asks for is none, so backoff decides; and where only time limits the retries,
none is shorter: 10 requests a second at most. Servers count in whole seconds (RFC 9110 section 10.2.3), so less than a
tenth is a rounding error or a moment that is about to pass, and a request takes longer than that by itself."""


class Outcome(Protocol):
    """What a decision looks at: how an attempt failed. Every `errors.OpenRouterError` is one."""

    @property
    def status_code(self) -> int | None: ...
    @property
    def retry_after(self) -> float | None: ...
    @property
    def throttled(self) -> bool: ...
    @property
    def maybe_billed(self) -> bool: ...
    @property
    def retryable(self) -> bool: ...


def _not_negative(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of milliseconds, not {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a finite number of milliseconds, 0 or more, not {value}")


@frozen
class BackoffStrategy:
    """How long to wait between attempts. All times are in milliseconds.

    The wait before retry n (the first is 0) is `initial_interval * exponent ** n`, at most `max_interval`, plus a
    random part of up to `jitter_ms`, so that clients which failed together do not come back together. Where no
    `max_retries` limits the retries, a wait is 100 ms at least.

    Args:
        initial_interval: The first wait.
        max_interval: The longest wait, without its random part.
        exponent: What each wait is multiplied by to give the next.
        max_elapsed_time: Counted from the first attempt: a wait that would end later is not begun.
        jitter_ms: The largest random part; 1000 if None, as in the reference SDK.
    """

    initial_interval: float
    max_interval: float
    exponent: float
    max_elapsed_time: float
    jitter_ms: float | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("initial_interval", "max_interval", "max_elapsed_time"):
            _not_negative(name, getattr(self, name))
        if self.jitter_ms is not None:
            _not_negative("jitter_ms", self.jitter_ms)
        if not 0 < self.exponent < float("inf"):
            raise ValueError(f"exponent must be a finite number above 0, not {self.exponent}")


def _checked_patterns(patterns: Sequence[str | int] | None) -> tuple[str, ...] | None:
    if not patterns:
        return None
    checked = tuple(str(pattern).upper() for pattern in patterns)
    for pattern in checked:
        if len(pattern) != 3 or pattern[0] not in "12345" or not (pattern[1:] == "XX" or pattern[1:].isdecimal()):
            raise ValueError(f'status_codes_override takes statuses such as "503" or "5XX", not {pattern!r}')
    return checked


@frozen
class RetryConfig:
    """Which failures are retried, and how often.

    What may have been billed is not: a synthesis that was begun is charged whether or not its audio arrived, and
    nothing tells a client if it was. So a read timeout, a connection lost after sending, audio cut short, and a status
    with which a gateway gives up waiting (504, 520, 522, 524, 598) are raised at once, even if `status_codes_override`
    names the status. `retry_maybe_billed` retries them too, at the risk of paying twice.

    A 402 that says that too much is in flight (`error.throttled`) counts as a 429. The server's wait wins over the
    backoff, unless it is shorter than 100 ms.

    Args:
        strategy: "backoff" retries, "none" does not.
        backoff: How long to wait in between.
        retry_connection_errors: Whether to retry when no connection could be had, that is, before anything was sent.
        status_codes_override: Statuses to retry in place of 408, 429 and 5XX, such as ["429", "5XX"].
        max_retries: The largest number of retries; None sets no limit but `backoff.max_elapsed_time`.
        retry_maybe_billed: Whether to retry what may have been billed.

    Raises:
        ValueError: An argument is out of its range; the message names it.
    """

    strategy: str = field(validator=validators.in_(("backoff", "none")))
    backoff: BackoffStrategy = field(validator=validators.instance_of(BackoffStrategy))
    retry_connection_errors: bool
    status_codes_override: Sequence[str | int] | None = field(default=None, converter=_checked_patterns)
    max_retries: int | None = field(default=None, kw_only=True)
    retry_maybe_billed: bool = field(default=False, kw_only=True)

    @max_retries.validator
    def _check_max_retries(self, _attribute: object, value: int | None) -> None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ValueError(f"max_retries must be a whole number, 0 or more, or None for no limit; not {value!r}")


DEFAULT = RetryConfig("backoff", BackoffStrategy(500, 8_000, 2, 60_000, jitter_ms=250), True, max_retries=2)
"""What is done where nothing is configured: at most 2 retries, within 60 seconds."""

NONE = RetryConfig("none", DEFAULT.backoff, retry_connection_errors=False)
"""No retries."""


def decide(config: RetryConfig, outcome: Outcome, retries: int, elapsed: float) -> float | None:
    """How many seconds to wait before the next attempt; None to give up.

    Args:
        config: What the caller wants.
        outcome: How the latest attempt failed.
        retries: How many retries have been made.
        elapsed: Seconds since the first attempt began.
    """
    if not _is_retried(config, outcome) or (config.max_retries is not None and retries >= config.max_retries):
        return None
    delay = asked_wait(outcome)
    if delay is None:
        delay = max(_backoff(config.backoff, retries), outcome.retry_after or 0)
    if config.max_retries is None:
        delay = max(delay, SHORTEST_WAIT)
    return delay if elapsed + delay <= config.backoff.max_elapsed_time / 1000 else None


def asked_wait(outcome: Outcome) -> float | None:
    """The seconds that the server asks to wait; None if it asks for none, or for less than `SHORTEST_WAIT`."""
    seconds = outcome.retry_after
    return None if seconds is None or seconds < SHORTEST_WAIT else seconds


def is_throttled(status_code: int | None, metadata: Mapping[str, object]) -> bool:
    """Whether a response says that too much was sent at once, which passes by itself.

    That is a 429, or a 402 for the credit that requests under way hold; any other 402 lasts.
    """
    in_flight = metadata.get("limit_source") == "openrouter_in_flight_budget"
    return status_code == 429 or (status_code == 402 and in_flight)


def _is_retried(config: RetryConfig, outcome: Outcome) -> bool:
    status = outcome.status_code
    if config.strategy == "none" or not outcome.retryable or (outcome.maybe_billed and not config.retry_maybe_billed):
        return False
    if status is None:
        return outcome.maybe_billed or config.retry_connection_errors
    if 200 <= status < 300:  # a success, but its body was not the audio
        return outcome.maybe_billed
    patterns = config.status_codes_override or RETRIED
    if str(status) in patterns or f"{status // 100}XX" in patterns:
        return True
    return outcome.throttled and "429" in patterns


def _backoff(backoff: BackoffStrategy, retries: int) -> float:
    try:
        delay = min(backoff.initial_interval * backoff.exponent**retries, backoff.max_interval)
    except OverflowError:
        delay = backoff.max_interval
    jitter = 1000 if backoff.jitter_ms is None else backoff.jitter_ms
    return (delay + jitter * random.random()) / 1000  # noqa: S311  (spreads load, guards nothing)


def retry_after(
    headers: Mapping[str, str],
    now: datetime | None = None,
    *,
    metadata: Mapping[str, object] | None = None,
    throttled: bool = False,
) -> float | None:
    """When the server says to come back, in seconds from now.

    In order of trust: `retry-after-ms` (milliseconds) and `Retry-After` (seconds, or a date: RFC 9110 sections 10.2.3
    and 5.6.7, or ISO 8601) of the response; the same in `metadata["headers"]`; `metadata["retry_after_seconds"]`; and
    `X-RateLimit-Reset` of either. The first that asks for a wait counts. Of a header that came twice, the longer wait.

    Args:
        headers: The headers, with lower-case names unless the mapping takes any case.
        now: The present, for tests.
        metadata: The `error.metadata` of the body. Its `headers` are an object or a list of pairs.
        throttled: Whether the response says that too much was sent. If not, `X-RateLimit-Reset` is only information.

    Returns:
        None where nothing of this is there, can be read, or names a time that is to come.
    """
    longest = None
    for seconds in _waits(headers, metadata or {}, now, throttled=throttled):
        if seconds is not None:
            longest = max(seconds, longest or 0.0)
            if longest >= SHORTEST_WAIT:
                break
    return longest


def _waits(
    headers: Mapping[str, object], metadata: Mapping[str, object], now: datetime | None, *, throttled: bool
) -> Iterator[float | None]:
    """The waits that a response names, the most trusted first."""
    places = [{name: [headers.get(name)] for name in _NAMES}, _named_values(metadata.get("headers"))]
    for place in places:
        yield _longest(place["retry-after-ms"], now, unit=1000)
        yield _longest(place["retry-after"], now)
    yield _longest([metadata.get("retry_after_seconds")], now)
    if throttled:
        for place in places:
            yield _longest(place["x-ratelimit-reset"], now, may_be_a_moment=True)


_NAMES = ("retry-after-ms", "retry-after", "x-ratelimit-reset")


def _named_values(headers: object) -> dict[str, list[object]]:
    """All values of the headers that name a wait, out of an object or a list of pairs."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers if isinstance(headers, list) else ()
    found: dict[str, list[object]] = {name: [] for name in _NAMES}
    for pair in pairs:
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
            found.get(pair[0].lower(), []).append(pair[1])
    return found


def _longest(
    values: list[object], now: datetime | None, *, unit: float = 1, may_be_a_moment: bool = False
) -> float | None:
    """The longest of the waits that the values of a header name, in seconds; None if they name none."""
    # A comma joins values, or comes after a weekday, which no date needs.
    entries = [
        entry
        for value in values[:_MOST_VALUES]
        for entry in (value[:_LONGEST_VALUE].split(",") if isinstance(value, str) else [value])
    ]
    longest = None
    for entry in entries:
        seconds = _number(entry)
        if seconds is None:
            seconds = _seconds_until(entry, now) if isinstance(entry, str) else None
        elif may_be_a_moment and seconds >= _IN_2001:
            moment = seconds / 1000 if seconds >= _IN_2001_MS else seconds
            seconds = moment - (now or datetime.now(UTC)).timestamp()
        else:
            seconds /= unit
        if seconds is not None and seconds >= 0:
            longest = max(seconds, longest or 0.0)
    return longest


_MOST_VALUES, _LONGEST_VALUE = 10, 200
"""How often a header can come, and how many characters of it are looked at; a date in the longest form has 33."""
_IN_2001, _IN_2001_MS = 1e9, 1e12
"""Seconds and milliseconds since 1970. Less than the first is a number of seconds from now."""
_DECIMAL = re.compile(r"\s*[0-9]{1,15}(\.[0-9]*)?\s*")


def _number(value: object) -> float | None:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds_until(date: str, now: datetime | None) -> float | None:
    # Loaded here: few answers carry a date, and loading it would make the import of this package a good deal slower.
    from dateutil import parser  # noqa: PLC0415

    if not any(character.isdigit() for character in date) or date.strip("0123456789.,-+ ") == "":
        return None  # dateutil would read "-5" or "12 30" as a day of this month
    try:
        # What a date leaves out would be filled in from today; filled in from the year 1, it has passed.
        moment = parser.parse(date.upper(), default=datetime(1, 1, 1), tzinfos=_zone)  # noqa: DTZ001
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, ArithmeticError):
        return None
    return seconds if seconds > 0 else None


_HOURS = {
    "UT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
}  # fmt: skip
"""Hours from universal time: the zones of RFC 822 section 5.1, but for the letters of its soldiers; and Europe's."""


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """The zone of a date, as dateutil asks for it, which knows GMT, UTC, Z and numbers by itself.

    Raises:
        ValueError: Nobody knows when that is: dateutil alone would warn, and take it for the local time.
    """
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return None
    if name not in _HOURS:
        raise ValueError(f"{name} is an unknown time zone")
    return timezone(timedelta(hours=_HOURS[name]))
