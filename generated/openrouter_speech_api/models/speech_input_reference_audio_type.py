from enum import StrEnum
from typing import Self


class SpeechInputReferenceAudioType(StrEnum):
    """What the part is. An open enum: `SpeechInputReferenceAudioType("new")` works too."""

    INPUT_AUDIO = "input_audio"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
