"""Hypothesis strategies for requests, derived from the types of the generated models and operation.

A new field of the description is drawn without an edit here; one of an unknown type fails with its name.
"""

import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from inspect import signature
from typing import Any

import attrs
from hypothesis import strategies as st
from openrouter_speech_api import models
from openrouter_speech_api.api.tts import create_speech
from openrouter_speech_api.models import SpeechRequest
from openrouter_speech_api.types import Unset

EXAMPLES = int(os.environ.get("EXAMPLES") or 50)
"""Requests per test."""

_ADDITIONAL = "additional_properties"
"""The attribute in which a generated model keeps undocumented properties."""

_CHARACTERS = st.characters(exclude_categories=["Cs"])  # a lone surrogate has no bytes in any encoding
_NAMES = st.text(_CHARACTERS, max_size=10)
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(_CHARACTERS, min_size=1, max_size=30),
    bool: st.booleans(),
    int: st.integers(),
    float: _NUMBERS,  # a parameter of this type takes an int too
    type(None): st.none(),
    Any: _JSON,
}

_AUDIO = st.sampled_from(
    [{"data": "AAAA"}, {"data": "data:audio/wav;base64,AAAA", "format": "wav"}, {"url": "https://a.test"}]
)
_CLIP = st.builds(
    lambda audio, text: [
        models.SpeechInputReferenceAudio.from_dict({"type": "input_audio", "input_audio": audio}),
        *([] if text is None else [models.SpeechInputReferenceText(text=text, type_="text")]),
    ],
    _AUDIO,
    st.none() | _NAMES,
)
_BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "SpeechRequest.input_references": st.lists(_CLIP, max_size=3).map(
        lambda clips: [part for clip in clips for part in clip]
    )
}
"""Fields whose rules are not in their types: base64, one of `data` and `url`, a transcript after its recording."""


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Return values for a field of this type.

    Raises:
        NotImplementedError: The type is unknown; the message names the field.
    """
    if name in _BY_FIELD:
        return _BY_FIELD[name]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return st.one_of([values(name, part) for part in arguments if part is not Unset])
    if origin is list:
        return st.lists(values(name, arguments[0]), min_size=1, max_size=3)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and attrs.has(hint):
        return instances(hint)
    raise NotImplementedError(f"{name}: there is no strategy for {hint}; add one to {__name__}")


def instances(model: type[Any]) -> st.SearchStrategy[Any]:
    """Return instances of a generated model, with and without optional and undocumented properties."""
    hints = typing.get_type_hints(model, localns=vars(models))
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in _fields(model):
        strategy = values(f"{model.__name__}.{field.name}", hints[field.name])
        (required if field.default is attrs.NOTHING else optional)[field.name] = strategy
    additional: st.SearchStrategy[dict[str, Any]] = st.just({})
    if _ADDITIONAL in hints:
        names = _NAMES.filter(lambda name: name not in wire_names(model))
        content = values(f"{model.__name__}.{_ADDITIONAL}", typing.get_args(hints[_ADDITIONAL])[1])
        additional = st.dictionaries(names, content, max_size=2)
    return st.builds(_filled, st.just(model), st.fixed_dictionaries(required, optional=optional), additional)


def wire_names(model: type[Any]) -> dict[str, str]:
    """Map the names of a model's fields in JSON to their attributes."""
    return {field.name.removesuffix("_"): field.name for field in _fields(model)}


def plain(value: Any) -> Any:
    """Return a drawn value as JSON, without the code under test."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not attrs.has(type(value)):
        return value
    additional = getattr(value, _ADDITIONAL, {})
    return {name: plain(content) for name, content in {**additional, **set_fields(value)}.items()}


def set_fields(instance: Any) -> dict[str, Any]:
    """Return the fields of a model that are set, by their names in JSON."""
    named = {name: getattr(instance, attribute) for name, attribute in wire_names(type(instance)).items()}
    return {name: content for name, content in named.items() if not isinstance(content, Unset)}


def arguments(request: SpeechRequest, *, plainly: bool) -> dict[str, Any]:
    """Return arguments for `tts.create_speech`: models and enumerations, or plain dicts and texts."""
    given = {name: plain(value) if plainly else value for name, value in set_fields(request).items()}
    return {**given, "extra_body": request.additional_properties}


def _fields(model: type[Any]) -> list["attrs.Attribute[Any]"]:
    return [field for field in attrs.fields(model) if field.name != _ADDITIONAL]


def _filled(model: type[Any], given: Mapping[str, Any], additional: dict[str, Any]) -> Any:
    instance = model(**given)
    if additional:
        setattr(instance, _ADDITIONAL, additional)
    return instance


REQUESTS: st.SearchStrategy[SpeechRequest] = instances(SpeechRequest)

HEADER_PARAMETERS = tuple(name for name in signature(create_speech.request_kwargs).parameters if name != "body")
"""The parameters of the operation that are headers."""


def _headers(characters: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    # Spaces around a value are not part of it (RFC 9110 section 5.5), and empty headers are not sent.
    value = st.text(characters, min_size=1, max_size=20).filter(lambda text: text == text.strip(" "))
    return st.fixed_dictionaries({}, optional=dict.fromkeys(HEADER_PARAMETERS, value))


HEADERS = _headers(st.characters(exclude_categories=["Cs", "Cc"]))
"""App headers, by parameter, in any script."""
ASCII_HEADERS = _headers(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
"""As `HEADERS`, for the generated client: httpx sends only ASCII."""
