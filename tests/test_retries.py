"""What is retried, and when: decisions without a clock, a sleep or a server."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from openrouter_speech import retries
from openrouter_speech.mock.faults import CHAOS_STATUSES
from openrouter_speech.retries import BackoffStrategy, RetryConfig, decide

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


def test_delays_grow_up_to_the_longest() -> None:
    delays = [decide(CONFIG, Failed(503), retries=n, elapsed=0) for n in range(6)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_an_exponent_grows_beyond_any_number() -> None:
    for exponent in (2, 1.5):
        config = evolve(CONFIG, backoff=evolve(BACKOFF, exponent=exponent))
        assert decide(config, Failed(503), retries=100_000, elapsed=0) == 1.0


@pytest.mark.parametrize(("jitter_ms", "most"), [(None, 1.0), (50, 0.05), (0, 0.0)])
def test_jitter_is_added(monkeypatch: pytest.MonkeyPatch, jitter_ms: float | None, most: float) -> None:
    config = evolve(CONFIG, backoff=evolve(BACKOFF, jitter_ms=jitter_ms))
    for part in (0.0, 0.5, 1.0):
        monkeypatch.setattr("random.random", lambda part=part: part)
        assert decide(config, Failed(503), retries=0, elapsed=0) == pytest.approx(0.1 + part * most)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529, 599])
def test_a_passing_failure_is_retried(status: int) -> None:
    assert decide(CONFIG, Failed(status), retries=0, elapsed=0) is not None


@pytest.mark.parametrize("status", [200, 301, 400, 401, 402, 403, 404, 413, 422])
def test_a_lasting_failure_is_not(status: int) -> None:
    assert decide(CONFIG, Failed(status), retries=0, elapsed=0) is None


@pytest.mark.parametrize(
    ("override", "status", "retried"),
    [
        (["503"], 503, True),
        (["503"], 502, False),
        (["5XX"], 502, True),
        (["5xx"], 502, True),
        (["4XX", "503"], 429, True),
        ([404], 404, True),
        (["503"], 429, False),
        ([], 429, True),
        (None, 429, True),
        ([499], 498, False),
    ],
)
def test_other_statuses_can_be_named(override: Any, status: int, retried: bool) -> None:
    config = RetryConfig("backoff", BACKOFF, False, override)
    assert (decide(config, Failed(status), retries=0, elapsed=0) is not None) is retried


def test_what_was_never_sent_is_retried_if_wanted() -> None:
    assert decide(CONFIG, REFUSED, retries=0, elapsed=0) is not None
    assert decide(evolve(CONFIG, retry_connection_errors=False), REFUSED, retries=0, elapsed=0) is None


def test_what_no_attempt_can_help_is_never_retried() -> None:
    """The audio of a `SaveError` is there: another attempt would buy it again."""
    outcome = Failed(maybe_billed=True, retryable=False)
    assert decide(evolve(CONFIG, retry_maybe_billed=True), outcome, retries=0, elapsed=0) is None


@pytest.mark.parametrize("outcome", [BILLED, Failed(200, maybe_billed=True), Failed(504, maybe_billed=True)])
def test_what_may_have_been_billed_is_retried_only_if_wanted(outcome: Failed) -> None:
    assert decide(CONFIG, outcome, retries=0, elapsed=0) is None
    assert decide(evolve(CONFIG, retry_maybe_billed=True), outcome, retries=0, elapsed=0) is not None


def test_naming_a_status_does_not_allow_a_second_charge() -> None:
    """One switch does, and it adds no status to those that are retried."""
    config, outcome = RetryConfig("backoff", BACKOFF, True, ["504"]), Failed(504, maybe_billed=True)
    assert decide(config, outcome, retries=0, elapsed=0) is None
    assert decide(evolve(config, retry_maybe_billed=True), outcome, retries=0, elapsed=0) is not None
    other = evolve(config, retry_maybe_billed=True, status_codes_override=["503"])
    assert decide(other, outcome, retries=0, elapsed=0) is None


def test_each_status_after_which_audio_may_exist_has_its_source() -> None:
    """A gateway gave up waiting. It did not where it could not connect, or where the server said how it ended."""
    assert set(retries.MAYBE_BILLED_STATUSES) == {499, 504, 520, 522, 524, 527, 598}
    assert all(re.search("RFC|https://|nginx|convention", source) for source in retries.MAYBE_BILLED_STATUSES.values())


def test_what_the_mock_server_lets_fail_by_chance_is_retried() -> None:
    for status in CHAOS_STATUSES:
        assert status not in retries.MAYBE_BILLED_STATUSES
        assert decide(retries.DEFAULT, Failed(status), retries=0, elapsed=0) is not None


@pytest.mark.parametrize(
    ("override", "retried"), [(None, True), (["429"], True), (["402"], True), (["4XX"], True), (["5XX"], False)]
)
def test_a_402_that_passes_is_retried_like_a_429(override: Any, retried: bool) -> None:
    config = RetryConfig("backoff", BACKOFF, False, override)
    outcome = Failed(402, throttled=True)
    assert (decide(config, outcome, retries=0, elapsed=0) is not None) is retried


@pytest.mark.parametrize(
    ("status", "source", "throttled"),
    [
        (429, None, True),
        (402, "openrouter_in_flight_budget", True),
        (402, "openrouter_account_balance", False),
        (402, ["openrouter_in_flight_budget"], False),
        (402, None, False),
        (503, "openrouter_in_flight_budget", False),
        (None, None, False),
    ],
)
def test_what_says_that_too_much_was_sent(status: int | None, source: Any, throttled: bool) -> None:
    assert retries.is_throttled(status, {} if source is None else {"limit_source": source}) is throttled


def test_the_number_of_retries_is_bounded() -> None:
    config = evolve(CONFIG, max_retries=2)
    assert [decide(config, Failed(503), retries=n, elapsed=0) is None for n in range(4)] == [False, False, True, True]
    assert decide(evolve(CONFIG, max_retries=0), Failed(503), retries=0, elapsed=0) is None


def test_a_strategy_of_none_retries_nothing() -> None:
    for config in (RetryConfig("none", BACKOFF, True), retries.NONE):
        assert decide(config, Failed(503), retries=0, elapsed=0) is None


def test_a_wait_that_would_end_too_late_is_not_begun() -> None:
    assert decide(CONFIG, Failed(503), retries=0, elapsed=9.9) == 0.1
    assert decide(CONFIG, Failed(503), retries=0, elapsed=9.95) is None
    assert decide(CONFIG, Failed(429, retry_after=10), retries=0, elapsed=0) == 10
    assert decide(CONFIG, Failed(429, retry_after=10.1), retries=0, elapsed=0) is None


def test_the_servers_word_wins_over_backoff() -> None:
    """Also over the longest interval, which is for computed delays."""
    assert decide(CONFIG, Failed(429, retry_after=5.5), retries=3, elapsed=0) == 5.5
    assert decide(CONFIG, Failed(429, retry_after=0.1), retries=3, elapsed=0) == 0.1


def test_the_servers_word_is_no_wait_if_it_is_too_short() -> None:
    for seconds in (0.0, 1e-6, 0.099):
        assert decide(CONFIG, Failed(429, retry_after=seconds), retries=1, elapsed=0) == 0.2
        assert retries.asked_wait(Failed(429, retry_after=seconds)) is None
    hasty = evolve(CONFIG, max_retries=9, backoff=evolve(BACKOFF, initial_interval=10))
    assert decide(hasty, Failed(429, retry_after=0.05), retries=0, elapsed=0) == 0.05


def requests_in_a_second(backoff: BackoffStrategy, outcome: Failed) -> int:
    config, made, elapsed = RetryConfig("backoff", backoff, True), 0, 0.0
    while made < 100 and (delay := decide(config, outcome, made, elapsed)) is not None:
        made += 1
        elapsed += delay
    return made + 1


@pytest.mark.parametrize(
    "backoff",
    [
        BackoffStrategy(0, 0, 1, 1000, 0), BackoffStrategy(0.001, 0.001, 1, 1000, 0), BackoffStrategy(0, 0, 1, 1000, 1),
        BackoffStrategy(500, 0, 2, 1000, 0), BackoffStrategy(90, 90, 0.1, 1000, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("outcome", [Failed(503), REFUSED, Failed(429, retry_after=0), Failed(429, retry_after=1e-6)])
def test_a_limit_of_time_alone_is_no_hot_loop(backoff: BackoffStrategy, outcome: Failed) -> None:
    assert requests_in_a_second(backoff, outcome) <= 11
    assert requests_in_a_second(evolve(BACKOFF, max_elapsed_time=1000), outcome) == 4


def test_a_number_of_retries_without_a_wait_is_what_was_asked_for() -> None:
    config = RetryConfig("backoff", BackoffStrategy(0, 0, 1, 1000, 0), True, max_retries=3)
    assert [decide(config, Failed(503), retries=n, elapsed=0) for n in range(4)] == [0, 0, 0, None]


def test_the_default_is_two_retries_within_a_minute() -> None:
    assert (retries.DEFAULT.max_retries, retries.DEFAULT.backoff.max_elapsed_time) == (2, 60_000)
    assert not retries.DEFAULT.retry_maybe_billed


def at(moment: datetime, form: str) -> str:
    return moment.strftime(form)


IN_7_S = NOW + timedelta(seconds=7)
RFC_1123, RFC_850 = "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT"


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "7"},
        {"retry-after": " 7.0 "},
        {"retry-after": 7},
        {"retry-after-ms": "7000"},
        {"retry-after-ms": "7000", "retry-after": "60"},
        {"retry-after-ms": "soon", "retry-after": "7"},
        {"retry-after": at(IN_7_S, RFC_1123)},
        {"retry-after": at(IN_7_S, RFC_850)},
        {"retry-after": at(IN_7_S, "%a %b %d %H:%M:%S %Y")},  # asctime
        {"retry-after": "2026-11-22T12:00:07Z"},
        {"retry-after": "2026-11-22T13:00:07+01:00"},
        {"retry-after": "2026-11-22T12:00:07"},
    ],
    ids=str,
)
def test_a_server_names_its_time_in_many_forms(headers: dict[str, str]) -> None:
    assert retries.retry_after(headers, NOW) == 7


def test_a_date_without_a_zone_is_universal_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the client runs."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert retries.retry_after({"retry-after": "2026-11-22T12:00:07"}, NOW) == 7
    finally:
        monkeypatch.undo()
        time.tzset()


def test_fractions_of_a_second_count() -> None:
    assert retries.retry_after({"retry-after": "0.25"}) == 0.25
    assert retries.retry_after({"retry-after-ms": "12.5"}) == 0.0125
    assert retries.retry_after({"retry-after": "2026-11-22T12:00:00.250Z"}, NOW) == 0.25


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5, 5"}, 5),
        ({"retry-after": "3, 10"}, 10),
        ({"retry-after": "10,3"}, 10),
        ({"retry-after": "soon, 7"}, 7),
        ({"retry-after": "0, 7"}, 7),
        ({"retry-after": f"{at(IN_7_S, RFC_1123)}, {at(NOW, RFC_1123)}"}, 7),
        ({"retry-after": f"{at(NOW, RFC_850)},{at(IN_7_S, RFC_850)}"}, 7),
        ({"retry-after": f"3, {at(IN_7_S, RFC_1123)}"}, 7),
        ({"retry-after-ms": "3000, 7000"}, 7),
    ],
)
def test_of_a_header_that_came_twice_the_longer_wait_counts(headers: dict[str, str], seconds: float) -> None:
    assert retries.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("GMT", 0), ("UTC", 0), ("UT", 0), ("Z", 0), ("gmt", 0), ("EST", -5), ("EDT", -4), ("CST", -6), ("CDT", -5),
        ("MST", -7), ("MDT", -6), ("PST", -8), ("PDT", -7), ("pst", -8), ("CET", 1), ("CEST", 2), ("MEZ", 1),
        ("MESZ", 2), ("BST", 1), ("WET", 0), ("WEST", 1), ("EET", 2), ("EEST", 3), ("MSK", 3),
        ("-0800 (XYZ)", -8), ("+0530", 5.5),
    ],
)  # fmt: skip
def test_a_date_in_a_known_zone(zone: str, hours: float) -> None:
    """Wherever the client runs, and without a warning, which would be an error here."""
    there = IN_7_S + timedelta(hours=hours)
    assert retries.retry_after({"retry-after": at(there, "%a, %d %b %Y %H:%M:%S ") + zone}, NOW) == 7


def test_a_zone_of_this_machine_is_as_unknown_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-9")
    time.tzset()
    try:
        for zone in ("XYZ", "AEST", "IST", "A"):
            assert retries.retry_after({"retry-after": f"Sun, 22 Nov 2026 13:00:00 {zone}"}, NOW) is None
    finally:
        monkeypatch.undo()
        time.tzset()


IN_7_S_SINCE_1970 = round(IN_7_S.timestamp())


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
        ({"x-ratelimit-reset": str(IN_7_S_SINCE_1970)}, {}, 7),
        ({"x-ratelimit-reset": f"{IN_7_S_SINCE_1970}000"}, {}, 7),
        ({}, {"headers": {"X-RateLimit-Reset": f"{IN_7_S_SINCE_1970}500"}}, 7.5),
        ({}, {"headers": {"X-RateLimit-Reset": IN_7_S_SINCE_1970 * 1000}}, 7),
        ({"x-ratelimit-reset": at(IN_7_S, "%Y-%m-%dT%H:%M:%SZ")}, {}, 7),
        ({"x-ratelimit-reset": str(IN_7_S_SINCE_1970 - 8)}, {}, None),
        ({}, {"headers": [["Retry-After", "3"], ["Other"], 5, ["RETRY-AFTER", 6]]}, 6),
        ({}, {"headers": {"Retry-After": "3", "retry-after": "6"}}, 6),
        ({}, {"headers": [["Retry-After", 6], ["Retry-After", 3]]}, 6),
        ({}, {"retry_after_seconds": "4"}, 4),
        ({}, {}, None),
    ],
)
def test_where_a_wait_is_looked_for_in_order(headers: dict[str, str], metadata: dict[str, Any], seconds: Any) -> None:
    assert retries.retry_after(headers, NOW, metadata=metadata, throttled=True) == seconds


def test_a_reset_is_a_wait_only_where_too_much_was_sent() -> None:
    metadata = {"headers": {"X-RateLimit-Reset": "8"}}
    assert retries.retry_after({"x-ratelimit-reset": "9"}, NOW, metadata=metadata) is None
    assert retries.retry_after({"retry-after": "7", "x-ratelimit-reset": "9"}, NOW) == 7


ODD = [
    True, None, [7], {"a": 7}, [["retry-after"]], 10**400, 10**5000, -5, float("nan"), float("inf"), "9" * 5000, "1e9",
    "\x00", "0001:" + "9" * 30 + "Z of 9 %1e9AD", "Sun, " * 50,
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_what_is_no_number_and_no_date_is_passed_over(value: Any) -> None:
    names = ("Retry-After", "retry-after-ms", "X-RateLimit-Reset")
    for headers in (value, dict.fromkeys(names, value), [[name, value] for name in names] * 2):
        metadata = {"retry_after_seconds": value, "headers": headers}
        assert retries.retry_after({}, NOW, metadata=metadata, throttled=True) is None


@pytest.mark.parametrize(
    "value",
    [
        "", "soon", "-5", "nan", "inf", "-inf", "1e999", "12 30", "23h", "12:30", "22 Nov",
        "Sun, 22 Nov 2026 11:59:59 GMT", "1994-11-06T08:49:37Z", "99999999-01-01", "2026-11-22T12:00:07 ZZZ?", "0x10",
        "\N{ARABIC-INDIC DIGIT FIVE}",
        True, None, [7], float("nan"), float("inf"),
    ],
)  # fmt: skip
def test_a_time_that_has_passed_or_makes_no_sense_is_none(value: Any) -> None:
    assert retries.retry_after({"retry-after": value}, NOW) is None


def test_the_present_is_now() -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert retries.retry_after({"retry-after": at(in_an_hour, "%a, %d %b %Y %H:%M:%S GMT")}) == pytest.approx(
        3600, abs=60
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"initial_interval": -1}, "initial_interval"),
        ({"max_interval": "1"}, "max_interval"),
        ({"max_interval": True}, "max_interval"),
        ({"exponent": 0}, "exponent"),
        ({"max_elapsed_time": float("inf")}, "max_elapsed_time"),
        ({"jitter_ms": -1}, "jitter_ms"),
    ],
)
def test_a_wrong_backoff_is_refused_by_name(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises((TypeError, ValueError), match=named):
        evolve(BACKOFF, **arguments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"strategy": "fast"}, "strategy"),
        ({"backoff": None}, "backoff"),
        ({"status_codes_override": ["5X"]}, "status_codes_override"),
        ({"status_codes_override": ["600"]}, "status_codes_override"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"max_retries": True}, "max_retries"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises((TypeError, ValueError), match=named):
        evolve(CONFIG, **arguments)
