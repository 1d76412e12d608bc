"""What the parts of a narration cost: looked up, and noted in the manifest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from .._http.body import Costs
from ..errors import ConfigurationError
from .storage import write_json


def total(manifest: Path, costs: Costs | None, timeout_ms: float) -> Decimal:
    """Sum up. `Narration.cost` says what is raised. What was found until then is noted."""
    with _noted(manifest) as known:
        for generation in _unknown(known):
            known[generation] = _client(costs).look_up(generation, timeout_ms)
        return _sum(known)


async def total_async(manifest: Path, costs: Costs | None, timeout_ms: float) -> Decimal:
    """As `total`."""
    with _noted(manifest) as known:
        for generation in _unknown(known):
            known[generation] = await _client(costs).look_up_async(generation, timeout_ms)
        return _sum(known)


Known = dict[str, Decimal | None]


@contextmanager
def _noted(manifest: Path) -> Iterator[Known]:
    """Yield the cost of each generation; at the end, write what was found."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    parts = [part for part in content["parts"] if part.get("generation_id")]
    known: Known = {
        part["generation_id"]: None if part.get("cost") is None else Decimal(part["cost"]) for part in parts
    }
    before = dict(known)
    try:
        yield known
    finally:
        if known != before:
            for part in parts:
                cost = known[part["generation_id"]]
                part["cost"] = None if cost is None else f"{cost:f}"
            write_json(manifest, content)


def _unknown(known: Known) -> list[str]:
    """Return the generations without a cost."""
    return [generation for generation, cost in known.items() if cost is None]


def _client(costs: Costs | None) -> Costs:
    if costs is None:
        raise ConfigurationError("The cost cannot be looked up here: this object has no client any more.")
    return costs


def _sum(known: Known) -> Decimal:
    return sum((cost for cost in known.values() if cost is not None), Decimal(0))
