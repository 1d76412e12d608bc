"""Audio files: whole or not there, with a name that fits."""

import errno
import os
import stat
import subprocess
import sys
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import _files as files
from openrouter_speech import errors
from openrouter_speech._core import wav
from openrouter_speech._core.audio import AudioInfo

PCM = AudioInfo("pcm", 24_000, 1)
MP3 = AudioInfo("mp3")


def save(path: Path, content: bytes, info: AudioInfo = PCM) -> None:
    with files.saving(path, info) as sink:
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
    save(tmp_path / "a.wav", b"RIFF....", AudioInfo("wav"))
    assert (tmp_path / "a.wav").read_bytes() == b"RIFF...."


@pytest.mark.parametrize(
    ("name", "audio_format"),
    [
        ("a.mp3", "mp3"),
        ("a.wav", "wav"),
        ("a.wav", "pcm"),
        ("a.pcm", "pcm"),
        ("a.x-new", "x-new"),
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
        ("a", "mp3", r"the name a does not say so: name it \.mp3"),
        ("a.wave", "pcm", r"name it \.pcm or \.wav"),
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


# What is asked for, by the name of the file


@pytest.mark.parametrize(
    ("name", "requested", "asked"),
    [
        ("a.mp3", None, "mp3"),
        ("a.WAV", None, "pcm"),
        ("a.pcm", None, "pcm"),
        ("a.wav", "pcm", "pcm"),
        ("a.flac", "flac", "flac"),
        ("a.ogg", "opus", "opus"),
        ("a.m4a", "m4a", "m4a"),
    ],
)
def test_the_suffix_picks_the_format(tmp_path: Path, name: str, requested: str | None, asked: str) -> None:
    assert files.format_to_request(tmp_path / name, requested) == asked


@pytest.mark.parametrize("name", ["a.wave", "a.m4a", "a", "a.txt", "a.ogg", ".mp3", "a."])
def test_a_suffix_that_is_not_written_here_is_refused(tmp_path: Path, name: str) -> None:
    """With those that are."""
    with pytest.raises(ValueError, match=r"\.mp3, \.pcm or \.wav"):
        files.format_to_request(tmp_path / name, None)


@pytest.mark.parametrize("requested", [None, "mp3", "flac"])
def test_a_device_may_have_any_name(requested: str | None) -> None:
    assert files.format_to_request(os.devnull, requested) == requested


@pytest.mark.parametrize("name", ["語" * 83, "a" * 251])
def test_a_long_name_leaves_room_for_the_half_written_file(tmp_path: Path, name: str) -> None:
    """Of 255 bytes at most."""
    save(tmp_path / f"{name}.pcm", b"new")


def test_a_name_that_is_too_long_is_explained(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the name is too long"):
        files.check_writable(tmp_path / ("a" * 300 + ".mp3"))


# Audio that was paid for


def keep(path: Path, *chunks: bytes, info: AudioInfo = PCM) -> None:
    with files.keeping(path, info) as sink:
        for chunk in chunks:
            sink.write(chunk)


@pytest.mark.parametrize(
    ("name", "audio_format", "beside"),
    [
        ("a.mp3", "pcm", "a.wav"),
        ("a.wav", "mp3", "a.mp3"),
        ("a.pcm", "wav", "a.wav"),
        ("a.mp3", "opus", "a.opus"),
        ("a", "pcm", "a.wav"),
        ("a.wave", "wav", "a.wav"),
        ("a.mp3", "mp4", "a.mp4"),
        ("a.mp3", "../../x", "a.bin"),
    ],
)
def test_a_wrong_suffix_costs_no_audio(tmp_path: Path, name: str, audio_format: str, beside: str) -> None:
    with pytest.raises(errors.SuffixMismatchError, match="name it") as raised:
        keep(tmp_path / name, b"RIFFaudio" * 2, info=AudioInfo(audio_format))
    assert raised.value.saved_to == tmp_path / beside
    assert str(tmp_path / beside) in str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert raised.value.maybe_billed
    content = (tmp_path / beside).read_bytes()
    assert content.endswith(b"RIFFaudio" * 2)
    assert (content[:4], len(content)) == ((b"RIFF", 18 + 44) if audio_format == "pcm" else (b"RIFF", 18))
    assert [path.name for path in tmp_path.iterdir()] == [beside]


def test_what_is_saved_beside_replaces_nothing(tmp_path: Path) -> None:
    for name in ("a.wav", "a-2.wav", "a.mp3"):
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(errors.SuffixMismatchError) as raised:
        keep(tmp_path / "a.mp3", bytes(480))
    assert raised.value.saved_to == tmp_path / "a-3.wav"
    assert [(tmp_path / name).read_bytes() for name in ("a.wav", "a-2.wav", "a.mp3")] == [b"old"] * 3


def fail_to_write(at: int) -> Callable[[Any, bytes], None]:
    """The write method of a sink whose disk is full after some chunks."""
    write, calls = files.AudioSink.write, 0

    def failing(self: files.AudioSink, chunk: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > at:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, chunk)

    return failing


@pytest.mark.parametrize("name", ["a.pcm", "a.wav", "a.mp3"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_full_disk_costs_no_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int) -> None:
    """What is on the disk is read back, what comes later goes into memory; an older file is as it was."""
    (tmp_path / name).write_bytes(b"old")
    monkeypatch.setattr(files.AudioSink, "write", fail_to_write(at))
    with pytest.raises(
        errors.FileWriteError, match=f"the disk of {tmp_path} is full.* in this error's `audio`"
    ) as raised:
        keep(tmp_path / name, b"one.", b"two.", b"three.")
    error = raised.value
    assert (error.audio, error.saved_to, error.maybe_billed) == (b"one.two.three.", None, True)
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (errno.ENOSPC, str(tmp_path / ("a.wav" if name == "a.mp3" else name)))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"old"}


def test_a_limit_of_the_system_is_a_failure_like_any_other(tmp_path: Path) -> None:
    """A write that is done in part, and a name in the way: by the system itself, in a process of its own."""
    script = """
import resource, signal, sys
from openrouter_speech import _files as files, errors
from openrouter_speech._core.audio import AudioInfo
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with files.keeping(sys.argv[1], AudioInfo("pcm")) as sink:
        for _ in range(3):
            sink.write(bytes(range(200)) * 4)
except errors.FileWriteError as error:
    assert error.audio == bytes(range(200)) * 12, len(error.audio)
    print(error)
"""
    # -B: the limit would cut the bytecode short that Python writes for other processes.
    arguments = [sys.executable, "-B", "-c", script, str(tmp_path / "a.wav")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "the file is larger than the system allows" in ended.stdout, ended.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["folder", "half-written file"])
def test_a_removed_folder_costs_no_audio(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    reason = {"folder": "does not exist", "half-written file": "was removed while it was being written"}[what]

    def remove_it() -> None:
        with files.keeping(folder / "a.wav", PCM) as sink:
            sink.write(b"one.")
            for file in folder.iterdir():
                file.unlink()
            if what == "folder":
                folder.rmdir()
            sink.write(b"two.")

    with pytest.raises(errors.FileWriteError, match=reason) as raised:
        remove_it()
    assert raised.value.audio == b"one.two."


@pytest.mark.parametrize(("obstacle", "kind", "reason"), OBSTACLES)
def test_a_path_that_cannot_be_written_costs_no_audio(
    tmp_path: Path, obstacle: str, kind: type[OSError], reason: str
) -> None:
    path = blocked(tmp_path, obstacle)
    with pytest.raises(errors.FileWriteError, match=reason) as raised:
        keep(path, b"one.", b"two.")
    assert raised.value.audio == b"one.two."


def test_a_file_that_cannot_be_moved_costs_no_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    for name in ("a.wav", "a.mp3"):  # the second is saved beside, where a place was made for it
        with pytest.raises(errors.FileWriteError, match="no permission") as raised:
            keep(tmp_path / name, b"one.", b"two.")
        assert raised.value.audio == b"one.two."
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("chunks", [[bytes(300)] * 2, [bytes(600)]])
def test_what_is_too_large_for_wav_is_kept_as_pcm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: list[bytes]
) -> None:
    """Of 4 GiB in earnest. It is not read into memory."""

    def small(size: int) -> None:
        if size > 500:
            raise ValueError(f"{size} bytes of audio do not fit into a WAV file")

    monkeypatch.setattr(wav, "check_size", small)
    with pytest.raises(errors.FileWriteError, match="do not fit into a WAV file") as raised:
        keep(tmp_path / "a.wav", *chunks)
    assert (raised.value.saved_to, raised.value.audio) == (tmp_path / "a.pcm", b"")
    assert (tmp_path / "a.pcm").read_bytes() == bytes(600)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pcm"]


@pytest.mark.parametrize("kind", [errors.TruncatedAudioError, errors.APITimeoutError])
def test_what_was_written_before_the_network_failed_is_in_the_error(tmp_path: Path, kind: Any) -> None:
    error = kind("It ended", httpx.Response(200)) if kind is errors.TruncatedAudioError else kind("It ended")
    error.audio = b"not written yet"

    def cut() -> None:
        with files.keeping(tmp_path / "a.wav", PCM) as sink:
            sink.write(b"written, ")
            raise error

    with pytest.raises(kind):
        cut()
    assert error.audio == b"written, not written yet"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opening", [files.saving, files.keeping])
def test_what_the_callers_own_code_raises_is_not_explained(tmp_path: Path, opening: Any) -> None:
    """Its ENOENT is no missing folder of ours."""
    own = FileNotFoundError(errno.ENOENT, "No such file or directory", "/their/own.txt")

    def fail() -> None:
        with opening(tmp_path / "a.pcm", PCM) as sink:
            sink.write(b"new")
            raise own

    with pytest.raises(FileNotFoundError) as raised:
        fail()
    assert raised.value is own
    assert own.__cause__ is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opening", [files.saving, files.keeping])
@pytest.mark.parametrize("name", ["pipe.pcm", "pipe", "pipe.mp3"])
def test_a_pipe_is_written_to_where_it_is(tmp_path: Path, opening: Any, name: str) -> None:
    """Under any name; it is neither moved nor read back."""
    path = tmp_path / name
    os.mkfifo(path, 0o600)
    files.check_writable(path)
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(path.read_bytes)
        with opening(path, PCM) as sink:
            sink.write(b"one.")
            sink.write(b"two.")
            assert not sink.has_sound(PCM)
        assert heard.result(10) == b"one.two."
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pipe_that_nobody_reads_any_more_keeps_what_it_did_not_take(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write_to_nobody() -> None:
        with ThreadPoolExecutor() as pool:
            reader = pool.submit((tmp_path / "pipe").open, "rb")
            with files.keeping(tmp_path / "pipe", PCM) as sink:
                reader.result(10).close()
                sink.write(b"one.")
                sink.write(b"two.")

    with pytest.raises(errors.FileWriteError, match="nobody reads") as raised:
        write_to_nobody()
    assert raised.value.audio == b"one.two."
