"""Playback: every sample reaches the device early, whatever the network does, and the device is always closed."""

import asyncio
import io
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import miniaudio
import numpy as np
import pytest
import soundfile
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core import mp3
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.mock import MockServer
from openrouter_speech.playback import Player, buffers, device, play_async, play_file, player
from openrouter_speech.playback.device import SampleFormat

from .conftest import KEY, REQUEST

FRAMES = 480
"""Frames per callback of the fake device: 20 ms at 24,000 Hz."""
MONO = SampleFormat(24_000, 1)
SILENCE = b"\0\0" * FRAMES


class FakeDevice:
    """Takes samples all the time, or only when the test calls `ask`."""

    def __init__(self, loudspeaker: "Loudspeaker", sample_format: SampleFormat, take: Callable[[int], bytes]) -> None:
        self.sample_format, self._take, self._heard = sample_format, take, loudspeaker.heard
        self.most = 0
        """The most bytes taken at once."""
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        if loudspeaker.listening:
            self._thread.start()

    def ask(self) -> bytes:
        samples = self._take(FRAMES)
        assert len(samples) <= FRAMES * self.sample_format.frame_size
        self._heard += samples
        self.most = max(self.most, len(samples))
        return samples

    def close(self) -> None:
        self.closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _listen(self) -> None:
        while not self.closed.wait(0.0005):
            self.ask()


class Loudspeaker:
    """Opens fake devices, and collects what they play."""

    def __init__(self) -> None:
        self.listening = True
        self.heard = bytearray()
        self.devices: list[FakeDevice] = []

    def open(self, sample_format: SampleFormat, take: Callable[[int], bytes]) -> FakeDevice:
        self.devices.append(FakeDevice(self, sample_format, take))
        return self.devices[-1]

    def ask(self) -> bytes:
        return self.devices[-1].ask()

    def ask_until(self, reached: Callable[[], bool]) -> None:
        """Ask repeatedly: the samples come from another thread."""
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, "the audio never came"
            self.ask()


@pytest.fixture
def loudspeaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loudspeaker]:
    """Replace the audio device. Afterwards, no device may be open and no thread running."""
    fake, before = Loudspeaker(), set(threading.enumerate())
    monkeypatch.setattr(player, "open_device", fake.open)
    yield fake
    assert all(one.closed.is_set() for one in fake.devices)
    assert not set(threading.enumerate()) - before


@pytest.fixture
def paused(loudspeaker: Loudspeaker) -> Loudspeaker:
    """Take samples only when the test asks."""
    loudspeaker.listening = False
    return loudspeaker


@pytest.fixture
def dead(paused: Loudspeaker, monkeypatch: pytest.MonkeyPatch) -> Loudspeaker:
    """Never take samples, and be noticed soon."""
    monkeypatch.setattr(buffers, "_DEAD", 0.01)
    return paused


@pytest.fixture
def samples() -> buffers.Samples:
    return buffers.Samples(MONO)


@pytest.fixture(scope="module")
def speech(server: MockServer) -> dict[str, bytes]:
    """The same speech in each format."""
    with OpenRouter(KEY, server_url=server.url) as open_router:
        requests: list[Any] = [{**REQUEST, "response_format": name} for name in ("mp3", "pcm")]
        mp3, pcm = (open_router.tts.create_speech(**request).content for request in requests)
    return {"mp3": mp3, "pcm": pcm, "wav": wav(pcm)}


