"""How strict the mock server is: as its description, or as the live service is known to be."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from attrs import field, fields_dict, frozen, validators

LENIENT, LIVE = "lenient", "live"


def _formats(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("formats must be a list of audio formats")
    return tuple(map(str, value))


@frozen
class ModelRule:
    """What a model needs, refuses and returns.

    Args:
        model: The model's ID, or a pattern such as "minimax/*". The first rule that matches counts.
        provider: The name of the provider that responds.
        voice: "required", "refused" or "optional".
        formats: The audio formats that it has.
        rate: The sample rate of its pcm, in Hz.

    Raises:
        ValueError: An argument is out of its range.
    """

    model: str
    provider: str = "Example Voices"
    voice: str = field(default="optional", validator=validators.in_(("required", "refused", "optional")))
    formats: tuple[str, ...] = field(default=("mp3", "pcm"), converter=_formats)
    rate: int = field(default=24_000, validator=[validators.instance_of(int), validators.in_(range(8_000, 96_001))])

    def refusal(self, body: Mapping[str, Any], audio_format: str) -> str | None:
        """Return the provider's reason to refuse a request; None if it does not."""
        if self.voice == "required" and not body.get("voice"):
            return "voice is required for this model"
        if self.voice == "refused" and body.get("voice"):
            return "this model does not accept a voice"
        if audio_format not in self.formats:
            return f"response_format must be {' or '.join(self.formats)} for this model"
        return None


@frozen
class Profile:
    """How strict the server is.

    Args:
        body_first: Whether the body is checked before the key, and refused in the form of a validation library.
        rules: The rules for models.
    """

    body_first: bool = False
    rules: tuple[ModelRule, ...] = ()

    def rule(self, model: object) -> ModelRule | None:
        """Find the rule for a model."""
        return next((rule for rule in self.rules if fnmatchcase(str(model), rule.model)), None)


def profile(name: str | Path) -> Profile:
    """Return a profile: "lenient", "live", or a YAML file with rules like those in `live.yaml`.

    Raises:
        ValueError: The file is not a list of rules; the message names the rule.
        OSError: The file cannot be read.
    """
    if name == LENIENT:
        return Profile()
    source = resources.files(__package__) / "live.yaml" if name == LIVE else Path(name)
    try:
        rules = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{name} is not YAML: {error}") from error
    if not isinstance(rules, list) or not rules:
        raise ValueError(f"{name} must be a list of rules for models")
    return Profile(body_first=True, rules=tuple(_rule(name, number, rule) for number, rule in enumerate(rules, 1)))


def _rule(name: str | Path, number: int, rule: Any) -> ModelRule:
    if not isinstance(rule, Mapping) or "model" not in rule:
        raise ValueError(f"{name}: rule {number} has no model")
    if unknown := sorted(map(str, rule.keys() - fields_dict(ModelRule).keys())):
        raise ValueError(f"{name}: rule {number} has the unknown field {unknown[0]!r}")
    try:
        return ModelRule(**rule)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: rule {number}: {str(error.args[0]).partition(' (')[0]}") from error
