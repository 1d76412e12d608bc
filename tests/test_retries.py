"""What is retried, and when: decisions without a clock, a sleep or a server."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from openrouter_speech import retries
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


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 524, 529, 599])
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
    ],
)
def test_other_statuses_can_be_named(override: Any, status: int, retried: bool) -> None:
    config = RetryConfig("backoff", BACKOFF, False, override)
    assert (decide(config, Failed(status), retries=0, elapsed=0) is not None) is retried


def test_what_was_never_sent_is_retried_if_wanted() -> None:
    assert decide(CONFIG, REFUSED, retries=0, elapsed=0) is not None
    assert decide(evolve(CONFIG, retry_connection_errors=False), REFUSED, retries=0, elapsed=0) is None


@pytest.mark.parametrize("outcome", [BILLED, Failed(200, maybe_billed=True)])
def test_what_may_have_been_billed_is_retried_only_if_wanted(outcome: Failed) -> None:
    assert decide(CONFIG, outcome, retries=0, elapsed=0) is None
    assert decide(evolve(CONFIG, retry_maybe_billed=True), outcome, retries=0, elapsed=0) is not None


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
    """Also over the longest interval, which is for computed delays; and 0 means at once."""
    assert decide(CONFIG, Failed(429, retry_after=5.5), retries=0, elapsed=0) == 5.5
    assert decide(CONFIG, Failed(429, retry_after=0), retries=0, elapsed=0) == 0


def test_the_default_is_two_retries_within_a_minute() -> None:
    assert (retries.DEFAULT.max_retries, retries.DEFAULT.backoff.max_elapsed_time) == (2, 60_000)
    assert not retries.DEFAULT.retry_maybe_billed


def at(moment: datetime, form: str) -> str:
    return moment.strftime(form)


IN_7_S = NOW + timedelta(seconds=7)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "7"},
        {"retry-after": " 7.0 "},
        {"retry-after": 7},
        {"retry-after-ms": "7000"},
        {"retry-after-ms": "7000", "retry-after": "60"},
        {"retry-after-ms": "soon", "retry-after": "7"},
        {"retry-after": at(IN_7_S, "%a, %d %b %Y %H:%M:%S GMT")},  # IMF-fixdate
        {"retry-after": at(IN_7_S, "%A, %d-%b-%y %H:%M:%S GMT")},  # RFC 850
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
    "value",
    [
        "", "soon", "-5", "nan", "inf", "-inf", "1e999", "12 30", "5,5", "Sun, 22 Nov 2026 11:59:59 GMT",
        "1994-11-06T08:49:37Z", "99999999-01-01", "2026-11-22T12:00:07 ZZZ?", "0x10", "\N{ARABIC-INDIC DIGIT FIVE}",
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
