"""`make generate` writes the same client each time; `make check-generated` shows any difference."""

import shutil
from pathlib import Path

import pytest
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.models import SpeechRequest

from .conftest import PROJECT, Make

GENERATED = PROJECT / "generated" / "openrouter_speech_api"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the committed client."""
    folder = tmp_path / "openrouter_speech_api"
    shutil.copytree(GENERATED, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_run_writes_identical_bytes(make: Make, copy: Path, tmp_path: Path) -> None:
    """The committed ones, whatever the order of Python's sets and whatever was there. Nothing else is left behind."""
    stray(copy)
    committed = {name: content for name, content in contents(GENERATED).items() if "__pycache__" not in name}
    for seed, target in (("1", tmp_path / "new" / copy.name), ("2", copy)):
        before = set(target.parent.iterdir()) if target.exists() else set()
        result = make("generate", f"GENERATED={target}", PYTHONHASHSEED=seed)
        assert result.returncode == 0, result.stderr
        assert set(target.parent.iterdir()) == before | {target}
        assert contents(target) == committed
    assert not [name for name in committed if not name.endswith((".py", "openapi.yaml", "py.typed", "reference.md"))]


def test_the_committed_client_is_up_to_date(make: Make) -> None:
    result = make("check-generated")
    assert result.returncode == 0, result.stdout + result.stderr


def stray(folder: Path) -> None:
    (folder / "models" / "left_behind.py").touch()


def test_each_difference_is_shown(make: Make, copy: Path) -> None:
    client = copy / "client.py"
    client.write_text(client.read_text().replace("120.0", "121.0"))
    (copy / "py.typed").unlink()
    stray(copy)
    result = make("check-generated", f"GENERATED={copy}")
    assert result.returncode != 0
    for named in ("-DEFAULT_TIMEOUT = httpx.Timeout(121.0", ": py.typed", ": left_behind.py"):
        assert named in result.stdout
    assert "make generate" in result.stderr


def test_a_warning_fails_and_keeps_the_old_client(make: Make, copy: Path, tmp_path: Path) -> None:
    """The generator warns of a media type that it cannot read, and drops the response."""
    description = tmp_path / "openapi.yaml"
    description.write_text((PROJECT / "openapi.yaml").read_text().replace("audio/*:", "video/*:"))
    before = contents(copy)
    result = make("generate", f"OPENAPI={description}", f"GENERATED={copy}")
    assert result.returncode != 0
    assert "video/*" in result.stderr
    assert contents(copy) == before


def test_the_description_is_shipped_with_the_client() -> None:
    assert (GENERATED / "openapi.yaml").read_bytes() == (PROJECT / "openapi.yaml").read_bytes()


@pytest.mark.parametrize(
    ("documentation", "sentence"),
    [
        (create_speech.sync.__doc__, "Turns a text into spoken audio"),  # the operation
        (create_speech.sync.__doc__, "Your app's name, as shown in rankings"),  # a parameter
        (create_speech.sync.__doc__, "The provider is overloaded"),  # a response
        (SpeechRequest.__doc__, "What to say, and how."),  # a schema
        (
            (GENERATED / "models/speech_request.py").read_text(),
            '""" How to speak, in words ("Calmly, with a smile"). Models without such a setting ignore it. """',
        ),
    ],
)
def test_descriptions_become_docstrings(documentation: str, sentence: str) -> None:
    assert sentence in " ".join(documentation.split())
