"""Check a built site: links and anchors lead somewhere, and no page loads anything from another server."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

_LOADED = {"src", "poster", "data"}
"""Attributes whose target a browser fetches without being asked, besides `srcset`, and `href` outside of `<a>`."""
_SCRIPT_FETCHES = re.compile(r"""(?:fetch|import|importScripts)\(\s*["']https?://""")
_NOT_FETCHED = {"canonical", "alternate", "license"}
"""Relations of `<link>` that only inform."""


class _Page(HTMLParser):
    """The ids of a page, and what it points to: the target, and whether a browser loads it by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.update(given[name] for name in ("id", "name") if name in given)
        loads = tag != "a" and given.get("rel") not in _NOT_FETCHED
        for name, value in given.items():
            if name == "href":
                self.targets.append((value, loads))
            elif name == "srcset":
                self.targets += [(part.split()[0], True) for part in value.split(",") if part.strip()]
            elif name in _LOADED:
                self.targets.append((value, True))


def problems(site: Path) -> list[str]:
    """Describe each link that leads nowhere, and each thing that is loaded from another server."""
    return sorted(
        {f"{file.relative_to(site)}: {problem}" for file in site.rglob("*") for problem in _problems(file, site)}
    )


def _problems(file: Path, site: Path) -> Iterator[str]:
    if file.suffix == ".css":
        for target in re.findall(r"""url\(\s*["']?((?:https?:)?//[^)"']+)""", file.read_text("utf-8")):
            yield f"loads {target}"
    elif file.suffix == ".js":
        for call in _SCRIPT_FETCHES.findall(file.read_text("utf-8")):
            yield f"loads {call}..."
    elif file.suffix == ".html" and file.name != "404.html":  # its links start at the root of the server
        for target, loads in _page(file).targets:
            yield from _problems_of(target, loads, file, site)


def _problems_of(target: str, loads: bool, file: Path, site: Path) -> Iterator[str]:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        if loads and parts.scheme != "data":
            yield f"loads {target}"
        return
    path, anchor = urldefrag(target)
    there = (file.parent / unquote(path)).resolve() if path else file
    there = there / "index.html" if there.is_dir() else there
    if not there.is_file() or site.resolve() not in there.resolve().parents:
        yield f"{target} does not exist"
    elif anchor and there.suffix == ".html" and unquote(anchor) not in _page(there).ids:
        yield f"{target} has no such anchor"


@cache
def _page(file: Path) -> _Page:
    return _Page(file.read_text("utf-8"))
