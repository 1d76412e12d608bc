"""Find the sentences of a text. Pure: strings in, numbers out.

`sentencex` knows the abbreviations of many languages, and ends too many sentences rather than too few. `_CONTINUES`,
`_ABBREVIATIONS` and `_WORDS_TOO` list what it gets wrong. A missed end costs nothing, unless the sentence is longer
than the limit.
"""

import re
from collections.abc import Iterator

from . import extra

CLOSING = "'\"’”»›)\\]’”」』】）》〉"  # noqa: RUF001
_ENDS_WITHOUT_SPACE = re.compile(rf"[。！？．｡।॥။។།༎][。！？{CLOSING}]*\Z")  # noqa: RUF001
"""The end of a sentence in a script that may have no space after it."""

_CONTINUES = re.compile(rf"[!?…‽][!?…{CLOSING}]*\s*\Z|[.,][{CLOSING}]+\s*\Z|(?:\d|\b\w{{1,3}})\.\s*\Z")
"""What a lower-case letter after it continues: “Why?” she asked."""
_INITIAL = re.compile(r"(?:\A|[^\w.])[^\W\d_a-zß-öø-ÿа-яё]\.\s*\Z")
"""An initial: "J. Smith". Upper case in Latin and Cyrillic."""
_BEFORE_NUMBERS = re.compile(
    r"\b(?:abb|abs|art|av|bd|ca|cap|ch|chap|eq|fig|hfst|kap|kl|no|nos|nr|nro|núm|num|obr|p|pag|pág|par|pp|ps|rys|s|sec|"
    r"sect|sid|st|str|tab|vol|vols|гл|рис|св|см|ст|стр|ч)\.\s*\Z",
    re.IGNORECASE,
)
"""What a number continues: "No. 5", "p. 12"."""
_ORDINAL = re.compile(
    r"\b(?:ab|am|beim|bis|das|dem|den|der|des|die|im|ins?|jede[mnrs]?|seit|unsere?[mnrs]?|vom|zum|zur|"
    r"(?:[dms]?ein|ihr)(?:e[mnrs]?)?)\s+\d{1,3}\.\s*\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d\.\s*\Z")
_QUOTATION = re.compile(r"[」』）]\s*\Z")  # noqa: RUF001
_AFTER_ORDINALS = re.compile(
    r"(?:Jan|Feb|März|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jänner|Jahrhundert|Jahrtausend|Jh|Kapitel|Klasse|Stock|"
    r"Auflage|Akt|Tag|Mal|Weltkrieg|Lebensjahr|Geburtstag)"
)
_ABBREVIATIONS = {
    "cs": "Bc|Ing|JUDr|MUDr|např|PhDr|p|Prof|sv|tj|tzn|tzv",
    "de": "bzw|ca|d. ?h|Dr|ehem|evtl|Fr|geb|gest|Hr|Hrn|Ing|inkl|Prof|sog|St|u. ?a|vgl|z. ?B|z. ?T",
    "en": "approx|Capt|Col|Dr|Esq|Gen|Gov|Hon|Lt|Messrs|Mr|Mrs|Ms|Mt|Ph\\.D|Prof|Rep|Rev|Sen|Sgt|vs|viz",
    "es": "D|Dña|Dr|Dra|Ing|Lic|Mons|p\\. ?ej|Prof|Sr|Sra|Sres|Srta|Sta|Sto|Ud|Uds|Vd",
    "fr": "Dr|M|MM|Me|Mgr|Mlle|Mlles|Mme|Mmes|p\\. ?ex|Pr|St|Ste|janv|févr|avr|juil|sept|oct|nov|déc",
    "it": "Dott|Dott\\.ssa|ecc\\.mo|Ing|on|Prof|Prof\\.ssa|S|Sig|Sig\\.ra|Sigg|ad es|p\\. ?es",
    "nl": "bijv|Dhr|Dr|drs|ds|ir|Mevr|Mr|Mw|o\\. ?a|Prof|St",
    "pl": "dr|im|inż|mgr|m\\. ?in|np|prof|św|tj|tzn|tzw|ul",
    "pt": "Av|D|Dr|Dra|Eng|Exa|p\\. ?ex|Prof|Profa|Sr|Sra|Srta|Sto|Sta|V\\. ?Exa",
    "ru": "акад|г|гр|им|и\\. ?о|напр|проф|пл|пр|просп|св|см|т\\. ?е|ул|д-р",  # noqa: RUF001
    "sv": "bl\\. ?a|d\\. ?v\\. ?s|Dr|f\\. ?d|kl|Prof|s\\. ?k|St|t\\. ?ex",
    "tr": "Av|Bkz|Doç|Dr|Hz|Örn|Prof|Sn",
}
"""Abbreviations that something always follows, by language."""
_WORDS_TOO = {
    "cs": "atd|tu", "de": "Art|usw", "es": "etc|mar|no", "fr": "art|etc", "it": "ecc|me|no|re|te|via", "nl": "enz|red",
    "pl": "itd|itp", "sv": "hon|maj|ut",
}  # fmt: skip
"""What sentencex takes for an abbreviation, and often ends a sentence, by language."""
_MISSED = {
    language: re.compile(rf"(?<!\w)(?:{words})\.[{CLOSING}]*\s+", re.IGNORECASE)
    for language, words in _WORDS_TOO.items()
}
_BEFORE_NAMES = {
    language: re.compile(rf"(?<!\w)(?:{words})\.\s*\Z", re.IGNORECASE) for language, words in _ABBREVIATIONS.items()
}

