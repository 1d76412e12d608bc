"""For griffe: the parameters behind `**params: Unpack[...]`, with those that the `TypedDict` inherits.

griffe has an extension for that, which leaves out what is inherited.
"""

from typing import Any

import griffe


class Signatures(griffe.Extension):
    """Puts the keys of the `TypedDict` into the signatures and the docstrings of the methods of `TTS`."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change what takes such parameters: the methods of `TTS`."""
        if "tts" in pkg.modules:
            for function in pkg["tts.TTS"].functions.values():
                _spell_out(function)


def _spell_out(function: griffe.Function) -> None:
    for parameter in list(function.parameters):
        if parameter.kind is griffe.ParameterKind.var_keyword and isinstance(
            parameter.annotation, griffe.ExprSubscript
        ):
            keys = _keys(function, parameter.annotation.slice)
            _document(function, keys)  # before the signature changes, which it is checked against
            del function.parameters[parameter.name]
            for key in keys:
                function.parameters.add(key)


def _keys(function: griffe.Function, typed_dict: Any) -> list[griffe.Parameter]:
    """Return the keys of a `TypedDict` as parameters, those first that are required."""
    found = function.modules_collection[typed_dict.canonical_path]
    keys: dict[str, griffe.Parameter] = {}
    for each in (*reversed(found.mro()), found):
        for name, key in each.attributes.items():
            required = isinstance(key.annotation, griffe.ExprSubscript) and key.annotation.canonical_name == "Required"
            keys[name] = griffe.Parameter(
                name,
                annotation=key.annotation.slice if required else key.annotation,
                kind=griffe.ParameterKind.keyword_only,
                default=None if required else "...",
                docstring=key.docstring,
            )
    return sorted(keys.values(), key=lambda key: key.default is not None)


def _document(function: griffe.Function, keys: list[griffe.Parameter]) -> None:
    if function.docstring is None:
        return
    sections = function.docstring.parsed
    kind = griffe.DocstringSectionKind.parameters
    section = next((each for each in sections if each.kind is kind), None)
    if section is None:
        section = griffe.DocstringSectionParameters([])
        sections.insert(1, section)
    for key in keys:
        text = key.docstring.value if key.docstring else ""
        section.value.append(
            griffe.DocstringParameter(key.name, description=text, annotation=key.annotation, value=key.default)
        )
