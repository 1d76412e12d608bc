"""What is retried, and when: decisions without a clock, a sleep or a server."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from openrouter_speech._core import retries
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig, decide
from openrouter_speech.mock.faults import CHAOS_STATUSES

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BACKOFF = BackoffStrategy(initial_interval=100, max_interval=1000, exponent=2, max_elapsed_time=10_000, jitter_ms=0)
CONFIG = RetryConfig("backoff", BACKOFF, retry_connection_errors=True)


@frozen
class Failed:
    """An outcome."""

    status_code: int | None = None
    retry_after: float | None = None
    maybe_billed: bool = False
    retryable: bool = True
    throttled: bool = False


REFUSED = Failed()
BILLED = Failed(maybe_billed=True)


def test_waits_grow_up_to_the_longest_interval() -> None:
    waits = [decide(CONFIG, Failed(503), retries=n, elapsed=0) for n in range(6)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


@pytest.mark.parametrize("exponent", [2, 1.5])
def test_a_wait_that_overflows_is_the_longest_interval(exponent: float) -> None:
    config = evolve(CONFIG, backoff=evolve(BACKOFF, exponent=exponent))
    assert decide(config, Failed(503), retries=100_000, elapsed=0) == 1.0


@pytest.mark.parametrize(("jitter_ms", "longest"), [(None, 1.0), (50, 0.05), (0, 0.0)])
def test_jitter_is_added(monkeypatch: pytest.MonkeyPatch, jitter_ms: float | None, longest: float) -> None:
    monkeypatch.setattr("random.random", lambda: 0.5)
    config = evolve(CONFIG, backoff=evolve(BACKOFF, jitter_ms=jitter_ms))
    assert decide(config, Failed(503), retries=0, elapsed=0) == pytest.approx(0.1 + 0.5 * longest)


TWICE: dict[str, Any] = {"retry_maybe_billed": True}


@pytest.mark.parametrize(
    ("changes", "outcome", "retried"),
    [
        *(({}, Failed(status), True) for status in (408, 429, 500, 529, 599)),
        *(({}, Failed(status), False) for status in (200, 301, 400, 402, 422)),
        ({"strategy": "none"}, Failed(503), False),
        ({"status_codes_override": ["503"]}, Failed(503), True),
        ({"status_codes_override": ["503"]}, Failed(502), False),
        ({"status_codes_override": ["503"]}, Failed(429), False),
        ({"status_codes_override": ["5xx"]}, Failed(502), True),
        ({"status_codes_override": ["4XX", "503"]}, Failed(429), True),
        ({"status_codes_override": [404]}, Failed(404), True),
        ({"status_codes_override": []}, Failed(429), True),
        ({}, REFUSED, True),
        ({"retry_connection_errors": False}, REFUSED, False),
        ({}, BILLED, False),
        (TWICE, BILLED, True),
        ({}, Failed(200, maybe_billed=True), False),
        (TWICE, Failed(200, maybe_billed=True), True),
        ({"status_codes_override": ["504"]}, Failed(504, maybe_billed=True), False),
        (TWICE | {"status_codes_override": ["504"]}, Failed(504, maybe_billed=True), True),
        (TWICE | {"status_codes_override": ["503"]}, Failed(504, maybe_billed=True), False),
        (TWICE, Failed(maybe_billed=True, retryable=False), False),  # a `SaveError`: the audio has arrived
        ({}, Failed(402, throttled=True), True),
        ({"status_codes_override": ["429"]}, Failed(402, throttled=True), True),
        ({"status_codes_override": ["402"]}, Failed(402, throttled=True), True),
        ({"status_codes_override": ["5XX"]}, Failed(402, throttled=True), False),
    ],
)
def test_which_failures_are_retried(changes: dict[str, Any], outcome: Failed, retried: bool) -> None:
    assert (decide(evolve(CONFIG, **changes), outcome, retries=0, elapsed=0) is not None) is retried


def test_each_status_that_may_be_billed_cites_its_source() -> None:
    assert set(retries.MAYBE_BILLED_STATUSES) == {499, 504, 520, 522, 524, 527, 598}
    assert all(re.search("RFC|https://|nginx|convention", source) for source in retries.MAYBE_BILLED_STATUSES.values())


def test_the_mock_servers_random_failures_are_retried() -> None:
    for status in CHAOS_STATUSES:
        assert status not in retries.MAYBE_BILLED_STATUSES
        assert decide(retries.DEFAULT, Failed(status), retries=0, elapsed=0) is not None


@pytest.mark.parametrize(
    ("status", "source", "throttled"),
    [
        (429, None, True),
        (402, "openrouter_in_flight_budget", True),
        (402, "openrouter_account_balance", False),
        (402, ["openrouter_in_flight_budget"], False),
        (503, "openrouter_in_flight_budget", False),
        (None, None, False),
    ],
)
def test_a_429_or_a_402_for_requests_in_flight_is_throttled(status: int | None, source: Any, throttled: bool) -> None:
    assert retries.is_throttled(status, {"limit_source": source}) is throttled


def test_the_number_of_retries_is_limited() -> None:
    config = evolve(CONFIG, max_retries=2)
    assert [decide(config, Failed(503), retries=n, elapsed=0) is None for n in range(4)] == [False, False, True, True]
    for none in (evolve(CONFIG, max_retries=0), retries.NONE):
        assert decide(none, Failed(503), retries=0, elapsed=0) is None


def test_a_wait_that_would_end_too_late_is_not_started() -> None:
    assert decide(CONFIG, Failed(503), retries=0, elapsed=9.9) == 0.1
    assert decide(CONFIG, Failed(503), retries=0, elapsed=9.95) is None
    assert decide(CONFIG, Failed(429, retry_after=10), retries=0, elapsed=0) == 10
    assert decide(CONFIG, Failed(429, retry_after=10.1), retries=0, elapsed=0) is None


@pytest.mark.parametrize(
    ("retry_after", "wait"), [(5.5, 5.5), (0.1, 0.1), (0.099, 0.8), (0.0, 0.8)], ids=["longer", "shorter", "brief", "0"]
)
def test_the_servers_wait_replaces_backoff_unless_it_is_too_short(retry_after: float, wait: float) -> None:
    outcome = Failed(429, retry_after=retry_after)
    assert decide(CONFIG, outcome, retries=3, elapsed=0) == wait
    assert retries.asked_wait(outcome) == (retry_after if wait == retry_after else None)


def test_backoff_is_never_shorter_than_a_brief_wait_that_the_server_names() -> None:
    hasty = evolve(CONFIG, max_retries=9, backoff=evolve(BACKOFF, initial_interval=10))
    assert decide(hasty, Failed(429, retry_after=0.05), retries=0, elapsed=0) == 0.05


@pytest.mark.parametrize("outcome", [Failed(503), REFUSED, Failed(429, retry_after=1e-6)])
def test_a_time_limit_alone_makes_no_hot_loop(outcome: Failed) -> None:
    for backoff in (BackoffStrategy(0, 0, 1, 1000, 0), BackoffStrategy(90, 90, 0.1, 1000, 0)):
        assert decide(RetryConfig("backoff", backoff, True), outcome, retries=3, elapsed=0) == retries.SHORTEST_WAIT


def test_with_max_retries_no_wait_is_needed() -> None:
    config = RetryConfig("backoff", BackoffStrategy(0, 0, 1, 1000, 0), True, max_retries=3)
    assert [decide(config, Failed(503), retries=n, elapsed=0) for n in range(4)] == [0, 0, 0, None]


def test_the_default_is_two_retries_within_a_minute() -> None:
    assert (retries.DEFAULT.max_retries, retries.DEFAULT.backoff.max_elapsed_time) == (2, 60_000)
    assert not retries.DEFAULT.retry_maybe_billed


IN_7_S = NOW + timedelta(seconds=7)
RFC_1123, RFC_850, ASCTIME = "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": " 7.0 "}, 7),
        ({"retry-after": 7}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "12.5"}, 0.0125),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        *(({"retry-after": IN_7_S.strftime(form)}, 7) for form in (RFC_1123, RFC_850, ASCTIME)),
        ({"retry-after": "2026-11-22T12:00:00.250Z"}, 0.25),
        ({"retry-after": "2026-11-22T13:00:07+01:00"}, 7),
        # A header that came twice:
        ({"retry-after": "3, 10"}, 10),
        ({"retry-after": "10,3"}, 10),
        ({"retry-after": "soon, 7"}, 7),
        ({"retry-after": f"{IN_7_S.strftime(RFC_1123)}, {NOW.strftime(RFC_1123)}"}, 7),
        ({"retry-after": f"3, {IN_7_S.strftime(RFC_850)}"}, 7),
        ({"retry-after-ms": "3000, 7000"}, 7),
    ],
    ids=str,
)
def test_a_server_names_a_wait_in_many_forms(headers: dict[str, str], seconds: float) -> None:
    assert retries.retry_after(headers, NOW) == seconds


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in another time zone, under a name that no header can know."""
    monkeypatch.setenv("TZ", "XYZ-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("", 0), ("GMT", 0), ("Z", 0), ("UT", 0), ("EDT", -4), ("EST", -5), ("CDT", -5), ("CST", -6), ("MDT", -6),
        ("MST", -7), ("PDT", -7), ("pst", -8), ("WET", 0), ("WEST", 1), ("BST", 1), ("CET", 1), ("MET", 1), ("MEZ", 1),
        ("CEST", 2), ("MEST", 2), ("MESZ", 2), ("EET", 2), ("EEST", 3), ("MSK", 3), ("-0800 (XYZ)", -8), ("+0530", 5.5),
        ("XYZ", None), ("AEST", None), ("A", None),
    ],
)  # fmt: skip
def test_a_date_is_read_in_its_own_zone_or_not_at_all(zone: str, hours: float | None, in_tokyo: None) -> None:
    there = IN_7_S + timedelta(hours=hours or 0)
    date = there.strftime(f"%a, %d %b %Y %H:%M:%S {zone}")
    assert retries.retry_after({"retry-after": date}, NOW) == (None if hours is None else 7)


