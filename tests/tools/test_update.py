"""`make update`: a new description is taken in with all that follows from it, or nothing changes."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import curate, update
from tools.report import Finding
from tools.update import with_entry

from ..conftest import PROJECT, Make
from .conftest import NO_SETUP, Run, contents
from .samples import PATH

SPEECH = f"POST {PATH}"
EXPLAIN = "explain in CHANGELOG.md what callers must change"
Publish = Callable[[Callable[[Any], Any]], Path]
Edit = Callable[[Any], Any]


def parsed(path: Path) -> Any:
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)


@pytest.fixture
def publish(tmp_path: Path, project: Path) -> Publish:
    """Edit the facts that the project has, and publish them with words."""

    def write(edit: Edit) -> Path:
        content = parsed(PROJECT / curate.FACTS)
        content["info"] = {"title": "Provider", "version": "1"}
        content["paths"][PATH]["post"]["description"] = "The provider's words."
        edit(content)
        path = tmp_path / "published-2026-09-01.yaml"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the generator, which takes a second."""
    monkeypatch.setattr(update, "_guard", lambda stage, _: shutil.copytree("generated", stage / "generated"))


def fields(content: Any) -> Any:
    return content["components"]["schemas"]["SpeechRequest"]["properties"]


def slugs(content: Any) -> Any:
    return content["components"]["schemas"]["ProviderOptions"]["properties"]


def more(content: Any) -> None:
    """A field, a status and a header more, and one value less."""
    fields(content)["tone"] = {"type": "string"}
    fields(content)["response_format"]["enum"] = ["pcm"]
    post = content["paths"][PATH]["post"]
    post["parameters"] = [{"name": "X-Tone", "in": "header", "schema": {"type": "string"}}]
    post["responses"]["409"] = post["responses"]["400"]


def test_all_that_follows_is_done(publish: Publish, run: Run, project: Path) -> None:
    source = publish(more)
    left_behind = project / "generated/openrouter_speech_api/models/left_behind.py"
    left_behind.touch()
    before = contents(project)
    status, report = run("update", source)
    assert status == 0
    assert not left_behind.exists()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    tone = "nothing before, required false, type string now | not breaking | mention it in CHANGELOG.md"
    place = "$.paths['/audio/speech'].post"
    assert report == [
        f"Upstream: published-2026-09-01.yaml, 2026-09-01, SHA-256 {digest}",
        f"{SPEECH} header x-tone | {tone}",
        f'{SPEECH} request application/json .response_format enum | "mp3" before, nothing now | breaking | {EXPLAIN}',
        f"{SPEECH} request application/json .tone | {tone}",
        f"{SPEECH} response 409 | nothing before, application/json now | not breaking | mention it in CHANGELOG.md",
        "Version step: major (breaks callers)",
        "",
        "Words to write in upstream/curation.overlay.yaml (make check-curated lists what is left):",
        f"  {place}.parameters[?@.name == 'X-Tone' && @.in == 'header'] description",
        f"  {place}.parameters[?@.name == 'X-Tone' && @.in == 'header'].schema description",
        f"  {place}.responses['409'] description",
        "  $.components.schemas.SpeechRequest.properties.tone description",
    ]
    changed = {str(path) for path, content in contents(project).items() if before.get(path) != content}
    generated = {name for name in changed if name.startswith("generated/")}
    assert changed - generated == {"CHANGELOG.md", "openapi.yaml", curate.FACTS, curate.OVERLAY}
    assert "tone: str" in (project / "generated/openrouter_speech_api/models/speech_request.py").read_text()
    assert parsed(project / curate.FACTS)["x-cut-from"]["date"] == "2026-09-01"
    # What is left to do fails the check, by name; a second run has nothing to do, whatever else is published.
    status, lines = run("curate", "--check")
    assert (status, len(lines)) == (1, 4)
    assert lines[-1].endswith("SpeechRequest.properties.tone has no description yet.")
    elsewhere: Any = {"/other": {"get": {}}}
    source = publish(lambda content: [edit(content) for edit in (lambda c: c["paths"].update(elsewhere), more)])
    status, (line,) = run("update", source)
    assert (status, line) == (0, f"Nothing to do: {source} has the same facts as {curate.FACTS}.")


def test_a_difference_that_the_overlay_drops_is_reported(publish: Publish, run: Run, unguarded: None) -> None:
    new = {"type": "object", "additionalProperties": {}}
    source = publish(lambda content: slugs(content).update(aaa=new, bbb=new))
    optional = "nothing before, required false, type object now"
    status, report = run("update", source)
    assert status == 0
    assert report[1:] == [
        "Version step: none (nothing changed)", "",
        "Not in openapi.yaml, because of upstream/curation.overlay.yaml:",
        f"  {SPEECH} request application/json .provider.options.aaa, .bbb | {optional}",
    ]  # fmt: skip