def wav(pcm: bytes, size: int | None = None, before: bytes = b"", rate: int = 24_000, encoding: int = 1) -> bytes:
    size = len(pcm) if size is None else size
    sample_format = struct.pack("<4sIHHIIHH", b"fmt ", 16, encoding, 1, rate, 2 * rate, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVE" + sample_format + before + struct.pack("<4sI", b"data", size) + pcm


def encoded(samples: Any, rate: int = 24_000, **options: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **options)
    return file.getvalue()


def decoded(audio: bytes, channels: int = 1, rate: int = 24_000) -> bytes:
    """Decode mp3 all at once, for comparison."""
    return bytes(miniaudio.decode(audio, nchannels=channels, sample_rate=rate).samples.tobytes())


def samples_of(name: str, speech: dict[str, bytes]) -> bytes:
    return decoded(speech["mp3"]) if name == "mp3" else speech["pcm"]


def first_frames(audio: bytes, count: int) -> int:
    cutter, end = mp3.Cutter(), 0
    for _ in range(count):
        frame = cutter.next(audio, end)
        end = frame.end if frame else 0
    return end


def play(name: str, *chunks: bytes, channels: int | None = None) -> None:
    with Player(name, channels=channels) as playing:
        for chunk in chunks:
            playing.feed(chunk)


FORMATS = pytest.mark.parametrize("name", ["mp3", "wav", "pcm"])


@FORMATS
@pytest.mark.parametrize(("size", "files"), [(1, 1), (77, 2), (1_000_000, 2)])
def test_every_sample_is_played_whatever_the_chunks_and_however_many_files(
    name: str, size: int, files: int, speech: dict[str, bytes], loudspeaker: Loudspeaker
) -> None:
    """Servers that synthesize sentence by sentence send several files in one body."""
    body = speech[name] * files
    play(name, *(body[start : start + size] for start in range(0, len(body), size)))
    assert loudspeaker.heard == samples_of(name, speech) * files


@FORMATS
def test_playback_starts_after_a_tenth_of_a_second_of_audio(
    name: str, speech: dict[str, bytes], paused: Loudspeaker
) -> None:
    """For mp3, that takes a few frames more: encoders begin with silence."""
    audio = speech[name]
    enough = {"pcm": 4800, "wav": 44 + 4800, "mp3": first_frames(audio, 7)}[name]
    assert enough < len(audio) / 3
    with Player(name) as playing:
        playing.feed(audio[:enough])
        paused.ask_until(lambda: bool(paused.heard))
        playing.stop()


def test_an_mp3_frame_is_played_without_waiting_for_the_next(speech: dict[str, bytes], paused: Loudspeaker) -> None:
    part = speech["mp3"][: first_frames(speech["mp3"], 10)]
    whole, a_piece = decoded(part), 2 * 480
    with Player("mp3") as playing:
        playing.feed(part)
        paused.ask_until(lambda: len(paused.heard) > len(whole) - a_piece)
        assert whole.startswith(paused.heard)
        playing.stop()


def test_a_slow_start_is_gathered_for_a_tenth_of_a_second(samples: buffers.Samples) -> None:
    """By the clock of the device: 5 times 20 ms."""
    assert samples.take(FRAMES) == b""  # before the first sample: does not count
    samples.put(b"ab")
    assert [samples.take(FRAMES) for _ in range(5)] == [b"", b"", b"", b"", b"ab"]


def test_gathering_ends_early_with_enough_audio(samples: buffers.Samples) -> None:
    samples.put(b"a" * 4800)
    assert len(samples.take(FRAMES)) == FRAMES * 2


def test_gathering_starts_with_the_first_byte_not_the_first_sample(samples: buffers.Samples) -> None:
    samples.expect()
    assert [samples.take(FRAMES) for _ in range(6)] == [b""] * 6
    samples.put(b"ab")
    assert samples.take(FRAMES) == b"ab"


def test_feeding_half_a_sample_starts_the_gathering(paused: Loudspeaker) -> None:
    with Player("pcm") as playing:
        paused.ask()
        assert playing._samples._gathering == 0
        playing.feed(b"a")
        paused.ask()
        assert playing._samples._gathering == 0.02
        playing.stop()


def test_the_first_sound_comes_within_200_ms() -> None:
    assert buffers.GATHERED + device.PERIOD + device.BUFFERED <= 0.2


def test_short_audio_is_played_when_it_ends(samples: buffers.Samples) -> None:
    samples.put(b"ab")
    samples.end()
    assert samples.take(FRAMES) == b"ab"


def test_audio_is_gathered_again_after_an_underrun(samples: buffers.Samples) -> None:
    samples.put(b"a" * 4802)
    assert [len(samples.take(FRAMES)) for _ in range(16)] == [960, 960, 960, 960, 960, 2] + [0] * 10
    samples.put(b"b" * 960)
    assert samples.take(FRAMES) == b""
    samples.put(b"b" * 3840)
    assert samples.take(FRAMES) == b"b" * 960


def test_the_end_waits_until_the_device_has_played_its_own_buffer(
    samples: buffers.Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []

    def wait(seconds: float) -> bool:
        taken.append(samples.take(FRAMES))
        return True

    samples.put(b"ab")
    samples.end()
    monkeypatch.setattr(samples._changed, "wait", wait)
    samples.wait()
    assert (len(taken) - 1) * 0.02 >= device.BUFFERED


def test_less_than_a_second_is_decoded_ahead(paused: Loudspeaker) -> None:
    with Player("pcm", 24_000, 1) as playing:
        playing.feed(SILENCE * 1000)
        while len(paused.heard) < len(SILENCE) * 1000:
            assert len(playing._samples._samples) < 48_000
            paused.ask()
        playing.stop()


def test_an_incomplete_frame_at_the_end_is_dropped(loudspeaker: Loudspeaker) -> None:
    play("pcm", b"abcd" * 100 + b"abc", channels=2)
    assert loudspeaker.heard == b"abcd" * 100


def test_without_audio_nothing_is_played(loudspeaker: Loudspeaker) -> None:
    play("mp3")
    assert loudspeaker.heard == b""


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 100])
def test_the_size_in_a_wav_header_may_be_wrong(size: int, loudspeaker: Loudspeaker) -> None:
    """As in a file that is sent while it is made."""
    play("wav", wav(SILENCE, size))
    assert loudspeaker.heard == SILENCE


