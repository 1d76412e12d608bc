"""Playing: every sample reaches the device, soon, whatever the network does; and the device is always given back."""

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
"""What the devices in here ask for: 20 ms at 24,000 Hz."""
MONO = SampleFormat(24_000, 1)
SILENCE = b"\0\0" * FRAMES


class FakeDevice:
    """Asks for samples as soon as it had the last ones, or where it is not `listening`, when the test says so."""

    def __init__(
        self, sample_format: SampleFormat, take: Callable[[int], bytes], heard: bytearray, *, listening: bool
    ) -> None:
        self.sample_format, self._take, self._heard = sample_format, take, heard
        self.most = 0
        """Bytes that came at a time."""
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        if listening:
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
    """Stands where the audio device is opened."""

    def __init__(self) -> None:
        self.listening = True
        self.heard = bytearray()
        self.devices: list[FakeDevice] = []

    def open(self, sample_format: SampleFormat, take: Callable[[int], bytes]) -> FakeDevice:
        self.devices.append(FakeDevice(sample_format, take, self.heard, listening=self.listening))
        return self.devices[-1]

    def ask(self) -> bytes:
        return self.devices[-1].ask()

    def ask_until(self, reached: Callable[[], bool]) -> None:
        """Ask again and again; what is asked for comes from another thread."""
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, "that was never heard"
            self.ask()


@pytest.fixture
def loudspeaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loudspeaker]:
    """And a look that nothing is left behind, however the test ends."""
    fake, before = Loudspeaker(), set(threading.enumerate())
    monkeypatch.setattr(player, "open_device", fake.open)
    yield fake
    assert all(one.closed.is_set() for one in fake.devices)
    assert not set(threading.enumerate()) - before


@pytest.fixture(scope="module")
def speech(server: MockServer) -> dict[str, bytes]:
    """A text in each format."""
    with OpenRouter(KEY, server_url=server.url) as open_router:
        requests: list[Any] = [{**REQUEST, "response_format": name} for name in ("mp3", "pcm")]
        mp3, pcm = (open_router.tts.create_speech(**request).content for request in requests)
    return {"mp3": mp3, "pcm": pcm, "wav": wav(pcm)}


def wav(pcm: bytes, size: int | None = None, before: bytes = b"") -> bytes:
    size = len(pcm) if size is None else size
    sample_format = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 24_000, 48_000, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVE" + sample_format + before + struct.pack("<4sI", b"data", size) + pcm


def decoded(name: str, speech: dict[str, bytes]) -> bytes:
    """The samples, by a decoder that has all of it at once."""
    if name != "mp3":
        return speech["pcm"]
    return bytes(miniaudio.decode(speech["mp3"], nchannels=1, sample_rate=24_000).samples.tobytes())


def first_frames(audio: bytes, count: int) -> int:
    cutter, end = mp3.Cutter(), 0
    for _ in range(count):
        frame = cutter.next(audio, end)
        end = frame.end if frame else 0
    return end


FORMATS = pytest.mark.parametrize("name", ["mp3", "wav", "pcm"])


@FORMATS
@pytest.mark.parametrize("size", [1, 77, 1000, 1_000_000])
def test_every_sample_is_heard_however_the_bytes_come(
    name: str, size: int, speech: dict[str, bytes], loudspeaker: Loudspeaker
) -> None:
    with Player(name) as playing:
        for start in range(0, len(speech[name]), size):
            playing.feed(speech[name][start : start + size])
        playing.finish()
        assert loudspeaker.heard == decoded(name, speech)