_SCRIPTS = {
    "ja": "\u3040-\u30ff", "zh": "\u3400-\u9fff", "ko": "\uac00-\ud7af", "th": "\u0e00-\u0e7f", "lo": "\u0e80-\u0eff",
    "km": "\u1780-\u17ff", "my": "\u1000-\u109f", "hi": "\u0900-\u097f", "bn": "\u0980-\u09ff", "ta": "\u0b80-\u0bff",
    "ar": "\u0600-\u06ff", "he": "\u0590-\u05ff", "el": "\u0370-\u03ff", "ru": "\u0400-\u04ff", "hy": "\u0530-\u058f",
    "ka": "\u10a0-\u10ff", "am": "\u1200-\u137f",
}  # fmt: skip
_SCRIPT = re.compile("|".join(f"(?P<{language}>[{letters}]+)" for language, letters in _SCRIPTS.items()))
_WORDS = {
    "cs": "a je na se že do byl ale jsem jeho", "de": "und der die das ist nicht ein ich er sie mit",
    "en": "the and of to was in that he it is you", "es": "el la de que y los en un no se por una",
    "fr": "le la les et des est une dans que il ne pas", "it": "il di che e la non un per gli era della",
    "nl": "de het een en van dat niet ik hij is zijn", "pl": "i w nie na się że to z jest do był",
    "pt": "o a de que e não um uma os do da em", "sv": "och att det en som är inte jag han på av",
    "tr": "ve bir bu da de için çok ne ile gibi o",
}  # fmt: skip
"""Frequent words of the languages in Latin script."""
_NEAR = 60
"""Characters around the end of a sentence that decide whether it is one."""
_SAMPLE = 20_000
"""Characters that the guess looks at."""


def guess(text: str) -> str:
    """Guess the language of a text, from its script or its most frequent words. "en" if nothing shows it."""
    sample = text[:_SAMPLE]
    scripts = dict.fromkeys(_SCRIPTS, 0)
    for run in _SCRIPT.finditer(sample):
        scripts[run.lastgroup or ""] += len(run[0])
    scripts["ja"] *= 5  # Japanese has Chinese characters, too
    script = max(scripts, key=scripts.__getitem__)
    words = re.findall(r"[^\W\d_]+", sample.lower())
    if scripts[script] * 2 > sum(map(len, words)):
        return script
    counts = {language: sum(map(frozenset(known.split()).__contains__, words)) for language, known in _WORDS.items()}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > counts["en"] else "en"


def ends(text: str, language: str) -> Iterator[int]:
    """Yield the end of each sentence of a paragraph, with the white space after it. The last one is its length."""
    with extra.needed():
        import sentencex  # noqa: PLC0415

    start = 0
    boundaries = sentencex.get_sentence_boundaries(language, text.replace("\n", " "))
    found = {boundary["end_index"] for boundary in boundaries[:-1]}
    if language in _MISSED:
        found.update(match.end() for match in _MISSED[language].finditer(text) if match.end() < len(text))
    for end in sorted(found):
        if not _goes_on(text[max(start, end - _NEAR) : end], text[end : end + _NEAR], language):
            yield end
            start = end
    if text:
        yield len(text)


def ends_in_abbreviation(text: str, language: str) -> bool:
    """Whether a text ends in what its next word belongs to."""
    return any(pattern.search(text) for pattern in (_INITIAL, _BEFORE_NUMBERS, _BEFORE_NAMES.get(language, _INITIAL)))


def _goes_on(left: str, right: str, language: str) -> bool:
    """Whether there is no end of a sentence between two texts."""
    right = right.lstrip()
    if not (left[-1:].isspace() or _ENDS_WITHOUT_SPACE.search(left)):
        return True
    if right[:1] in CLOSING:
        return right[:1] not in "'\"" or not left[-1:].isspace()  # these also open
    rules = (
        (right.lstrip("-–— ")[:1].islower(), _CONTINUES),  # noqa: RUF001
        (right[:1].isdigit(), _BEFORE_NUMBERS),
        (language == "ja" and right[:1] in "とっなはがのをに", _QUOTATION),
        (language == "de", _ORDINAL),
        (language == "de" and _AFTER_ORDINALS.match(right), _NUMBER),
        (True, _INITIAL),
        (language in _BEFORE_NAMES, _BEFORE_NAMES.get(language, _INITIAL)),
    )
    return any(applies and pattern.search(left) for applies, pattern in rules)
