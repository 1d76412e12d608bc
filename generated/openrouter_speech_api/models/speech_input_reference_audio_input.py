from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="SpeechInputReferenceAudioInput")


@_attrs_define
class SpeechInputReferenceAudioInput:
    """The recording itself."""

    data: str | Unset = UNSET
    """ The audio in base64, or as a data URI. Up to 15 MiB once decoded. """
    format_: str | Unset = UNSET
    """ The audio's format, such as wav. Most providers detect it. """
    url: str | Unset = UNSET
    """ A public URL that the server fetches, up to 15 MiB. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        data = self.data

        format_ = self.format_

        url = self.url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if data is not UNSET:
            field_dict["data"] = data
        if format_ is not UNSET:
            field_dict["format"] = format_
        if url is not UNSET:
            field_dict["url"] = url

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        data = d.pop("data", UNSET)

        format_ = d.pop("format", UNSET)

        url = d.pop("url", UNSET)

        speech_input_reference_audio_input = cls(
            data=data,
            format_=format_,
            url=url,
        )

        speech_input_reference_audio_input.additional_properties = d
        return speech_input_reference_audio_input

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
