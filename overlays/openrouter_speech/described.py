"""What an answer tells of its audio, whether it is there already, still coming, or in a file."""

import httpx

from . import headers
from .audio import AudioFacts


class Described:
    """The facts, as attributes. A subclass says where they come from."""

    headers: httpx.Headers
    """The headers of the answer."""

    def _describe(self) -> AudioFacts:
        raise NotImplementedError

    @property
    def audio_format(self) -> str:
        """What the server sent: "mp3", "pcm", "wav", or the subtype of any other audio type."""
        return self._describe().format

    @property
    def sample_rate(self) -> int | None:
        """Hz; None where only the audio tells and it has not arrived, or is of a format that is not read here."""
        return self._describe().sample_rate

    @property
    def channels(self) -> int | None:
        """1 is mono, 2 is stereo; None as for `sample_rate`."""
        return self._describe().channels

    @property
    def generation_id(self) -> str | None:
        """Identifies the synthesis (`X-Generation-Id`)."""
        return headers.generation_id(self.headers)