def test_only_the_samples_of_a_wav_file_are_played(loudspeaker: Loudspeaker) -> None:
    note = struct.pack("<4sI", b"LIST", 4) + b"abcd"
    play("wav", wav(SILENCE, before=note) + note)
    assert loudspeaker.heard == SILENCE


@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
@pytest.mark.parametrize(
    ("subtype", "encoding", "width"),
    [("PCM_U8", "UNSIGNED8", 1), ("PCM_24", "SIGNED24", 3), ("PCM_32", "SIGNED32", 4), ("FLOAT", "FLOAT32", 4)],
)
def test_wav_samples_go_to_the_device_as_they_are(
    subtype: str, encoding: str, width: int, kind: str, loudspeaker: Loudspeaker
) -> None:
    file = encoded(np.linspace(-1, 1, 960).reshape(480, 2), 44_100, format=kind, subtype=subtype)
    play("wav", file)
    assert loudspeaker.devices[-1].sample_format == SampleFormat(44_100, 2, encoding, width)
    assert len(loudspeaker.heard) == 480 * 2 * width
    assert bytes(loudspeaker.heard) in file


def test_the_device_is_reopened_at_the_rate_of_the_audio(loudspeaker: Loudspeaker) -> None:
    file = encoded(np.sin(np.arange(44_100).reshape(-1, 2) / 20), 44_100, format="MP3")
    play("mp3", file)
    assert [one.sample_format for one in loudspeaker.devices] == [MONO, SampleFormat(44_100, 2)]
    assert loudspeaker.devices[1].most == FRAMES * 2 * 2
    assert loudspeaker.heard == decoded(file, 2, 44_100)


def test_mp3_without_an_encoders_note_is_played_after_mp3_with_one(
    speech: dict[str, bytes], loudspeaker: Loudspeaker
) -> None:
    bare = speech["mp3"][first_frames(speech["mp3"], 1) :]
    play("mp3", speech["mp3"] + bare)
    assert loudspeaker.heard == decoded(speech["mp3"]) + decoded(bare)


