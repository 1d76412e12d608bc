from enum import StrEnum
from typing import Self


class SpeechInputReferenceTextType(StrEnum):
    """What the part is. An open enum: `SpeechInputReferenceTextType("new")` works too."""

    TEXT = "text"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