@FORMATS
def test_leaving_the_block_waits_for_the_end(name: str, speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    with Player(name) as playing:
        playing.feed(speech[name])
    assert loudspeaker.heard == decoded(name, speech)


@FORMATS
def test_it_sounds_while_most_is_still_to_come(name: str, speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    """A tenth of a second of samples is enough. For mp3, these are some frames more: encoders begin with silence."""
    loudspeaker.listening = False
    audio = speech[name]
    enough = {"pcm": 4800, "wav": 44 + 4800, "mp3": first_frames(audio, 7)}[name]
    assert enough < len(audio) / 3
    with Player(name) as playing:
        playing.feed(audio[:enough])
        loudspeaker.ask_until(lambda: bool(loudspeaker.heard))
        playing.stop()


def test_an_mp3_frame_is_heard_when_it_is_there(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    """None waits for the next one: after all but the last, just as much is heard as a decoder makes of them."""
    loudspeaker.listening = False
    mp3 = speech["mp3"]
    part = mp3[: first_frames(mp3, 10)]
    whole = miniaudio.decode(part, nchannels=1, sample_rate=24_000).samples.tobytes()
    a_piece = 2 * 480
    with Player("mp3") as playing:
        playing.feed(part)
        loudspeaker.ask_until(lambda: len(loudspeaker.heard) > len(whole) - a_piece)
        assert whole.startswith(loudspeaker.heard)
        playing.stop()


def test_a_slow_beginning_is_waited_for_no_longer_than_a_tenth_of_a_second() -> None:
    """By the clock of the device: 5 times 20 ms."""
    samples = buffers.Samples(MONO)
    assert samples.take(FRAMES) == b""  # nothing was fed: that does not count
    samples.put(b"ab")
    assert [samples.take(FRAMES) for _ in range(5)] == [b"", b"", b"", b"", b"ab"]


def test_a_tenth_of_a_second_is_played_at_once() -> None:
    samples = buffers.Samples(MONO)
    samples.put(b"a" * 4800)
    assert len(samples.take(FRAMES)) == FRAMES * 2


def test_the_wait_begins_with_the_first_byte() -> None:
    """And not with the first sample: the time that mp3 takes to give one is part of it."""
    samples = buffers.Samples(MONO)
    samples.expect()
    assert [samples.take(FRAMES) for _ in range(6)] == [b""] * 6
    samples.put(b"ab")
    assert samples.take(FRAMES) == b"ab"


def test_the_first_byte_is_that_which_is_fed(loudspeaker: Loudspeaker) -> None:
    loudspeaker.listening = False
    with Player("pcm") as playing:
        loudspeaker.ask()
        assert playing._samples._gathering == 0
        playing.feed(b"a")  # half a sample
        loudspeaker.ask()
        assert playing._samples._gathering == 0.02
        playing.stop()


def test_the_first_sound_comes_within_200_ms() -> None:
    """What is waited for, one question of the device's, and what it holds."""
    assert buffers.GATHERED + device.PERIOD + device.BUFFERED <= 0.2


def test_what_is_short_is_played_at_its_end() -> None:
    samples = buffers.Samples(MONO)
    samples.put(b"ab")
    samples.end()
    assert samples.take(FRAMES) == b"ab"


def test_an_underrun_is_silence_and_not_the_end(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    loudspeaker.listening = False
    pcm = speech["pcm"]
    with Player("pcm", 24_000, 1) as playing:
        playing.feed(pcm[:9600])
        loudspeaker.ask_until(lambda: len(loudspeaker.heard) == 9600)
        assert [loudspeaker.ask() for _ in range(100)] == [b""] * 100
        playing.feed(pcm[9600:])
        loudspeaker.ask_until(lambda: len(loudspeaker.heard) == len(pcm))
        assert loudspeaker.heard == pcm
        playing.stop()


def test_after_an_underrun_some_is_gathered_again() -> None:
    samples = buffers.Samples(MONO)
    samples.put(b"a" * 4802)
    assert [len(samples.take(FRAMES)) for _ in range(16)] == [960, 960, 960, 960, 960, 2] + [0] * 10
    samples.put(b"b" * 960)
    assert samples.take(FRAMES) == b""
    samples.put(b"b" * 3840)
    assert samples.take(FRAMES) == b"b" * 960


def test_the_end_is_when_the_device_has_played_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = buffers.Samples(MONO)
    samples.put(b"ab")
    samples.end()
    asked = 0

    def wait(seconds: float) -> bool:
        nonlocal asked
        samples.take(FRAMES)
        asked += 1
        return True

    monkeypatch.setattr(samples._changed, "wait", wait)
    samples.wait()
    assert (asked - 1) * 0.02 >= device.BUFFERED


def test_not_much_is_decoded_before_its_time(loudspeaker: Loudspeaker) -> None:
    loudspeaker.listening = False
    with Player("pcm", 24_000, 1) as playing:
        playing.feed(SILENCE * 1000)
        while len(loudspeaker.heard) < len(SILENCE) * 1000:
            assert len(playing._samples._samples) < 48_000
            loudspeaker.ask()
        playing.stop()


def test_half_a_frame_at_the_end_is_left_out(loudspeaker: Loudspeaker) -> None:
    with Player("pcm", 24_000, 2) as playing:
        playing.feed(b"abcd" * 100 + b"abc")
    assert loudspeaker.heard == b"abcd" * 100


def test_nothing_fed_is_nothing_played(loudspeaker: Loudspeaker) -> None:
    with Player("mp3"):
        pass
    assert loudspeaker.heard == b""


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024, 2_000_000_036, 100])
def test_a_wav_header_may_not_know_the_size(size: int, loudspeaker: Loudspeaker) -> None:
    """As that of a file which is sent while it is made."""
    with Player("wav") as playing:
        playing.feed(wav(SILENCE, size))
    assert loudspeaker.heard == SILENCE


@FORMATS
@pytest.mark.parametrize("size", [77, 1_000_000])
def test_several_files_in_one_body_are_all_heard(
    name: str, size: int, speech: dict[str, bytes], loudspeaker: Loudspeaker
) -> None:
    """As a server sends them that speaks sentence by sentence."""
    body = speech[name] * 2
    with Player(name) as playing:
        for start in range(0, len(body), size):
            playing.feed(body[start : start + size])
    assert loudspeaker.heard == decoded(name, speech) * 2


def test_mp3_without_a_note_after_mp3_with_one_is_heard(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    bare = speech["mp3"][first_frames(speech["mp3"], 1) :]
    with Player("mp3") as playing:
        playing.feed(speech["mp3"] + bare)
    rest = miniaudio.decode(bare, nchannels=1, sample_rate=24_000).samples.tobytes()
    assert loudspeaker.heard == decoded("mp3", speech) + rest


def test_a_note_alone_between_files_is_passed_over(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    note = speech["mp3"][: first_frames(speech["mp3"], 1)]
    with Player("mp3") as playing:
        playing.feed(note * 2 + speech["mp3"])
    assert loudspeaker.heard == decoded("mp3", speech)


def test_wav_files_of_different_kinds_are_an_error_after_the_first(loudspeaker: Loudspeaker) -> None:
    other = wav(SILENCE).replace((24_000).to_bytes(4, "little"), (16_000).to_bytes(4, "little"))
    with Player("wav") as playing:
        playing.feed(wav(SILENCE) + other)
        with pytest.raises(errors.PlaybackError, match="do not fit together"):
            playing.finish()


def test_wav_in_the_other_order_is_refused(loudspeaker: Loudspeaker) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(480), 24_000, format="WAV", endian="BIG")
    with Player("wav") as playing:
        playing.feed(file.getvalue())
        with pytest.raises(errors.PlaybackError, match="big-endian"):
            playing.finish()


def test_only_the_samples_of_a_wav_file_are_played(loudspeaker: Loudspeaker) -> None:
    note = struct.pack("<4sI", b"LIST", 4) + b"abcd"
    with Player("wav") as playing:
        playing.feed(wav(SILENCE, before=note) + note)
    assert loudspeaker.heard == SILENCE


@pytest.mark.parametrize(
    ("subtype", "encoding", "width"),
    [("PCM_U8", "UNSIGNED8", 1), ("PCM_24", "SIGNED24", 3), ("PCM_32", "SIGNED32", 4), ("FLOAT", "FLOAT32", 4)],
)
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_a_wav_file_may_have_other_samples(
    subtype: str, encoding: str, width: int, kind: str, loudspeaker: Loudspeaker
) -> None:
    """The device takes them as they are."""
    file = io.BytesIO()
    soundfile.write(file, np.linspace(-1, 1, 960).reshape(480, 2), 44_100, format=kind, subtype=subtype)
    with Player("wav") as playing:
        playing.feed(file.getvalue())
    assert loudspeaker.devices[-1].sample_format == SampleFormat(44_100, 2, encoding, width)
    assert len(loudspeaker.heard) == 480 * 2 * width
    assert bytes(loudspeaker.heard) in file.getvalue()


def test_the_device_follows_the_rate_of_the_audio(loudspeaker: Loudspeaker) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(44_100).reshape(-1, 2) / 20), 44_100, format="MP3")
    with Player("mp3") as playing:
        playing.feed(file.getvalue())
    assert [one.sample_format for one in loudspeaker.devices] == [MONO, SampleFormat(44_100, 2)]
    assert loudspeaker.devices[1].most == FRAMES * 2 * 2
    assert loudspeaker.heard == miniaudio.decode(file.getvalue(), nchannels=2, sample_rate=44_100).samples.tobytes()


def test_a_tag_before_the_first_frame_is_no_sound(speech: dict[str, bytes], loudspeaker: Loudspeaker) -> None:
    """However long it is: this one is as long as one with a picture of the cover."""
    tag = b"ID3\x03\0\0\0\x08\0\0" + b"\xff\xf3\x84\xc4" * (1 << 15)
    with Player("mp3") as playing:
        playing.feed(tag[:100_000])
        playing.feed(tag[100_000:] + speech["mp3"])
    assert loudspeaker.heard == decoded("mp3", speech)


@pytest.mark.parametrize(
    ("name", "audio", "message"),
    [
        ("mp3", b"<html>sorry</html>", "not mp3 audio"),
        ("wav", b"<html>sorry</html>", "not wav audio"),
        ("wav", wav(SILENCE).replace(b"\x10\0\0\0\x01", b"\x10\0\0\0\x07"), "encoding 7"),
    ],
)
def test_what_is_not_audio_is_said_at_the_end(name: str, audio: bytes, message: str, loudspeaker: Loudspeaker) -> None:
    """Not by `feed`: whoever writes the same bytes to a file gets to the end of it."""
    with Player(name) as playing:
        playing.feed(audio)
        playing.feed(audio)
        with pytest.raises(errors.PlaybackError, match=message):
            playing.finish()


def test_a_decoder_that_fails_is_a_playback_error(
    speech: dict[str, bytes], loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise miniaudio.DecodeError("failed to init decoder")

    monkeypatch.setattr(miniaudio, "stream_any", failing)
    with pytest.raises(errors.PlaybackError, match="failed to init decoder"), Player("mp3") as playing:
        playing.feed(speech["mp3"])


def test_a_format_without_a_decoder_is_refused_before_anything_is_opened(loudspeaker: Loudspeaker) -> None:
    with pytest.raises(errors.PlaybackError, match="aac"), Player("aac"):
        pass
    assert not loudspeaker.devices


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_exception_means_silence_at_once(
    interruption: type[BaseException], loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers.Samples, "wait", lambda _: pytest.fail("it waited for the end"))
    loudspeaker.listening = False

    def interrupted() -> None:
        with Player("pcm") as playing:
            playing.feed(SILENCE * 1000)
            raise interruption

    with pytest.raises(interruption):
        interrupted()


def test_ctrl_c_while_the_rest_is_played(loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    loudspeaker.listening = False
    monkeypatch.setattr(buffers.Samples, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt), Player("pcm") as playing:
        playing.feed(SILENCE * 1000)


def test_a_device_that_is_gone_is_noticed(loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_DEAD", 0.01)
    loudspeaker.listening = False
    with pytest.raises(errors.PlaybackError, match="connected"), Player("pcm") as playing:
        playing.feed(SILENCE)


def test_a_device_that_is_gone_is_waited_for_once(loudspeaker: Loudspeaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has seen the error can leave the block as usual."""
    monkeypatch.setattr(buffers, "_DEAD", 0.01)
    loudspeaker.listening = False
    with Player("pcm") as playing:
        playing.feed(SILENCE)
        with pytest.raises(errors.PlaybackError):
            playing.finish()


def test_stop_while_another_thread_waits_for_the_end(loudspeaker: Loudspeaker) -> None:
    loudspeaker.listening = False
    with Player("pcm") as playing:
        playing.feed(SILENCE * 1000)
        waiting = threading.Thread(target=playing.finish)
        waiting.start()
        playing.stop()
        waiting.join()


# With the client


def play_in_one_way(way: str, open_router: OpenRouter, folder: Path, **params: Any) -> None:
    request: Any = REQUEST | params

    async def stream_async() -> None:
        async with open_router, open_router.tts.stream_speech_async(**request) as stream:
            await stream.play()

    if way == "answer":
        open_router.tts.create_speech(**request).play()
    elif way == "saved":
        open_router.tts.save_speech(folder / f"a.{params['response_format']}", **request).play()
    elif way == "saved as wav":
        open_router.tts.save_speech(folder / "a.wav", **{**request, "response_format": "pcm"}).play()
    elif way == "stream":
        with open_router.tts.stream_speech(**request) as stream:
            stream.play()
    else:
        asyncio.run(stream_async())


STREAMS = pytest.mark.parametrize("way", ["stream", "async stream"])


@pytest.mark.parametrize("name", ["mp3", "pcm"])
@pytest.mark.parametrize("way", ["answer", "saved", "saved as wav", "stream", "async stream"])
def test_everything_that_is_audio_can_be_played(
    way: str, name: str, server: MockServer, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path
) -> None:
    with OpenRouter(KEY, server_url=server.url) as open_router:
        play_in_one_way(way, open_router, tmp_path, response_format=name)
    assert loudspeaker.heard == decoded("pcm" if way == "saved as wav" else name, speech)


@STREAMS
def test_audio_that_stops_short_is_played_before_the_error(
    way: str, server: MockServer, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path
) -> None:
    with OpenRouter(KEY, server_url=server.url) as open_router:
        server.script(["cut"])
        with pytest.raises(errors.TruncatedAudioError) as raised:
            play_in_one_way(way, open_router, tmp_path, response_format="pcm")
    assert 0 < raised.value.bytes_received < len(speech["pcm"])
    assert loudspeaker.heard == speech["pcm"][: raised.value.bytes_received // 2 * 2]


@STREAMS
def test_the_error_of_the_audio_counts_for_more_than_that_of_the_device(
    way: str, server: MockServer, loudspeaker: Loudspeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "_DEAD", 0.01)
    loudspeaker.listening = False
    with OpenRouter(KEY, server_url=server.url) as open_router:
        server.script(["cut"])
        with pytest.raises(errors.TruncatedAudioError):
            play_in_one_way(way, open_router, tmp_path, response_format="pcm")


@pytest.mark.parametrize("whole", [True, False])
def test_a_loop_goes_on_while_the_end_is_played(whole: bool, loudspeaker: Loudspeaker) -> None:
    """The device is asked by the loop itself, and would not be if playing blocked it."""
    loudspeaker.listening = False

    async def chunks() -> AsyncIterator[bytes]:
        yield SILENCE
        if not whole:
            raise errors.TruncatedAudioError("The audio stops short", httpx.Response(200))

    async def main() -> None:
        playing = asyncio.create_task(play_async(AudioInfo("pcm"), chunks()))
        while not playing.done():
            await asyncio.sleep(0)
            if loudspeaker.devices:
                loudspeaker.ask()
        with nullcontext() if whole else pytest.raises(errors.TruncatedAudioError):
            await playing

    asyncio.run(main())
    assert loudspeaker.heard == SILENCE


@pytest.mark.parametrize("waits", [True, False], ids=["for the network", "for the device"])
def test_a_cancelled_play_falls_silent_at_once(loudspeaker: Loudspeaker, waits: bool) -> None:
    loudspeaker.listening = False

    async def chunks() -> AsyncIterator[bytes]:
        yield SILENCE * 1000
        if waits:
            await asyncio.Event().wait()

    async def main() -> None:
        playing = asyncio.create_task(play_async(AudioInfo("pcm"), chunks()))
        while not loudspeaker.devices:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing

    asyncio.run(main())


def test_a_file_that_is_missing_is_an_ordinary_error(loudspeaker: Loudspeaker, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        play_file(tmp_path / "none.mp3")
    assert not loudspeaker.devices


def test_a_file_of_another_kind_is_refused(loudspeaker: Loudspeaker, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    with pytest.raises(errors.PlaybackError, match="\\.txt"):
        play_file(tmp_path / "a.txt")


# The device itself


def test_the_device_of_miniaudio_plays(monkeypatch: pytest.MonkeyPatch, speech: dict[str, bytes]) -> None:
    """In real time, a third of a second of it, to nobody."""
    heard = bytearray()
    real, take = miniaudio.PlaybackDevice, buffers.Samples.take

    def deaf(**options: Any) -> Any:
        assert miniaudio.Backend.NULL not in options["backends"]
        return real(**{**options, "backends": [miniaudio.Backend.NULL]})

    def listening(self: buffers.Samples, frames: int) -> bytes:
        samples = take(self, frames)
        heard.extend(samples)
        return samples

    monkeypatch.setattr(miniaudio, "PlaybackDevice", deaf)
    monkeypatch.setattr(buffers.Samples, "take", listening)
    before = set(threading.enumerate())
    with Player("pcm", 24_000, 1) as playing:
        playing.feed(speech["pcm"][:9600])
    assert heard == speech["pcm"][:9600]
    assert not set(threading.enumerate()) - before


class Refusing:
    """A device that is there but does not start."""

    closed = False

    def __init__(self, **_: Any) -> None:
        type(self).closed = False

    def start(self, _: object) -> None:
        raise miniaudio.MiniaudioError("failed to start audio device", -1)

    def close(self) -> None:
        type(self).closed = True


def test_a_device_that_does_not_start_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniaudio, "PlaybackDevice", Refusing)
    with pytest.raises(errors.PlaybackError, match="failed to start audio device"), Player("pcm"):
        pass
    assert Refusing.closed


@STREAMS
def test_without_a_device_the_audio_can_still_be_saved(
    way: str, server: MockServer, speech: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(miniaudio, "PlaybackDevice", Refusing)
    request: Any = {**REQUEST, "response_format": "mp3"}

    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**request) as stream:
                with pytest.raises(errors.PlaybackError, match="saved to a file"):
                    await stream.play()
                await stream.save(tmp_path / "a.mp3")

    if way == "stream":
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**request) as stream:
                with pytest.raises(errors.PlaybackError, match="saved to a file"):
                    stream.play()
                stream.save(tmp_path / "a.mp3")
    else:
        asyncio.run(main())
    assert (tmp_path / "a.mp3").read_bytes() == speech["mp3"]


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(errors.ConfigurationError) as raised, Player("mp3"):
        pass
    assert "pip install 'openrouter-speech[play]'" in str(raised.value)


def run(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the device cannot be taken away by the environment")
def test_a_machine_without_a_device_is_told_in_one_sentence() -> None:
    """By miniaudio itself, and without the lines that ALSA has to say about it."""
    script = """
from openrouter_speech import errors
from openrouter_speech.playback import Player
try:
    with Player("mp3"):
        pass
except errors.PlaybackError as error:
    print(error)
"""
    nowhere = {"ALSA_CONFIG_PATH": os.devnull, "PULSE_SERVER": "unix:/nowhere", "JACK_NO_START_SERVER": "1"}
    result = run(script, **nowhere)
    assert "There is no audio device to play on" in result.stdout
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_those_who_do_not_play_do_not_wait_for_miniaudio() -> None:
    script = "import openrouter_speech, sys; print({'miniaudio', 'openrouter_speech.playback'} & set(sys.modules))"
    assert run(script).stdout == "set()\n"
    script = "import openrouter_speech.playback, sys; print({'miniaudio'} & set(sys.modules))"
    assert run(script).stdout == "set()\n"


@pytest.mark.parametrize("before", [b"", b"ID3\x04\0\0" + bytes([0, 1, 0, 0]) + bytes(1 << 14)])
def test_a_file_is_read_as_it_is_played(
    before: bytes, speech: dict[str, bytes], loudspeaker: Loudspeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is, little of it is in memory: a piece or two, or a tag that has to be passed over first."""
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


def test_a_file_does_not_wait_for_a_device_that_stopped(
    loudspeaker: Loudspeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "_DEAD", 0.01)
    loudspeaker.listening = False
    (tmp_path / "long.pcm").write_bytes(bytes(1 << 20))
    with pytest.raises(errors.PlaybackError, match="stopped"):
        play_file(tmp_path / "long.pcm")
