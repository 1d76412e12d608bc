"""Parse CHANGELOG.md (Keep a Changelog) into sections and entries."""

import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"## \[(.+?)\](?: - (.+))?")


@dataclass
class Section:
    """The section of one version."""

    version: str
    date: str | None
    entries: list[str] = field(default_factory=list)
    """Each prefixed with its heading, such as "Removed: `Fault.of`"."""

    @property
    def announces_breakage(self) -> bool:
        """Whether an entry is under "Removed" or contains the word "breaking"."""
        return any(entry.startswith("Removed: ") or "breaking" in entry.lower() for entry in self.entries)


def sections(text: str) -> list[Section]:
    """Parse the sections, newest first."""
    found: list[Section] = []
    heading = ""
    for line in text.splitlines():
        if match := _SECTION.fullmatch(line.rstrip()):
            found.append(Section(match[1], match[2]))
            heading = ""
        elif line.startswith("### "):
            heading = line[4:].strip()
        elif found and line.startswith(("- ", "* ")):
            found[-1].entries.append(f"{heading}: {line[2:]}")
        elif found and found[-1].entries and line.startswith(" "):
            found[-1].entries[-1] += line
    return found