SINCE_1970 = round(IN_7_S.timestamp())


@pytest.mark.parametrize(
    ("headers", "metadata", "seconds"),
    [
        ({"retry-after-ms": "1000", "retry-after": "2"}, {"retry_after_seconds": 4}, 1),
        ({"retry-after": "2"}, {"headers": {"Retry-After": "3"}, "retry_after_seconds": 4}, 2),
        ({}, {"headers": {"Retry-After": "3"}, "retry_after_seconds": 4}, 3),
        ({"x-ratelimit-reset": "9"}, {"retry_after_seconds": 4.5}, 4.5),
        ({"x-ratelimit-reset": "9"}, {"headers": {"X-RateLimit-Reset": "8"}}, 9),
        ({"retry-after": "0", "x-ratelimit-reset": "9"}, {}, 9),
        ({"retry-after": "0.05"}, {"retry_after_seconds": 4}, 4),
        ({"retry-after": "0.05"}, {"retry_after_seconds": 0}, 0.05),
        ({"retry-after": "0"}, {}, 0),
        ({"x-ratelimit-reset": str(SINCE_1970)}, {}, 7),
        ({}, {"headers": {"X-RateLimit-Reset": f"{SINCE_1970}500"}}, 7.5),
        ({}, {"headers": {"X-RateLimit-Reset": SINCE_1970 * 1000}}, 7),
        ({"x-ratelimit-reset": "2026-11-22T12:00:07Z"}, {}, 7),
        ({"x-ratelimit-reset": str(SINCE_1970 - 8)}, {}, None),
        ({}, {"headers": [["Retry-After", "3"], ["Other"], 5, ["RETRY-AFTER", 6]]}, 6),
        ({}, {"headers": [["Retry-After", 6], ["Retry-After", 3]]}, 6),
        ({}, {"headers": {"Retry-After": "3", "retry-after": "6"}}, 6),
        ({}, {"retry_after_seconds": "4"}, 4),
        ({}, {}, None),
    ],
)
def test_the_first_place_that_names_a_wait_counts(headers: Any, metadata: dict[str, Any], seconds: Any) -> None:
    assert retries.retry_after(headers, NOW, metadata=metadata, throttled=True) == seconds


