"""The scheduler: which request is sent next, and when."""

from collections.abc import Iterator

import httpx
import pytest
from openrouter_speech import errors
from openrouter_speech._core.retries import DEFAULT, NONE, BackoffStrategy, RetryConfig
from openrouter_speech._engine.scheduler import PATIENT, Request, Scheduler


def failure(status: int, retry_after: float | None = None) -> errors.OpenRouterError:
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return errors.from_response(httpx.Response(status, headers=headers))


def in_flight() -> errors.OpenRouterError:
    """Return a 402 that passes."""
    error = {"code": 402, "message": "Too much", "metadata": {"limit_source": "openrouter_in_flight_budget"}}
    return errors.from_response(httpx.Response(402, json={"error": error}))


def scheduler(
    count: int, *, concurrency: int = 4, config: object = PATIENT
) -> tuple[Scheduler[Request], list[Request]]:
    requests = [Request(str(number), f"text {number}") for number in range(count)]
    return Scheduler(requests, config, concurrency), requests  # type: ignore[arg-type]


def test_requests_are_sent_in_order_up_to_the_concurrency() -> None:
    doing, requests = scheduler(3, concurrency=2)
    assert doing.begin(0) == requests[:2]
    assert doing.begin(0) == []
    assert doing.delay(0) is None
    doing.succeeded(requests[1])
    assert doing.begin(1) == requests[2:]
    assert not doing.is_over
    doing.succeeded(requests[0])
    doing.succeeded(requests[2])
    assert doing.is_over


def test_a_failure_delays_only_its_own_request() -> None:
    doing, requests = scheduler(3, concurrency=1)
    doing.begin(0)
    doing.failed(requests[0], failure(500), 0)
    assert doing.held(0) == 0
    assert doing.begin(0) == [requests[1]]
    doing.succeeded(requests[1])
    assert doing.begin(0) == [requests[2]]
    doing.succeeded(requests[2])
    delay = doing.delay(0)
    assert delay is not None
    assert 0.5 <= delay <= 0.75
    assert doing.begin(delay / 2) == []
    assert doing.begin(delay) == [requests[0]]


def test_a_retry_that_is_due_goes_before_new_requests() -> None:
    doing, requests = scheduler(3, concurrency=1)
    doing.begin(0)
    doing.failed(requests[0], failure(500), 0)
    assert doing.begin(1) == [requests[0]]


@pytest.mark.parametrize("error", [failure(429, 7), failure(503, 7)])
def test_retry_after_delays_all_requests(error: errors.OpenRouterError) -> None:
    doing, requests = scheduler(8)
    doing.begin(100)
    doing.failed(requests[0], error, 100)
    for request in requests[1:4]:
        doing.succeeded(request)
    assert doing.held(100) == doing.delay(100) == 7
    assert doing.begin(106.9) == []
    assert doing.begin(107) == [requests[0], *requests[4:7]]


@pytest.mark.parametrize("error", [failure(429), failure(429, 0), failure(429, 0.01), in_flight()], ids=range(4))
def test_throttling_delays_all_requests_without_a_retry_after_too(error: errors.OpenRouterError) -> None:
    doing, requests = scheduler(8)
    doing.begin(0)
    doing.failed(requests[0], error, 0)
    assert 0.5 <= doing.held(0) <= 0.75
    for request in requests[1:4]:
        doing.succeeded(request)
    assert doing.begin(1) == [requests[0], *requests[4:7]]


def test_a_retry_after_of_0_delays_no_other_request() -> None:
    doing, requests = scheduler(3, concurrency=1)
    doing.begin(0)
    doing.failed(requests[0], failure(503, 0), 0)
    assert doing.held(0) == 0
    assert doing.begin(0) == [requests[1]]


def test_a_time_limit_alone_makes_no_hot_loop() -> None:
    config = RetryConfig("backoff", BackoffStrategy(0, 0, 1, 1000, 0), True)
    doing, (request,) = scheduler(1, config=config)
    now, sent = 0.0, 0
    while not doing.is_over and sent < 100:
        now += doing.delay(now) or 0
        sent += len(doing.begin(now))
        doing.failed(request, failure(429, 0), now)
    assert sent <= 11


def test_throttling_halves_the_width_and_each_success_adds_one() -> None:
    doing, requests = scheduler(12)
    doing.begin(0)
    for request in requests[:4]:
        doing.failed(request, failure(429, 1), 0)
    assert doing.begin(1) == requests[:2]
    doing.succeeded(requests[0])
    assert doing.begin(1) == requests[2:4]
    doing.failed(requests[1], failure(429, 1), 1)
    doing.failed(requests[2], failure(429, 1), 1)
    assert doing.begin(2) == []  # one is under way, and one may be
    doing.succeeded(requests[3])
    assert len(doing.begin(2)) == 2


def test_the_width_never_exceeds_the_concurrency() -> None:
    doing, requests = scheduler(12, concurrency=2)
    for number in range(4):
        doing.begin(0)
        doing.succeeded(requests[number])
    assert len(doing.begin(0)) == 1
    assert len(doing._in_flight) == 2


