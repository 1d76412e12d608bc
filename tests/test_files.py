"""Audio files: complete or absent, with a matching suffix, and nothing lost that was paid for."""

import errno
import os
import resource
import stat
import wave
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


def write(opening: Any, path: Path, info: AudioInfo, *steps: Any) -> None:
    """Write audio. A step is a chunk, an exception to raise, or a function to call."""
    with opening(path, info) as sink:
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, bytes):
                sink.write(step)
            else:
                step()


def save(path: Path, *steps: Any, info: AudioInfo = PCM) -> None:
    write(files.saving, path, info, *steps)


def keep(path: Path, *steps: Any, info: AudioInfo = PCM) -> None:
    write(files.keeping, path, info, *steps)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_audio_is_written_as_is_except_that_pcm_gets_a_wav_header(tmp_path: Path) -> None:
    save(tmp_path / "a.pcm", b"audio", b"more")
    save(tmp_path / "b.wav", b"RIFF....", info=AudioInfo("wav"))
    assert contents(tmp_path) == {"a.pcm": b"audiomore", "b.wav": b"RIFF...."}
    save(tmp_path / "a.WAV", *[bytes(24_000)] * 2)
    with wave.open(str(tmp_path / "a.WAV")) as reader:
        assert (reader.getnframes(), reader.getframerate(), reader.getnchannels()) == (24_000, 24_000, 1)


@pytest.mark.parametrize(
    ("name", "requested", "expected"),
    [
        *[("a.mp3", None, "mp3"), ("a.WAV", None, "pcm"), ("a.pcm", None, "pcm"), ("a.wav", "pcm", "pcm")],
        *[("a.flac", "flac", "flac"), ("a.ogg", "opus", "opus"), ("a.opus", "ogg", "ogg"), ("a.m4a", "m4a", "m4a")],
        *((os.devnull, requested, requested) for requested in (None, "mp3", "flac")),
    ],
)
def test_the_suffix_picks_the_format(tmp_path: Path, name: str, requested: str | None, expected: str) -> None:
    """A device may have any name."""
    assert files.format_to_request(tmp_path / name, requested) == expected


@pytest.mark.parametrize("name", ["a.wave", "a.m4a", "a", "a.ogg", ".mp3"])
def test_a_suffix_that_picks_no_format_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.mp3, \.pcm or \.wav"):
        files.format_to_request(tmp_path / name, None)


def test_the_old_file_is_replaced_only_by_a_complete_one(tmp_path: Path) -> None:
    target = tmp_path / "a.pcm"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        save(target, b"new", KeyboardInterrupt())
    assert contents(tmp_path) == {"a.pcm": b"old"}
    seen: list[bytes] = []
    save(target, b"new", lambda: seen.append(target.read_bytes()))
    assert seen == [b"old"]
    assert contents(tmp_path) == {"a.pcm": b"new"}


def test_permissions_are_those_of_the_old_file_or_of_the_umask(tmp_path: Path) -> None:
    (tmp_path / "old.pcm").touch(0o600)
    (tmp_path / "new").touch()
    save(tmp_path / "old.pcm", b"new")
    save(tmp_path / "new.pcm", b"new")
    assert stat.S_IMODE((tmp_path / "old.pcm").stat().st_mode) == 0o600
    assert (tmp_path / "new.pcm").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_link_and_a_device_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.pcm").symlink_to("real.pcm")
    save(tmp_path / "link.pcm", b"new")
    assert (tmp_path / "link.pcm").is_symlink()
    assert (tmp_path / "real.pcm").read_bytes() == b"new"
    save(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("missing/a.pcm", FileNotFoundError, "missing does not exist; create it first"),
        ("folder.pcm", IsADirectoryError, "it is a folder; name a file in it"),
        ("file/a.pcm", NotADirectoryError, "file is not a folder"),
    ],
)
def test_a_path_that_cannot_be_written_is_explained_and_loses_no_audio(
    tmp_path: Path, name: str, kind: type[OSError], reason: str
) -> None:
    (tmp_path / "folder.pcm").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / name
    with pytest.raises(kind, match=reason):
        save(path, b"new")
    with pytest.raises(kind, match=reason):
        files.check_writable(path)
    with pytest.raises(errors.FileWriteError, match=reason) as raised:
        keep(path, b"one.", b"two.")
    assert raised.value.audio == b"one.two."


