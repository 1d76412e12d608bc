from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.response_format_enum import ResponseFormatEnum
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.speech_input_reference_audio import SpeechInputReferenceAudio
    from ..models.speech_input_reference_image import SpeechInputReferenceImage
    from ..models.speech_input_reference_text import SpeechInputReferenceText
    from ..models.speech_request_provider import SpeechRequestProvider
    from ..models.speech_turn import SpeechTurn
    from ..models.trace_config import TraceConfig


T = TypeVar("T", bound="SpeechRequest")


@_attrs_define
class SpeechRequest:
    """What to say, and how."""

    input_: list[SpeechTurn] | str
    """ The text to speak, or a list of turns for models with several speakers. Billing is by its characters. """
    model: str
    """ The text-to-speech model, as `author/name`. """
    voice: str | Unset = UNSET
    """ The voice to speak with. Each model has its own; some need one, some have none. """
    provider: SpeechRequestProvider | Unset = UNSET
    """ Which providers may serve the request, and options for them. """
    response_format: ResponseFormatEnum | Unset = UNSET
    """ The audio format of the response. """
    speed: float | Unset = UNSET
    """ How fast to speak: 1 is the voice's own pace, 2 is twice as fast. Models without such a setting ignore it.
    """
    input_references: list[SpeechInputReferenceAudio | SpeechInputReferenceImage | SpeechInputReferenceText] | Unset = (
        UNSET
    )
    """ Recordings of the voice to clone, each optionally followed by its transcript. An empty list has no effect.
    """
    session_id: str | Unset = UNSET
    """ Groups related requests in logs, such as those of a conversation. At most 256 characters. """
    trace: TraceConfig | Unset = UNSET
    """ Tracing metadata. Additional fields are kept as is. """
    user: str | Unset = UNSET
    """ Your identifier for the end user, for logs. """
    instructions: str | Unset = UNSET
    """ How to speak, in words ("Calmly, with a smile"). Models without such a setting ignore it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.speech_input_reference_audio import SpeechInputReferenceAudio
        from ..models.speech_input_reference_text import SpeechInputReferenceText

        input_: list[dict[str, Any]] | str
        if isinstance(self.input_, list):
            input_ = []
            for input_type_1_item_data in self.input_:
                input_type_1_item = input_type_1_item_data.to_dict()
                input_.append(input_type_1_item)

        else:
            input_ = self.input_

        model = self.model

        voice = self.voice

        provider: dict[str, Any] | Unset = UNSET
        if not isinstance(self.provider, Unset):
            provider = self.provider.to_dict()

        response_format: str | Unset = UNSET
        if not isinstance(self.response_format, Unset):
            response_format = str(self.response_format)

        speed = self.speed

        input_references: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.input_references, Unset):
            input_references = []
            for input_references_item_data in self.input_references:
                input_references_item: dict[str, Any]
                if isinstance(input_references_item_data, SpeechInputReferenceAudio) or isinstance(
                    input_references_item_data, SpeechInputReferenceText
                ):
                    input_references_item = input_references_item_data.to_dict()
                else:
                    input_references_item = input_references_item_data.to_dict()

                input_references.append(input_references_item)

        session_id = self.session_id

        trace: dict[str, Any] | Unset = UNSET
        if not isinstance(self.trace, Unset):
            trace = self.trace.to_dict()

        user = self.user

        instructions = self.instructions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "input": input_,
                "model": model,
            }
        )
        if voice is not UNSET:
            field_dict["voice"] = voice
        if provider is not UNSET:
            field_dict["provider"] = provider
        if response_format is not UNSET:
            field_dict["response_format"] = response_format
        if speed is not UNSET:
            field_dict["speed"] = speed
        if input_references is not UNSET:
            field_dict["input_references"] = input_references
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if trace is not UNSET:
            field_dict["trace"] = trace
        if user is not UNSET:
            field_dict["user"] = user
        if instructions is not UNSET:
            field_dict["instructions"] = instructions

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.speech_input_reference_audio import SpeechInputReferenceAudio
        from ..models.speech_input_reference_image import SpeechInputReferenceImage
        from ..models.speech_input_reference_text import SpeechInputReferenceText
        from ..models.speech_request_provider import SpeechRequestProvider
        from ..models.speech_turn import SpeechTurn
        from ..models.trace_config import TraceConfig

        d = dict(src_dict)

        def _parse_input_(data: object) -> list[SpeechTurn] | str:
            try:
                if not isinstance(data, list):
                    raise TypeError()
                input_type_1 = []
                _input_type_1 = data
                for input_type_1_item_data in _input_type_1:
                    input_type_1_item = SpeechTurn.from_dict(input_type_1_item_data)

                    input_type_1.append(input_type_1_item)

                return input_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[SpeechTurn] | str, data)

        input_ = _parse_input_(d.pop("input"))

        model = d.pop("model")

        voice = d.pop("voice", UNSET)

        _provider = d.pop("provider", UNSET)
        provider: SpeechRequestProvider | Unset
        if isinstance(_provider, Unset):
            provider = UNSET
        else:
            provider = SpeechRequestProvider.from_dict(_provider)

        _response_format = d.pop("response_format", UNSET)
        response_format: ResponseFormatEnum | Unset
        if isinstance(_response_format, Unset):
            response_format = UNSET
        else:
            response_format = ResponseFormatEnum(_response_format)

        speed = d.pop("speed", UNSET)

        _input_references = d.pop("input_references", UNSET)
        input_references: (
            list[SpeechInputReferenceAudio | SpeechInputReferenceImage | SpeechInputReferenceText] | Unset
        ) = UNSET
        if _input_references is not UNSET:
            input_references = []
            for input_references_item_data in _input_references:

                def _parse_input_references_item(
                    data: object,
                ) -> SpeechInputReferenceAudio | SpeechInputReferenceImage | SpeechInputReferenceText:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_speech_input_reference_type_0 = SpeechInputReferenceAudio.from_dict(data)

                        return componentsschemas_speech_input_reference_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_speech_input_reference_type_1 = SpeechInputReferenceText.from_dict(data)

                        return componentsschemas_speech_input_reference_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_speech_input_reference_type_2 = SpeechInputReferenceImage.from_dict(data)

                    return componentsschemas_speech_input_reference_type_2

                input_references_item = _parse_input_references_item(input_references_item_data)

                input_references.append(input_references_item)

        session_id = d.pop("session_id", UNSET)

        _trace = d.pop("trace", UNSET)
        trace: TraceConfig | Unset
        if isinstance(_trace, Unset):
            trace = UNSET
        else:
            trace = TraceConfig.from_dict(_trace)

        user = d.pop("user", UNSET)

        instructions = d.pop("instructions", UNSET)

        speech_request = cls(
            input_=input_,
            model=model,
            voice=voice,
            provider=provider,
            response_format=response_format,
            speed=speed,
            input_references=input_references,
            session_id=session_id,
            trace=trace,
            user=user,
            instructions=instructions,
        )

        speech_request.additional_properties = d
        return speech_request

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