def test_the_longest_wait_counts() -> None:
    doing, requests = scheduler(4)
    doing.begin(0)
    doing.failed(requests[0], failure(429, 9), 0)
    doing.failed(requests[1], failure(429, 3), 0)
    assert doing.held(0) == 9


def test_a_final_failure_ends_the_work_once_no_request_is_in_flight() -> None:
    doing, requests = scheduler(8, concurrency=2)
    doing.begin(0)
    first, second = failure(402), failure(400)
    doing.failed(requests[0], first, 0)
    assert doing.begin(0) == []
    assert doing.delay(0) is None
    assert not doing.is_over
    doing.failed(requests[1], second, 0)
    assert doing.is_over
    assert doing.error is first


@pytest.mark.parametrize(
    ("error", "config"),
    [
        (errors.APIConnectionError("lost", maybe_billed=True), PATIENT),
        (failure(504, 7), PATIENT),
        (failure(429, 0), NONE),
        (OSError("disk full"), PATIENT),
    ],
)
def test_some_failures_are_not_retried(error: Exception, config: object) -> None:
    """Those that may have been billed, all without retries, and errors of other kinds."""
    doing, requests = scheduler(1, config=config)
    doing.begin(0)
    doing.failed(requests[0], error, 0)
    assert doing.error is error


def test_retries_are_limited() -> None:
    doing, (request,) = scheduler(1, config=DEFAULT)
    now = 0.0
    for _ in range(3):
        assert doing.error is None
        now += doing.delay(now) or 0
        doing.begin(now)
        doing.failed(request, failure(500), now)
    assert doing.error is not None


def test_the_time_for_retries_starts_when_a_part_is_first_sent() -> None:
    doing, requests = scheduler(2, concurrency=1)
    doing.begin(1000)
    doing.succeeded(requests[0])
    doing.begin(1000)
    doing.failed(requests[1], failure(429, 300), 1000)
    doing.begin(1300)
    assert doing.error is None
    doing.failed(requests[1], failure(429, 301), 1300)
    assert doing.error is not None


def test_the_width_begins_at_the_start_and_grows_with_each_success() -> None:
    requests = [Request(str(number), "") for number in range(9)]
    doing = Scheduler(requests, PATIENT, 3, start=1)
    for expected in (1, 2, 2):  # the second and the third success each make room for two: one's own place, and one more
        begun = doing.begin(0)
        assert len(begun) == expected
        doing.succeeded(begun[0])
    assert len(doing.begin(0)) == 1  # at most three


def test_a_rate_spreads_requests_and_their_retries() -> None:
    doing = Scheduler([Request(str(number), "") for number in range(9)], PATIENT, 9, rate=4)
    (first,) = doing.begin(10)
    assert doing.delay(10) == 0.25
    assert len(doing.begin(10.25)) == 1
    doing.failed(first, failure(429, 0.2), 10.25)
    assert doing.begin(10.48) == []
    assert doing.begin(10.5) == [first]
    assert doing.begin(10.6) == []


def test_the_work_goes_on_without_a_request_that_does_not_end_it() -> None:
    requests = [Request(str(number), "") for number in range(3)]
    doing = Scheduler(requests, PATIENT, 1, ends=lambda request, _: request.key == "1")
    doing.begin(0)
    assert not doing.failed(requests[0], failure(400), 0)
    assert doing.error is None
    assert doing.begin(0) == [requests[1]]
    assert doing.failed(requests[1], failure(503), 0)
    doing.begin(0)
    doing.failed(requests[2], failure(400), 0)
    doing.begin(1)
    doing.failed(requests[1], failure(400), 1)
    assert doing.error is not None


def test_requests_are_taken_only_when_there_is_room() -> None:
    taken = []

    def requests() -> Iterator[Request]:
        for number in range(10**9):
            taken.append(number)
            yield Request(str(number), "")

    doing = Scheduler(requests(), PATIENT, 2)
    doing.begin(0)
    assert len(taken) == 3  # one ahead, to know whether there is one


def test_no_more_requests_are_taken_while_too_many_wait_for_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_speech._engine.scheduler._MOST_RETRIES", 2)
    doing, requests = scheduler(9, concurrency=1)
    for request in requests[:2]:
        assert doing.begin(0) == [request]
        doing.failed(request, failure(500), 0)
    assert doing.begin(0) == []
    (again,) = doing.begin(1)  # which one is due first is random
    assert again in requests[:2]


def test_a_request_that_may_not_begin_waits_for_those_in_flight_and_then_ends_the_work() -> None:
    room = 2
    requests = [Request(str(number), "") for number in range(3)]
    doing = Scheduler(requests, PATIENT, 4, ends=lambda *_: False, admits=lambda _: room > len(doing._in_flight))
    assert doing.begin(0) == requests[:2]
    assert doing.delay(0) is None  # also if there were room by now
    doing.failed(requests[0], failure(400), 0)
    assert doing.begin(0) == requests[2:]
    room = 0
    doing.failed(requests[1], failure(500), 0)
    assert doing.begin(9) == []  # a retry, too
    assert not doing.is_over
    doing.succeeded(requests[2])
    assert doing.begin(9) == []
    assert doing.is_over
    assert doing.error is None
