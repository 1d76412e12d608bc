"""`make update`: take in what the provider publishes, with all that follows from it, or change nothing.

Everything is made and tried in a temporary folder first: the facts, the overlay, openapi.yaml, the generated client and
an entry for CHANGELOG.md. Then the files are replaced.
"""

import datetime
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import ToolError, contract, curate, overlay
from .cut import cut
from .document import Document, content_of, parse, read
from .report import Changes, Finding

CHANGELOG, GENERATED = "CHANGELOG.md", "generated/openrouter_speech_api"
_HEADER = f"""\
# What OpenRouter publishes about the operations that {Path(curate.OVERLAY).name} names, without its wording.
# Written by `make update`. Do not edit it.
"""
_IMPORT_ALL = """
import importlib, pkgutil, openrouter_speech_api as package
for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    importlib.import_module(module.name)
"""


@dataclass(frozen=True)
class Plan:
    """What the update says and does."""

    report: list[str]
    files: Mapping[Path, bytes | None]
    """The new content of each file that changes; None if it goes."""

    def carry_out(self) -> None:
        """Change the files: all of them, or none if one cannot be written."""
        before = {path: path.read_bytes() if path.exists() else None for path in self.files}
        try:
            _write(self.files)
        except BaseException as error:
            _write(before)
            if isinstance(error, OSError):
                raise ToolError(f"{error.filename} cannot be written: {error.strerror}.") from error
            raise


def _write(files: Mapping[Path, bytes | None]) -> None:
    for path, content in files.items():
        if content is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def plan(source: str) -> Plan:
    """Work out what taking in a description changes in the current folder."""
    raw = content_of(source)
    published = parse(raw, source)
    old, curation = read(curate.FACTS), overlay.parse(content_of(curate.OVERLAY), curate.OVERLAY)
    ids = {key: found["operationId"] for key, found in old.operations().items() if "operationId" in found}
    facts = cut(published, curation.operations, ids)
    if facts == {key: value for key, value in old.content.items() if key != "x-cut-from"}:
        return Plan([f"Nothing to do: {source} has the same facts as {curate.FACTS}."], {})
    with TemporaryDirectory(prefix="openrouter-speech-") as folder:
        stage = Path(folder).resolve()
        shutil.copytree("upstream", stage / "upstream")
        header = {"x-cut-from": _origin(source, raw)}
        (stage / curate.FACTS).write_text(_HEADER + curate.dumped(header | facts), encoding="utf-8")
        empty = _add_actions(stage, header["x-cut-from"])
        description = curate.curated(stage)
        (stage / curate.DESCRIPTION).write_text(curate.text(description), encoding="utf-8")
        _guard(stage, description)
        now = Document(curate.DESCRIPTION, description)
        changes = contract.spec_diff(read(curate.DESCRIPTION), now)
        upstream = contract.differences(old, Document(source, facts))
        reached = {finding.where for finding in changes.findings}
        left_out = [finding for finding in upstream if finding.where not in reached]
        if changes.findings:
            text = Path(CHANGELOG).read_text(encoding="utf-8") if Path(CHANGELOG).exists() else "# Changelog\n"
            (stage / CHANGELOG).write_text(with_entry(text, changes.findings), encoding="utf-8")
        return Plan(_report(header["x-cut-from"], changes, left_out, empty), dict(_changed(stage)))


def _origin(source: str, raw: bytes) -> dict[str, str]:
    """Say where the facts come from. A file is named without its folder, and may have the date in its name."""
    name = source if "://" in source else Path(source).name
    dated = re.search(r"\d{4}-\d{2}-\d{2}", name)
    date = dated[0] if dated else datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"source": name, "date": date, "sha256": hashlib.sha256(raw).hexdigest()}


def _add_actions(stage: Path, origin: Mapping[str, str]) -> list[tuple[str, str]]:
    """Append an action with empty words for each new fact, and return what is still to be written."""
    path = stage / curate.OVERLAY
    missing = curate.unwritten(curate.curated(stage))
    text = path.read_text(encoding="utf-8")
    targets = {action["target"] for action in overlay.parse(text.encode(), curate.OVERLAY).actions}
    new = [(place, key) for place, key in missing if place not in targets]
    reason = f"Our words. New in {origin['source']} of {origin['date']}."
    path.write_text(text.rstrip("\n") + "\n" + curate.empty_words(new, reason), encoding="utf-8")
    return missing


