from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.public_pricing import PublicPricing


T = TypeVar("T", bound="PublicEndpoint")


@_attrs_define
class PublicEndpoint:
    """A provider that serves a model."""

    supported_parameters: list[str] | Unset = UNSET
    """ The parameters that are supported, beside those of every model. """
    provider_name: str | Unset = UNSET
    """ The provider. """
    pricing: PublicPricing | Unset = UNSET
    """ Prices in US dollars, as decimal numbers in text. The unit is the model's own, such as a character, a byte,
    a token or a second, and the server does not say which. """
    supports_voice_cloning: bool | Unset = UNSET
    """ Whether it speaks with the voice of a recording. """
    name: str | Unset = UNSET
    """ The endpoint's name. """
    model_id: str | Unset = UNSET
    """ The model's ID. """
    model_name: str | Unset = UNSET
    """ The model's name. """
    tag: str | Unset = UNSET
    """ The provider's slug, as `provider.options` and routing use it. """
    uptime_last_30m: float | None | Unset = UNSET
    """ The percentage of requests that it served in the last 30 minutes. Null if there were too few. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        supported_parameters: list[str] | Unset = UNSET
        if not isinstance(self.supported_parameters, Unset):
            supported_parameters = self.supported_parameters

        provider_name = self.provider_name

        pricing: dict[str, Any] | Unset = UNSET
        if not isinstance(self.pricing, Unset):
            pricing = self.pricing.to_dict()

        supports_voice_cloning = self.supports_voice_cloning

        name = self.name

        model_id = self.model_id

        model_name = self.model_name

        tag = self.tag

        uptime_last_30m: float | None | Unset
        if isinstance(self.uptime_last_30m, Unset):
            uptime_last_30m = UNSET
        else:
            uptime_last_30m = self.uptime_last_30m

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if supported_parameters is not UNSET:
            field_dict["supported_parameters"] = supported_parameters
        if provider_name is not UNSET:
            field_dict["provider_name"] = provider_name
        if pricing is not UNSET:
            field_dict["pricing"] = pricing
        if supports_voice_cloning is not UNSET:
            field_dict["supports_voice_cloning"] = supports_voice_cloning
        if name is not UNSET:
            field_dict["name"] = name
        if model_id is not UNSET:
            field_dict["model_id"] = model_id
        if model_name is not UNSET:
            field_dict["model_name"] = model_name
        if tag is not UNSET:
            field_dict["tag"] = tag
        if uptime_last_30m is not UNSET:
            field_dict["uptime_last_30m"] = uptime_last_30m

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.public_pricing import PublicPricing

        d = dict(src_dict)
        supported_parameters = cast(list[str], d.pop("supported_parameters", UNSET))

        provider_name = d.pop("provider_name", UNSET)

        _pricing = d.pop("pricing", UNSET)
        pricing: PublicPricing | Unset
        if isinstance(_pricing, Unset):
            pricing = UNSET
        else:
            pricing = PublicPricing.from_dict(_pricing)

        supports_voice_cloning = d.pop("supports_voice_cloning", UNSET)

        name = d.pop("name", UNSET)

        model_id = d.pop("model_id", UNSET)

        model_name = d.pop("model_name", UNSET)

        tag = d.pop("tag", UNSET)

        def _parse_uptime_last_30m(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        uptime_last_30m = _parse_uptime_last_30m(d.pop("uptime_last_30m", UNSET))

        public_endpoint = cls(
            supported_parameters=supported_parameters,
            provider_name=provider_name,
            pricing=pricing,
            supports_voice_cloning=supports_voice_cloning,
            name=name,
            model_id=model_id,
            model_name=model_name,
            tag=tag,
            uptime_last_30m=uptime_last_30m,
        )

        public_endpoint.additional_properties = d
        return public_endpoint

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
