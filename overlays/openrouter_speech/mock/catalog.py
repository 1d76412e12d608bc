"""What the mock server knows beside speech: its models, and what each request cost."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response

from .description import JSON, Operation

_LONGEST = 10_000
"""Generations to remember; the oldest are dropped first."""
_ANY_PRICE = Decimal("0.000015")
"""US dollars for a character, for a model that is not in the catalog."""


_OWN: dict[str, Any] = yaml.safe_load((resources.files(__package__) / "catalog.yaml").read_text("utf-8"))


class Catalog:
    """Models and generations.

    Args:
        models: A JSON or YAML file with a list of models, or an object with the list in `data`, as `GET /models`
            sends it; None for the models of `catalog.yaml`.
        cost_after: How often to answer 404 to a look-up of a cost before it is there.

    Raises:
        ValueError: The file has no list of models; the message says where.
        OSError: The file cannot be read.
    """

    def __init__(self, models: str | Path | None = None, cost_after: int = 0) -> None:
        if cost_after < 0:
            raise ValueError(f"cost_after must be 0 or more, not {cost_after}")
        self._models = _models(models)
        self._cost_after = cost_after
        self._generations: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lookups: dict[str, int] = {}

    def answer(self, operation: Operation, request: Request) -> Response | None:
        """Answer a look-up; None if the operation is none of ours, and then its example is the answer.

        Raises:
            KeyError: There is no such model or generation.
        """
        match operation.method, operation.path:
            case "GET", "/models":
                listed = self._listed(request.query_params.get("output_modalities", "text"))
                return _sent(request, {"data": listed, "total_count": len(listed), "links": {"next": None}})
            case "GET", "/models/{author}/{slug}/endpoints":
                return _sent(request, {"data": self._endpoints("{author}/{slug}".format(**request.path_params))})
            case "GET", "/generation":
                example = operation.answers[200].example
                return _sent(request, {"data": self._generation(request.query_params["id"], example["data"])})
        return None

    def charge(self, generation: str, body: Mapping[str, Any], provider: str | None, seconds: float) -> None:
        """Remember what a request cost: the lowest price of its model for each character."""
        model = str(body.get("model", ""))
        said = body.get("input", "")
        characters = len(said) if isinstance(said, str) else sum(len(turn["text"]) for turn in said)
        found = self._models.get(model, {})
        cost = Decimal(found.get("pricing", {}).get("prompt", _ANY_PRICE)) * characters
        self._generations[generation] = _OWN["generation"] | {
            "id": generation,
            "created_at": datetime.now(UTC).isoformat(),
            "model": model,
            "provider_name": provider,
            "total_cost": float(cost),
            "usage": float(cost),
            "tokens_prompt": characters,
            "generation_time": round(seconds * 1000),
        }
        while len(self._generations) > _LONGEST:
            self._lookups.pop(self._generations.popitem(last=False)[0], None)

    def _listed(self, modalities: str) -> list[dict[str, Any]]:
        wanted = {one.strip() for one in modalities.split(",")}
        return [
            {key: value for key, value in model.items() if key != "endpoints"}
            for model in self._models.values()
            if "all" in wanted or wanted & set(model["architecture"]["output_modalities"])
        ]

    def _endpoints(self, identity: str) -> dict[str, Any]:
        model = self._models[identity]
        names = ("id", "name", "created", "description", "endpoints")
        return {name: model[name] for name in names} | {
            "architecture": {"tokenizer": None, "instruct_type": None, **model["architecture"]}
        }

    def _generation(self, generation: str, example: dict[str, Any]) -> dict[str, Any]:
        if generation == example["id"]:
            return example
        found = self._generations[generation]
        lookups = self._lookups[generation] = self._lookups.get(generation, 0) + 1
        if lookups <= self._cost_after:
            raise KeyError(generation)
        return found


def _sent(request: Request, content: Mapping[str, Any]) -> Response:
    """Send JSON, or a 304 to a client that has it."""
    body = json.dumps(content).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(None, 304, {"ETag": tag})
    return Response(body, 200, {"ETag": tag}, JSON)


def _models(source: str | Path | None) -> dict[str, dict[str, Any]]:
    models = _OWN["models"] if source is None else _listed_in(Path(source))
    if not isinstance(models, list) or not models:
        raise ValueError(f"{source} must be a list of models")
    for number, model in enumerate(models, 1):
        if not isinstance(model, Mapping) or "id" not in model:
            raise ValueError(f"{source}: model {number} has no id")
    return {str(model["id"]): _completed(model) for model in models}


def _listed_in(file: Path) -> Any:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{file} is neither JSON nor YAML: {error}") from error
    return content.get("data") if isinstance(content, Mapping) else content


def _completed(model: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the file leaves out. `prices` is our short form: a price for each provider."""
    identity, prices = str(model["id"]), dict(model.get("prices") or {})
    name = model.get("name", identity)
    filled = {
        **_OWN["model"],
        "name": identity,
        "canonical_slug": identity,
        "links": {"details": f"/api/v1/models/{identity}/endpoints"},
        "endpoints": [
            _OWN["endpoint"]
            | {
                "name": f"{provider} | {identity}",
                "model_id": identity,
                "model_name": name,
                "provider_name": provider,
                "tag": str(provider).lower(),
                "pricing": {"prompt": price, "completion": "0"},
            }
            for provider, price in prices.items()
        ],
    }
    if prices:
        filled["pricing"] = {"prompt": min(prices.values(), key=Decimal), "completion": "0"}
    return filled | {key: value for key, value in model.items() if key != "prices"}
