"""Measure what a process holds before and after the calls, and check it against limits."""

import os
import re
import stat
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

GROWTH = 8 << 20
"""Allowed growth of memory in bytes, from the second quarter of the calls to the last: noise of the allocator."""


CONNECTIONS = 96
"""Connections allowed at once: twice the concurrent calls, since the server notices closed ones a little later."""


def descriptors() -> Counter[str]:
    """Count this process's open file descriptors by kind: "socket", "pipe" or a file's path."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return Counter(kind for number in range(4096) if (kind := _kind(number)))
    found: Counter[str] = Counter()
    for entry in list(folder.iterdir()):
        with suppress(FileNotFoundError):  # the descriptor that lists the folder
            found[re.sub(r":\[.*", "", os.readlink(entry))] += 1  # noqa: PTH115  (the target may not be a path)
    found.pop(f"/proc/{os.getpid()}/fd", None)
    return found


def _kind(number: int) -> str:
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        return ""
    kinds = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFREG: "file"}
    return kinds.get(stat.S_IFMT(mode), "other")


def threads() -> Counter[str]:
    """Count the running threads by name."""
    return Counter(thread.name for thread in threading.enumerate())


def memory() -> int:
    """Return this process's memory in bytes, or its peak if the system reports no current value."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource  # noqa: PLC0415  (Windows has none)

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most << 10


def growth(samples: Sequence[int]) -> int:
    """Return how much higher the last quarter is than the second; the first is warm-up."""
    quarter = len(samples) // 4
    if not quarter:
        return 0
    return int(median(samples[-quarter:]) - median(samples[quarter : 2 * quarter]))


def beyond_policy(requests: Mapping[int, int], allowed: Mapping[int, int]) -> dict[int, int]:
    """Return the calls that sent too many requests, with the excess."""
    return {call: count - allowed[call] for call, count in requests.items() if count > allowed[call]}


@dataclass
class Leftovers:
    """What is left after all calls; `rows` has the limits."""

    descriptors: Counter[str] = field(default_factory=Counter)
    threads: Counter[str] = field(default_factory=Counter)
    tasks: Sequence[str] = ()
    files: Sequence[str] = ()
    connections: int = 0
    """Connections still open, according to the server."""
    most_connections: int = 0
    """The peak of open connections: a call that leaks one makes others open more."""
    growth: int = 0
    beyond_policy: Mapping[int, int] = field(default_factory=dict)
    wrong_audio: Sequence[int] = ()
    """Calls that returned wrong audio without an error."""
    strange_errors: Mapping[str, int] = field(default_factory=dict)
    """Errors from outside the package, by class."""

    def rows(self) -> list[tuple[str, str, str, bool]]:
        """Return each check: its name, the result, the limit, and whether it passed."""
        counted = {
            "file descriptors left": self.descriptors,
            "threads left": self.threads,
            "tasks left": Counter(self.tasks),
            "temporary files left": Counter(self.files),
            "connections left at the server": Counter({"open": self.connections}),
            "requests beyond the policy": Counter({f"call {call}": n for call, n in self.beyond_policy.items()}),
            "responses with wrong audio": Counter(f"call {call}" for call in self.wrong_audio),
            "errors of other libraries": Counter(self.strange_errors),
        }
        rows = [(what, _told(found), "0", not found.total()) for what, found in counted.items()]
        growth, most = f"{self.growth / (1 << 20):+.1f} MiB", self.most_connections
        return [
            *rows,
            ("connections at once", str(most), str(CONNECTIONS), most <= CONNECTIONS),
            ("memory, last quarter vs. second", growth, f"{GROWTH >> 20} MiB", self.growth <= GROWTH),
        ]

    def broken(self) -> list[str]:
        """Return a sentence for each limit exceeded."""
        return [f"{what}: {found}; the limit is {bound}." for what, found, bound, kept in self.rows() if not kept]


def _told(found: Counter[str]) -> str:
    some = ", ".join(f"{name} {count}" for name, count in found.most_common(5) if count)
    return f"{found.total()} ({some})" if found.total() else "0"
