"""The mock server's models, and what its requests cost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech.mock import MockServer

from ..conftest import REQUEST

Serve = Callable[..., httpx.Client]
MODEL = "hexgrad/kokoro-82m"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server, and return a client for it."""
    with ExitStack() as stack:

        def serving(**options: Any) -> httpx.Client:
            server = stack.enter_context(MockServer(**options))
            return stack.enter_context(httpx.Client(base_url=server.url))

        yield serving


def test_models_of_speech_are_listed_without_a_key(serve: Serve) -> None:
    http = serve()
    models = {
        model["id"]: model for model in http.get("/models", params={"output_modalities": "speech"}).json()["data"]
    }
    assert "af_bella" in models[MODEL]["supported_voices"]
    assert models["fish-audio/s2.1-pro-free"]["supported_voices"] is None
    assert http.get("/models").json()["data"] == []  # by default, models that write text
    assert len(http.get("/models", params={"output_modalities": "all"}).json()["data"]) == len(models)


def test_the_listed_price_is_that_of_the_cheapest_endpoint(serve: Serve) -> None:
    http = serve()
    endpoints = http.get(f"/models/{MODEL}/endpoints").json()["data"]["endpoints"]
    prices = [Decimal(endpoint["pricing"]["prompt"]) for endpoint in endpoints]
    (model,) = (one for one in http.get("/models?output_modalities=speech").json()["data"] if one["id"] == MODEL)
    assert Decimal(model["pricing"]["prompt"]) == min(prices) < max(prices)
    assert http.get("/models/no/such/endpoints").status_code == 404


def test_a_list_that_has_not_changed_is_not_sent_again(serve: Serve) -> None:
    http = serve()
    tag = http.get("/models").headers["etag"]
    again = http.get("/models", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({"model": MODEL, "input": "Hello"}, Decimal("0.000004")),
        ({"model": MODEL, "input": [{"text": "Hello"}, {"text": "You"}]}, Decimal("0.0000064")),
        ({"model": "not/listed", "input": "Hello"}, Decimal("0.000075")),
    ],
)
def test_a_cost_comes_late(serve: Serve, body: dict[str, Any], cost: Decimal) -> None:
    http = serve(cost_after=2)
    headers = {"Authorization": "Bearer any"}
    generation = http.post("/audio/speech", json=REQUEST | body, headers=headers).headers["x-generation-id"]
    found = [http.get("/generation", params={"id": generation}, headers=headers) for _ in range(3)]
    assert [one.status_code for one in found] == [404, 404, 200]
    assert Decimal(str(found[-1].json()["data"]["total_cost"])) == cost
    assert http.get("/generation", params={"id": "gen-tts-1-none"}, headers=headers).status_code == 404
    assert http.get("/generation", params={"id": generation}).status_code == 401


@pytest.mark.parametrize("content", ['[{"id": "a/b"}]', '{"data": [{"id": "a/b"}]}', "- id: a/b"])
def test_models_come_from_a_file(serve: Serve, tmp_path: Path, content: str) -> None:
    (tmp_path / "models").write_text(content)
    http = serve(models=tmp_path / "models")
    assert [model["id"] for model in http.get("/models?output_modalities=speech").json()["data"]] == ["a/b"]
    assert http.get("/models/a/b/endpoints").json()["data"]["endpoints"] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "must be a list of models"),
        ("models: 1", "must be a list of models"),
        ("- name: a", "model 1 has no id"),
        ("- id: a/b\n- 5", "model 2 has no id"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "models").write_text(content)
    with pytest.raises(ValueError, match=problem):
        MockServer(models=tmp_path / "models")


def test_a_count_of_lookups_is_not_negative() -> None:
    with pytest.raises(ValueError, match="cost_after must be 0 or more"):
        MockServer(cost_after=-1)
