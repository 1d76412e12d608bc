"""The installed command narrates a book while the server fails and the command is killed, and loses nothing."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import miniaudio
import numpy as np
import pytest
from openrouter_speech import OpenRouter
from openrouter_speech.mock import MockServer, voices
from openrouter_speech.mock.synthesizer import SAMPLE_RATE, Samples
from openrouter_speech.narration import plan
from openrouter_speech.tts import OPERATION

from ..conftest import KEY, PROJECT
from .conftest import PROGRAM

LIMIT = 1500
FRAMES_A_CHARACTER = SAMPLE_RATE // 1000
"""A millisecond: the voice of this test is fast."""
SENTENCES = [
    "The keeper wrote down each ship.",
    "海边的守塔人每天写日记。",
    "مرحبا بالعالم كيف اليوم؟",
    "👩‍🚀 went ashore.",
]
BOOK = "\n\n".join(
    " ".join(f"{paragraph}.{number}: {SENTENCES[number % 4]}" for number in range(paragraph % 60 + 1))
    for paragraph in range(250)
)


class Voice:
    """Takes a millisecond per character, and calls a function when it speaks for the n-th time."""

    def __init__(self) -> None:
        self.spoken = 0
        self.at: dict[int, Callable[[], object]] = {}

    def __call__(self, text: str, name: str, speed: float) -> Samples:
        self.spoken += 1
        self.at.pop(self.spoken, bool)()
        return np.full(len(text) * FRAMES_A_CHARACTER, 1000, np.int16)


@pytest.fixture
def voice() -> Voice:
    return Voice()


@pytest.fixture
def failing_server(voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockServer]:
    """Fail one request in five. A 429 asks for a wait of a millisecond."""
    monkeypatch.setattr(voices, "voice", lambda _: voice)
    description = (PROJECT / "openapi.yaml").read_text().replace("Retry-After: '2'", "Retry-After: '0.001'")
    (tmp_path / "openapi.yaml").write_text(description)
    with MockServer(chaos=0.2, seed=3, description=tmp_path / "openapi.yaml") as running:
        yield running


def parts_of(text: str, server: MockServer) -> dict[str, str]:
    """Return the texts to request, by key."""
    with OpenRouter(KEY, server_url=server.url) as open_router:
        params = {"input": text, "model": "any/model", "voice": "alloy", "response_format": "pcm"}
        call = open_router._session.call(OPERATION, params)
    parts = plan.parts_of(text, plan.splitter_for(LIMIT, "characters", "en"), plan.keys_for(call))
    return {part.key: part.text for part in parts if part.key}


def texts(server: MockServer, *statuses: int) -> set[str]:
    """Return the texts that arrived, or those with one of these statuses."""
    whole = [request for request in server.requests if request.body]  # not those of a client that was just killed
    return {request.json["input"] for request in whole if not statuses or request.status in statuses}


def test_a_book_survives_a_failing_server_and_two_kills(
    failing_server: MockServer, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is exactly as long as its parts, and no finished part is requested again."""
    (tmp_path / "book.txt").write_text(BOOK, encoding="utf-8")
    monkeypatch.setenv("OPENROUTER_SPEECH_SERVER_URL", failing_server.url)
    command = [
        str(PROGRAM), "narrate", "book.txt", "-o", "book.mp3", "--srt", "--vtt", "--json",
        "--limit", str(LIMIT), "--concurrency", "8", "--retries", "20",
    ]  # fmt: skip
    parts = parts_of(BOOK, failing_server)
    finished: set[str] = set()

    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        failing_server.reset()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            voice.at[voice.spoken + 60] = partial(process.send_signal, number)
            output, errors = process.communicate(timeout=120)
        assert (process.returncode, output) == (code, "")
        assert KEY not in errors
        assert not (tmp_path / "book.mp3").exists()
        assert not texts(failing_server) & {parts[key] for key in finished}
        there = {path.stem for path in (tmp_path / "book.narration/parts").glob("*.wav")}
        assert finished < there < set(parts)
        finished = there

    failing_server.reset()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    missing = {text for key, text in parts.items() if key not in finished}
    assert texts(failing_server) == texts(failing_server, 200) == missing
    assert 429 in {request.status for request in failing_server.requests}
    assert sum(request.status != 200 for request in failing_server.requests) > 10

    frames = sum(map(len, parts.values())) * FRAMES_A_CHARACTER
    result = json.loads(done.stdout)
    assert (result["requests"], result["new_requests"]) == (len(parts), len(missing))
    assert result["duration"] == pytest.approx(frames / SAMPLE_RATE, abs=1e-6)
    decoded = miniaudio.decode_file(str(tmp_path / "book.mp3"), nchannels=1, sample_rate=SAMPLE_RATE)
    assert decoded.num_frames == frames
    assert [Path(name).suffix for name in result["captions"]] == [".srt", ".vtt"]
