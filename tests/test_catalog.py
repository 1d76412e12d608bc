"""Models as the server describes them, and what is refused by that."""

import datetime
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from openrouter_speech._core import catalog
from openrouter_speech.mock import profiles

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC).timestamp()
KOKORO, GPT, GEMINI, FREE = (
    "hexgrad/kokoro-82m",
    "openai/gpt-4o-mini-tts",
    "google/gemini-3-tts",
    "fish-audio/s2.1-pro-free",
)


def model(**raw: Any) -> catalog.Model:
    (found,) = catalog.models({"data": [{"id": "a/b", **raw}]})
    return found


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        ({"name": "B"}, "name", "B"),
        ({}, "name", "a/b"),
        ({"name": 5}, "name", "a/b"),
        ({"supported_voices": ["x", "y"]}, "voices", ("x", "y")),
        ({"supported_voices": ["x", None, 5]}, "voices", ("x",)),
        ({"supported_voices": None}, "voices", None),
        ({"supported_voices": []}, "voices", None),
        ({"supported_voices": "x"}, "voices", None),
        (
            {"pricing": {"prompt": "0.000015", "completion": "0"}},
            "prices",
            {"prompt": Decimal("0.000015"), "completion": 0},
        ),
        ({"pricing": {"prompt": "-1", "request": "free", "discount": 0.5, "audio": "NaN"}}, "prices", {}),
        ({"pricing": []}, "prices", {}),
        ({"expiration_date": "2027-01-06"}, "expires", datetime.date(2027, 1, 6)),
        ({"expiration_date": "2027-01-06T00:00:00Z"}, "expires", datetime.date(2027, 1, 6)),
        ({"expiration_date": "soon"}, "expires", None),
        ({"expiration_date": 5}, "expires", None),
        ({"expiration_date": {}}, "expires", None),  # since Python 3.12 a slice is a key like any other
        ({"alias_target": {"slug": "a/c"}}, "alias_of", "a/c"),
        ({"alias_target": None}, "alias_of", None),
        ({"id": GEMINI}, "formats", ("pcm",)),
        ({}, "formats", None),
        ({"new": 1}, "raw", {"id": "a/b", "new": 1}),
    ],
)
def test_a_model_is_read_as_far_as_it_goes(raw: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(model(**raw), name) == expected


@pytest.mark.parametrize("content", [None, [], {}, {"data": None}, {"data": {}}, {"data": [5, None, {}, {"id": None}]}])
def test_what_is_no_catalog_has_no_models(content: Any) -> None:
    assert catalog.models(content) == []
    assert catalog.endpoints(content) == []


@pytest.mark.parametrize(
    ("raw", "cloning"),
    [({"supports_voice_cloning": True}, True), ({"supports_voice_cloning": "yes"}, None), ({}, None)],
)
def test_an_endpoint_is_read(raw: dict[str, Any], cloning: bool | None) -> None:
    endpoint = {"name": "N", "provider_name": "P", "pricing": {"prompt": "1"}, **raw}
    (found,) = catalog.endpoints({"data": {"endpoints": [endpoint]}})
    assert (found.name, found.provider, found.prices, found.clones_voices) == (
        "N",
        "P",
        {"prompt": Decimal(1)},
        cloning,
    )


VOICES = ["alloy", "ash", "ballad", "coral", "echo", "Nova"]


@pytest.mark.parametrize(
    ("identity", "voices", "audio_format", "reason"),
    [
        (GPT, ["alloy"], "pcm", None),
        (GPT, [None], "mp3", None),
        (GPT, ["aloy"], "pcm", r"voice 'aloy' is not a voice of .*; did you mean 'alloy'\?"),
        (GPT, ["nova"], "pcm", r"did you mean 'Nova'\?"),
        (GPT, ["zz"], "pcm", r"; it has alloy, ash, ballad, coral, echo and 1 more"),
        (GPT, ["alloy", "aloy"], "pcm", "voice 'aloy'"),
        (KOKORO, [None], "pcm", rf"voice is missing: {KOKORO} needs one, such as alloy"),
        (KOKORO, ["ash", None], "pcm", "voice is missing"),
        (FREE, ["alloy"], "pcm", "voice cannot be set"),
        (FREE, [None], "mp3", None),
        (GEMINI, ["alloy"], "mp3", rf"response_format must be pcm for {GEMINI}, not 'mp3'"),
        ("minimax/speech", ["alloy"], "pcm", "response_format must be mp3"),
    ],
)
def test_what_a_model_would_refuse_is_refused(
    identity: str, voices: list[str | None], audio_format: str, reason: str | None
) -> None:
    found = catalog.refusal(model(id=identity, supported_voices=VOICES), identity, voices, audio_format)
    assert found is None if reason is None else re.search(reason, found or "")


@pytest.mark.parametrize("voices", [None, []])
def test_a_model_with_unknown_voices_takes_any(voices: Any) -> None:
    assert catalog.refusal(model(supported_voices=voices), "a/b", ["any"], "pcm") is None
    assert catalog.refusal(None, "a/b", ["any"], "pcm") is None


@pytest.mark.parametrize(
    ("expires", "text"),
    [
        (None, None),
        ("2026-12-27", None),
        ("2026-12-26", "The model a/b expires on 2026-12-26: choose another one"),
        ("2026-11-26", "expires on 2026-11-26"),
        ("2026-11-25", "expired on 2026-11-25"),
    ],
)
def test_a_model_that_expires_soon_is_announced(expires: str | None, text: str | None) -> None:
    found = catalog.notice(model(expiration_date=expires), NOW)
    assert found is None if text is None else text in (found or "")


def test_the_mock_server_refuses_the_same() -> None:
    """Its profile is an example of a file for users, and has these facts in a form of its own."""
    rules = yaml.safe_load(Path(profiles.__file__).with_name("live.yaml").read_text())
    known = {one.pattern: (one.voice, one.formats) for one in catalog.HABITS}
    found = {
        rule["model"]: (rule.get("voice", "optional"), tuple(rule["formats"]) if "formats" in rule else None)
        for rule in rules
    }
    assert {pattern: facts for pattern, facts in found.items() if facts != ("optional", None)} == known


def endpoints(*prices: dict[str, str]) -> list[catalog.Endpoint]:
    return catalog.endpoints({"data": {"endpoints": [{"pricing": one} for one in prices]}})


@pytest.mark.parametrize(
    ("prices", "most"),
    [
        ([{"prompt": "0.001"}], Decimal("0.1")),
        ([{"prompt": "0.001", "completion": "0"}, {"prompt": "0.002"}], Decimal("0.2")),
        ([{"prompt": "0.001", "request": "0.5"}], Decimal("1.6")),
        ([{"prompt": "0"}], Decimal(0)),
        ([{"prompt": "0.001", "completion": "0.000001"}], None),
        ([{"prompt": "0.001"}, {"prompt": "0.001", "audio_output": "1"}], None),
        ([{"request": "1"}], None),
        ([{}], None),
        ([], None),
    ],
)
def test_the_most_that_a_text_can_cost_is_that_of_the_dearest_endpoint(
    prices: list[dict[str, str]], most: Decimal | None
) -> None:
    assert catalog.most(endpoints(*prices), 100, 3) == most
