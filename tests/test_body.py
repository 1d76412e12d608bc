"""Audio in chunks of whole frames, wherever the network cuts it."""

from itertools import pairwise

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech._http.body import IncomingBody

AUDIO = bytes(number % 251 for number in range(480))


@settings(derandomize=True, deadline=None)
@given(
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, len(AUDIO)), max_size=20),
    wanted=st.none() | st.integers(1, 600),
)
def test_chunks_are_whole_frames_and_nothing_is_lost(channels: int, cuts: list[int], wanted: int | None) -> None:
    response = httpx.Response(200, stream=httpx.ByteStream(b""))
    frames = IncomingBody(response, AudioInfo("pcm", 24_000, channels), 0.0, str)
    size = frames.chunk_size(wanted)
    pieces: list[bytes] = []
    frames.begin()
    for start, end in pairwise([0, *sorted(cuts), len(AUDIO), None]):
        frames.expect()
        frames.arrived(None if end is None else AUDIO[start:end])
        while (piece := frames.take(size)) is not None:
            pieces.append(piece)
    frames.finish()
    assert b"".join(pieces) == AUDIO
    assert not any(len(piece) % (2 * channels) for piece in pieces)
    if wanted is not None:
        expected = max(2 * channels, wanted - wanted % (2 * channels))
        assert {len(piece) for piece in pieces[:-1]} <= {expected}
        assert len(pieces[-1]) <= expected
