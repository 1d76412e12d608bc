"""What a batch may cost, and what it did."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import BatchProgress, errors
from openrouter_speech._core.catalog import Endpoint
from openrouter_speech.batch import costs, runner
from openrouter_speech.batch import metadata as metadata_file
from openrouter_speech.batch.ledger import Ledger, Unpriced
from openrouter_speech.mock import MockServer

from .conftest import ROWS, Run, metadata, query, states
from .test_batch import TWICE

MODEL: Any = {"model": "hexgrad/kokoro-82m", "voice": "af_sky"}  # 0.0000008 or 0.0000052 dollars for a character
COST, MOST = Decimal("0.000012"), Decimal("0.000078")
"""Of each of the rows, with its 15 characters."""


def sent(server: MockServer) -> list[str]:
    """Return the kinds of requests that arrived."""
    kinds = {"POST": "speech"}
    return [kinds.get(request.method) or request.path.rpartition("/")[2] for request in server.requests]


def noted(folder: Path) -> list[str | None]:
    return [row["cost"] for row in metadata(folder)]


def test_costs_are_looked_up_noted_and_not_asked_for_again(batch: Run, server: MockServer, tmp_path: Path) -> None:
    result = batch(**MODEL, cost=True)
    assert (result.cost, result.unpriced, result.estimate, result.left) == (6 * COST, 0, 6 * COST, 0)
    assert noted(tmp_path / "out") == [f"{COST:f}"] * 6
    assert sent(server) == ["endpoints", *["speech"] * 6, *["generation"] * 6]
    server.reset()
    again = batch(**MODEL, cost=True)
    assert (again.cost, again.unpriced) == (6 * COST, 0)
    assert server.requests == []  # prices are kept for a day


def test_no_price_and_no_cost_is_asked_for_by_default(batch: Run, server: MockServer, tmp_path: Path) -> None:
    result = batch(**MODEL)
    assert (result.cost, result.unpriced, result.estimate) == (None, 0, None)
    assert sent(server) == ["speech"] * 6
    assert noted(tmp_path / "out") == [None] * 6
    assert batch(None, **MODEL, cost=True).cost == 6 * COST  # for all that is there
    assert noted(tmp_path / "out") == [f"{COST:f}"] * 6


@pytest.mark.parametrize(("after", "unpriced"), [(3, 0), (10**6, 2)])
def test_a_late_cost_is_waited_for_at_most_ten_minutes(
    batch: Run, slept: list[float], tmp_path: Path, after: int, unpriced: int
) -> None:
    seen: list[BatchProgress] = []
    with MockServer(cost_after=after) as late:
        result = batch(ROWS[:2], **MODEL, cost=True, client={"server_url": late.url}, on_progress=seen.append)
        assert (result.unpriced, result.cost) == (unpriced, (2 - unpriced) * COST)
        assert next(now.unpriced for now in seen if now.looking_up) == 2
        assert 6 < sum(slept) < 8 if unpriced == 0 else 560 < sum(slept) <= 600
        slept.clear()
        query(tmp_path / "out", "UPDATE rows SET finished = finished - 600")
        batch(ROWS[:2], **MODEL, cost=True, client={"server_url": late.url})
        assert slept == []  # what was not known by now is asked for once


@pytest.mark.parametrize("fault", [404, 400])
def test_a_cost_that_stays_unknown_is_left_out_and_asked_for_by_the_next_call(
    batch: Run, server: MockServer, tmp_path: Path, fault: int
) -> None:
    batch(**MODEL)
    query(tmp_path / "out", "UPDATE rows SET finished = finished - 600")
    server.script(["ok", "ok", fault])
    result = batch(**MODEL, cost=True)
    assert (result.cost, result.unpriced, result.estimate) == (5 * COST, 1, 5 * COST + MOST)
    assert noted(tmp_path / "out") == [f"{COST:f}", None, *[f"{COST:f}"] * 4]
    server.reset()
    assert batch(**MODEL, cost=True).unpriced == 0
    assert noted(tmp_path / "out") == [f"{COST:f}"] * 6
    assert sent(server) == ["generation"]


def test_a_failure_ends_the_look_ups_and_loses_none(batch: Run, server: MockServer, tmp_path: Path) -> None:
    server.script(["ok"] * 9 + [401])
    with pytest.raises(errors.UnauthorizedResponseError) as raised:
        batch(**MODEL, cost=True)
    assert raised.value.__notes__ == ["6 of 6 rows are done; the same call goes on from there."]
    assert noted(tmp_path / "out") == [None] * 6  # all rows are described before their costs are looked up
    server.reset()
    assert batch(**MODEL, cost=True).cost == 6 * COST
    assert sent(server) == ["generation"] * 4
    assert noted(tmp_path / "out") == [f"{COST:f}"] * 6


def test_an_interruption_of_the_look_ups_loses_none(batch: Run, server: MockServer, tmp_path: Path) -> None:
    def stop(now: BatchProgress) -> None:
        if now.looking_up and now.unpriced == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(**MODEL, cost=True, on_progress=stop)
    assert noted(tmp_path / "out") == [None] * 6
    server.reset()
    assert batch(**MODEL).new_done == 0
    assert noted(tmp_path / "out") == [f"{COST:f}"] * 6
    assert server.requests == []


def test_audio_from_the_cache_is_free(batch: Run, server: MockServer, tmp_path: Path) -> None:
    client = {"cache_dir": tmp_path / "cache"}
    batch(ROWS[:1], tmp_path / "first", **MODEL, client=dict(client))
    server.reset()
    result = batch(ROWS[:1], **MODEL, client=dict(client), max_cost=MOST, cost=True)
    assert (result.cost, result.unpriced, result.estimate) == (Decimal(0), 0, Decimal(0))
    assert noted(tmp_path / "out") == ["0"]
    assert sent(server) == ["endpoints"]


@pytest.mark.parametrize("concurrency", [1, 9])
@pytest.mark.parametrize(("limit", "rows"), [(3 * MOST, 3), (f"{4 * MOST - Decimal('1e-9'):f}", 3), (0, 0), (1, 6)])
def test_no_request_begins_that_might_pass_the_limit(
    batch: Run, server: MockServer, concurrency: int, limit: Any, rows: int
) -> None:
    result = batch(**MODEL, max_cost=limit, concurrency=concurrency)
    assert (result.done, result.left, result.estimate) == (rows, 6 - rows, rows * MOST)
    assert sent(server) == ["endpoints", *["speech"] * rows]
    assert result.metadata.exists()
    again = batch(**MODEL, max_cost=5 * MOST)
    assert (again.done, again.left) == (max(rows, 5), 6 - max(rows, 5))


def test_what_earlier_calls_spent_counts_with_its_cost_once_that_is_known(batch: Run, tmp_path: Path) -> None:
    batch(ROWS[:2], **MODEL)
    assert batch(**MODEL, max_cost=3 * MOST).done == 3
    assert batch(**MODEL, max_cost=3 * MOST, cost=True).cost == 3 * COST
    assert batch(**MODEL, max_cost=3 * MOST).done == 5  # 0.000036 are paid, and two more may cost 0.000156


@pytest.mark.parametrize(
    ("fault", "retries", "sends", "left"),
    [
        (400, None, 3, 3),  # refused: it costs nothing
        (503, TWICE, 3, 4),
        ("close", None, 2, 4),  # it may have been billed
        ("close", TWICE, 2, 5),  # and its retry costs, too
    ],
)
def test_only_what_may_have_been_billed_counts(
    batch: Run, server: MockServer, fault: Any, retries: Any, sends: int, left: int
) -> None:
    server.script(["ok", fault])
    result = batch(**MODEL, max_cost=2 * MOST, retries=retries)
    assert (len(server.requests) - 1, result.left) == (sends, left)
    assert result.estimate == 2 * MOST
    assert batch(**MODEL, max_cost=0).estimate == 2 * MOST


def test_a_row_that_is_sent_again_counts_twice(batch: Run, server: MockServer, tmp_path: Path) -> None:
    server.script(["ok", "close"])
    assert batch(**MODEL, max_cost=MOST).maybe_billed == 1
    result = batch(**MODEL, max_cost=2 * MOST, retries=TWICE)
    assert (result.done, result.left, result.estimate) == (1, 5, 2 * MOST)
    query(tmp_path / "out", "UPDATE rows SET state = 'sent' WHERE number = 2")  # as a kill leaves it
    result = batch(**MODEL, max_cost=3 * MOST)
    assert (result.done, result.maybe_billed, result.left, result.estimate) == (1, 1, 4, 3 * MOST)


def test_a_file_that_a_power_failure_took_is_paid_for_twice(
    batch: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch(**MODEL, cost=True)
    (tmp_path / "out" / "audio" / "row-1.wav").write_bytes(b"")
    monkeypatch.setattr(runner, "_boot", lambda: "another")
    result = batch(**MODEL, max_cost=1, retries=TWICE)
    assert (result.new_done, result.unpriced, result.estimate) == (1, 1, 5 * COST + 2 * MOST)
    assert noted(tmp_path / "out")[:2] == [f"{COST:f}", None]


def test_an_edited_row_has_another_estimate(batch: Run) -> None:
    batch(**MODEL, max_cost=0)
    rows = [{"id": "row-0", "input": ROWS[0]["input"] * 2}, *ROWS[1:]]
    assert batch(rows, **MODEL, max_cost=3 * MOST).done == 2


def test_a_row_without_a_generation_has_no_cost(batch: Run, server: MockServer, tmp_path: Path) -> None:
    batch(**MODEL)
    query(tmp_path / "out", "UPDATE rows SET generation_id = NULL WHERE number = 1")
    assert batch(**MODEL, cost=True).unpriced == 1
    assert sent(server)[7:] == ["generation"] * 5


def test_the_metadata_is_written_again_for_new_costs_only(batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written, write = list[Path](), metadata_file.write

    def counted(rows: Any, path: Path) -> None:
        written.append(path)
        write(rows, path)

    monkeypatch.setattr(metadata_file, "write", counted)
    with MockServer(cost_after=10**6) as never:
        batch(**MODEL, cost=True, client={"server_url": never.url})
        assert len(written) == 1
    batch(folder=written[0].parent.with_name("other"), **MODEL, cost=True)
    assert len(written) == 3


@pytest.mark.parametrize("rows", [ROWS, [*ROWS, {"input": "a", "model": "any/model"}]])
def test_a_limit_for_an_unknown_price_cannot_be_kept(batch: Run, server: MockServer, rows: Any, tmp_path: Path) -> None:
    model = MODEL if len(rows) > 6 else MODEL | {"model": "any/model"}
    with pytest.raises(
        ValueError, match="max_cost cannot be kept: what any/model costs is not known before it is paid"
    ):
        batch(rows, **model, max_cost=1)
    assert "speech" not in sent(server)
    assert set(states(tmp_path / "out").values()) == {"new"}
    result = batch(rows, **model, cost=True)
    assert (result.unpriced, result.estimate) == (0, None)
    assert result.cost


def test_rows_are_estimated_at_the_price_of_their_own_model(batch: Run) -> None:
    dear = {"input": "Dear.", "model": "google/gemini-2.5-flash-preview-tts", "voice": "Kore"}
    rows = [{"input": "Grüße", "instructions": "Slowly."}, dear, {**dear, "input": "Dear!"}]
    most = Decimal("0.0000052") * 14 + Decimal("0.00004") * 5
    result = batch(rows, **MODEL, response_format="pcm", max_cost=most)
    assert (result.done, result.left, result.estimate) == (2, 1, most)


@pytest.mark.parametrize("options", [{"cost": True}, {"max_cost": 1}])
def test_prices_that_cannot_be_looked_up_matter_to_a_limit_only(
    batch: Run, server: MockServer, options: dict[str, Any]
) -> None:
    server.script([500])
    client = {"retry_config": None}
    if "max_cost" in options:
        with pytest.raises(errors.InternalServerResponseError):
            batch(**MODEL, **options, client=client)
        assert sent(server) == ["endpoints"]
    else:
        result = batch(**MODEL, **options, client=client)
        assert (result.cost, result.estimate) == (6 * COST, None)


def test_the_progress_has_the_estimate_and_then_the_cost(batch: Run) -> None:
    seen: list[BatchProgress] = []
    batch(**MODEL, cost=True, on_progress=seen.append)
    sending = [(now.cost, now.unpriced, now.estimate) for now in seen if not (now.reading or now.looking_up)]
    assert sending == [(Decimal(0), number, number * MOST) for number in range(7)]
    looking_up = [(now.cost, now.unpriced, now.estimate) for now in seen if now.looking_up]
    assert looking_up == [(n * COST, 6 - n, n * COST + (6 - n) * MOST) for n in range(7)]


def from_response(status: int, **headers: str) -> errors.OpenRouterError:
    return errors.from_response(httpx.Response(status, headers=headers))


NO_ANSWER = errors.APIConnectionError("No response")
NO_ANSWER.__cause__ = httpx.ReadTimeout("")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (from_response(404), False),
        (from_response(400), False),
        (errors.APIConnectionError("The server sent a generation without its cost."), False),
        (NO_ANSWER, True),
        *((from_response(status), True) for status in (401, 402, 403, 429, 500, 503)),
        (KeyError(), True),
    ],
)
def test_only_what_other_look_ups_would_meet_ends_them(error: Exception, ends: bool) -> None:
    row = Unpriced(1, "gen-1", 0.0, None, 1)
    assert costs._concerns_all(costs.CostRequest("gen-1", "", row), error) is ends


def test_a_price_for_each_request_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    try:
        account = costs.Account(ledger, "m", Decimal(3))
    finally:
        ledger.close()
    with account.pricing("m") as take:
        take([Endpoint("", "", {"prompt": Decimal("0.1"), "request": Decimal(1)}, None, {})])
    row = Unpriced(1, "gen-1", 0.0, None, 4)
    assert (account.admits(row), account.admits(row), account.facts["estimate"]) == (True, True, Decimal("2.8"))
    assert not account.admits(row)


def test_a_wrong_limit_is_refused(batch: Run, server: MockServer, tmp_path: Path) -> None:
    for limit, words in [("a lot", "max_cost must be an amount"), (2.5, "max_cost must be a Decimal")]:
        with pytest.raises((TypeError, ValueError), match=words):
            batch(**MODEL, max_cost=limit)
    assert server.requests == []
    assert not (tmp_path / "out").exists()
