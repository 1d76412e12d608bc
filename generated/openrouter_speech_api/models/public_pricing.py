from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PublicPricing")


@_attrs_define
class PublicPricing:
    """Prices in US dollars, as decimal numbers in text. The unit is the model's own, such as a character, a byte, a token
    or a second, and the server does not say which.

    """

    prompt: str | Unset = UNSET
    """ For a unit of input. """
    completion: str | Unset = UNSET
    """ For a unit of output. """
    request: str | Unset = UNSET
    """ For a request. """
    audio: str | Unset = UNSET
    """ For a unit of audio input. """
    audio_output: str | Unset = UNSET
    """ For a unit of audio output. """
    discount: float | Unset = UNSET
    """ The share by which prices are reduced at the moment, from 0 to 1. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        completion = self.completion

        request = self.request

        audio = self.audio

        audio_output = self.audio_output

        discount = self.discount

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if prompt is not UNSET:
            field_dict["prompt"] = prompt
        if completion is not UNSET:
            field_dict["completion"] = completion
        if request is not UNSET:
            field_dict["request"] = request
        if audio is not UNSET:
            field_dict["audio"] = audio
        if audio_output is not UNSET:
            field_dict["audio_output"] = audio_output
        if discount is not UNSET:
            field_dict["discount"] = discount

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        prompt = d.pop("prompt", UNSET)

        completion = d.pop("completion", UNSET)

        request = d.pop("request", UNSET)

        audio = d.pop("audio", UNSET)

        audio_output = d.pop("audio_output", UNSET)

        discount = d.pop("discount", UNSET)

        public_pricing = cls(
            prompt=prompt,
            completion=completion,
            request=request,
            audio=audio,
            audio_output=audio_output,
            discount=discount,
        )

        public_pricing.additional_properties = d
        return public_pricing

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
