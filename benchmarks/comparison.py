"""What a row of measurements tells, and how sure it is. Pure: numbers in, judgement out."""

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

Verdict = Literal["met", "not met", "noise", "not measured"]


@frozen
class Spread:
    """A row of measurements: its middle, and how far they lie apart."""

    median: float
    quartiles: tuple[float, float]
    """Half of the measurements lie between them."""
    interval: tuple[float, float]
    """Where the true median lies, in 19 of 20 runs."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up measurements, one at least."""
        ordered = sorted(values)
        middle = statistics.median(ordered)
        if len(ordered) == 1:
            return cls(middle, (middle, middle), (middle, middle))
        first, _, third = statistics.quantiles(ordered, n=4, method="inclusive")
        cut = _outside_the_interval(len(ordered))
        return cls(middle, (first, third), (ordered[cut], ordered[-1 - cut]))

    def may_be(self, value: float) -> bool:
        """Whether the true median may be this one, as far as can be told."""
        return self.interval[0] <= value <= self.interval[1]


@frozen
class Bound:
    """What must be reached."""

    limit: float
    at_least: bool = False
    """Whether more is better."""

    def verdict(self, spread: Spread) -> Verdict:
        """Judge a spread: noise where its interval lies on both sides of the limit."""
        within = [value >= self.limit if self.at_least else value <= self.limit for value in spread.interval]
        return "met" if all(within) else "noise" if any(within) else "not met"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """The ratio of each pair. What was measured one right after the other had the same weather."""
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def _outside_the_interval(count: int) -> int:
    """How many of the lowest measurements, and of the highest, lie outside the 95 % interval of the median.

    It assumes no shape of the distribution: each measurement lies below the true median like a coin that shows heads
    (the sign test, turned round). Of 5 measurements and fewer, none can be left out.
    """
    cut, tail = 0, 2**-count
    while (tail := tail + math.comb(count, cut + 1) / 2**count) <= 0.025:
        cut += 1
    return cut