def test_other_failures_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="the name is too long"):
        files.check_writable(tmp_path / ("a" * 300 + ".mp3"))
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="no permission to write in"):
        files.check_writable(tmp_path / "a.pcm")
    if Path("/dev/full").exists():
        with pytest.raises(OSError, match="the disk of /dev is full"):
            save(Path("/dev/full"), bytes(1 << 20))


@pytest.mark.parametrize("name", ["語" * 83, "a" * 251])
def test_a_long_name_leaves_room_for_the_temporary_name(tmp_path: Path, name: str) -> None:
    """A name has at most 255 bytes."""
    save(tmp_path / f"{name}.pcm", b"new")


@pytest.mark.parametrize("opening", [files.saving, files.keeping])
@pytest.mark.parametrize("own", [FileNotFoundError(errno.ENOENT, "No such file", "/their/own.txt"), BrokenPipeError()])
def test_an_exception_of_the_callers_code_is_not_explained(tmp_path: Path, opening: Any, own: OSError) -> None:
    with pytest.raises(type(own)) as raised:
        write(opening, tmp_path / "a.pcm", PCM, b"new", own)
    assert raised.value is own
    assert own.__cause__ is None
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("name", "audio_format", "saved_as", "fix"),
    [
        ("a.mp3", "pcm", "a.wav", r"a file named a\.mp3 cannot hold: name it \.pcm or \.wav, or pass"),
        ("a.wav", "mp3", "a.mp3", r"name it \.mp3"),
        ("a.pcm", "wav", "a.wav", r"name it \.wav"),
        ("a.mp3", "opus", "a.opus", r"name it \.ogg or \.opus"),
        ("a", "pcm", "a.wav", r"the name a does not say so: name it \.pcm or \.wav"),
        ("a.wave", "wav", "a.wav", r"name it \.wav"),
        ("a.mp3", "mp4", "a.mp4", "name it another suffix"),
        ("a.mp3", "../../x", "a.bin", "name it another suffix"),
    ],
)
def test_audio_with_a_wrong_suffix_is_saved_under_the_right_one(
    tmp_path: Path, name: str, audio_format: str, saved_as: str, fix: str
) -> None:
    """Raw pcm in a file named .mp3 is the most common "corrupted audio"."""
    with pytest.raises(ValueError, match=fix):
        save(tmp_path / name, b"RIFF", info=AudioInfo(audio_format))
    with pytest.raises(errors.SuffixMismatchError, match=fix) as raised:
        keep(tmp_path / name, b"RIFFaudio" * 2, info=AudioInfo(audio_format))
    assert raised.value.saved_to == tmp_path / saved_as
    assert str(tmp_path / saved_as) in str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert raised.value.maybe_billed
    ((saved, content),) = contents(tmp_path).items()
    assert (saved, content[-18:]) == (saved_as, b"RIFFaudio" * 2)
    assert len(content) == (18 + 44 if audio_format == "pcm" else 18)


def test_the_right_suffix_replaces_no_other_file(tmp_path: Path) -> None:
    old = dict.fromkeys(("a.wav", "a-2.wav", "a.mp3"), b"old")
    for name in old:
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(errors.SuffixMismatchError) as raised:
        keep(tmp_path / "a.mp3", bytes(480))
    assert raised.value.saved_to == tmp_path / "a-3.wav"
    assert contents(tmp_path).items() >= old.items()


