"""Audio cut into whole frames, whatever the pieces in which it comes."""

from itertools import pairwise
from time import monotonic

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from openrouter_speech.audio import AudioFacts
from openrouter_speech.frames import Answer, Frames

AUDIO = bytes(number % 251 for number in range(480))


@settings(derandomize=True, deadline=None)
@given(
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, len(AUDIO)), max_size=20),
    wanted=st.none() | st.integers(1, 600),
)
def test_pieces_are_whole_frames_and_nothing_is_lost(channels: int, cuts: list[int], wanted: int | None) -> None:
    frames = Frames(Answer(httpx.Response(200), AudioFacts("pcm", 24_000, channels), monotonic()))
    size, pieces = frames.chunk_size(wanted), []
    for start, end in pairwise([0, *sorted(cuts), len(AUDIO)]):
        piece = frames.whole(AUDIO[start:end])
        pieces += [piece] if size is None else frames.sized(piece, size)
    pieces.append(frames.last())
    frames.check()
    assert b"".join(pieces) == AUDIO
    assert not any(len(piece) % (2 * channels) for piece in pieces)
    if wanted is not None:
        expected = max(2 * channels, wanted - wanted % (2 * channels))
        assert {len(piece) for piece in pieces[:-1]} <= {expected}
        assert len(pieces[-1]) < expected
