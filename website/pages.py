"""Which documents the site has, and where. They stay readable on a code host: only their links are rewritten here."""

import json
import re
import shutil
from collections.abc import Mapping
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).parent.parent
DECISIONS = [f"docs/decisions/{path.name}" for path in sorted((PROJECT / "docs/decisions").glob("0*.md"))]
SECTIONS: dict[str, dict[str, str]] = {
    "": {"README.md": "Overview", "docs/start.md": "Start"},
    "Guides": {
        "docs/guide.md": "Guide",
        "docs/errors.md": "Errors and retries",
        "docs/testing.md": "Testing",
        "docs/command-line.md": "Command line",
        "docs/web-server.md": "Stream to a browser",
        "docs/notebooks.md": "Notebooks",
        "docs/concurrency.md": "Threads and event loops",
        "docs/network.md": "Proxies and certificates",
        "docs/platforms.md": "Windows and macOS",
        "docs/recipes.md": "Voice agents and Ray",
    },
    "Coming from": {
        "docs/coming-from/openai.md": "openai",
        "docs/coming-from/openrouter.md": "openrouter",
        "docs/coming-from/elevenlabs.md": "elevenlabs",
    },
    "Reference": {"generated/openrouter_speech_api/reference.md": "Arguments and statuses"},
    "Design": {
        "docs/design.md": "Layers",
        "docs/decisions/README.md": "Decisions",
        **dict.fromkeys(DECISIONS, ""),
    },
    "Project": {
        "CHANGELOG.md": "Changes",
        "CONTRIBUTING.md": "Contributing",
        "SECURITY.md": "Security",
    },
}
"""The title of each document, by section. A decision is called by its heading, without its number."""
_PLACES = {
    "README.md": "index.md",
    "docs/decisions/README.md": "decisions/index.md",
    "generated/openrouter_speech_api/reference.md": "reference/arguments.md",
}
_LINK = re.compile(r"""(\]\(|(?:src|srcset|href)=")([^)"#\s]+)""")


def place(document: str) -> str:
    """Return where the site has a document, a path in the project."""
    return _PLACES.get(document) or document.removeprefix("docs/").lower()


def stage(folder: Path, written: Mapping[str, Mapping[str, str]]) -> None:
    """Bring everything together that the site is built from.

    Args:
        folder: An empty or missing folder.
        written: By section, the text of more pages by their place. Each begins with its title.

    Raises:
        FileNotFoundError: A document links to a file that does not exist.
    """
    documents = [document for section in SECTIONS.values() for document in section]
    for document in documents:
        _write(folder, place(document), _rewritten(document, documents, folder))
    for path, text in (page for section in written.values() for page in section.items()):
        _write(folder, path, text)
    navigation: list[object] = []
    for section, listed in SECTIONS.items():
        entries = [{title or _title(folder, place(document)): place(document)} for document, title in listed.items()]
        entries += [{_title(folder, path): path} for path in written.get(section, {})]
        navigation += [{section: entries}] if section else entries
    settings = (Path(__file__).parent / "zensical.toml").read_text("utf-8")
    (folder / "zensical.toml").write_text(settings.replace("nav = []", f"nav = {_toml(navigation)}"), "utf-8")


def _write(folder: Path, path: str, text: str) -> None:
    file = folder / "docs" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def _title(folder: Path, path: str) -> str:
    heading = (folder / "docs" / path).read_text("utf-8").split("\n", 1)[0]
    return re.sub(r"^# (?:\d+\. )?", "", heading)


def _rewritten(document: str, documents: list[str], folder: Path) -> str:
    """Return a document with the links that work on the site. Files that are no pages go along in `files`."""
    here = PurePosixPath(document).parent

    def target(match: re.Match[str]) -> str:
        before, link = match.groups()
        if "://" in link or link.startswith("mailto:"):
            return match[0]
        path = normpath(here / link)
        if path in documents:
            there = place(path)
        else:
            there = f"files/{path.replace('/.', '/')}"  # zensical leaves out hidden files
            (folder / "docs" / there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / path, folder / "docs" / there)
        return before + relpath(there, PurePosixPath(place(document)).parent)

    text = (PROJECT / document).read_text("utf-8")
    code = re.compile(r"(^```.*?^```$|^    .*?$)", re.MULTILINE | re.DOTALL)
    pieces = code.split(re.sub(r"\A<!--.*?-->\n", "", text))
    return "".join(piece if code.fullmatch(piece) else _LINK.sub(target, piece) for piece in pieces)


def _toml(value: object) -> str:
    """Write strings, lists and dictionaries as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
