"""The API changes, and a copy of this project follows: the checklist of CONTRIBUTING.md, step by step.

The description gains a body field (with a wrong example), a header, a status and an audio format. Each guard has to
speak in its turn, and to fall silent by an edit of the file that it names.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import OUR_PLUGIN_ALONE, PROJECT
from .conftest import NO_SETUP, git

Edit = tuple[str, str, str]
"""A file, a piece of it, and what is put in its place."""


def before(file: str, line: str, new: str) -> Edit:
    return file, line, f"{new}\n{line}"


SESSION, TTS, WIRE, ERRORS, AUDIO, ENCODER = (
    f"overlays/openrouter_speech/{name}.py"
    for name in ("_http/session", "tts", "_generated", "errors", "_core/audio", "mock/encoder")
)

NEW_FACTS = [
    before(
        "openapi.yaml",
        "        speed:\n          type",
        "        seed:\n          type: integer\n          description: Repeats a voice.\n          examples: [first]",
    ),
    ("openapi.yaml", "enum: [mp3, pcm", "enum: [f32, mp3, pcm"),
    before(
        "openapi.yaml",
        "        - $ref: '#/components/parameters/XOpenRouterTitle'",
        "        - {name: X-OpenRouter-Audience, in: header, required: false, schema: {type: string}}",
    ),
    before(
        "openapi.yaml",
        "        '429':",
        """\
        '413':
          description: The text is too long.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/ErrorResponse'}
              example: {error: {code: 413, message: The text is too long}}""",
    ),
]

GUARDS: list[tuple[str, str, list[Edit]]] = [
    (
        "test_create_speech_offers_each_body_field",
        TTS,
        [
            before(TTS, "    speed: float | None\n", "    seed: int | None"),
            before(SESSION, "        speed: float | None = None,", "        seed: int | None = None,"),
            before(SESSION, "            speed=speed,", "            seed=seed,"),
            before(WIRE, "    speed: float | None = None,", "    seed: int | None = None,"),
            before(WIRE, "        speed=UNSET", "        seed=UNSET if seed is None else seed,"),
        ],
    ),
    (
        "test_create_speech_sends_each_header",
        TTS,
        [
            before(TTS, "    speed: float | None\n", "    x_open_router_audience: str | None"),
            before(
                SESSION, "        speed: float | None = None,", "        x_open_router_audience: str | None = None,"
            ),
            before(SESSION, "            speed=speed,", "            x_open_router_audience=x_open_router_audience,"),
            before(WIRE, "    speed: float | None = None,", "    x_open_router_audience: str | None = None,"),
            before(WIRE, "        body=request,", "        x_open_router_audience=_or_unset(x_open_router_audience),"),
        ],
    ),
    (
        "test_each_error_status_has_a_class",
        ERRORS,
        [
            before(ERRORS, "class RedirectError", "class TooLargeResponseError(APIStatusError): ...\n\n"),
            before(ERRORS, "    429: TooMany", "    413: TooLargeResponseError,"),
        ],
    ),
    (
        "test_audio_knows_each_format",
        AUDIO,
        [
            before(AUDIO, '    ".mp3": "mp3",', '    ".f32": "f32",'),
            before(
                AUDIO,
                '    if info.format == "pcm" and info',
                '    if info.format == "f32":\n        return len(audio) / 96_000',
            ),
        ],
    ),
    (
        "test_the_mock_server_speaks_each_format",
        ENCODER,
        [
            before(
                ENCODER,
                '    if audio_format == "pcm":',
                '    if audio_format == "f32":\n        return samples.astype("<f4").tobytes(), "audio/f32"',
            )
        ],
    ),
    ("test_each_documented_example_is_valid", "upstream/curation.overlay.yaml", [("openapi.yaml", "[first]", "[1]")]),
]


class Copy:
    """This project in another folder, where it is edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("Makefile", "openapi.yaml", "generator-config.yaml", "pyproject.toml"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
        for name in ("generated", "overlays", "templates", "tests", "tools"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        git(folder, "init", "--quiet")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=As it was")

    def edit(self, edits: list[Edit]) -> None:
        for file, old, new in edits:
            text = (self.folder / file).read_text()
            assert old in text, f"{file} no longer has {old!r}: see to this rehearsal"
            (self.folder / file).write_text(text.replace(old, new, 1))

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        paths = os.pathsep.join(str(self.folder / name) for name in ("generated", "overlays"))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST", "GIT_"))
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**environment, "PYTHONPATH": paths, "COVERAGE_PROCESS_START": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    def make(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("make", "--no-print-directory", f"VENV={sys.prefix}", NO_SETUP, *arguments)

    def guards(self) -> dict[str, str]:
        """Those that speak, with what they say, in their order."""
        options = ["-p", "no:cacheprovider", *OUR_PLUGIN_ALONE, "--tb=line"]
        result = self.run(sys.executable, "-m", "pytest", *options, "tests/test_guards.py")
        assert "AssertionError" in result.stdout or "Failed:" in result.stdout or result.returncode == 0, result.stdout
        names = re.findall(r"^FAILED \S+::(\w+)", result.stdout, re.MULTILINE)
        messages = re.findall(r"^E? *\S+:\d+: (.*)$", result.stdout, re.MULTILINE)
        return dict(zip(names, messages, strict=True))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "project")


def test_the_workflow_after_a_change_of_the_api(copy: Copy) -> None:
    copy.edit(NEW_FACTS)

    # The change is graded, and the generated client is found to be out of date.
    assert copy.make("spec-diff", "BASE=HEAD").stdout.splitlines()[-1].startswith("Version step: minor")
    outdated = copy.make("check-generated")
    assert outdated.returncode != 0
    assert "run 'make generate'" in outdated.stderr
    generated = copy.make("generate")
    assert generated.returncode == 0, generated.stderr

    # Then each guard names what is left to do by hand, until nothing is.
    spoken = copy.guards()
    assert list(spoken) == [name for name, _, _ in GUARDS]
    for name, file, edits in GUARDS:
        assert file in spoken[name]
        copy.edit(edits)
    assert copy.guards() == {}
