"""What changed in the Python API since a commit: each kind of change, and how it is graded."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.api import api_diff
from tools.packages import PACKAGES, Packages, packages_here

from ..conftest import PROJECT, Make
from . import small_package as small
from .conftest import NO_SETUP, Run, git
from .small_package import CLIENT, ERRORS, INIT, MOCK, MODELS, PLUGIN, SERVER, SESSION, SPEAK, TTS, edit

NONE = "Version step: none (nothing changed)"
PATCH = "Version step: patch (the code changed, the API did not)"
MINOR = "Version step: minor (the API changed without breaking callers)"
MAJOR = "Version step: major (breaks callers)"
MENTION = "mention it in CHANGELOG.md"
TELL = "explain in CHANGELOG.md what callers must change"

Edit = tuple[str, str, str]
"""A file, a piece of it, and what is put in its place."""

CLASS = "openrouter_speech.Client"
MODEL = "openrouter_speech_api.models"
PARAMS = "openrouter_speech.tts.SpeechParams"
SERVE = "openrouter_speech.mock.Server"
ERROR = "openrouter_speech.errors"
CLOSE, EXPLAIN, PCM = "    def close(self) -> None: ...\n", "    def explain(self) -> str: ...\n", '    PCM = "pcm"\n'
VOICE, SPEED = ', voice: str = "alloy"', ", speed: int = 1"
SETTER = "    @url.setter\n    def url(self, value: str) -> None: ...\n\n"
INITIALIZED = "class SpeechError(Exception):\n    def __init__(self, message: str) -> None: ...\n"
FIELD = "    speed: float | Unset = UNSET\n"

REMOVED: list[tuple[Edit, str]] = [
    ((CLIENT, CLOSE, ""), f"{CLASS}.close | function before, nothing now"),
    ((CLIENT, "def __enter__", "def _enter"), f"{CLASS}.__enter__ | function before, nothing now"),
    ((CLIENT, "    retries: int = 2\n", ""), f"{CLASS}.retries | attribute before, nothing now"),
    ((SPEAK, "def sync", "def _sync"), "openrouter_speech_api.api.speak.sync | function before, nothing now"),
    ((INIT, '    "Timeout",\n', ""), "openrouter_speech.Timeout | import before, nothing now"),
    (
        (ERRORS, '\n__all__ = ["ConfigurationError", "SpeechError", "StatusError"]', ""),
        "openrouter_speech.errors | module",
    ),
    ((MOCK, '"Server"', ""), f"{SERVE} | class before, nothing now"),
    ((PLUGIN, "def openrouter", "def _"), "openrouter_speech.pytest_plugin.openrouter_speech_mock | function before"),
    ((ERRORS, EXPLAIN, ""), f"{ERROR}.SpeechError.explain | function before, nothing now"),
    ((SESSION, "def shared", "def _shared"), f"{CLASS}.shared | function before, nothing now"),
    ((MODELS, PCM, ""), f"{MODEL}.Format.PCM | attribute before, nothing now"),
    ((MODELS, FIELD, ""), f"{MODEL}.Request(speed) | required false, type float or Unset, default UNSET"),
    ((SERVER, "    port: int = 0\n", ""), f"{SERVE}(port) | required false, type int, default 0 before, nothing now"),
    ((CLIENT, VOICE, ""), f"{CLASS}.send(voice) | required false, type str, default 'alloy' before, nothing now"),
    ((CLIENT, SPEED, ""), f"{CLASS}.send(speed) | required false, type int, default 1 before, nothing now"),
    ((TTS, "    title: str\n", ""), f"{PARAMS}(title) | required false, type str before, nothing now"),
]

BROKEN: list[tuple[Edit, str]] = [
    ((MODELS, "text: str", "text: str | bytes"), f"{MODEL}.Request(text) type | str before, str or bytes now"),
    ((CLIENT, f"{CLOSE}", "    close = 1\n"), f"{CLASS}.close | function before, attribute now"),
    ((CLIENT, VOICE, ", voice: str"), f"{CLASS}.send(voice) required | false before, true now"),
    ((CLIENT, VOICE, ', voice: str = "nova"'), f"{CLASS}.send(voice) default | 'alloy' before, 'nova' now"),
    ((CLIENT, VOICE, f", *{VOICE}"), f"{CLASS}.send(voice) kind | positional or keyword before, keyword-only now"),
    ((CLIENT, VOICE, f", to: str{VOICE}"), f"{CLASS}.send(to) | nothing before, required true, type str now"),
    ((CLIENT, "key: str | None", "key: str"), f"{CLASS}(key) type | str or None before, str now"),
    ((CLIENT, "-> httpx.Response", "-> bytes"), f"{CLASS}.send_async returned type | Response before, bytes now"),
    ((CLIENT, "-> str | None", "-> str | int"), f"{CLASS}.send returned type | str or None before, str or int now"),
    ((CLIENT, "retries: int", "retries: str"), f"{CLASS}.retries type | int before, str now"),
    ((CLIENT, "def close", "async def close"), f"{CLASS}.close is called | plainly before, by await now"),
    ((CLIENT, "    @classmethod\n", ""), f"{CLASS}.of is called | classmethod before, plainly now"),
    ((CLIENT, "    @contextmanager\n", ""), f"{CLASS}.open is called | by with before, plainly now"),
    ((CLIENT, SETTER, ""), f"{CLASS}.url can be set | true before, false now"),
    ((ERRORS, "(SpeechError, ValueError)", "(SpeechError)"), f"{ERROR}.ConfigurationError bases | "),
    ((ERRORS, "(SpeechError): ...", "(Exception): ..."), f"{ERROR}.StatusError bases | Exception, {ERROR}.SpeechError"),
    ((MODELS, '"pcm"', '"wav"'), f"{MODEL}.Format.PCM value | 'pcm' before, 'wav' now"),
    ((MODELS, FIELD, FIELD[:-9] + "\n"), f"{MODEL}.Request(speed) required | false before, true now"),
    ((MODELS, FIELD, f"    to: str\n{FIELD}"), f"{MODEL}.Request(to) | nothing before, required true, type str now"),
    ((TTS, "    title: str", "    title: Required[str]"), f"{PARAMS}(title) required | false before, true now"),
    ((TTS, "    title", "    to: Required[int]\n    title"), f"{PARAMS}(to) | nothing before, required true, type int"),
    ((TTS, "float | None", "str | None"), f"{PARAMS}(speed) type | float or None before, str or None now"),
    ((TTS, ", total=False", ""), f"{PARAMS}(speed) required | false before, true now"),
    ((TTS, "(self, path: str", "(self, path: int"), "openrouter_speech.tts.TTS.save_speech(path) type | "),
    ((ERRORS, "class SpeechError(Exception):\n", INITIALIZED), f"{ERROR}.SpeechError.__init__ | nothing"),
]

HARMLESS: list[tuple[Edit, str]] = [
    ((CLIENT, "-> str | None", "-> Any"), f"{CLASS}.send returned type | str or None before, Any now"),
    ((CLIENT, CLOSE, f"{CLOSE}    def stop(self) -> None: ...\n"), f"{CLASS}.stop | nothing before, function now"),
    ((CLIENT, SPEED, f"{SPEED}, to: str = ''"), f"{CLASS}.send(to) | nothing before, required false, type str"),
    ((CLIENT, SPEED, f"{SPEED}, **more: str"), f"{CLASS}.send(more) | nothing before, type str now"),
    (
        (CLIENT, "send_async(self, text: str", "send_async(self, text: str = ''"),
        f"{CLASS}.send_async(text) required | ",
    ),
    ((CLIENT, "key: str | None", "key: str | bytes | None"), f"{CLASS}(key) type | str or None before, str or"),
    ((CLIENT, "key: str | None", "key: object"), f"{CLASS}(key) type | str or None before, object now"),
    ((CLIENT, "*, timeout", "timeout"), f"{CLASS}(timeout) kind | keyword-only before, positional or keyword now"),
    ((CLIENT, "-> str | None", "-> str"), f"{CLASS}.send returned type | str or None before, str now"),
    ((CLIENT, "def close(self) -> None", "def close(self) -> bool"), f"{CLASS}.close returned type | None before"),
    ((ERRORS, "StatusError(SpeechError)", "StatusError(SpeechError, OSError)"), f"{ERROR}.StatusError bases | "),
    ((ERRORS, '"SpeechError",', '"SpeechError", "Internal",'), f"{ERROR}.Internal | nothing before, class now"),
    ((MODELS, PCM, f'{PCM}    WAV = "wav"\n'), f"{MODEL}.Format.WAV | nothing before, attribute now"),
    ((MODELS, FIELD, f"{FIELD}    to: str = ''\n"), f"{MODEL}.Request(to) | nothing before, required false, type str"),
    ((TTS, "    title", "    language: str\n    title"), f"{PARAMS}(language) | nothing before, required false"),
    ((TTS, "Required[str]", "str"), f"{PARAMS}(input) required | true before, false now"),
    ((MOCK, '["Server"]', '["Other", "Server"]\nfrom x import Other'), "openrouter_speech.mock.Other | nothing"),
]

INVISIBLE: list[Edit] = [
    (SPEAK, "from ..models", '__all__ = ["sync"]\nfrom ..models'),
    (CLIENT, '"""A client."""', '"""Another sentence."""'),
    (CLIENT, CLOSE, f"{CLOSE}    def _private(self) -> None: ...\n"),
    (CLIENT, "    def __repr__(self) -> str: ...\n", ""),
    (CLIENT, "    def _hidden(self) -> None: ...\n", ""),
    (CLIENT, 'other: "Client"', "other: Client"),
    (CLIENT, "def close(self)", "def close(self, _token=1)"),
    (CLIENT, "import httpx\n", "import httpx\nfrom httpx import Response\n"),
    (SESSION, "text: str", "words: bytes"),
    (ERRORS, "class Internal: ...\n", ""),
    (SERVER, "class Internal: ...\n", "class Other: ...\n"),
    (PLUGIN, "_server: object", "_server: object, _other: object"),
    (PLUGIN, "def pytest_configure(config: object) -> None: ...\n", ""),
    (TTS, 'F = TypeVar("F")', ""),
    (small.VERSION, "0.1.0", "0.2.0"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages in small, in the current folder."""
    folder = tmp_path / "project"
    small.write(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The packages as they were: reading them takes as long as comparing."""
    folder = tmp_path_factory.mktemp("base")
    small.write(folder)
    with contextlib.chdir(folder):
        return packages_here()


def graded(base: Packages) -> tuple[list[str], str]:
    changes = api_diff(base, packages_here())
    return [str(finding) for finding in changes.findings], changes.verdict


def change_ids(changes: list[tuple[Edit, str]]) -> list[str]:
    return [line for _, line in changes]


@pytest.mark.parametrize(("change", "line"), REMOVED + BROKEN, ids=change_ids(REMOVED + BROKEN))
def test_what_breaks_callers_is_a_major(change: Edit, line: str, folder: Path, base: Packages) -> None:
    edit(folder, *change)
    lines, verdict = graded(base)
    (found,) = [found for found in lines if found.startswith(line)]
    assert found.endswith(f" | breaking | {TELL}")
    assert verdict == MAJOR
    # What goes is one line, however many public names, subclasses or positions it had.
    assert (change, line) not in REMOVED or len(lines) == 1


@pytest.mark.parametrize(("change", "line"), HARMLESS, ids=change_ids(HARMLESS))
def test_what_does_not_break_callers_is_a_minor(change: Edit, line: str, folder: Path, base: Packages) -> None:
    edit(folder, *change)
    lines, verdict = graded(base)
    (found,) = lines
    assert found.startswith(line)
    assert found.endswith(f" | not breaking | {MENTION}")
    assert verdict == MINOR


@pytest.mark.parametrize("change", INVISIBLE, ids=[repr(new or old) for _, old, new in INVISIBLE])
def test_what_callers_do_not_see_is_a_patch(change: Edit, folder: Path, base: Packages) -> None:
    """Words, what is internal, what pytest fills in; a type in quotes, or by another import, is the same type."""
    edit(folder, *change)
    assert graded(base) == ([], PATCH)


def test_nothing_changed(base: Packages, folder: Path) -> None:
    """Caches are nothing."""
    (folder / small.WRITTEN / "__pycache__").mkdir()
    (folder / small.WRITTEN / "__pycache__/client.pyc").write_bytes(b"\0")
    assert graded(base) == ([], NONE)


@pytest.mark.parametrize(("module", "importer"), [(CLIENT, INIT), (MODELS, f"{small.GENERATED}/models/__init__.py")])
def test_an_internal_module_may_move(module: str, importer: str, base: Packages, folder: Path) -> None:
    path = folder / module
    path.rename(path.with_name("elsewhere.py"))
    edit(folder, importer, f"from .{path.stem}", "from .elsewhere")
    assert graded(base) == ([], PATCH)


def test_a_public_module_may_not(base: Packages, folder: Path) -> None:
    (folder / TTS).rename(folder / small.WRITTEN / "speech.py")
    lines, verdict = graded(base)
    assert f"openrouter_speech.tts | module before, nothing now | breaking | {TELL}" in lines
    assert verdict == MAJOR


def test_a_base_that_is_renamed_is_told_of_once(base: Packages, folder: Path) -> None:
    """It is the base of the others under its new name, and they have not lost what they inherit."""
    path = folder / ERRORS
    path.write_text(path.read_text().replace("SpeechError", "BaseError"))
    lines, _ = graded(base)
    assert [line.partition(" | ")[0] for line in lines] == [f"{ERROR}.BaseError", f"{ERROR}.SpeechError"]


def test_an_internal_base_is_no_base(base: Packages, folder: Path) -> None:
    """What counts is what the class offers."""
    edit(folder, CLIENT, "(Base)", "")
    edit(folder, CLIENT, CLOSE, f"{CLOSE}    def shared(self) -> None: ...\n")
    assert graded(base) == ([], PATCH)


def test_one_more_public_name_is_harmless(base: Packages, folder: Path) -> None:
    edit(folder, INIT, '    "Client",', '    "Client",\n    "SpeechError",')
    edit(folder, INIT, "from .client", "from .errors import SpeechError\nfrom .client")
    lines, verdict = graded(base)
    assert lines == [f"openrouter_speech.SpeechError | nothing before, class now | not breaking | {MENTION}"]
    assert verdict == MINOR


def test_a_field_in_the_middle_moves_the_others(base: Packages, folder: Path) -> None:
    """Callers who give the fields by position break, and the advice is to put it last."""
    edit(folder, MODELS, FIELD, f"    to: str = ''\n{FIELD}")
    (order, to), verdict = graded(base)
    what = "order of parameters | text, speed before, text, to, speed now"
    assert order == f"{MODEL}.Request {what} | breaking | put new parameters last, or {TELL}"
    assert to.startswith(f"{MODEL}.Request(to) | ")
    assert to.endswith(f" | not breaking | {MENTION}")
    assert verdict == MAJOR


def test_a_parameter_that_is_renamed_breaks(base: Packages, folder: Path) -> None:
    edit(folder, CLIENT, SPEED, ", pace: int = 1")
    lines, _ = graded(base)
    assert [line.split(" | ")[::2] for line in lines] == [
        [f"{CLASS}.send(pace)", "not breaking"],
        [f"{CLASS}.send(speed)", "breaking"],
    ]


def test_a_keyword_that_others_take_is_still_taken(base: Packages, folder: Path) -> None:
    edit(folder, CLIENT, "*, timeout: float | None = None", "**options: float | None")
    lines, verdict = graded(base)
    assert [line.partition(" | ")[0] for line in lines] == [f"{CLASS}(options)", f"{CLASS}(timeout)"]
    assert verdict == MINOR


def test_fields_of_other_kinds_are_parameters(base: Packages, folder: Path) -> None:
    """An alias, a keyword, a factory; not a constant of the class, and not what attrs is told to leave out."""
    edit(
        folder,
        CLIENT,
        "class Client(Base):",
        """\
import attrs
from typing import ClassVar

@attrs.frozen(kw_only=True)
class Options:
    limit: ClassVar[int] = 1
    _key: str = attrs.field(alias="token")
    _size: int = 1
    first: int = 0
    second: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    made: int = attrs.field(default=0, init=False)

@attrs.frozen
class More(Options):
    name: str

class Client(Base):""",
    )
    edit(folder, INIT, '    "Client",', '    "Client", "Options", "More",')
    edit(folder, INIT, "import Client", "import Client, More, Options")
    with_options = packages_here()
    edit(folder, CLIENT, "_key: str", "_key: bytes")
    edit(folder, CLIENT, "_size: int = 1", "_size: int = 2")
    edit(folder, CLIENT, "factory=dict", "factory=list")
    edit(folder, CLIENT, "name: str", "name: bytes")
    edit(folder, CLIENT, "limit: ClassVar[int] = 1", "limit: ClassVar[int] = 2")
    edit(folder, CLIENT, "    first: int = 0\n    second: int = 0\n", "    second: int = 0\n    first: int = 0\n")
    edit(folder, CLIENT, "made: int = attrs.field(default=0", "made: int = attrs.field(default=1")
    lines, _ = graded(with_options)
    assert {line.partition(" | ")[0] for line in lines} == {
        "openrouter_speech.Options(token) type",
        "openrouter_speech.Options(size) default",
        "openrouter_speech.Options(headers) default",
        "openrouter_speech.More(token) type",
        "openrouter_speech.More(size) default",
        "openrouter_speech.More(headers) default",
        "openrouter_speech.More(name) type",
    }


@pytest.fixture
def repository(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages, beside the description, as a repository in which they were committed as v1."""
    git(folder, "init", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--message=Write the packages")
    git(folder, "tag", "v1")
    return folder


def state(repository: Path) -> list[object]:
    """All that a command could leave behind in a repository."""
    listed = subprocess.run(
        ["git", "-C", repository, "worktree", "list"], capture_output=True, text=True, check=True
    ).stdout
    return [listed, *sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*"))]


def test_the_command_compares_with_a_commit(repository: Path, run: Run) -> None:
    edit(repository, CLIENT, CLOSE, "")
    before = state(repository)
    line = f"{CLASS}.close | function before, nothing now | breaking | {TELL}"
    assert run("api-diff", "v1") == run("api-diff", "HEAD") == (0, [line, MAJOR])
    assert state(repository) == before
    git(repository, "commit", "--all", "--message=Take it away")
    assert run("api-diff", "main") == (0, [NONE])
    assert run("api-diff", "v1")[1][-1] == MAJOR


@pytest.mark.parametrize("package", PACKAGES)
def test_a_commit_without_a_package_is_refused(package: str, repository: Path, run: Run) -> None:
    git(repository, "mv", package, "elsewhere")
    git(repository, "commit", "--message=Move it away")
    status, (sentence,) = run("api-diff", "HEAD")
    assert status == 2
    assert sentence.startswith(f"The commit HEAD has no {package}: ")
    assert run("api-diff", "v1") == (2, [f"There is no package {package} here."])


@pytest.mark.parametrize("content", ["def broken(:\n", "a = '\0'\n"])
def test_a_package_that_is_not_python_is_refused(content: str, repository: Path, run: Run) -> None:
    whole = (repository / SESSION).read_text()
    (repository / SESSION).write_text(content)
    before = state(repository)
    status, (sentence,) = run("api-diff", "v1")
    assert status == 2
    assert sentence.startswith(f"{SESSION} is not Python")
    assert state(repository) == before
    git(repository, "commit", "--all", "--message=Break it")
    (repository / SESSION).write_text(whole)
    status, (sentence,) = run("api-diff", "HEAD")
    assert status == 2
    assert sentence.startswith(f"{SESSION} at HEAD is not Python")


def test_make_compares_with_a_commit(repository: Path, make: Make) -> None:
    edit(repository, TTS, "    title", "    language: str\n    title")
    here = ("-C", str(repository), "-f", str(PROJECT / "Makefile"), NO_SETUP, "api-diff")
    result = make(*here, BASE="v1", PYTHONPATH=str(PROJECT))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"{PARAMS}(language) | nothing before, required false, type str now | not breaking | {MENTION}",
        MINOR,
    ]
    asked = "Name the commit to compare with: make api-diff BASE=<branch, tag or hash>"
    assert make(*here, BASE="").stderr.splitlines()[0] == asked


def test_the_real_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a parameter, a model, an error and the mock server are in them is what it is in the small ones."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    base = packages_here()
    edit(
        tmp_path,
        "generated/openrouter_speech_api/params.py",
        "    speed: float | None\n",
        "    speed: Required[float | None]\n",
    )
    edit(tmp_path, CLIENT, "        timeout_ms: float | None = None,\n", "")
    edit(tmp_path, "generated/openrouter_speech_api/models/speech_request.py", "    speed: float | Unset = UNSET\n", "")
    edit(tmp_path, ERRORS, "class RedirectError(APIStatusError)", "class RedirectError(OpenRouterError)")
    edit(tmp_path, SERVER, "        seed: int = 0,\n", "        seed: int = 1,\n")
    lines, verdict = graded(base)
    assert [line.partition(" | ")[0] for line in lines if " | breaking | " in line] == [
        "openrouter_speech.OpenRouter(timeout_ms)",
        "openrouter_speech.errors.RedirectError bases",
        "openrouter_speech.mock.MockServer(seed) default",
        "openrouter_speech.tts.BatchParams(speed) required",
        "openrouter_speech.tts.NarrationParams(speed) required",
        "openrouter_speech.tts.SpeechParams(speed) required",
        "openrouter_speech_api.models.SpeechRequest(speed)",
        "openrouter_speech_api.params.CreateSpeechOptions(speed) required",
        "openrouter_speech_api.params.CreateSpeechParams(speed) required",
    ]
    assert verdict == MAJOR
