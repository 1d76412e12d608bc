"""The rows of the report, and the bounds that have to be met."""

from functools import partial

from attrs import frozen

BARE, TUNED, OURS, AIOHTTP = "bare httpx", "bare httpx, tuned", "openrouter-speech", "openrouter-speech[aiohttp]"
OTHERS = ("openai", "openrouter")


@frozen
class Line:
    """A case, and the bound that it has to meet; without a bound it is only reported."""

    case: str
    what: str
    unit: str = ""
    bound: str | None = None
    against: str | None = BARE
    """The client whose values ours are divided by; None for a bound on our values themselves."""
    ours: str = OURS
    others: tuple[str, ...] = OTHERS

    @property
    def scale(self) -> float:
        """What values are divided by to be in the unit."""
        return {"ms": 1e-3, "us": 1e-6, "million": 1e6, "KB": 1e3, "MB": 1e6, "MiB": 1 << 20}.get(self.unit, 1)


_absolute = partial(Line, against=None)
_many = partial(Line, unit="/s", bound="at least 1", against=TUNED)
_many_aiohttp = partial(Line, unit="/s", bound="at least 3", ours=AIOHTTP, others=(TUNED, OURS, *OTHERS))
_installed = partial(Line, against="openrouter", others=(BARE, "openai"))

ROWS = {
    "import and construct, ready to call": [
        Line("ready to call", "time of the whole process, relative to `import attrs, httpx`", "ms", "at most 1.25"),
        Line("to the first response", "the same with a first call", "ms"),
        Line("modules imported", "modules imported"),
        Line("instructions to be ready", "instructions", "million"),
    ],
    "one sync call, 4 KiB response": [
        Line("one call", "time, relative to bare httpx", "us", "at most 1.15"),
        Line("instructions of a call", "instructions", "million"),
        Line("functions of a call", "functions called"),
        Line("bytes of a call", "peak of the bytes allocated", "KB"),
    ],
    "one async call": [Line("one awaited call", "time, relative to bare httpx", "us", "at most 1.15")],
    "50 async calls at once": [
        _many("50 at once", "calls/s, 50 and then the next 50, relative to bare httpx with a pool tuned for 50"),
        _many("50 kept going", "calls/s, 50 callers kept busy, relative to bare httpx with a pool tuned for 50"),
        _many_aiohttp("50 at once", "calls/s with the aiohttp extra, 50 and then the next 50, relative to bare httpx"),
        _many_aiohttp("50 kept going", "calls/s with the aiohttp extra, 50 callers kept busy, relative to bare httpx"),
    ],
    "stream 256 MiB": [
        Line("stream", "MiB/s of mp3, relative to bare httpx", "MiB/s", "at least 0.95"),
        # No bound: here a client joins what the network cut within a frame, which bare httpx does not.
        Line("stream of pcm", "MiB/s of pcm in whole frames, which bare httpx does not restore", "MiB/s"),
        Line("first audio", "time to the first audio, relative to bare httpx", "us", "at most 1.1"),
        _absolute("growth over 256 MiB", "growth of memory", "MiB", "at most 4"),
        _absolute("growth over 1 GiB", "growth of memory over 1 GiB", "MiB", "at most 4"),
    ],
    "save_speech of 1 GiB": [
        Line("save", "MiB/s, relative to bare httpx written to a file", "MiB/s", "at least 0.8"),
        _absolute("growth over a file of 1 GiB", "growth of memory", "MiB", "at most 4"),
    ],
    "retry decision": [
        _absolute("decision: 503", "after a 503", "us", "at most 5"),
        _absolute("decision: no connection", "without a connection", "us", "at most 5"),
        _absolute("decision: 429 with Retry-After in seconds", "after Retry-After in seconds", "us", "at most 5"),
        _absolute("decision: 429 with Retry-After as a date", "after Retry-After as a date", "us"),
    ],
    "openrouter-speech --help": [Line("--help", 'time, relative to `python -c "import httpx"`', "ms", "at most 2")],
    "make generate, make check-generated": [
        _absolute("make generate", "make generate", "s", "at most 5"),
        _absolute("make check-generated", "make check-generated", "s", "at most 5"),
    ],
    "wheel; installed with its dependencies": [
        _absolute("wheel", "the wheel", "KB", "at most 300"),
        _installed("installed", "installed, pip included, relative to openrouter", "MB", "at most 0.6"),
    ],
}
"""By title of the row. A row is met when all of its bounds are."""
