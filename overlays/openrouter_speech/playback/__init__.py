"""Play audio through the speakers, while it arrives or from a file. Needs the extra `play`.

Streams, responses and saved files have a `play()` method, which calls this package. To do something else with the audio
at the same time, feed a player:

with Player(stream.audio_format, stream.sample_rate, stream.channels) as player:
    for chunk in stream:
        file.write(chunk)
        player.feed(chunk)
"""

from .player import Player, play, play_async, play_file

__all__ = ["Player", "play", "play_async", "play_file"]
