"""Whether to send a request again, and when. Pure: no clock, no sleep, no httpx in here.

A retry decision is a function of the outcome, the number of attempts and the time that has passed. The two loops that
act on it are in `exchange`.
"""

import logging
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from attrs import field, frozen, validators

_DECIMAL = re.compile(r"\s*[0-9]{1,15}(\.[0-9]*)?\s*")

logger = logging.getLogger("openrouter_speech")

RETRIED = ("408", "429", "5XX")
"""Statuses that are retried unless `status_codes_override` names others."""


class Outcome(Protocol):
    """What a decision looks at: how an attempt failed. Every `errors.OpenRouterError` is one."""

    @property
    def status_code(self) -> int | None: ...
    @property
    def retry_after(self) -> float | None: ...
    @property
    def maybe_billed(self) -> bool: ...


def _not_negative(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of milliseconds, not {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a finite number of milliseconds, 0 or more, not {value}")


@frozen
class BackoffStrategy:
    """How long to wait between attempts. All times are in milliseconds.

    The wait before retry n (the first is 0) is `initial_interval * exponent ** n`, at most `max_interval`, plus a
    random part of up to `jitter_ms`, so that clients which failed together do not come back together.

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
    nothing tells a client if it was. So a read timeout, a connection lost after sending and audio cut short are raised
    at once. `retry_maybe_billed` retries them too, at the risk of paying twice.

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
    if not _retried(config, outcome) or (config.max_retries is not None and retries >= config.max_retries):
        return None
    asked_for = outcome.retry_after
    delay = _backoff(config.backoff, retries) if asked_for is None else asked_for
    return delay if elapsed + delay <= config.backoff.max_elapsed_time / 1000 else None


def _retried(config: RetryConfig, outcome: Outcome) -> bool:
    if config.strategy == "none":
        return False
    if outcome.maybe_billed:
        return config.retry_maybe_billed
    if outcome.status_code is None:
        return config.retry_connection_errors
    status = str(outcome.status_code)
    patterns = config.status_codes_override or RETRIED
    return status in patterns or f"{status[0]}XX" in patterns


def _backoff(backoff: BackoffStrategy, retries: int) -> float:
    try:
        delay = min(backoff.initial_interval * backoff.exponent**retries, backoff.max_interval)
    except OverflowError:
        delay = backoff.max_interval
    jitter = 1000 if backoff.jitter_ms is None else backoff.jitter_ms
    return (delay + jitter * random.random()) / 1000  # noqa: S311  (spreads load, guards nothing)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """When the server says to come back, in seconds from now.

    Read from `retry-after-ms` (milliseconds) or `Retry-After` (seconds, or a date: RFC 9110 sections 10.2.3 and
    5.6.7, or ISO 8601). Names of headers are looked up in lower case.

    Args:
        headers: The headers, with lower-case names unless the mapping takes any case.
        now: The present, for tests.

    Returns:
        None without such a header, where its value cannot be read, or where it names a time that has passed.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not isinstance(value, str):
        return seconds
    return _seconds_until(value, now)


def _number(value: object) -> float | None:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    number = float(value)
    return number if 0 <= number < float("inf") else None


def _seconds_until(date: str, now: datetime | None) -> float | None:
    # Loaded here: few answers carry a date, and loading it would make the import of this package a good deal slower.
    from dateutil import parser  # noqa: PLC0415

    if not any(character.isdigit() for character in date) or date.strip("0123456789.,-+ ") == "":
        return None  # dateutil would read "-5" or "12 30" as a day of this month
    try:
        moment = parser.parse(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None
