from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.speech_input_reference_audio_input import SpeechInputReferenceAudioInput


T = TypeVar("T", bound="SpeechInputReferenceAudio")


@_attrs_define
class SpeechInputReferenceAudio:
    """A recording of the voice to clone. Needs a model that clones voices."""

    input_audio: SpeechInputReferenceAudioInput
    """ The recording itself. """
    type_: Literal["input_audio"]
    """ The kind of reference. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        input_audio = self.input_audio.to_dict()

        type_ = self.type_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "input_audio": input_audio,
                "type": type_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.speech_input_reference_audio_input import (
            SpeechInputReferenceAudioInput,
        )

        d = dict(src_dict)
        input_audio = SpeechInputReferenceAudioInput.from_dict(d.pop("input_audio"))

        type_ = cast(Literal["input_audio"], d.pop("type"))
        if type_ != "input_audio":
            raise ValueError(f"type must match const 'input_audio', got '{type_}'")

        speech_input_reference_audio = cls(
            input_audio=input_audio,
            type_=type_,
        )

        speech_input_reference_audio.additional_properties = d
        return speech_input_reference_audio

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
