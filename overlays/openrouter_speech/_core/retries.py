"""Whether to retry a request, and when. Pure: no clock, no sleep, no httpx.

A retry decision is a function of the outcome, the number of attempts and the elapsed time. The two loops that act on it
are in `_http.sending`.
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
"""Statuses to retry unless `status_codes_override` names others."""

_CLOUDFLARE = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors"
MAYBE_BILLED_STATUSES: Mapping[int, str] = {
    499: "nginx's ngx_http_request.h: an intermediary hung up while the server was working",
    504: "RFC 9110 section 15.6.5: a gateway forwarded the request, and got no response in time",
    520: f"{_CLOUDFLARE}/error-520: the origin accepted the request, and its response was empty or unreadable",
    522: f"{_CLOUDFLARE}/error-522: no connection, or the origin did not acknowledge the request, but may have it",
    524: f"{_CLOUDFLARE}/error-524: the origin accepted the request, and did not respond in time",
    527: f"{_CLOUDFLARE}: the connection to the origin was lost, or no response came in time (until 2024)",
    598: "An unregistered convention of proxies: the request was forwarded, and reading timed out",
}
"""Statuses after which the audio may exist, and be charged, with their sources.

A status is safe to retry if the server did not accept the request, or reports how it ended: 408 (RFC 9110 section
15.5.9: it never arrived in full), 500, 502, 503, 521 (refused), 523 (unreachable), 525 and 526 (no TLS), 529
(overloaded), 530 (no such origin), and 599 (a proxy could not connect).
"""

SHORTEST_WAIT = 0.1
"""Seconds. If a server asks for less, the backoff decides. Without `max_retries` no wait is shorter, which means 10
requests a second at most. Servers count in whole seconds (RFC 9110 section 10.2.3), so less than a tenth is a rounding
error or about to pass, and a request alone takes longer."""


class Outcome(Protocol):
    """How an attempt failed, as far as retries depend on it. Every `errors.OpenRouterError` is one."""

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

    The wait before retry n (counting from 0) is `initial_interval * exponent ** n`, at most `max_interval`, plus a
    random jitter of up to `jitter_ms`, so that clients that failed together do not retry together. Without
    `max_retries`, each wait is at least 100 ms.

    Args:
        initial_interval: The first wait.
        max_interval: The longest wait, without jitter.
        exponent: The factor from each wait to the next.
        max_elapsed_time: The time limit, counted from the first attempt. A wait that would exceed it is not started.
        jitter_ms: The maximum jitter; 1000 if None, as in the reference SDK.
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
    """Which failures to retry, and how often.

    Failures that may have been billed are not retried: once a synthesis starts it is charged, even if its audio never
    arrives, and a client cannot find out. So a read timeout, a connection lost after sending, truncated audio, and a
    status that means a gateway gave up waiting (504, 520, 522, 524, 598) are raised at once, even if
    `status_codes_override` names the status. `retry_maybe_billed` retries them too, at the risk of paying twice.

    A 402 for too many in-flight requests (`error.throttled`) counts as a 429. A wait that the server asks for replaces
    the backoff, unless it is shorter than 100 ms.

    Args:
        strategy: "backoff" to retry, "none" not to.
        backoff: How long to wait between attempts.
        retry_connection_errors: Whether to retry if connecting fails, that is, before anything was sent.
        status_codes_override: Statuses to retry instead of 408, 429 and 5XX, such as ["429", "5XX"].
        max_retries: The maximum number of retries; None for no limit but `backoff.max_elapsed_time`.
        retry_maybe_billed: Whether to retry failures that may have been billed.

    Raises:
        ValueError: An argument is out of range; the message names it.
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
"""The default: at most 2 retries within 60 seconds."""

NONE = RetryConfig("none", DEFAULT.backoff, retry_connection_errors=False)
"""No retries."""


def decide(config: RetryConfig, outcome: Outcome, retries: int, elapsed: float) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    Args:
        config: The retry settings.
        outcome: How the last attempt failed.
        retries: The number of retries so far.
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
    """Return the wait that the server asks for, in seconds; None if none, or less than `SHORTEST_WAIT`."""
    seconds = outcome.retry_after
    return None if seconds is None or seconds < SHORTEST_WAIT else seconds


def is_throttled(status_code: int | None, metadata: Mapping[str, object]) -> bool:
    """Whether too much was sent at once, so that waiting helps.

    That is a 429, or a 402 because in-flight requests hold the credit. Any other 402 is permanent.
    """
    in_flight = metadata.get("limit_source") == "openrouter_in_flight_budget"
    return status_code == 429 or (status_code == 402 and in_flight)