def test_a_rate_limits_reset_counts_only_if_throttled() -> None:
    metadata = {"headers": {"X-RateLimit-Reset": "8"}}
    assert retries.retry_after({"x-ratelimit-reset": "9"}, NOW, metadata=metadata) is None


NONSENSE = [
    True, None, [7], {"a": 7}, [["retry-after"]], 10**400, 10**5000, -5, float("nan"), float("inf"), "9" * 5000, "1e9",
    "\x00", "0001:" + "9" * 30 + "Z of 9 %1e9AD", "Sun, " * 50, "", "soon", "-5", "inf", "12 30", "23h", "12:30",
    "22 Nov", "Sun, 22 Nov 2026 11:59:59 GMT", "99999999-01-01", "2026-11-22T12:00:07 ZZZ?", "0x10",
    "\N{ARABIC-INDIC DIGIT FIVE}",
]  # fmt: skip


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_a_wait_that_is_past_or_makes_no_sense_is_ignored(value: Any) -> None:
    names = ("Retry-After", "retry-after-ms", "X-RateLimit-Reset")
    assert retries.retry_after({name.lower(): value for name in names}, NOW, throttled=True) is None
    for headers in (value, dict.fromkeys(names, value), [[name, value] for name in names] * 2):
        metadata = {"retry_after_seconds": value, "headers": headers}
        assert retries.retry_after({}, NOW, metadata=metadata, throttled=True) is None


def test_dates_are_compared_with_the_present() -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    headers = {"retry-after": in_an_hour.strftime(RFC_1123)}
    assert retries.retry_after(headers) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    ("configured", "name", "value"),
    [
        *((BACKOFF, "initial_interval", value) for value in (-1, "1", True)),
        (BACKOFF, "max_interval", -1),
        (BACKOFF, "exponent", 0),
        (BACKOFF, "max_elapsed_time", float("inf")),
        (BACKOFF, "jitter_ms", -1),
        (CONFIG, "strategy", "fast"),
        (CONFIG, "backoff", None),
        *((CONFIG, "status_codes_override", [value]) for value in ("5X", "600", "5X0")),
        *((CONFIG, "max_retries", value) for value in (-1, 1.5, True)),
    ],
)
def test_a_wrong_setting_is_refused_by_name(configured: Any, name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=name):
        evolve(configured, **{name: value})