def test_an_encoders_note_without_audio_is_skipped(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    note = speech["mp3"][: first_frames(speech["mp3"], 1)]
    play("mp3", note * 2 + speech["mp3"])
    assert loudspeaker.heard == decoded(speech["mp3"])


def test_a_tag_as_long_as_a_cover_picture_is_skipped(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    tag = b"ID3\x03\0\0\0\x08\0\0" + b"\xff\xf3\x84\xc4" * (1 << 15)
    play("mp3", tag[:100_000], tag[100_000:] + speech["mp3"])
    assert loudspeaker.heard == decoded(speech["mp3"])


@pytest.mark.parametrize(
    ("name", "audio", "message"),
    [
        ("mp3", b"<html>sorry</html>", "not mp3 audio"),
        ("wav", b"<html>sorry</html>", "not wav audio"),
        ("wav", wav(SILENCE, encoding=7), "encoding 7"),
        ("wav", encoded(np.zeros(480), format="WAV", endian="BIG"), "big-endian"),
        ("wav", wav(SILENCE) + wav(SILENCE, rate=16_000), "do not fit together"),
    ],
)
def test_unplayable_audio_is_reported_by_finish_not_by_feed(
    name: str, audio: bytes, message: str, loudspeaker: Loudspeaker
) -> None:
    """The bytes may be written to a file at the same time, which has to be complete."""
    with Player(name) as playing:
        playing.feed(audio)
        playing.feed(audio)
        with pytest.raises(errors.PlaybackError, match=message):
            playing.finish()


def test_a_decoder_failure_is_a_playback_error(
    speech: dict[str, bytes], loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise miniaudio.DecodeError("failed to init decoder")

    monkeypatch.setattr(miniaudio, "stream_any", failing)
    with pytest.raises(errors.PlaybackError, match="failed to init decoder"):
        play("mp3", speech["mp3"])


def test_an_unplayable_format_is_refused_before_a_device_is_opened(loudspeaker: Loudspeaker) -> None:
    with pytest.raises(errors.PlaybackError, match="aac"):
        play("aac")
    assert not loudspeaker.devices


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_exception_stops_playback_at_once(
    interruption: type[BaseException], paused: Loudspeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers.Samples, "wait", lambda _: pytest.fail("it waited for the end"))

    def interrupted() -> None:
        with Player("pcm") as playing:
            playing.feed(SILENCE * 1000)
            raise interruption

    with pytest.raises(interruption):
        interrupted()


def test_ctrl_c_stops_the_wait_for_the_end(paused: Loudspeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(buffers.Samples, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        play("pcm", SILENCE * 1000)


def test_a_dead_device_is_reported_once(dead: Loudspeaker) -> None:
    with Player("pcm") as playing:
        playing.feed(SILENCE)
        with pytest.raises(errors.PlaybackError, match="connected"):
            playing.finish()


def test_stop_ends_a_finish_in_another_thread(paused: Loudspeaker) -> None:
    with Player("pcm") as playing:
        playing.feed(SILENCE * 1000)
        waiting = threading.Thread(target=playing.finish)
        waiting.start()
        playing.stop()
        waiting.join()


# With the client


def play_in_one_way(way: str, server: MockServer, folder: Path, response_format: str) -> None:
    request: Any = REQUEST | {"response_format": response_format}

    async def stream_async() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**request) as stream:
                await stream.play()

    if way == "async stream":
        asyncio.run(stream_async())
        return
    with OpenRouter(KEY, server_url=server.url) as open_router:
        if way == "response":
            open_router.tts.create_speech(**request).play()
        elif way == "stream":
            with open_router.tts.stream_speech(**request) as stream:
                stream.play()
        else:
            open_router.tts.save_speech(folder / way, **request).play()


STREAMS = pytest.mark.parametrize("way", ["stream", "async stream"])


@pytest.mark.parametrize(
    ("way", "name"),
    [("response", "mp3"), ("response", "pcm"), ("a.mp3", "mp3"), ("a.pcm", "pcm"), ("a.wav", "pcm"), ("stream", "mp3"),
     ("stream", "pcm"), ("async stream", "mp3"), ("async stream", "pcm")],
)  # fmt: skip
def test_responses_streams_and_saved_files_can_be_played(
    way: str, name: str, server: MockServer, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path
) -> None:
    play_in_one_way(way, server, tmp_path, name)
    assert loudspeaker.heard == samples_of(name, speech)


@STREAMS
def test_truncated_audio_is_played_before_the_error(
    way: str, server: MockServer, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path
) -> None:
    server.script(["cut"])
    with pytest.raises(errors.TruncatedAudioError) as raised:
        play_in_one_way(way, server, tmp_path, "pcm")
    assert 0 < raised.value.bytes_received < len(speech["pcm"])
    assert loudspeaker.heard == speech["pcm"][: raised.value.bytes_received // 2 * 2]


@STREAMS
def test_an_audio_error_wins_over_a_device_error(
    way: str, server: MockServer, dead: Loudspeaker, tmp_path: Path
) -> None:
    server.script(["cut"])
    with pytest.raises(errors.TruncatedAudioError):
        play_in_one_way(way, server, tmp_path, "pcm")


@pytest.mark.parametrize("whole", [True, False])
def test_the_event_loop_runs_while_the_end_is_played(whole: bool, paused: Loudspeaker) -> None:
    """The loop itself asks the device: if playing blocked the loop, it never would."""

    async def chunks() -> AsyncIterator[bytes]:
        yield SILENCE
        if not whole:
            raise errors.TruncatedAudioError("The audio stops short", httpx.Response(200))

    async def main() -> None:
        playing = asyncio.create_task(play_async(AudioInfo("pcm"), chunks()))
        while not playing.done():
            await asyncio.sleep(0)
            if paused.devices:
                paused.ask()
        with nullcontext() if whole else pytest.raises(errors.TruncatedAudioError):
            await playing

    asyncio.run(main())
    assert paused.heard == SILENCE


@pytest.mark.parametrize("waits", [True, False], ids=["for the network", "for the device"])
def test_cancelling_stops_playback_at_once(paused: Loudspeaker, waits: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield SILENCE * 1000
        if waits:
            await asyncio.Event().wait()

    async def main() -> None:
        playing = asyncio.create_task(play_async(AudioInfo("pcm"), chunks()))
        while not paused.devices:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [("none.mp3", FileNotFoundError, "none"), ("a.txt", errors.PlaybackError, "\\.txt")],
)
def test_a_missing_or_unplayable_file_is_refused(
    name: str, kind: type[Exception], message: str, loudspeaker: Loudspeaker, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    with pytest.raises(kind, match=message):
        play_file(tmp_path / name)
    assert not loudspeaker.devices


@pytest.mark.parametrize("before", [b"", b"ID3\x04\0\0" + bytes([0, 1, 0, 0]) + bytes(1 << 14)], ids=["", "tag"])
def test_a_file_is_read_while_it_is_played(
    before: bytes, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a piece or two is in memory, or a tag that has to be skipped first."""
    file, waiting, add = tmp_path / "long.mp3", [], buffers.Backlog.add

    def noting(backlog: buffers.Backlog, chunk: bytes) -> None:
        add(backlog, chunk)
        waiting.append(len(backlog._audio))

    monkeypatch.setattr(buffers.Backlog, "add", noting)
    monkeypatch.setattr(player, "_FILE_PIECE", 4096)
    file.write_bytes(before + speech["mp3"] * 8)
    play_file(file)
    assert len(waiting) > 12
    assert max(waiting) <= len(before) + 3 * 4096


def test_a_file_does_not_wait_for_a_dead_device(dead: Loudspeaker, tmp_path: Path) -> None:
    (tmp_path / "long.pcm").write_bytes(bytes(1 << 20))
    with pytest.raises(errors.PlaybackError, match="stopped"):
        play_file(tmp_path / "long.pcm")


# The device itself


def test_miniaudio_plays(monkeypatch: pytest.MonkeyPatch, speech: dict[str, bytes]) -> None:
    """A fifth of a second in real time, to a null device."""
    heard = bytearray()
    real, take = miniaudio.PlaybackDevice, buffers.Samples.take

    def null_device(**options: Any) -> Any:
        assert miniaudio.Backend.NULL not in options["backends"]
        return real(**{**options, "backends": [miniaudio.Backend.NULL]})

    def listening(self: buffers.Samples, frames: int) -> bytes:
        samples = take(self, frames)
        heard.extend(samples)
        return samples

    monkeypatch.setattr(miniaudio, "PlaybackDevice", null_device)
    monkeypatch.setattr(buffers.Samples, "take", listening)
    before = set(threading.enumerate())
    play("pcm", speech["pcm"][:9600])
    assert heard == speech["pcm"][:9600]
    assert not set(threading.enumerate()) - before


class Refusing:
    """A device that exists but does not start."""

    closed = False

    def __init__(self, **_: Any) -> None:
        type(self).closed = False

    def start(self, _: object) -> None:
        raise miniaudio.MiniaudioError("failed to start audio device", -1)

    def close(self) -> None:
        type(self).closed = True


@STREAMS
def test_without_a_device_the_audio_can_still_be_saved(
    way: str, server: MockServer, speech: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(miniaudio, "PlaybackDevice", Refusing)
    request: Any = {**REQUEST, "response_format": "mp3"}
    refused = pytest.raises(errors.PlaybackError, match=r"failed to start audio device.* saved to a file")

    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**request) as stream:
                with refused:
                    await stream.play()
                await stream.save(tmp_path / "a.mp3")

    if way == "stream":
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**request) as stream:
                with refused:
                    stream.play()
                stream.save(tmp_path / "a.mp3")
    else:
        asyncio.run(main())
    assert Refusing.closed
    assert (tmp_path / "a.mp3").read_bytes() == speech["mp3"]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'openrouter-speech\[play\]'"):
        play("mp3")


def run(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command, environment = [sys.executable, "-W", "error", "-c", script], {**os.environ, **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, the environment cannot hide the device")
def test_a_machine_without_a_device_gets_one_sentence_and_nothing_from_alsa() -> None:
    script = """
from openrouter_speech import errors
from openrouter_speech.playback import Player
try:
    with Player("mp3"):
        pass
except errors.PlaybackError as error:
    print(error)
"""
    result = run(script, ALSA_CONFIG_PATH=os.devnull, PULSE_SERVER="unix:/nowhere", JACK_NO_START_SERVER="1")
    assert "There is no audio device to play on" in result.stdout
    assert (result.stdout.count("\n"), result.stderr) == (1, "")


def test_miniaudio_is_loaded_on_first_use() -> None:
    loaded = "print({'miniaudio', 'openrouter_speech.playback'} & set(sys.modules))"
    script = f"import openrouter_speech, sys; {loaded}; import openrouter_speech.playback; {loaded}"
    assert run(script).stdout == "set()\n{'openrouter_speech.playback'}\n"
