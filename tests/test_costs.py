"""What a call cost: the server knows it late."""

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._http import costs
from openrouter_speech.mock import MockServer

from .conftest import REQUEST, Caller, Connect, sleeps_in
from .wire_server import WireServer, http

AUDIO = http(body=bytes(480), headers={"X-Generation-Id": "gen-1"})
COST = Decimal("0.000165")  # of the 11 characters of REQUEST


def found(body: bytes, status: int = 200) -> Any:
    return http(status, body, "application/json")


LATE = found(b'{"error": {"code": 404, "message": "not yet"}}', 404)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the waits for a cost, in seconds, instead of waiting; a clock of its own passes meanwhile."""
    seconds = sleeps_in("openrouter_speech._http.costs", monkeypatch)
    monkeypatch.setattr(costs, "monotonic", lambda: sum(seconds))
    return seconds


def cost(caller: Caller, speech: Any, **options: Any) -> Decimal:
    runner = caller._runner
    found: Decimal = runner.run(speech.cost_async(**options)) if runner else speech.cost(**options)
    return found


def test_each_result_knows_what_it_cost(connect: Connect, waited: list[float], tmp_path: Path) -> None:
    with MockServer(cost_after=3) as server:
        caller = connect(server_url=server.url)
        assert cost(caller, caller.create()) == COST
        assert waited == [1, 2, 4]
        assert cost(caller, caller.save(tmp_path / "a.mp3")) == COST


def test_a_stream_knows_what_it_cost(waited: list[float]) -> None:
    with MockServer() as server, OpenRouter("any", server_url=server.url) as open_router:
        with open_router.tts.stream_speech(**REQUEST) as stream:
            stream.read()
        assert stream.cost() == COST
    assert waited == []


def test_the_wait_ends(connect: Connect, waited: list[float]) -> None:
    with WireServer(AUDIO, LATE) as server:
        caller = connect(server_url=server.url, retry_config=None)
        speech = caller.create()
        with pytest.raises(errors.APITimeoutError, match=r"cost of gen-1 was not known after 100 s\.") as raised:
            cost(caller, speech, timeout_ms=100_000)
        assert not raised.value.maybe_billed
    assert waited == [1, 2, 4, 8, 16, 30, 30, 9]
    lines = {request.head.splitlines()[0] for request in server.requests[1:]}
    assert lines == {"GET /api/v1/generation?id=gen-1 HTTP/1.1"}


def test_the_server_of_the_call_is_asked(connect: Connect, waited: list[float]) -> None:
    with WireServer(AUDIO, found(b'{"data": {"total_cost": 1.5}}')) as server:
        caller = connect()
        assert cost(caller, caller.create(server_url=server.url)) == Decimal("1.5")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"data": {"total_cost": 0}}', Decimal(0)),
        (b'{"data": {"total_cost": 0.1}}', Decimal("0.1")),
        (b'{"data": {"total_cost": 1e-7}}', Decimal("1E-7")),
        (b'{"data": {"total_cost": 0.30000000000000001}}', Decimal("0.30000000000000001")),
    ],
)
def test_no_digit_of_a_cost_is_lost(connect: Connect, body: bytes, expected: Decimal) -> None:
    with WireServer(AUDIO, found(body)) as server:
        caller = connect(server_url=server.url)
        assert cost(caller, caller.create()) == expected


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (found(b"{}"), errors.APIConnectionError, "without its cost"),
        (found(b'{"data": null}'), errors.APIConnectionError, "without its cost"),
        (found(b'{"data": {"total_cost": "1"}}'), errors.APIConnectionError, "without its cost"),
        (found(b'{"data": {"total_cost": true}}'), errors.APIConnectionError, "without its cost"),
        (found(b'{"error": {"code": 401, "message": "no"}}', 401), errors.UnauthorizedResponseError, "401: no"),
    ],
)
def test_a_look_up_that_fails_says_so(connect: Connect, answer: Any, error: type[Exception], message: str) -> None:
    with WireServer(AUDIO, answer) as server:
        caller = connect(server_url=server.url, retry_config=None)
        speech = caller.create()
        with pytest.raises(error, match=message):
            cost(caller, speech)


def test_a_response_without_an_id_has_no_cost(connect: Connect) -> None:
    with WireServer(http(body=bytes(480))) as server:
        caller = connect(server_url=server.url)
        speech = caller.create()
        with pytest.raises(errors.ConfigurationError, match="no X-Generation-Id"):
            cost(caller, speech)


def test_a_pickled_response_has_no_client() -> None:
    with MockServer() as server, OpenRouter("any", server_url=server.url) as open_router:
        copy = pickle.loads(pickle.dumps(open_router.tts.create_speech(**REQUEST)))
    with pytest.raises(errors.ConfigurationError, match="has no client any more"):
        copy.cost()
