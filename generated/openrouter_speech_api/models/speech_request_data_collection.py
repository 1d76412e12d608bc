from enum import StrEnum
from typing import Self


class SpeechRequestDataCollection(StrEnum):
    """Allow or deny providers that collect data. An open enum: `SpeechRequestDataCollection("new")` works too."""

    ALLOW = "allow"
    DENY = "deny"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
