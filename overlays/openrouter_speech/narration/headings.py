"""Recognize the headings of chapters. Pure: strings in, strings out.

A heading is a short paragraph of its own: "# Title" of Markdown, "Chapter 1" or "Part Two: The Sea" in several
languages, a Roman number, or capitals only. A sentence such as "Chapter 1 was dull." is none.

Capitals may also be a sign or a cry in the middle of a story: HELP ME. They are headings if they follow another one,
begin the text, or the whole text is divided by such lines.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

_LONGEST = 80
"""Characters in a heading."""
_MARKDOWN = re.compile(r"#{1,6}\s+(?=\S)")
_CHAPTER = (
    "chapter|kapitel|chapitre|capítulo|capitulo|capitolo|hoofdstuk|rozdział|rozdzial|kapitola|kapitlet|luku|bölüm|"
    "fejezet|capitolul|глава|розділ|κεφάλαιο"
)
_SECTION = (
    "part|book|volume|act|scene|letter|teil|buch|band|akt|partie|livre|tome|parte|libro|deel|boek|część|księga|"
    "del|bok|часть|книга|том|μέρος|βιβλίο"
)
_ALONE = (
    "prologue|epilogue|preface|foreword|introduction|afterword|interlude|prolog|epilog|vorwort|nachwort|einleitung|"
    "préface|avant-propos|prólogo|epílogo|prefacio|introducción|prologo|epilogo|prefazione|prefácio|voorwoord|nawoord|"
    "wstęp|пролог|эпилог|предисловие|序章|終章|プロローグ|エピローグ|序|楔子|尾声"
)
_NUMBER = r"(?:\d{1,3}|[IVXLC]+|[ivxlc]+|the\s+\w+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_TITLE = r"(?:\s*[.:–—-]\s*(?:\S.*)?|\s+[^\Wa-zà-öø-ÿа-я\d_].*[^.])?"  # noqa: RUF001
_NAMED = re.compile(
    rf"(?:(?i:{_CHAPTER})\s+(?:(?i:{_NUMBER})|[^\W\d_]+(?:-\w+)?){_TITLE}"
    rf"|(?i:{_SECTION})\s+(?i:{_NUMBER})(?!\w){_TITLE}"
    rf"|(?i:{_ALONE})"
    r"|第[〇零一二三四五六七八九十百千两\d０-９]+[章回节節卷部篇話话](?:[^。！？]*)|제\s?\d+\s?[장부](?:\s.*)?)"  # noqa: RUF001
)
_ROMAN = re.compile(r"(?=[IVXLC])(?:XC|XL|L?X{0,3}|C{1,3}(?:XC|XL|L?X{0,3}))(?:IX|IV|V?I{0,3})\.?")
_CAPITALS = re.compile(r"[^a-z!?;,\"“”„«»]*[^\W\d_]{2}[^a-z!?;,\"“”„«»]*[^.!?…\s]")
_LEAST_CHAPTER = 200
"""Characters: lines in capitals that are closer together are no headings, but a poem, a play or a list."""
_INTRODUCED = re.compile(r"[:,–—-]\Z")  # noqa: RUF001
"""The end of a paragraph that what follows belongs to: The sign said:"""
_THE_END = {"THE END", "END", "ENDE", "FIN", "FINE", "FIM", "EINDE", "KONIEC", "КОНЕЦ", "FINIS"}


def markdown(line: str) -> bool:
    """Whether a line is a heading of Markdown."""
    return len(line) <= _LONGEST and _MARKDOWN.match(line) is not None


def spoken(paragraph: str) -> str:
    """Return a heading as it is spoken: without the marks of Markdown."""
    return _MARKDOWN.sub("", paragraph, count=1).rstrip("# ") if markdown(paragraph) else paragraph


def found(paragraphs: Sequence[str], pattern: re.Pattern[str] | None = None) -> list[int]:
    """Return the indexes of the headings among paragraphs.

    Args:
        paragraphs: The paragraphs.
        pattern: A pattern to find in them, in place of the rules above.
    """
    lines = [" ".join(paragraph.split()) for paragraph in paragraphs]
    if pattern:
        return [number for number, line in enumerate(lines) if pattern.search(line)]
    sure = {number for number, line in enumerate(lines) if is_named(line)}
    maybe = [
        number
        for number, line in enumerate(lines)
        if number not in sure and in_capitals(line) and not (number and _INTRODUCED.search(lines[number - 1]))
    ]
    alone = []
    for number in maybe:
        if number == 0 or number - 1 in sure:
            sure.add(number)
        elif number + 1 not in sure and number - 1 not in alone:
            alone.append(number)
    if _divide(lines, alone) and len(alone) > sum(number > 0 for number in sure):
        sure.update(alone)
    return sorted(sure.union(number for number in maybe if number - 1 in sure or number + 1 in sure))


def _divide(lines: Sequence[str], numbers: Sequence[int]) -> bool:
    """Whether lines divide the text into chapters: there are several, no two are alike, and none is next to another."""
    if len(numbers) < 2 or len({lines[number] for number in numbers}) < len(numbers):
        return False
    pairs = pairwise([*numbers, len(lines)])
    return all(sum(map(len, lines[one + 1 : other])) >= _LEAST_CHAPTER for one, other in pairs)


def is_named(line: str) -> bool:
    """Whether a line is a heading by what it says."""
    if len(line) > _LONGEST:
        return False
    return any((_MARKDOWN.match(line), _ROMAN.fullmatch(line), _NAMED.fullmatch(line)))


def in_capitals(line: str) -> bool:
    """Whether a line could be a heading since it is in capitals."""
    return len(line) <= _LONGEST and line.isupper() and line not in _THE_END and bool(_CAPITALS.fullmatch(line))
