"""Judge measurements by the rows, and present what was found: as results.json, as text and as a chart."""

import json
import math
from pathlib import Path
from statistics import fmean
from typing import Any

from attrs import asdict
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from .comparison import Measurements, Spread, ratios, verdict
from .rows import AIOHTTP, BARE, OURS, ROWS, Line

VERDICTS = ("met", "noise", "not measured", "not met")
"""From the best to the worst. A row has the worst of its lines."""
CHART = {
    "ready to call": "Import and construct",
    "one call": "One call, 4 KiB",
    "one awaited call": "One awaited call, 4 KiB",
    "50 at once": "50 awaited calls at once",
    "first audio": "First audio of a stream",
    "stream": "Streaming 256 MiB",
    "save": "Saving to a file",
}
"""The cases that are drawn, with their headings."""
COLOURS = {OURS: "ours", AIOHTTP: "ours", "openai": "openai", "openrouter": "openrouter"}

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["svg.jinja"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
Json = dict[str, Any]


def judge(measurements: Measurements, measured: Json) -> Json:
    """Return the content of results.json."""
    rows = []
    for title, lines in ROWS.items():
        judged = [_judge(line, measurements) for line in lines]
        worst = max((line["verdict"] for line in judged if "verdict" in line), key=VERDICTS.index)
        rows.append({"what": title, "verdict": worst, "lines": judged})
    busy = {
        case: {client: round(fmean(found), 3) for client, found in shares.items()}
        for case, shares in measurements.busy.items()
    }
    return rounded({"measured": measured, "rows": rows, "server_busy": busy})


def rounded(results: Json) -> Json:
    """Return the results with five digits of each figure."""
    text = json.dumps(results)
    return json.loads(text, parse_float=lambda digits: float(f"{float(digits):.5g}"))  # type: ignore[no-any-return]


def _judge(line: Line, measurements: Measurements) -> Json:
    values, against = measurements.values.get(line.case, {}), line.against
    judged: Json = {"case": line.case, "what": line.what, "unit": line.unit}
    if line.bound:
        judged |= {"bound": f"{line.bound} {'x' if against else line.unit}", "verdict": "not measured"}
    if against:
        judged["against"] = against
    if not {line.ours, against or line.ours} <= values.keys():
        return judged | {"why_missing": measurements.missing.get(line.case, "it was left out of this run")}
    judged["clients"] = {}
    for client in dict.fromkeys([line.ours, against or line.ours, *line.others]):
        if client in values:
            spread = Spread.of([value / line.scale for value in values[client]])
            figures: Json = {"value": asdict(spread)}
            if against and client != against:
                spread = Spread.of(ratios(values[client], values[against]))
                may_be_noise = spread.interval[0] <= 1 <= spread.interval[1]
                figures |= {"ratio": asdict(spread), "may_be_noise": may_be_noise}
            if line.bound and client == line.ours:
                judged["verdict"] = verdict(line.bound, spread)
            judged["clients"][client] = figures
    return judged


def text(results: Json) -> str:
    """Return the report for a terminal."""
    return TEMPLATES.get_template("report.txt.jinja").render(verdicts=VERDICTS, **results)


def chart(results: Json) -> str:
    """Return an SVG that follows the reader's light or dark scheme."""
    groups = {heading: bars for case, heading in CHART.items() if (bars := _bars(results, case))}
    ends = [end for bars in groups.values() for bar in bars.values() for end in bar.values()]
    low, high = math.log2(min([0.8, *ends])), math.log2(max([2, *ends]))
    return TEMPLATES.get_template("chart.svg.jinja").render(
        groups=groups,
        colours=COLOURS,
        # The axis is logarithmic: twice the cost is as far to the right of 1 as half the cost is to the left.
        x=lambda cost: 260 + 540 * (math.log2(cost) - low) / (high - low),
        ticks=[2.0**power for power in range(math.ceil(low), math.floor(high) + 1)],
        measured=results["measured"],
    )


def _bars(results: Json, case: str) -> dict[str, dict[str, float]]:
    """Return each client's cost, and its quartiles, relative to bare httpx. The cost is the inverse of a speed."""
    bars = {}
    for line in (line for row in results["rows"] for line in row["lines"] if line["case"] == case):
        power = -1 if line["unit"].endswith("/s") else 1
        for client in COLOURS if line.get("against") == BARE else ():
            if ratio := line.get("clients", {}).get(client, {}).get("ratio"):
                low, high = sorted(quartile**power for quartile in ratio["quartiles"])
                bars[client] = {"cost": ratio["median"] ** power, "low": low, "high": high}
    return bars
