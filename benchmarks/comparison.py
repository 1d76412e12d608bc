"""Compare clients: measure them in turns, and say how sure the result is."""

import math
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import ge, le

from attrs import define, field, frozen


@frozen
class Spread:
    """The median of measurements, and how far they lie apart."""

    median: float
    quartiles: tuple[float, float]
    interval: tuple[float, float]
    """The 95 % confidence interval of the median."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize measurements, at least one.

        The interval assumes no shape of the distribution: a measurement is below the true median with a probability of
        one half (the sign test, inverted). With fewer than six measurements it spans all of them.
        """
        ordered, count = sorted(values), len(values)
        first, _, third = statistics.quantiles(ordered * 2 if count == 1 else ordered, n=4, method="inclusive")
        tails = accumulate(math.comb(count, below) / 2**count for below in range(count))
        cut = max(0, sum(tail <= 0.025 for tail in tails) - 1)
        return cls(statistics.median(ordered), (first, third), (ordered[cut], ordered[-1 - cut]))


def verdict(bound: str, spread: Spread) -> str:
    """Judge by a bound such as "at most 1.15". It is noise if the interval lies on both sides of the limit."""
    comparison, _, limit = bound.rpartition(" ")
    within = [{"at most": le, "at least": ge}[comparison](value, float(limit)) for value in spread.interval]
    return "met" if all(within) else "noise" if any(within) else "not met"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio for each turn. What slows the machine down during a turn affects both, and cancels out."""
    return [our / their for our, their in zip(ours, theirs, strict=True)]


@define
class Measurements:
    """Everything that was measured."""

    quick: bool = False
    """Whether to take a sixth of the turns."""
    values: dict[str, dict[str, list[float]]] = field(factory=dict)
    """By case and client: a value per turn. Values with the same index were measured in the same turn."""
    busy: dict[str, dict[str, list[float]]] = field(factory=lambda: defaultdict(lambda: defaultdict(list)))
    """By case and client: the share of the time that the server was busy, from 0 to 1."""
    missing: dict[str, str] = field(factory=dict)
    """By case: why it was not measured."""

    def take_turns(self, case: str, turns: int, clients: Sequence[str], measure: Callable[[str], float]) -> None:
        """Measure each client once per turn, with a different one first each time.

        Several turns follow one that does not count: it opens connections and fills caches. If anything fails, the case
        is missing.
        """
        print(f"Measuring: {case}", flush=True)
        turns = max(turns // 6, 1) if self.quick else turns
        values: dict[str, list[float]] = {client: [] for client in clients}
        try:
            for turn in range(turns + (turns > 1)):
                first = turn % len(clients)
                for client in (*clients[first:], *clients[:first]):
                    values[client].append(measure(client))
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            self.missing[case] = f"it failed: {error}"
        else:
            self.values[case] = {client: found[-turns:] for client, found in values.items()}
