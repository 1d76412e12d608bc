"""Audio for the loudspeaker, while it arrives or from a file. It needs the extra `play`.

Streams, answers and saved files have a method `play()`, which ends in here. Whoever does something else with the audio
at the same time feeds a player:

with Player(stream.audio_format, stream.sample_rate, stream.channels) as player:
    for chunk in stream:
        file.write(chunk)
        player.feed(chunk)
"""

from .player import Player, play, play_async, play_file

__all__ = ["Player", "play", "play_async", "play_file"]
