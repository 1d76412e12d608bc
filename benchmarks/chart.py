"""The picture of results.json: an SVG that follows the reader's light or dark scheme."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from attrs import frozen

from .report import NAMES

GROUPS = (
    ("ready to call", "Import and construct", False),
    ("one call", "One call, 4 KiB", False),
    ("one awaited call", "One awaited call, 4 KiB", False),
    ("50 at once", "50 awaited calls at once", True),
    ("first audio", "First audio of a stream", False),
    ("stream", "Streaming 256 MiB", True),
    ("save", "Saving to a file", True),
)
"""Case, heading, and whether its ratio is one of speed, which is turned round: what takes longer is further right."""

BARS = {
    NAMES["ours"]: "ours",
    NAMES["ours_aiohttp"]: "ours",
    NAMES["openai_package"]: "openai",
    NAMES["openrouter_package"]: "openrouter",
}
"""The colour of each client."""

_WIDTH, _LEFT, _RIGHT = 860, 260, 60
_BAR, _STEP, _HEADING, _GAP, _TOP, _BOTTOM = 13, 18, 24, 10, 66, 30

_STYLE = """
    text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-size: 17px; font-weight: 600; }
    .heading { font-weight: 600; }
    .soft { fill: #59636e; }
    .page { fill: #ffffff; }
    .ours { fill: #0969da; } .openai { fill: #bc8a4a; } .openrouter { fill: #9a7fb8; }
    .limit, .spread { stroke: #1f2328; }
    .tick { stroke: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .soft { fill: #9198a1; }
      .page { fill: #0d1117; }
      .ours { fill: #4493f8; } .openai { fill: #c69a5d; } .openrouter { fill: #a78bca; }
      .limit, .spread { stroke: #e6edf3; }
      .tick { stroke: #3d444d; }
    }
"""


def drawn(results: dict[str, Any]) -> str:
    """The SVG, from the content of results.json."""
    groups = [(heading, bars) for case, heading, turned in GROUPS if (bars := _bars(results, case, turned))]
    height = _TOP + _BOTTOM + sum(_HEADING + _GAP + _STEP * len(bars) for _, bars in groups)
    axis = _Axis.over([end for _, bars in groups for bar in bars for end in (bar[1], *bar[2])])
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
            '<title id="title">How long each client takes beside bare httpx</title>',
            f'<desc id="description">{escape(_description(groups))}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{_WIDTH}" height="{height}" rx="6"/>',
            '<text class="title" x="20" y="30">How long each client takes beside bare httpx</text>',
            f'<text class="soft" x="20" y="51">{escape(_subtitle(results))}</text>',
            *_ticks(axis, height),
            *_groups(groups, axis),
            "</svg>\n",
        ]
    )


@frozen
class _Axis:
    """Where a cost lies: twice as much is as far to the right of 1 as half as much is to the left."""

    low: float
    high: float

    @classmethod
    def over(cls, costs: Sequence[float]) -> "_Axis":
        return cls(math.log2(min([0.8, *costs])), math.log2(max([2, *costs])))

    def x(self, cost: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log2(cost) - self.low) / (self.high - self.low)

    def ticks(self) -> Iterator[tuple[float, float]]:
        """Each power of two, and where it lies."""
        for power in range(math.ceil(self.low), math.floor(self.high) + 1):
            yield 2**power, self.x(2**power)


_Bar = tuple[str, float, tuple[float, float]]
"""Client, cost, the quartiles of the cost."""


def _bars(results: dict[str, Any], case: str, turned: bool) -> list[_Bar]:
    lines = [line for row in results["rows"] for line in row["lines"] if line["case"] == case]
    clients: dict[str, Any] = {}
    for line in lines:
        if line.get("against") == NAMES["bare_httpx"]:
            clients |= line.get("clients", {})
    bars = []
    for client in BARS:
        if "ratio" in clients.get(client, {}):
            ratio = clients[client]["ratio"]
            low, high = ratio["quartiles"]
            cost = ratio["median"]
            bars.append((client, 1 / cost, (1 / high, 1 / low)) if turned else (client, cost, (low, high)))
    return bars


def _subtitle(results: dict[str, Any]) -> str:
    measured = results["measured"]
    commit = f"commit {measured['commit'][:12]}" + (", changed" if measured["changed"] else "")
    return f"Further to the left is better. {measured['machine']}; {commit}, {measured['date']}."


def _description(groups: list[tuple[str, list[_Bar]]]) -> str:
    return ". ".join(
        f"{heading}: " + ", ".join(f"{client} {cost:.2f}" for client, cost, _ in bars) for heading, bars in groups
    )


def _ticks(axis: _Axis, height: int) -> Iterator[str]:
    for cost, x in axis.ticks():
        kind, text = ("limit", "bare httpx") if cost == 1 else ("tick", f"{cost:g} x")
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>'
        yield f'<text class="soft" x="{x:.1f}" y="{height - 12}" text-anchor="middle">{text}</text>'


def _groups(groups: list[tuple[str, list[_Bar]]], axis: _Axis) -> Iterator[str]:
    y = _TOP
    for heading, bars in groups:
        yield f'<text class="heading" x="20" y="{y + 17}">{escape(heading)}</text>'
        y += _HEADING
        for bar in bars:
            yield from _drawn_bar(bar, axis, y)
            y += _STEP
        y += _GAP


def _drawn_bar(bar: _Bar, axis: _Axis, y: int) -> Iterator[str]:
    """From 1 to the cost, to the right or to the left, with a line from quartile to quartile."""
    client, cost, (low, high) = bar
    left, right = sorted([axis.x(1), axis.x(cost)])
    yield f'<text class="soft" x="40" y="{y + 11}">{escape(client)}</text>'
    width = max(right - left, 2)
    yield f'<rect class="{BARS[client]}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    middle = y + _BAR / 2
    yield f'<line class="spread" x1="{axis.x(low):.1f}" x2="{axis.x(high):.1f}" y1="{middle}" y2="{middle}"/>'
    yield f'<text x="{axis.x(max(high, 1)) + 6:.1f}" y="{y + 11}">{cost:.2f} x</text>'
