"""Retry delays and error reasons taken from responses, over real sockets."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openrouter_speech import errors
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig

from ..conftest import KEY, Connect, connecting
from ..wire_server import Answer, WireServer, http

GOOD = http(body=bytes(480))
CONFIG = RetryConfig("backoff", BackoffStrategy(200, 1000, 2, 60_000, jitter_ms=0), True, max_retries=4)


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


def refuse(status: int, headers: dict[str, str] | None = None, **error: Any) -> Answer:
    body = json.dumps({"error": {"code": status, "message": "Provider returned error", **error}}).encode()
    return http(status, body, "application/json", headers=headers)


def test_a_wait_is_found_where_the_response_has_it(connect: Connect, slept: list[float]) -> None:
    """In the metadata, for in-flight credit; in a repeated header; a wait of 0 s falls back to the backoff."""
    in_flight = refuse(402, metadata={"limit_source": "openrouter_in_flight_budget", "retry_after_seconds": 4})
    twice = refuse(429, {"Retry-After": "3\r\nRetry-After: 10"})
    with WireServer(in_flight, twice, refuse(429, {"Retry-After": "0"}), refuse(503), GOOD) as server:
        assert connect(server_url=server.url, retry_config=CONFIG).create().content == bytes(480)
        assert (len(server.requests), slept) == (5, [4, 10, 0.8, 1.0])


def test_a_402_for_an_empty_account_is_not_retried(connect: Connect, slept: list[float]) -> None:
    with WireServer(refuse(402, {"Retry-After": "1"}, metadata={"retry_after_seconds": 1}), GOOD) as server:
        with pytest.raises(errors.PaymentRequiredResponseError):
            connect(server_url=server.url, retry_config=CONFIG).create()
        assert (len(server.requests), slept) == (1, [])


def test_the_reason_is_told_and_the_key_is_not(connect: Connect) -> None:
    raw = json.dumps({"error": {"message": f"\x1b[31mvoice is required; your key: {KEY}"}})
    with WireServer(refuse(400, metadata={"raw": raw, "provider_name": "Kokoro"})) as server:
        with pytest.raises(errors.BadRequestResponseError) as raised:
            connect(server_url=server.url).create()
    assert str(raised.value) == (
        r"400: Provider returned error: Kokoro: \x1b[31mvoice is required; your key: **********"
    )
    assert KEY in raised.value.body
