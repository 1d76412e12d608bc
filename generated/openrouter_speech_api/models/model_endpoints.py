from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.public_endpoint import PublicEndpoint


T = TypeVar("T", bound="ModelEndpoints")


@_attrs_define
class ModelEndpoints:
    """A model with its endpoints."""

    id: str
    """ The model's ID. """
    endpoints: list[PublicEndpoint]
    """ Who serves the model. """
    name: str | Unset = UNSET
    """ The model's name. """
    created: int | Unset = UNSET
    """ When the model was added, in seconds since 1970. """
    description: str | Unset = UNSET
    """ What the model is. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        endpoints = []
        for endpoints_item_data in self.endpoints:
            endpoints_item = endpoints_item_data.to_dict()
            endpoints.append(endpoints_item)

        name = self.name

        created = self.created

        description = self.description

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "endpoints": endpoints,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if created is not UNSET:
            field_dict["created"] = created
        if description is not UNSET:
            field_dict["description"] = description

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.public_endpoint import PublicEndpoint

        d = dict(src_dict)
        id = d.pop("id")

        endpoints = []
        _endpoints = d.pop("endpoints")
        for endpoints_item_data in _endpoints:
            endpoints_item = PublicEndpoint.from_dict(endpoints_item_data)

            endpoints.append(endpoints_item)

        name = d.pop("name", UNSET)

        created = d.pop("created", UNSET)

        description = d.pop("description", UNSET)

        model_endpoints = cls(
            id=id,
            endpoints=endpoints,
            name=name,
            created=created,
            description=description,
        )

        model_endpoints.additional_properties = d
        return model_endpoints

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
