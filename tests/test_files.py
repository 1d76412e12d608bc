"""Audio files: whole or not there, with a name that fits."""

import os
import stat
import wave
from pathlib import Path

import pytest
from openrouter_speech import files
from openrouter_speech.audio import AudioFacts

PCM = AudioFacts("pcm", 24_000, 1)
MP3 = AudioFacts("mp3")


def save(path: Path, content: bytes, facts: AudioFacts = PCM) -> None:
    with files.saving(path, facts) as sink:
        for start in range(0, len(content), 100):
            sink.write(content[start : start + 100])


def test_pcm_is_written_as_it_is(tmp_path: Path) -> None:
    save(tmp_path / "a.pcm", b"audio" * 100)
    assert (tmp_path / "a.pcm").read_bytes() == b"audio" * 100


def test_a_wav_file_gets_its_header(tmp_path: Path) -> None:
    save(tmp_path / "a.WAV", bytes(48_000))
    with wave.open(str(tmp_path / "a.WAV")) as reader:
        assert (reader.getnframes(), reader.getframerate(), reader.getnchannels()) == (24_000, 24_000, 1)


def test_a_wav_answer_gets_no_second_header(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", b"RIFF....", AudioFacts("wav"))
    assert (tmp_path / "a.wav").read_bytes() == b"RIFF...."


@pytest.mark.parametrize(
    ("name", "audio_format"),
    [
        ("a.mp3", "mp3"),
        ("a.wav", "wav"),
        ("a.wav", "pcm"),
        ("a.pcm", "pcm"),
        ("a", "mp3"),
        ("a.bin", "pcm"),
        ("a.ogg", "ogg"),
        ("a.opus", "ogg"),
    ],
)
def test_a_suffix_that_fits_is_taken(name: str, audio_format: str) -> None:
    files.check_suffix(name, audio_format)


@pytest.mark.parametrize(
    ("name", "audio_format", "remedy"),
    [
        ("a.mp3", "pcm", r"\.pcm or \.wav"),
        ("a.wav", "mp3", r"\.mp3"),
        ("a.pcm", "mp3", r"\.mp3"),
        ("a.pcm", "wav", r"\.wav"),
        ("a.MP3", "ogg", r"\.ogg or \.opus"),
        ("a.MP3", "x-new", "another suffix"),
    ],
)
def test_a_suffix_that_contradicts_is_refused(name: str, audio_format: str, remedy: str) -> None:
    """Raw pcm in a file named .mp3 is the commonest "corrupted audio"."""
    with pytest.raises(ValueError, match=remedy):
        files.check_suffix(name, audio_format)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.pcm"
    target.write_bytes(b"old")

    def fail() -> None:
        with files.saving(target, PCM) as sink:
            sink.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.pcm", b"old")]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.pcm"
    target.write_bytes(b"old")
    with files.saving(target, PCM) as sink:
        sink.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_old_files_permissions_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.pcm"
    target.write_bytes(b"old")
    target.chmod(0o600)
    save(target, b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_new_files_permissions_follow_the_umask(tmp_path: Path) -> None:
    save(tmp_path / "a.pcm", b"new")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.pcm").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.pcm").symlink_to("real.pcm")
    save(tmp_path / "link.pcm", b"new")
    assert (tmp_path / "link.pcm").is_symlink()
    assert (tmp_path / "real.pcm").read_bytes() == b"new"


def test_a_device_is_written_to_where_it_is() -> None:
    save(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)  # noqa: PTH116


def blocked(tmp_path: Path, obstacle: str) -> Path:
    """A path that cannot be written, for one reason."""
    if obstacle == "folder":
        (tmp_path / "a.pcm").mkdir()
        return tmp_path / "a.pcm"
    if obstacle == "file":
        (tmp_path / "file").touch()
        return tmp_path / "file" / "a.pcm"
    return tmp_path / "missing" / "a.pcm"


OBSTACLES = [
    ("missing", FileNotFoundError, "missing does not exist; create it first"),
    ("folder", IsADirectoryError, "it is a folder; name a file in it"),
    ("file", NotADirectoryError, "file is not a folder"),
]


@pytest.mark.parametrize(("obstacle", "kind", "reason"), OBSTACLES)
def test_a_path_that_cannot_be_written_is_explained(
    tmp_path: Path, obstacle: str, kind: type[OSError], reason: str
) -> None:
    path = blocked(tmp_path, obstacle)
    with pytest.raises(kind, match=reason):
        save(path, b"new")
    with pytest.raises(kind, match=reason):
        files.check_writable(path)


def test_a_folder_without_permission_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system's answer, which root never gets."""
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match="no permission to write in"):
        files.check_writable(tmp_path / "a.pcm")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full to write to")
def test_a_full_disk_is_explained() -> None:
    with pytest.raises(OSError, match="the disk of /dev is full"):
        save(Path("/dev/full"), bytes(1 << 20))


def test_another_failure_of_the_system_is_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), files.saving(tmp_path / "a.pcm", PCM):
        raise BrokenPipeError
    assert not list(tmp_path.iterdir())