def _is_retried(config: RetryConfig, outcome: Outcome) -> bool:
    status = outcome.status_code
    if config.strategy == "none" or not outcome.retryable or (outcome.maybe_billed and not config.retry_maybe_billed):
        return False
    if status is None:
        return outcome.maybe_billed or config.retry_connection_errors
    if 200 <= status < 300:  # a success without complete audio
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
    """Return the wait that the server asks for, in seconds from now.

    In order of precedence: `retry-after-ms` (milliseconds) and `Retry-After` (seconds, or a date: RFC 9110 sections
    10.2.3 and 5.6.7, or ISO 8601) of the response; the same in `metadata["headers"]`;
    `metadata["retry_after_seconds"]`; and `X-RateLimit-Reset` of either. The first that asks for a wait counts. If a
    header is repeated, the longest wait counts.

    Args:
        headers: The headers; names are lower-case unless the mapping ignores case.
        now: The current time, for tests.
        metadata: The body's `error.metadata`. Its `headers` are an object or a list of pairs.
        throttled: Whether too much was sent at once. If not, `X-RateLimit-Reset` is ignored.

    Returns:
        None if nothing of this is present, readable and in the future.
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
    """Iterate over the waits in a response, by precedence."""
    places = [{name: [headers.get(name)] for name in _NAMES}, _named_values(metadata.get("headers"))]
    for place in places:
        yield _longest(place["retry-after-ms"], now, unit=1000)
        yield _longest(place["retry-after"], now)
    yield _longest([metadata.get("retry_after_seconds")], now)
    if throttled:
        for place in places:
            yield _longest(place["x-ratelimit-reset"], now, may_be_absolute=True)


_NAMES = ("retry-after-ms", "retry-after", "x-ratelimit-reset")


def _named_values(headers: object) -> dict[str, list[object]]:
    """Collect the values of the wait headers from an object or a list of pairs."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers if isinstance(headers, list) else ()
    found: dict[str, list[object]] = {name: [] for name in _NAMES}
    for pair in pairs:
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
            found.get(pair[0].lower(), []).append(pair[1])
    return found


def _longest(
    values: list[object], now: datetime | None, *, unit: float = 1, may_be_absolute: bool = False
) -> float | None:
    """Return the longest wait in a header's values, in seconds; None if there is none."""
    # A comma separates values, or follows a weekday, which a date does not need.
    entries = [
        entry
        for value in values[:_MAX_VALUES]
        for entry in (value[:_MAX_VALUE_LENGTH].split(",") if isinstance(value, str) else [value])
    ]
    longest = None
    for entry in entries:
        seconds = _number(entry)
        if seconds is None:
            seconds = _seconds_until(entry, now) if isinstance(entry, str) else None
        elif may_be_absolute and seconds >= _IN_2001:
            moment = seconds / 1000 if seconds >= _IN_2001_MS else seconds
            seconds = moment - (now or datetime.now(UTC)).timestamp()
        else:
            seconds /= unit
        if seconds is not None and seconds >= 0:
            longest = max(seconds, longest or 0.0)
    return longest


_MAX_VALUES, _MAX_VALUE_LENGTH = 10, 200
"""Values per header, and characters per value, to read. The longest form of a date has 33 characters."""
_IN_2001, _IN_2001_MS = 1e9, 1e12
"""Seconds and milliseconds since 1970. A smaller number means seconds from now."""
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
    # A late import: few responses carry a date, and dateutil slows down the import of this package.
    from dateutil import parser  # noqa: PLC0415

    if not any(character.isdigit() for character in date) or date.strip("0123456789.,-+ ") == "":
        return None  # dateutil would read "-5" or "12 30" as a day of this month
    try:
        # By default dateutil fills in missing parts from today; from the year 1, the date is in the past.
        moment = parser.parse(date.upper(), default=datetime(1, 1, 1), tzinfos=_zone)  # noqa: DTZ001
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, ArithmeticError):
        return None
    return seconds if seconds > 0 else None


_HOURS = {
    "UT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
}  # fmt: skip
"""Hours from UTC: the zones of RFC 822 section 5.1, except the military letters, and those of Europe."""


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """Look up a time zone for dateutil, which knows only GMT, UTC, Z and numbers.

    Raises:
        ValueError: The zone is unknown. dateutil would only warn, and assume local time.
    """
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return None
    if name not in _HOURS:
        raise ValueError(f"{name} is an unknown time zone")
    return timezone(timedelta(hours=_HOURS[name]))
