from enum import StrEnum
from typing import Self


class ResponseFormatEnum(StrEnum):
    """The audio format of the response. An open enum: `ResponseFormatEnum("new")` works too."""

    MP3 = "mp3"
    PCM = "pcm"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