@pytest.mark.parametrize("name", ["a.pcm", "a.wav", "a.mp3"])
@pytest.mark.parametrize("limit", [0, 50, 1000])
def test_a_failed_write_loses_no_audio(tmp_path: Path, name: str, limit: int) -> None:
    """The system's limit on file sizes causes it. What was written is read back, and the old file is untouched."""
    (tmp_path / name).write_bytes(b"old")
    audio = bytes(range(200)) * 12
    old_limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(errors.FileWriteError, match=r"larger than the system allows.*in this error's") as raised:
            keep(tmp_path / name, audio[:800], audio[800:1600], audio[1600:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (old_limit, most))
    error = raised.value
    assert (error.audio, error.saved_to, error.maybe_billed) == (audio, None, True)
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (errno.EFBIG, str(tmp_path / ("a.wav" if name == "a.mp3" else name)))
    assert contents(tmp_path) == {name: b"old"}


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_removed_folder_or_file_loses_no_audio(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def remove_it() -> None:
        for file in folder.iterdir():
            file.unlink()
        if what == "folder":
            folder.rmdir()

    reason = {"folder": "does not exist", "file": "was removed while it was being written"}[what]
    with pytest.raises(errors.FileWriteError, match=reason) as raised:
        keep(folder / "a.wav", b"one.", remove_it, b"two.")
    assert raised.value.audio == b"one.two."


@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
def test_a_file_that_cannot_be_moved_loses_no_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(errors.FileWriteError, match="no permission") as raised:
        keep(tmp_path / name, b"one.", b"two.")
    assert raised.value.audio == b"one.two."
    assert not contents(tmp_path)


@pytest.mark.parametrize("chunks", [[bytes(300)] * 2, [bytes(600)]])
def test_audio_too_large_for_wav_is_saved_as_pcm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: list[bytes]
) -> None:
    """The limit is 4 GiB, so the audio is not read into memory."""

    def small(size: int) -> None:
        if size > 500:
            raise ValueError(f"{size} bytes of audio do not fit into a WAV file")

    monkeypatch.setattr(wav, "check_size", small)
    with pytest.raises(errors.FileWriteError, match="do not fit into a WAV file") as raised:
        keep(tmp_path / "a.wav", *chunks)
    assert (raised.value.saved_to, raised.value.audio) == (tmp_path / "a.pcm", b"")
    assert contents(tmp_path) == {"a.pcm": bytes(600)}


@pytest.mark.parametrize(
    "error", [errors.TruncatedAudioError("It ended", httpx.Response(200)), errors.APITimeoutError("It ended")]
)
def test_a_network_error_holds_the_audio_that_was_written(tmp_path: Path, error: Any) -> None:
    error.audio = b"not written yet"
    with pytest.raises(type(error)):
        keep(tmp_path / "a.wav", b"written, ", error)
    assert error.audio == b"written, not written yet"
    assert not contents(tmp_path)


@pytest.mark.parametrize("opening", [files.saving, files.keeping])
@pytest.mark.parametrize("name", ["pipe", "pipe.mp3"])
def test_a_pipe_is_written_in_place_under_any_name(tmp_path: Path, opening: Any, name: str) -> None:
    path = tmp_path / name
    os.mkfifo(path, 0o600)
    files.check_writable(path)
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(path.read_bytes)
        with opening(path, PCM) as sink:
            sink.write(b"one.")
            sink.write(b"two.")
            assert not sink.has_sound(PCM)  # it cannot be read back
        assert heard.result(10) == b"one.two."
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pipe_whose_reader_is_gone_loses_no_audio(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        reader = pool.submit((tmp_path / "pipe").open, "rb")
        with pytest.raises(errors.FileWriteError, match="nobody reads") as raised:
            keep(tmp_path / "pipe", lambda: reader.result(10).close(), b"one.", b"two.")
    assert raised.value.audio == b"one.two."


def test_a_failed_write_leaves_the_old_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(tmp_path / "a.txt", "\ud800")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