def _guard(stage: Path, description: Any) -> None:
    """Check that the description is valid, and that the client generated from it compiles and imports."""
    import openapi_spec_validator  # noqa: PLC0415 - these two take longer to import than most commands take

    from .generate import generate  # noqa: PLC0415

    if error := next(openapi_spec_validator.OpenAPIV31SpecValidator(description).iter_errors(), None):
        place = " ".join(map(str, error.absolute_path))
        raise ToolError(f"The description would not be valid: {place}: {error.message.partition(chr(10))[0]:.200}.")
    try:
        problems = generate(
            stage / curate.DESCRIPTION, Path("generator-config.yaml"), Path("templates"), stage / GENERATED
        )
    except Exception as error:  # noqa: BLE001 - what the generator stumbles over is up to the provider
        problems = [str(error) if isinstance(error, ToolError) else repr(error)]
    if not problems:
        command = [sys.executable, "-B", "-c", _IMPORT_ALL]
        result = subprocess.run(command, cwd=(stage / GENERATED).parent, capture_output=True, text=True, check=False)  # noqa: S603
        problems = [result.stderr.rstrip().rpartition("\n")[2]] if result.returncode else []
    if problems:
        raise ToolError(f"The client cannot be generated: {' '.join(' '.join(problems).split())[:600]}.")


def _report(
    origin: Mapping[str, str], changes: Changes, left_out: list[Finding], empty: list[tuple[str, str]]
) -> list[str]:
    lines = [f"Upstream: {origin['source']}, {origin['date']}, SHA-256 {origin['sha256']}", *changes.lines]
    if left_out:
        lines += ["", f"Not in {curate.DESCRIPTION}, because of {curate.OVERLAY}:"]
        alike: dict[tuple[str, str], list[str]] = {}
        for finding in left_out:
            parent, dot, name = finding.where.rpartition(".")
            alike.setdefault((parent or finding.where, finding.what), []).append(dot + name if parent else "")
        lines += [f"  {parent}{', '.join(names)} | {what}" for (parent, what), names in alike.items()]
    if empty:
        lines += ["", f"Words to write in {curate.OVERLAY} (make check-curated lists what is left):"]
        lines += [f"  {place} {key}" for place, key in empty]
    return lines


def with_entry(changelog: str, findings: list[Finding]) -> str:
    """Add a draft of the entries to the section Unreleased of a changelog."""
    headings: dict[str, list[str]] = {"Added": [], "Changed": [], "Removed": []}
    for finding in findings:
        heading = "Added" if finding.before is None and " " in (finding.after or " ") else "Changed"
        if finding.after is None and finding.breaking:
            heading = "Removed"
        warning = "Breaking: " if finding.breaking else ""
        what = "" if heading != "Changed" else f": {finding.what}"
        headings[heading].append(f"- {warning}`{finding.where}`{what}.\n")
    section = "".join(f"\n### {heading}\n\n{''.join(lines)}" for heading, lines in headings.items() if lines)
    begun = re.search(r"^## .*$\n", changelog, re.MULTILINE)
    if begun and begun[0].startswith("## [Unreleased]"):
        return changelog[: begun.end()] + section + changelog[begun.end() :]
    start = begun.start() if begun else len(changelog)
    return changelog[:start] + f"## [Unreleased]\n{section}\n" + changelog[start:]


def _changed(stage: Path) -> Iterator[tuple[Path, bytes | None]]:
    """Compare the stage with the current folder."""
    files = {path.relative_to(stage) for path in stage.rglob("*")}
    files |= {path for path in Path(GENERATED).rglob("*") if "__pycache__" not in path.parts}
    for file in sorted(files):
        before, after = (path.read_bytes() if path.is_file() else None for path in (file, stage / file))
        if before != after:
            yield file, after
