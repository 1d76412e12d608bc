"""Voices: our own synthesizer, and installed programs that say real words."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from openrouter_speech.mock import synthesizer, voices


def pitch(samples: synthesizer.Samples) -> float:
    """Return the pitch in Hz: the shift at which the wave correlates best with itself."""
    wave = samples.astype(float)
    slowest, fastest = (round(synthesizer.SAMPLE_RATE / hertz) for hertz in (80, 250))
    likeness = [float(wave[shift:] @ wave[:-shift]) / (len(wave) - shift) for shift in range(fastest, slowest)]
    return synthesizer.SAMPLE_RATE / (fastest + int(np.argmax(likeness)))


def test_a_voice_has_a_pitch_of_its_own() -> None:
    low, middle, high = (pitch(synthesizer.speak("a", voice)) for voice in ("ash", "marin", "coral"))
    assert 80 < low < 0.85 * middle < 0.85 * 0.85 * high < 250


def test_a_letter_sounds_the_same_in_every_process() -> None:
    first = synthesizer.speak("shh, hello", "alloy")
    synthesizer._sound.cache_clear()
    assert (synthesizer.speak("shh, hello", "alloy") == first).all()


def test_sounds_begin_and_end_in_silence() -> None:
    for character in "a b.mñ世":
        sound = synthesizer.speak(character, "alloy")
        assert sound[0] == 0
        assert abs(int(sound[-1])) < 200


def test_nothing_is_too_loud() -> None:
    samples = synthesizer.speak("The quick brown fox jumps over the lazy dog.", "nova")
    assert 5_000 < np.abs(samples).max() <= 9_000


def test_no_text_is_a_short_silence() -> None:
    assert np.count_nonzero(synthesizer.speak("")) == 0 < len(synthesizer.speak(""))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Put these programs on the path, and nothing else."""
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_auto_prefers_the_best_installed_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    assert voices.voice("auto") is voices.voice("tones") is synthesizer.speak
    for name in ("espeak-ng", "flite"):
        install(tmp_path, monkeypatch, name)
        assert voices.voice("auto") is voices.voice(name)


def test_a_missing_or_unknown_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="apt install flite"):
        voices.voice("flite")
    with pytest.raises(ValueError, match="tones, auto, flite, espeak-ng"):
        voices.voice("choir")


@pytest.mark.parametrize(("engine", "target_option"), [("flite", "-o"), ("espeak-ng", "-w")])
def test_a_program_gets_the_text_in_a_file_and_its_audio_is_resampled(
    engine: str, target_option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, engine)
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        commands.append(command)
        assert Path(command[command.index("-f") + 1]).read_text() == "Hello -world"
        with wave.open(command[command.index(target_option) + 1], "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(np.ones(16_000, "<i2").tobytes())

    monkeypatch.setattr(subprocess, "run", run)
    samples = voices.voice(engine)("Hello -world", "alloy", 2.0)
    assert len(samples) == synthesizer.SAMPLE_RATE
    other = voices.voice(engine)("Hello -world", "nova", 2.0)
    assert len(other) == len(samples)
    assert commands[0][0] == engine
    assert ("duration_stretch=0.500" if engine == "flite" else "350") in commands[0]
    assert commands[0][2] != commands[1][2]


@pytest.mark.parametrize("engine", ["flite", "espeak-ng"])
def test_an_installed_program_speaks(engine: str) -> None:
    try:
        speak = voices.voice(engine)
    except ValueError as error:
        pytest.skip(str(error))
    short, long = (speak(text, "alloy", 1.0) for text in ("Hello", "Hello world, how are you today?"))
    assert 0 < len(short) < len(long)
    assert (speak("Hello", "alloy", 1.0) == short).all()
    assert len(speak("…", "alloy", 1.0)) > 0
