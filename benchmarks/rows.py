"""What has to be reached: the rows, their bounds, and how each is judged from what was measured."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import field, frozen

from .comparison import Bound, Spread, Verdict, ratios
from .turns import Measurements

KB, MIB = 1000, 1 << 20


@frozen
class Line:
    """One thing that has to be reached, or, without a bound, one that is told beside it."""

    case: str
    what: str
    bound: Bound | None = None
    against: str | None = "bare_httpx"
    """The client whose values ours are divided by; None for a bound on our values themselves."""
    ours: str = "ours"
    peers: Sequence[str] = ("openai_package", "openrouter_package")
    scale: float = 1
    """What a value is divided by to be in the unit."""
    unit: str = ""


@frozen
class Row:
    """A row of the table, met when all of its lines with a bound are."""

    what: str
    lines: Sequence[Line]


@frozen
class Figures:
    """What was measured of one client, for one line."""

    client: str
    value: Spread
    ratio: Spread | None
    """To the client that the line is against."""

    @property
    def may_be_noise(self) -> bool:
        """Whether there may be no difference."""
        return self.ratio is not None and self.ratio.may_be(1)


@frozen
class JudgedLine:
    """A line with what was measured."""

    line: Line
    figures: Sequence[Figures] = field(factory=tuple)
    """Ours first; empty where it was not measured."""
    why_missing: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """None where the line has no bound."""
        if self.line.bound is None:
            return None
        if not self.figures:
            return "not measured"
        ours = self.figures[0]
        return self.line.bound.verdict(ours.ratio or ours.value)


@frozen
class JudgedRow:
    """A row with what was measured."""

    row: Row
    lines: Sequence[JudgedLine]

    @property
    def verdict(self) -> Verdict:
        """The worst of its lines."""
        found = {line.verdict for line in self.lines}
        order: tuple[Verdict, ...] = ("not met", "not measured", "noise")
        return next((verdict for verdict in order if verdict in found), "met")


_MILLISECONDS = partial(Line, scale=1e-3, unit="ms")
_MICROSECONDS = partial(Line, scale=1e-6, unit="us")
_DECISION = partial(_MICROSECONDS, against=None)
_GROWTH = partial(Line, bound=Bound(4), against=None, scale=MIB, unit="MiB")
_MANY = partial(Line, against="tuned_httpx", bound=Bound(1, at_least=True), unit="/s")
_MANY_EXTRA = partial(
    Line,
    bound=Bound(3, at_least=True),
    ours="ours_aiohttp",
    peers=("tuned_httpx", "ours", "openai_package", "openrouter_package"),
    unit="/s",
)

ROWS = (
    Row(
        "import and construct, ready to call",
        (
            _MILLISECONDS("ready to call", "time of the whole process, to `import attrs, httpx`", Bound(1.25)),
            _MILLISECONDS("to the first answer", "the same with a first call"),
            Line("modules imported", "modules imported"),
            Line("instructions to be ready", "instructions", scale=1e6, unit="million"),
        ),
    ),
    Row(
        "one sync call, 4 KiB answer",
        (
            _MICROSECONDS("one call", "time, to bare httpx", Bound(1.15)),
            Line("instructions of a call", "instructions", scale=1e6, unit="million"),
            Line("functions of a call", "functions called"),
            Line("bytes of a call", "bytes allocated at its peak", scale=KB, unit="KB"),
        ),
    ),
    Row("one async call", (_MICROSECONDS("one awaited call", "time, to bare httpx", Bound(1.15)),)),
    Row(
        "50 async calls at once",
        (
            _MANY("50 at once", "calls/s, 50 and then the next 50, to bare httpx with a pool tuned for 50"),
            _MANY("50 kept going", "calls/s, 50 callers kept going, to bare httpx with a pool tuned for 50"),
            _MANY_EXTRA("50 at once", "calls/s with the aiohttp extra, 50 and then the next 50, to bare httpx"),
            _MANY_EXTRA("50 kept going", "calls/s with the aiohttp extra, 50 callers kept going, to bare httpx"),
        ),
    ),
    Row(
        "stream 256 MiB",
        (
            Line("stream", "MiB/s of mp3, to bare httpx", Bound(0.95, at_least=True), unit="MiB/s"),
            # Here a client does what bare httpx does not: pieces that end within a frame are put together anew.
            Line("stream of pcm", "MiB/s of pcm in pieces of whole frames, which the network's are not", unit="MiB/s"),
            _MICROSECONDS("first audio", "time to the first audio, to bare httpx", Bound(1.1)),
            _GROWTH("growth over 256 MiB", "memory grows"),
            _GROWTH("growth over 1 GiB", "memory grows at 1 GiB"),
        ),
    ),
    Row(
        "save_speech of 1 GiB",
        (
            Line("save", "MiB/s, to bare httpx written to a file", Bound(0.8, at_least=True), unit="MiB/s"),
            _GROWTH("growth over a file of 1 GiB", "memory grows"),
        ),
    ),
    Row(
        "retry decision",
        (
            _DECISION("decision: 503", "after a 503", Bound(5)),
            _DECISION("decision: no connection", "without a connection", Bound(5)),
            _DECISION("decision: 429 with Retry-After in seconds", "after Retry-After in seconds", Bound(5)),
            _DECISION("decision: 429 with Retry-After as a date", "after Retry-After as a date"),
        ),
    ),
    Row("openrouter-speech --help", (_MILLISECONDS("--help", 'time, to `python -c "import httpx"`', Bound(2)),)),
    Row(
        "make generate, make check-generated",
        (
            Line("make generate", "make generate", Bound(5), None, unit="s"),
            Line("make check-generated", "make check-generated", Bound(5), None, unit="s"),
        ),
    ),
    Row(
        "wheel; installed with its dependencies",
        (
            Line("wheel", "the wheel", Bound(300), None, scale=KB, unit="KB"),
            Line(
                "installed",
                "installed, pip included, to openrouter",
                Bound(0.6),
                "openrouter_package",
                peers=("bare_httpx", "openai_package"),
                scale=KB * KB,
                unit="MB",
            ),
        ),
    ),
)


def judged(measurements: Measurements) -> list[JudgedRow]:
    """All rows, with what was measured for each."""
    return [JudgedRow(row, [_judged(line, measurements) for line in row.lines]) for row in ROWS]


def _judged(line: Line, measurements: Measurements) -> JudgedLine:
    by_client = measurements.values.get(line.case, {})
    if line.ours not in by_client or (line.against and line.against not in by_client):
        return JudgedLine(line, why_missing=measurements.missing.get(line.case, "it was left out of this run"))
    return JudgedLine(line, list(_figures(line, by_client)))


def _figures(line: Line, by_client: dict[str, list[float]]) -> Iterator[Figures]:
    clients = dict.fromkeys([line.ours, *filter(None, [line.against]), *line.peers])
    for client in clients:
        if client not in by_client:
            continue
        value = Spread.of([value / line.scale for value in by_client[client]])
        against = by_client[line.against] if line.against and line.against != client else None
        yield Figures(client, value, Spread.of(ratios(by_client[client], against)) if against else None)
