"""`make generate` writes the client from nothing, the same each time; `make check-generated` notices any difference."""

import shutil
from pathlib import Path

import pytest
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.models import SpeechRequest

from .conftest import PROJECT, Make

GENERATED = PROJECT / "generated" / "openrouter_speech_api"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the committed client."""
    folder = tmp_path / "openrouter_speech_api"
    shutil.copytree(GENERATED, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_runs_give_identical_bytes(make: Make, copy: Path, tmp_path: Path) -> None:
    """Those that are committed; also where Python orders its sets differently, and where another client was before.

    Nothing is left beside the client: no cache, no log.
    """
    stray(copy)
    committed = {name: content for name, content in contents(GENERATED).items() if "__pycache__" not in name}
    for seed, target in (("1", tmp_path / "new" / copy.name), ("2", copy)):
        before = set(target.parent.iterdir()) if target.exists() else set()
        result = make("generate", f"GENERATED={target}", PYTHONHASHSEED=seed)
        assert result.returncode == 0, result.stderr
        assert set(target.parent.iterdir()) == before | {target}
        assert contents(target) == committed
    assert not [name for name in committed if not name.endswith((".py", "openapi.yaml", "py.typed"))]


def test_what_is_committed_is_up_to_date(make: Make) -> None:
    result = make("check-generated")
    assert result.returncode == 0, result.stdout + result.stderr


def edit(folder: Path) -> None:
    file = folder / "client.py"
    file.write_text(file.read_text().replace("120.0", "121.0"))


def delete(folder: Path) -> None:
    (folder / "py.typed").unlink()


def stray(folder: Path) -> None:
    (folder / "models" / "left_behind.py").touch()


def test_each_difference_is_noticed_and_shown(make: Make, copy: Path) -> None:
    for damage in (edit, delete, stray):
        damage(copy)
    result = make("check-generated", f"GENERATED={copy}")
    assert result.returncode != 0
    for named in ("-DEFAULT_TIMEOUT = httpx.Timeout(121.0", ": py.typed", ": left_behind.py"):
        assert named in result.stdout
    assert "make generate" in result.stderr


def test_a_warning_fails_and_leaves_the_old_client(make: Make, copy: Path, tmp_path: Path) -> None:
    """The generator only warns of a media type that it cannot read, and drops the answer."""
    description = tmp_path / "openapi.yaml"
    description.write_text((PROJECT / "openapi.yaml").read_text().replace("audio/*:", "video/*:"))
    before = contents(copy)
    result = make("generate", f"OPENAPI={description}", f"GENERATED={copy}")
    assert result.returncode != 0
    assert "video/*" in result.stderr
    assert contents(copy) == before


def test_the_description_travels_with_the_client() -> None:
    assert (GENERATED / "openapi.yaml").read_bytes() == (PROJECT / "openapi.yaml").read_bytes()


def test_its_documentation_reaches_the_docstrings() -> None:
    documentation = create_speech.sync.__doc__ or ""
    for sentence in (
        "Turns a text into spoken audio",  # the operation
        "The name under which your app is shown",  # a parameter
        "The provider has more requests than it can serve",  # an answer
    ):
        assert sentence in " ".join(documentation.split())
    assert SpeechRequest.__doc__ == "What to say, and how."
    assert (
        '""" The text to speak. Billing is by its characters. """'
        in (GENERATED / "models/speech_request.py").read_text()
    )
