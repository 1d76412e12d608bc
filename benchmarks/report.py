"""What `make bench` says, to a person and to a program."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from .comparison import Spread
from .rows import Figures, JudgedLine, JudgedRow, Line
from .turns import Measurements

NAMES = {
    "ours": "openrouter-speech",
    "ours_aiohttp": "openrouter-speech[aiohttp]",
    "bare_httpx": "bare httpx",
    "tuned_httpx": "bare httpx, tuned",
    "openai_package": "openai",
    "openrouter_package": "openrouter",
}


def text(rows: Sequence[JudgedRow], measured: dict[str, Any], measurements: Measurements) -> str:
    """The table, for a terminal."""
    return "\n".join([*_introduction(measured), *_table(rows, measurements), *_conclusion(rows)])


def document(rows: Sequence[JudgedRow], measured: dict[str, Any], measurements: Measurements) -> dict[str, Any]:
    """The content of results.json."""
    return {
        "measured": measured,
        "rows": [
            {"what": row.row.what, "verdict": row.verdict, "lines": [_line_document(line) for line in row.lines]}
            for row in rows
        ],
        "server_busy": {
            case: {NAMES[client]: round(share, 3) for client, share in shares.items()}
            for case, shares in measurements.busy.items()
        },
    }


def _introduction(measured: dict[str, Any]) -> Iterator[str]:
    changed = ", with changes that are not committed" if measured["changed"] else ""
    yield f"\nCommit {measured['commit'][:12]}{changed}; {measured['machine']}; load {measured['load']} at the start."
    limits = ", ".join(f"{value:,.0f} {what}" for what, value in measured["server_limits"].items())
    yield f"The server's own limits: {limits}."
    yield "Medians; [quartiles]. A ratio with a ~ may be noise: the true one may be 1, or on the other side of it."


def _table(rows: Sequence[JudgedRow], measurements: Measurements) -> Iterator[str]:
    for row in rows:
        yield f"\n{row.row.what}: {row.verdict.upper()}"
        for line in row.lines:
            bound = f", {_bound(line.line)}: {line.verdict}" if line.line.bound else ""
            yield f"  {line.line.what}{bound}"
            if not line.figures:
                yield f"    not measured: {line.why_missing}"
            yield from (f"    {_figures(figures, line.line.unit)}" for figures in line.figures)
        for case in dict.fromkeys(line.line.case for line in row.lines):
            if shares := measurements.busy.get(case):
                client = max(shares, key=lambda name: shares[name])
                yield f"  {case}: the server was busy {shares[client]:.0%} of the time at most ({NAMES[client]})"


def _conclusion(rows: Sequence[JudgedRow]) -> Iterator[str]:
    yield ""
    for verdict in ("met", "noise", "not met", "not measured"):
        if found := [row.row.what for row in rows if row.verdict == verdict]:
            yield f"{len(found)} {verdict}: {'; '.join(found)}"


def _figures(figures: Figures, unit: str) -> str:
    ratio = ""
    if figures.ratio:
        mark = "~" if figures.may_be_noise else " "
        ratio = f"{figures.ratio.median:8.3f} x{mark} {_quartiles(figures.ratio)}"
    value = f"{figures.value.median:>12,.5g} {unit:8}{_quartiles(figures.value):22}"
    return f"{NAMES[figures.client]:27}{value}{ratio}".rstrip()


def _quartiles(spread: Spread) -> str:
    if spread.quartiles[0] == spread.quartiles[1]:
        return ""
    return f"[{spread.quartiles[0]:.4g} {spread.quartiles[1]:.4g}]"


def _bound(line: Line) -> str:
    if line.bound is None:
        return ""
    return (
        f"{'at least' if line.bound.at_least else 'at most'} {line.bound.limit:g} {'x' if line.against else line.unit}"
    )


def _line_document(line: JudgedLine) -> dict[str, Any]:
    found: dict[str, Any] = {"case": line.line.case, "what": line.line.what, "unit": line.line.unit}
    if line.line.bound:
        found |= {"bound": _bound(line.line), "verdict": line.verdict}
    if line.line.against:
        found["against"] = NAMES[line.line.against]
    if line.figures:
        found["clients"] = {NAMES[figures.client]: _figures_document(figures) for figures in line.figures}
    else:
        found["why_missing"] = line.why_missing
    return found


def _figures_document(figures: Figures) -> dict[str, Any]:
    found: dict[str, Any] = {"value": _rounded(figures.value)}
    if figures.ratio:
        found |= {"ratio": _rounded(figures.ratio), "may_be_noise": figures.may_be_noise}
    return found


def _rounded(spread: Spread) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        return [rounded(part) for part in value] if isinstance(value, tuple) else float(f"{value:.5g}")

    return {name: rounded(value) for name, value in attrs.asdict(spread, recurse=False).items()}
