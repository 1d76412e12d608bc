"""What a process holds, before the calls and after them; and what may not be among it."""

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
"""Bytes by which memory may be higher in the last quarter of the calls than in the second: noise of the allocator."""


CONNECTIONS = 96
"""Connections that may be open at once: twice as many as there are calls at once, since the server hears of their ends
a little later."""


def descriptors() -> Counter[str]:
    """The open file descriptors of this process, by what they are: "socket", "pipe", a file's path."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return Counter(kind for number in range(4096) if (kind := _kind(number)))
    found: Counter[str] = Counter()
    for entry in list(folder.iterdir()):
        with suppress(FileNotFoundError):  # it was the one that lists them
            found[re.sub(r":\[.*", "", os.readlink(entry))] += 1  # noqa: PTH115  (it names what is no path)
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
    """The threads that run."""
    return Counter(thread.name for thread in threading.enumerate())


def memory() -> int:
    """Bytes of memory that this process has now; where the system does not tell, the most that it has had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource  # noqa: PLC0415  (Windows has none)

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most << 10


def growth(samples: Sequence[int]) -> int:
    """How much higher the last quarter is than the second; the first is a beginning."""
    quarter = len(samples) // 4
    if not quarter:
        return 0
    return int(median(samples[-quarter:]) - median(samples[quarter : 2 * quarter]))


def beyond_policy(requests: Mapping[int, int], allowed: Mapping[int, int]) -> dict[int, int]:
    """The calls that sent more requests than they may, with how many too many."""
    return {call: count - allowed[call] for call, count in requests.items() if count > allowed[call]}


@dataclass
class Leftovers:
    """What was found when all was over. Each of it breaks a bound unless it is empty."""

    descriptors: Counter[str] = field(default_factory=Counter)
    threads: Counter[str] = field(default_factory=Counter)
    tasks: Sequence[str] = ()
    files: Sequence[str] = ()
    connections: int = 0
    """Open ones, as the server sees it."""
    most_connections: int = 0
    """How many were open at once: a call that does not give its own back makes others open more."""
    growth: int = 0
    beyond_policy: Mapping[int, int] = field(default_factory=dict)
    wrong_audio: Sequence[int] = ()
    """Calls that gave something else than was sent, and no error."""
    strange_errors: Mapping[str, int] = field(default_factory=dict)
    """Errors that are none of the package's, by class."""

    def rows(self) -> list[tuple[str, str, str, bool]]:
        """What was looked for, what was found, what may be, and whether it is so."""
        counted = {
            "file descriptors left": self.descriptors,
            "threads left": self.threads,
            "tasks left": Counter(self.tasks),
            "temporary files left": Counter(self.files),
            "connections left at the server": Counter({"open": self.connections}),
            "requests beyond the policy": Counter({f"call {call}": n for call, n in self.beyond_policy.items()}),
            "answers with wrong audio": Counter(f"call {call}" for call in self.wrong_audio),
            "errors of other libraries": Counter(self.strange_errors),
        }
        rows = [(what, _told(found), "0", not found.total()) for what, found in counted.items()]
        growth, most = f"{self.growth / (1 << 20):+.1f} MiB", self.most_connections
        return [
            *rows,
            ("connections at once", str(most), str(CONNECTIONS), most <= CONNECTIONS),
            ("memory, last quarter against second", growth, f"{GROWTH >> 20} MiB", self.growth <= GROWTH),
        ]

    def broken(self) -> list[str]:
        """A sentence for each bound that is broken."""
        return [f"{what}: {found}, where {bound} is allowed." for what, found, bound, kept in self.rows() if not kept]


def _told(found: Counter[str]) -> str:
    some = ", ".join(f"{name} {count}" for name, count in found.most_common(5) if count)
    return f"{found.total()} ({some})" if found.total() else "0"
