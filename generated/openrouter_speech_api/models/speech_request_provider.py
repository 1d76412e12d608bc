from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.speech_request_data_collection import SpeechRequestDataCollection
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_options import ProviderOptions


T = TypeVar("T", bound="SpeechRequestProvider")


@_attrs_define
class SpeechRequestProvider:
    """Which providers may serve the request, and options for them."""

    options: ProviderOptions | Unset = UNSET
    """ Options by provider slug. Those of the provider that serves the request are passed on; the others are
    ignored. """
    zdr: bool | None | Unset = UNSET
    """ Use only endpoints that retain no data. """
    data_collection: None | SpeechRequestDataCollection | Unset = UNSET
    """ Whether providers that collect data may serve the request. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        zdr: bool | None | Unset
        if isinstance(self.zdr, Unset):
            zdr = UNSET
        else:
            zdr = self.zdr

        data_collection: None | str | Unset
        if isinstance(self.data_collection, Unset):
            data_collection = UNSET
        elif isinstance(self.data_collection, SpeechRequestDataCollection):
            data_collection = str(self.data_collection)
        else:
            data_collection = self.data_collection

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if options is not UNSET:
            field_dict["options"] = options
        if zdr is not UNSET:
            field_dict["zdr"] = zdr
        if data_collection is not UNSET:
            field_dict["data_collection"] = data_collection

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.provider_options import ProviderOptions

        d = dict(src_dict)
        _options = d.pop("options", UNSET)
        options: ProviderOptions | Unset
        if isinstance(_options, Unset):
            options = UNSET
        else:
            options = ProviderOptions.from_dict(_options)

        def _parse_zdr(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        zdr = _parse_zdr(d.pop("zdr", UNSET))

        def _parse_data_collection(data: object) -> None | SpeechRequestDataCollection | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_collection_type_0 = SpeechRequestDataCollection(data)

                return data_collection_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SpeechRequestDataCollection | Unset, data)

        data_collection = _parse_data_collection(d.pop("data_collection", UNSET))

        speech_request_provider = cls(
            options=options,
            zdr=zdr,
            data_collection=data_collection,
        )

        speech_request_provider.additional_properties = d
        return speech_request_provider

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
