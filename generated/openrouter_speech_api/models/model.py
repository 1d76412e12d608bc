from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.model_alias_target import ModelAliasTarget
    from ..models.model_architecture import ModelArchitecture
    from ..models.public_pricing import PublicPricing


T = TypeVar("T", bound="Model")


@_attrs_define
class Model:
    """A model."""

    id: str
    """ The model's ID, as `author/name`. """
    name: str
    """ The model's name. """
    alias_target: ModelAliasTarget | Unset = UNSET
    """ The model that an alias stands for at the moment. """
    architecture: ModelArchitecture | Unset = UNSET
    """ What a model takes in and puts out. """
    pricing: PublicPricing | Unset = UNSET
    """ Prices in US dollars, as decimal numbers in text. The unit is the model's own, such as a character, a byte,
    a token or a second, and the server does not say which. """
    canonical_slug: str | Unset = UNSET
    """ The ID that stays when the model is renamed. """
    created: int | Unset = UNSET
    """ When the model was added, in seconds since 1970. """
    description: str | Unset = UNSET
    """ What the model is. """
    supported_voices: list[str] | None | Unset = UNSET
    """ The voices of the model. Null if it has none, or if they are not known. """
    expiration_date: None | str | Unset = UNSET
    """ The day after which the model may be removed (YYYY-MM-DD). Null if none is planned. """
    supported_parameters: list[str] | Unset = UNSET
    """ The parameters that are supported, beside those of every model. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        alias_target: dict[str, Any] | Unset = UNSET
        if not isinstance(self.alias_target, Unset):
            alias_target = self.alias_target.to_dict()

        architecture: dict[str, Any] | Unset = UNSET
        if not isinstance(self.architecture, Unset):
            architecture = self.architecture.to_dict()

        pricing: dict[str, Any] | Unset = UNSET
        if not isinstance(self.pricing, Unset):
            pricing = self.pricing.to_dict()

        canonical_slug = self.canonical_slug

        created = self.created

        description = self.description

        supported_voices: list[str] | None | Unset
        if isinstance(self.supported_voices, Unset):
            supported_voices = UNSET
        elif isinstance(self.supported_voices, list):
            supported_voices = self.supported_voices

        else:
            supported_voices = self.supported_voices

        expiration_date: None | str | Unset
        if isinstance(self.expiration_date, Unset):
            expiration_date = UNSET
        else:
            expiration_date = self.expiration_date

        supported_parameters: list[str] | Unset = UNSET
        if not isinstance(self.supported_parameters, Unset):
            supported_parameters = self.supported_parameters

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
            }
        )
        if alias_target is not UNSET:
            field_dict["alias_target"] = alias_target
        if architecture is not UNSET:
            field_dict["architecture"] = architecture
        if pricing is not UNSET:
            field_dict["pricing"] = pricing
        if canonical_slug is not UNSET:
            field_dict["canonical_slug"] = canonical_slug
        if created is not UNSET:
            field_dict["created"] = created
        if description is not UNSET:
            field_dict["description"] = description
        if supported_voices is not UNSET:
            field_dict["supported_voices"] = supported_voices
        if expiration_date is not UNSET:
            field_dict["expiration_date"] = expiration_date
        if supported_parameters is not UNSET:
            field_dict["supported_parameters"] = supported_parameters

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.model_alias_target import ModelAliasTarget
        from ..models.model_architecture import ModelArchitecture
        from ..models.public_pricing import PublicPricing

        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        _alias_target = d.pop("alias_target", UNSET)
        alias_target: ModelAliasTarget | Unset
        if isinstance(_alias_target, Unset):
            alias_target = UNSET
        else:
            alias_target = ModelAliasTarget.from_dict(_alias_target)

        _architecture = d.pop("architecture", UNSET)
        architecture: ModelArchitecture | Unset
        if isinstance(_architecture, Unset):
            architecture = UNSET
        else:
            architecture = ModelArchitecture.from_dict(_architecture)

        _pricing = d.pop("pricing", UNSET)
        pricing: PublicPricing | Unset
        if isinstance(_pricing, Unset):
            pricing = UNSET
        else:
            pricing = PublicPricing.from_dict(_pricing)

        canonical_slug = d.pop("canonical_slug", UNSET)

        created = d.pop("created", UNSET)

        description = d.pop("description", UNSET)

        def _parse_supported_voices(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                supported_voices_type_0 = cast(list[str], data)

                return supported_voices_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        supported_voices = _parse_supported_voices(d.pop("supported_voices", UNSET))

        def _parse_expiration_date(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        expiration_date = _parse_expiration_date(d.pop("expiration_date", UNSET))

        supported_parameters = cast(list[str], d.pop("supported_parameters", UNSET))

        model = cls(
            id=id,
            name=name,
            alias_target=alias_target,
            architecture=architecture,
            pricing=pricing,
            canonical_slug=canonical_slug,
            created=created,
            description=description,
            supported_voices=supported_voices,
            expiration_date=expiration_date,
            supported_parameters=supported_parameters,
        )

        model.additional_properties = d
        return model

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