def test_a_slug_that_is_more_than_a_free_object_is_no_slug(publish: Publish, run: Run, unguarded: None) -> None:
    _, report = run("update", publish(lambda content: slugs(content).update(aaa={"type": "string"})))
    assert "  $.components.schemas.ProviderOptions.properties.aaa description" in report


def broken_type(content: Any) -> None:
    fields(content)["speed"]["type"] = "nothing"


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda content: fields(content).pop("speed"),
         r"upstream/curation\.overlay\.yaml: action \d+ \(\$.*\.SpeechRequest\.properties\.speed\) matches nothing\."),
        (lambda content: content["paths"].update({"/say": content["paths"].pop(PATH)}),
         r".*: there is no POST /audio/speech; createAudioSpeech is now POST /say\."),
        (broken_type, r"The description would not be valid: .*speed.*\."),
        (lambda content: content["paths"][PATH]["post"]["responses"]["200"].update(content={"video/*": {}}),
         r"The client cannot be generated: .*\."),
    ],
)  # fmt: skip
def test_what_is_not_possible_changes_nothing(
    edit: Edit, problem: str, publish: Publish, run: Run, project: Path
) -> None:
    before = contents(project)
    status, (sentence,) = run("update", publish(edit))
    assert status == 2
    assert re.fullmatch(problem, sentence)
    assert contents(project) == before


def stumbles(*_: Path) -> list[str]:
    raise KeyError("nullable")


def writes_what_does_not_import(description: Path, config: Path, templates: Path, target: Path) -> list[str]:
    target.mkdir(parents=True)
    (target / "__init__.py").write_text("raise ValueError('broken')")
    return []


@pytest.mark.parametrize(
    ("generate", "problem"), [(stumbles, "KeyError('nullable')"), (writes_what_does_not_import, "ValueError: broken")]
)
def test_a_generator_that_fails_changes_nothing(
    generate: Any, problem: str, publish: Publish, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.generate.generate", generate)
    before = contents(project)
    assert run("update", publish(more)) == (2, [f"The client cannot be generated: {problem}."])
    assert contents(project) == before


@pytest.mark.parametrize(("content", "problem"), [("overlay: 2.0.0", "its version is 2.0.0"), ("a: [", "is not YAML")])
def test_an_overlay_that_is_none_changes_nothing(
    content: str, problem: str, publish: Publish, run: Run, project: Path
) -> None:
    (project / curate.OVERLAY).write_text(content)
    before = contents(project)
    status, (sentence,) = run("update", publish(more))
    assert (status, problem in sentence) == (2, True)
    assert sentence.startswith(curate.OVERLAY)
    assert contents(project) == before


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_were(
    publish: Publish, run: Run, project: Path, unguarded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, before = Path.write_bytes, contents(project)

    def full(path: Path, content: bytes) -> int:
        if path == Path(curate.FACTS) and content != before[path]:
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert run("update", publish(more)) == (2, [f"{curate.FACTS} cannot be written: No space left on device."])
    assert contents(project) == before


def test_make_updates(make: Make, publish: Publish, project: Path) -> None:
    source, here = publish(more), ("-C", str(project), NO_SETUP, "update")
    before = contents(project)
    result = make(*here, f"UPSTREAM={source}", "DRY_RUN=1", PYTHONPATH=str(PROJECT))
    assert result.returncode == 2  # make has no other status for a recipe that failed
    assert "Error 1" in result.stderr
    assert result.stdout.startswith("Upstream: published-2026-09-01.yaml")
    asked = make(*here, UPSTREAM="").stderr.splitlines()[0]
    assert asked == "Name the description: make update UPSTREAM=file-or-URL"
    name = f'"; touch {project}/written; "'
    assert "cannot be read" in make(*here, f"UPSTREAM={name}", PYTHONPATH=str(PROJECT)).stderr
    assert contents(project) == before


ADDED = Finding("request .tone", None, "type string", breaking=False)
REMOVED = Finding("response 529", "application/json", None, breaking=True)
CHANGED = Finding("request .speed type", "number", "string", breaking=True)
SECTION = """\
## [Unreleased]

### Added

- `request .tone`.

### Changed

- Breaking: `request .speed type`: number before, string now.

### Removed

- Breaking: `response 529`.

"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Changelog\n", f"# Changelog\n{SECTION}"),
        (
            "# Changelog\n\n## [0.1.0] - 2026-01-31\n\n- A.\n",
            f"# Changelog\n\n{SECTION}## [0.1.0] - 2026-01-31\n\n- A.\n",
        ),
        ("## [Unreleased]\n\n### Fixed\n\n- A.\n", f"{SECTION}### Fixed\n\n- A.\n"),
    ],
)
def test_entries_go_into_the_section_unreleased(before: str, after: str) -> None:
    assert with_entry(before, [ADDED, REMOVED, CHANGED]) == after
