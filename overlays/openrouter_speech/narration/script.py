"""Who speaks, and how words are said. Pure: strings in, strings out.

In a script, a paragraph begins with the name of its speaker: "ALICE: Good morning." or "ALICE (softly): Good morning."
Neither the name nor what is in parentheses after it is spoken.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from . import headings
from .splitting import WITHOUT_SPACES

BETWEEN = "\n\n"
"""What separates the paragraphs of a request. No paragraph has it inside."""
_LONGEST_NAME = 40
"""Characters."""
_NAME = re.compile(rf"\s*(?P<name>[^\n:：()（）]{{1,{_LONGEST_NAME}}}?)\s*(?:[(（][^()（）\n]*[)）])?\s*[:：]\s*")  # noqa: RUF001
_MOST_WORDS = 4
"""Words in a name that is written in capitals."""
_UNTOUCHED = r"</?[A-Za-z][^<>]*>|[A-Za-z]+://[!-~]+"
"""What is not respelled: tags of SSML and addresses."""


class Respelling:
    """Replaces words by what should be said in their place.

    A word that is written as in the table becomes what the table says. In another case it keeps its case: with "GIF" to
    "jif", "Gif" becomes "Jif".

    Args:
        words: The words or phrases, and what to say.

    Raises:
        TypeError, ValueError: A word is not a string, or has no letter or digit.
    """

    def __init__(self, words: Mapping[str, str] | None) -> None:
        if words is not None and not isinstance(words, Mapping):
            raise TypeError(f'say must be a mapping such as {{"GIF": "jif"}}, not {type(words).__name__}')
        self.words = dict(words or {})
        for word, said in self.words.items():
            if not isinstance(word, str) or not isinstance(said, str):
                raise TypeError(f"say must be a mapping of strings, not {word!r} to {said!r}")
            if not any(map(str.isalnum, word)):
                raise ValueError(f"say has {word!r}, which is no word")
        self._folded = {word.casefold(): word for word in reversed(self.words)}
        known = sorted(self.words, key=len, reverse=True)
        self._pattern = re.compile(f"{_UNTOUCHED}|({'|'.join(map(_whole, known))})", re.IGNORECASE)

    def __bool__(self) -> bool:
        """Whether there are any words."""
        return bool(self.words)

    def __call__(self, text: str) -> str:
        """Return the text as it should be said."""
        return self._pattern.sub(lambda match: self._said(match)[1], text) if self.words else text

    def counts(self, texts: Iterable[str]) -> dict[str, int]:
        """Count how often each word occurs."""
        counts = dict.fromkeys(self.words, 0)
        for text in texts if self.words else ():
            for match in self._pattern.finditer(text):
                word, _ = self._said(match)
                if word is not None:
                    counts[word] += 1
        return counts

    def _said(self, match: re.Match[str]) -> tuple[str | None, str]:
        """Return the word of the table that a match is, and what to say."""
        found = match[1]
        following = match.string[match.end() : match.end() + 1]
        if found is None or (following and unicodedata.category(following)[0] == "M"):  # the word goes on
            return None, match[0]
        word = found if found in self.words else self._folded.get(found.casefold())
        if word is None:
            return None, found
        said = self.words[word]
        if found == word:
            return word, said
        if len(found) > 1 and found.isupper():
            return word, said.upper()
        return word, said[:1].upper() + said[1:] if found[:1].isupper() else said


def _whole(word: str) -> str:
    """Return a pattern for a whole word. In a script without spaces, words have no visible ends."""
    before = "" if WITHOUT_SPACES.match(word[0]) else r"(?<!\w)"
    after = "" if WITHOUT_SPACES.match(word[-1]) else r"(?!\w)"
    return f"{before}{re.escape(word)}{after}"


@frozen
class Line:
    """A paragraph, without the name of its speaker."""

    text: str
    speaker: str | None = None


@frozen
class Speech:
    """What one request asks for."""

    input: Any
    """A text, or a list of turns."""
    voice: str | None = None
    """None for the voice of the call."""

    @property
    def params(self) -> dict[str, Any]:
        """The arguments of the request."""
        return {"input": self.input} | ({} if self.voice is None else {"voice": self.voice})

    @property
    def text(self) -> str:
        """All that is spoken."""
        return self.input if isinstance(self.input, str) else BETWEEN.join(turn["text"] for turn in self.input)

    @property
    def voices(self) -> tuple[str | None, ...]:
        """The voices, in the order of the turns."""
        return (self.voice,) if isinstance(self.input, str) else tuple(turn.get("voice") for turn in self.input)


class Cast:
    """The speakers of a script.

    Args:
        voices: The voice of each speaker, by name. A text is a script only if there are any.
        turns: Whether several speakers may share a request, as turns.
        say: How words are said.

    Raises:
        TypeError, ValueError: A name or a voice is not a string, or empty; or there are turns without voices.
    """

    def __init__(self, voices: Mapping[str, str] | None, turns: bool, say: Respelling) -> None:
        if voices is not None and not isinstance(voices, Mapping):
            raise TypeError(f'voices must be a mapping such as {{"ALICE": "nova"}}, not {type(voices).__name__}')
        self.voices = dict(voices or {})
        for name, voice in self.voices.items():
            if not isinstance(name, str) or not isinstance(voice, str):
                raise TypeError(f"voices must be a mapping of strings, not {name!r} to {voice!r}")
            if not voice.strip() or not _NAME.fullmatch(f"{name}:"):
                raise ValueError(f"voices has {name!r}: {voice!r}: it needs a name without a colon, and a voice")
        if turns and not self.voices:
            raise ValueError("turns needs voices: who speaks with which voice")
        self.turns = turns
        self.say = say
        self._names = {" ".join(name.split()).casefold(): name for name in self.voices}

    def separated(self, text: str) -> str:
        """Return a text with a blank line before each line that begins with the name of a speaker, known or not."""
        if not self.voices:
            return text
        lines = re.split("(?<=\n)", text)
        return "".join(f"\n{line}" if self._named(line) or _unknown(line) else line for line in lines)

    def lines(self, paragraphs: Sequence[str]) -> list[Line]:
        """Return the paragraphs and their speakers.

        Raises:
            ValueError: A paragraph begins with a name in capitals that has no voice.
        """
        if not self.voices:
            return [Line(paragraph) for paragraph in paragraphs]
        lines, unknown, waiting = [], dict[str, int](), None
        for number, paragraph in enumerate(paragraphs, 1):
            speaker, name = self._named(paragraph), _NAME.match(paragraph)
            if speaker is None and (stranger := _unknown(paragraph)):
                unknown.setdefault(stranger, number)
            rest = paragraph[name.end() :] if speaker is not None and name else paragraph
            if rest:
                lines.append(Line(rest, speaker or waiting))
            waiting = None if rest else speaker
        if unknown:
            listed = ", ".join(f"{name} (paragraph {number})" for name, number in unknown.items())
            raise ValueError(f"voices lacks {listed}: add these speakers, or write their names in small letters")
        return lines

    def can_share(self, speakers: Iterable[str | None]) -> bool:
        """Whether paragraphs of these speakers can be one request."""
        return self.turns or len({self._voice(speaker) for speaker in speakers}) == 1

    def speech(self, texts: Sequence[str], speakers: Sequence[str | None]) -> Speech:
        """Return the request for paragraphs. There are no speakers unless the text is a script."""
        voices = [self._voice(speaker) for speaker in speakers]
        if len(set(voices)) <= 1:
            return Speech(self.say(BETWEEN.join(texts)), *voices[:1])
        turns: list[dict[str, str]] = []
        for voice, said in zip(voices, map(self.say, texts), strict=True):
            if turns and turns[-1].get("voice") == voice:
                turns[-1]["text"] += BETWEEN + said
            else:
                turns.append({"text": said} | ({} if voice is None else {"voice": voice}))
        return Speech(turns)

    def size(self, measure: Callable[[str], int]) -> Callable[[str], int]:
        """Return a function that measures a text as it is sent."""
        return (lambda text: measure(self.say(text))) if self.say else measure

    def _named(self, paragraph: str) -> str | None:
        name = _NAME.match(paragraph)
        return self._names.get(" ".join(name["name"].split()).casefold()) if name else None

    def _voice(self, speaker: str | None) -> str | None:
        return None if speaker is None else self.voices[speaker]


def _unknown(paragraph: str) -> str | None:
    """Return what a paragraph begins with, if it looks like a speaker: a name in capitals."""
    name = _NAME.match(paragraph)
    if name is None or headings.is_named(" ".join(paragraph.split())):  # SCENE 1: A HOUSE
        return None
    return name["name"] if name["name"].isupper() and len(name["name"].split()) <= _MOST_WORDS else None


NOBODY = Cast(None, False, Respelling(None))
"""For a text that is no script."""
