from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="GenerationResponseData")


@_attrs_define
class GenerationResponseData:
    """What a request cost, and who served it."""

    id: str
    """ The `X-Generation-Id` of the response. """
    total_cost: float
    """ What the request cost, in US dollars. """
    model: str | Unset = UNSET
    """ The model that spoke. """
    provider_name: None | str | Unset = UNSET
    """ The provider that served the request. Null if none did. """
    created_at: str | Unset = UNSET
    """ When the request was made, as an ISO 8601 time. """
    usage: float | Unset = UNSET
    """ What was taken from the account's credit, in US dollars. """
    upstream_inference_cost: float | None | Unset = UNSET
    """ What the provider charged, in US dollars, if the request used a key of one's own. """
    latency: float | None | Unset = UNSET
    """ Milliseconds until the first byte. """
    generation_time: float | None | Unset = UNSET
    """ Milliseconds until the last byte. """
    tokens_prompt: int | None | Unset = UNSET
    """ Units of input that were counted. """
    tokens_completion: int | None | Unset = UNSET
    """ Units of output that were counted. """
    is_byok: bool | Unset = UNSET
    """ Whether the request used the account's own key for the provider. """
    cancelled: bool | None | Unset = UNSET
    """ Whether the request was broken off. """
    streamed: bool | None | Unset = UNSET
    """ Whether the response was streamed. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        total_cost = self.total_cost

        model = self.model

        provider_name: None | str | Unset
        if isinstance(self.provider_name, Unset):
            provider_name = UNSET
        else:
            provider_name = self.provider_name

        created_at = self.created_at

        usage = self.usage

        upstream_inference_cost: float | None | Unset
        if isinstance(self.upstream_inference_cost, Unset):
            upstream_inference_cost = UNSET
        else:
            upstream_inference_cost = self.upstream_inference_cost

        latency: float | None | Unset
        if isinstance(self.latency, Unset):
            latency = UNSET
        else:
            latency = self.latency

        generation_time: float | None | Unset
        if isinstance(self.generation_time, Unset):
            generation_time = UNSET
        else:
            generation_time = self.generation_time

        tokens_prompt: int | None | Unset
        if isinstance(self.tokens_prompt, Unset):
            tokens_prompt = UNSET
        else:
            tokens_prompt = self.tokens_prompt

        tokens_completion: int | None | Unset
        if isinstance(self.tokens_completion, Unset):
            tokens_completion = UNSET
        else:
            tokens_completion = self.tokens_completion

        is_byok = self.is_byok

        cancelled: bool | None | Unset
        if isinstance(self.cancelled, Unset):
            cancelled = UNSET
        else:
            cancelled = self.cancelled

        streamed: bool | None | Unset
        if isinstance(self.streamed, Unset):
            streamed = UNSET
        else:
            streamed = self.streamed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "total_cost": total_cost,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if provider_name is not UNSET:
            field_dict["provider_name"] = provider_name
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if usage is not UNSET:
            field_dict["usage"] = usage
        if upstream_inference_cost is not UNSET:
            field_dict["upstream_inference_cost"] = upstream_inference_cost
        if latency is not UNSET:
            field_dict["latency"] = latency
        if generation_time is not UNSET:
            field_dict["generation_time"] = generation_time
        if tokens_prompt is not UNSET:
            field_dict["tokens_prompt"] = tokens_prompt
        if tokens_completion is not UNSET:
            field_dict["tokens_completion"] = tokens_completion
        if is_byok is not UNSET:
            field_dict["is_byok"] = is_byok
        if cancelled is not UNSET:
            field_dict["cancelled"] = cancelled
        if streamed is not UNSET:
            field_dict["streamed"] = streamed

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = d.pop("id")

        total_cost = d.pop("total_cost")

        model = d.pop("model", UNSET)

        def _parse_provider_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        provider_name = _parse_provider_name(d.pop("provider_name", UNSET))

        created_at = d.pop("created_at", UNSET)

        usage = d.pop("usage", UNSET)

        def _parse_upstream_inference_cost(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        upstream_inference_cost = _parse_upstream_inference_cost(d.pop("upstream_inference_cost", UNSET))

        def _parse_latency(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        latency = _parse_latency(d.pop("latency", UNSET))

        def _parse_generation_time(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        generation_time = _parse_generation_time(d.pop("generation_time", UNSET))

        def _parse_tokens_prompt(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        tokens_prompt = _parse_tokens_prompt(d.pop("tokens_prompt", UNSET))

        def _parse_tokens_completion(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        tokens_completion = _parse_tokens_completion(d.pop("tokens_completion", UNSET))

        is_byok = d.pop("is_byok", UNSET)

        def _parse_cancelled(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        cancelled = _parse_cancelled(d.pop("cancelled", UNSET))

        def _parse_streamed(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        streamed = _parse_streamed(d.pop("streamed", UNSET))

        generation_response_data = cls(
            id=id,
            total_cost=total_cost,
            model=model,
            provider_name=provider_name,
            created_at=created_at,
            usage=usage,
            upstream_inference_cost=upstream_inference_cost,
            latency=latency,
            generation_time=generation_time,
            tokens_prompt=tokens_prompt,
            tokens_completion=tokens_completion,
            is_byok=is_byok,
            cancelled=cancelled,
            streamed=streamed,
        )

        generation_response_data.additional_properties = d
        return generation_response_data

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
