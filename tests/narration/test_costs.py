"""What a narration may cost, and what it did."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech import Narration, OpenRouter, errors
from openrouter_speech.mock import MockServer

from ..conftest import KEY, sleeps_in

MODEL = "hexgrad/kokoro-82m"  # 0.0000008 or 0.0000052 dollars for a character
TEXT = "One two three.\n\nFour, five ü.\n\nOne two three."
REQUEST: Any = {"model": MODEL, "voice": "af_sky", "pause_ms": 0}
SPENT = Decimal("0.0000008") * 27
MOST = Decimal("0.0000052") * 28


@pytest.fixture(params=["sync", "async"])
def narrate(request: pytest.FixtureRequest, server: MockServer, tmp_path: Path) -> Callable[..., Any]:
    """Narrate, and call a method of the result."""
    server.reset()

    def call(method: str = "", url: str = server.url, **options: Any) -> Any:
        path = tmp_path / "book.wav"
        if request.param == "sync":
            with OpenRouter(KEY, server_url=url) as open_router:
                narration = open_router.tts.narrate(TEXT, path, **REQUEST, **options)
                return getattr(narration, method)() if method else narration

        async def main() -> Any:
            async with OpenRouter(KEY, server_url=url) as open_router:
                narration = await open_router.tts.narrate_async(TEXT, path, **REQUEST, **options)
                return await getattr(narration, f"{method}_async")() if method else narration

        return asyncio.run(main())

    return call


def noted(narration: Narration) -> list[str | None]:
    return [part["cost"] for part in json.loads(narration.manifest.read_text())["parts"]]


def test_the_cost_of_all_parts_is_summed_up_and_noted(
    narrate: Callable[..., Any], server: MockServer, tmp_path: Path
) -> None:
    """A text that occurs twice is paid for once, and what is noted is not looked up again."""
    assert narrate("cost") == SPENT
    first, second, third = noted(narrate())
    assert first == third == "0.0000112"
    assert Decimal(first or "") + Decimal(second or "") == SPENT
    server.reset()
    assert narrate("cost") == SPENT
    assert server.requests == []


def test_what_was_found_before_a_failure_is_noted(narrate: Callable[..., Any], server: MockServer) -> None:
    narration = narrate()
    server.script(["ok", 401])
    with OpenRouter(KEY, server_url=server.url) as open_router:
        again = open_router.tts.narrate(TEXT, narration.path, **REQUEST)
        with pytest.raises(errors.UnauthorizedResponseError):
            again.cost()
    found = noted(narration)
    assert 1 <= found.count(None) <= 2  # one of two generations, of which one occurs twice


def test_a_late_cost_is_waited_for(narrate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    waited = sleeps_in("openrouter_speech._http.costs", monkeypatch)
    with MockServer(cost_after=1) as late:
        assert narrate("cost", url=late.url) == SPENT
    assert waited == [1, 1]


@pytest.mark.parametrize("budget", [MOST, f"{MOST:f}", 1])
def test_a_text_that_fits_the_budget_is_narrated(narrate: Callable[..., Any], budget: Any) -> None:
    assert narrate(max_cost=budget).new_requests == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_cost": MOST - Decimal("1e-9")}, rf"max_cost is 0\.000145599, and the text may cost {MOST:f}: raise it"),
        ({"max_cost": MOST, "retry_suspicious": True}, "may cost 0.0002912: raise it"),
        ({"max_cost": MOST, "instructions": "Slowly."}, "may cost 0.0002184: raise it"),
        ({"max_cost": "a lot"}, "max_cost must be an amount of US dollars, 0 or more, not 'a lot'"),
        ({"max_cost": "-1"}, "max_cost must be an amount"),
        ({"max_cost": "NaN"}, "max_cost must be an amount"),
        ({"max_cost": 2.5}, 'max_cost must be a Decimal, or text such as "2.50", not float'),
    ],
)
def test_a_text_that_may_cost_more_is_not_sent(
    narrate: Callable[..., Any], server: MockServer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        narrate(**options)
    assert [request for request in server.requests if request.method == "POST"] == []


def test_what_is_there_already_is_not_counted(narrate: Callable[..., Any]) -> None:
    narrate()
    assert narrate(max_cost=0).new_requests == 0


def test_a_budget_for_an_unknown_price_cannot_be_kept(server: MockServer, tmp_path: Path) -> None:
    with (
        OpenRouter(KEY, server_url=server.url) as open_router,
        pytest.raises(ValueError, match="what any/model costs is not known before it is paid"),
    ):
        open_router.tts.narrate(TEXT, tmp_path / "book.wav", model="any/model", max_cost="1")


def test_a_model_without_pcm_narrates_in_the_format_that_it_has(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    with OpenRouter(KEY, server_url=server.url) as open_router:
        model = "minimax/speech-2.6-turbo"
        narration = open_router.tts.narrate("Hello.", tmp_path / "book.mp3", model=model, voice="v")
        batch = open_router.tts.batch([{"input": "Hello.", "model": model, "voice": "v"}], tmp_path / "batch")
    assert [request.json["response_format"] for request in server.requests] == ["mp3", "mp3"]
    assert (narration.parts, batch.done) == (1, 1)
