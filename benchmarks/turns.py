"""Measuring in turns, so that whatever else the machine does meets all clients alike."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from attrs import define, field


@define
class Measurements:
    """All that was measured."""

    values: dict[str, dict[str, list[float]]] = field(factory=lambda: defaultdict(dict))
    """By case and client: one value for each turn. Values of one turn belong together."""
    busy: dict[str, dict[str, float]] = field(factory=lambda: defaultdict(dict))
    """By case and client: the part of the time that the server was busy, up to 1."""
    missing: dict[str, str] = field(factory=dict)
    """Why a case was not measured."""


def in_turns(
    into: Measurements,
    case: str,
    turns: int,
    actions: Mapping[str, Callable[[], float]],
    busy: Callable[[], float] | None = None,
) -> None:
    """Let each client have so many turns, with another one first each time.

    Args:
        into: Where the values go.
        case: The name they go by.
        turns: How many each client has. Before them is one that does not count: it opens connections and fills caches.
        actions: For each client, what gives its value.
        busy: The seconds that the server has worked so far.
    """
    names = list(actions)
    values: dict[str, list[float]] = {name: [] for name in names}
    worked, passed = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for turn in range(turns + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            begun, before = time.perf_counter(), busy() if busy else 0.0
            value = actions[name]()
            if turn:
                values[name].append(value)
                passed[name] += time.perf_counter() - begun
                worked[name] += busy() - before if busy else 0.0
    into.values[case] = values
    if busy:
        into.busy[case] = {name: worked[name] / passed[name] for name in names}
