"""Recognize the headings of chapters. Pure: strings in, strings out.

A heading is a short paragraph of its own: "# Title" of Markdown, "Chapter 1" or "Part Two: The Sea" in several
languages, a Roman number, or capitals only. A sentence such as "Chapter 1 was dull." is none.
"""

import re

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
_THE_END = {"THE END", "END", "ENDE", "FIN", "FINE", "FIM", "EINDE", "KONIEC", "КОНЕЦ", "FINIS"}


def markdown(line: str) -> bool:
    """Whether a line is a heading of Markdown."""
    return len(line) <= _LONGEST and _MARKDOWN.match(line) is not None


def spoken(paragraph: str) -> str:
    """Return a heading as it is spoken: without the marks of Markdown."""
    return _MARKDOWN.sub("", paragraph, count=1).rstrip("# ") if markdown(paragraph) else paragraph


def is_heading(paragraph: str, pattern: re.Pattern[str] | None = None) -> bool:
    """Whether a paragraph is the heading of a chapter.

    Args:
        paragraph: The paragraph.
        pattern: A pattern to find in it, in place of the rules above.
    """
    line = " ".join(paragraph.split())
    if pattern:
        return pattern.search(line) is not None
    if len(line) > _LONGEST:
        return False
    if _MARKDOWN.match(line) or _ROMAN.fullmatch(line) or _NAMED.fullmatch(line):
        return True
    return line.isupper() and line not in _THE_END and _CAPITALS.fullmatch(line) is not None
