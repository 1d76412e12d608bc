"""Split a text at paragraphs, then sentences, then clauses and words. Pure: strings in, strings out.

`sentences` finds the sentences. One that is longer than the limit is cut by `semantic-text-splitter`, at words and
characters as Unicode defines them (UAX 29), with dictionaries for scripts without spaces. We add two rules. Line breaks
inside a paragraph count as spaces, since books are wrapped at 70 columns. Scripts with spaces are cut only at spaces:
Unicode would cut "well-known".
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from . import extra, headings, sentences

_LINE_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028]")
_SOFT_HYPHEN = re.compile(r"\u00ad(?:\n[^\S\n]*(?=\w))?")
"""A possible line break in a word, and one that was made there."""
_BETWEEN_PARAGRAPHS = re.compile(r"\n[^\S\n]*\n\s*|\s*\u2029\s*")
_LINE = re.compile(r"(?m)^.+$")
_SENTENCE_END = re.compile(rf"[.!?…‽؟۔।॥።፧։。！？．｡။។:][{sentences.CLOSING}]*\s*\Z")  # noqa: RUF001
_LONGEST_WRAPPED = 120
"""Characters in a line: books are wrapped at 60 to 100."""
_MOST = 0.8
_INDENTATION = re.compile(r"\n(?=[ \t\u3000]+\S)")
_LINE_END = re.compile(r"\n+")
_SPACE = re.compile(r"[^\S\u00a0\u2007\u202f]+")
"""White space that allows a line break: all but the no-break spaces."""
_CLAUSE_END = re.compile(
    rf"[,;:–—،؛!?…][{sentences.CLOSING}]*\s+|\s-\s+|[，、；：—][{sentences.CLOSING}]*\s*"  # noqa: RUF001
)
_WHOLE = re.compile(r"</?[A-Za-z][^<>]*(?:>|\Z)|[A-Za-z]+://[!-~]+|\d(?:[\d.,:\u00a0\u202f]|[^\S\n](?=\d{3}))*\d")
"""What is never cut: a tag of SSML, an address, a number."""
WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3000-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua000-\ua4cf\ua9e0-\ua9ff\uaa60-\uaadf\uf900-\ufaff\uff00-\uffef\U0001b000-\U0001b16f"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, the Tai scripts, Chinese, Japanese, Yi."""
_INSIDE_A_SYLLABLE = re.compile(
    "(?<=[\u0e40-\u0e44\u0ec0-\u0ec4\u1039\u17d2])"  # after a vowel before its consonant, or the sign of a stack
    "|[\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec6-\u0ece\u102b-\u103e\u17b6-\u17d3]"  # a sign of its own
    "|[\u0e01-\u0e2e][\u0e34-\u0e39]?\u0e4c"  # a silent consonant
    "|[\u1000-\u1021\u103f][\u103a\u1039]"  # a final consonant
)
"""Unicode breaks here: for it, these are characters of their own."""
_LOOKAHEAD = 200
"""Characters beyond the limit that the splitter sees: the text after a word decides whether it ends."""
_LONGEST_ABBREVIATION = 40
"""Characters."""

Size = Callable[[str], int]


def size_in_bytes(text: str) -> int:
    """Return the bytes of the text in UTF-8."""
    return len(text.encode())


def paragraphs(text: str) -> list[str]:
    """Split a text at blank lines. Only the white space around paragraphs is lost; none is empty.

    Line breaks of all systems and form feeds become "\\n". A byte order mark and soft hyphens are removed. Where no
    line is blank, and the lines are not those of a wrapped text, each is a paragraph. So is a heading of Markdown, and
    an indented line where these follow the ends of sentences.
    """
    text = _SOFT_HYPHEN.sub("", _LINE_BREAK.sub("\n", text.removeprefix("\ufeff"))).strip()
    text = _LINE.sub(lambda line: f"\n\n{line[0]}\n\n" if headings.markdown(line[0]) else line[0], text)
    if not _BETWEEN_PARAGRAPHS.search(text) and _has_a_paragraph_a_line(text.split("\n")):
        return [line.strip() for line in text.split("\n")]
    blocks = (piece for block in _BETWEEN_PARAGRAPHS.split(text) for piece in _indented(block))
    return [stripped for block in blocks if (stripped := block.strip())]


def _indented(block: str) -> list[str]:
    """Split a block without blank lines at its indented lines, if they begin paragraphs."""
    before = [block[: match.start()].rsplit("\n", 1)[-1] for match in _INDENTATION.finditer(block)]
    ends = sum(_SENTENCE_END.search(line) is not None for line in before)
    return _INDENTATION.split(block) if before and ends >= _MOST * len(before) else [block]


def _has_a_paragraph_a_line(lines: list[str]) -> bool:
    """Whether lines are longer than wrapped ones, or nearly all of them end with a sentence."""
    ends = sum(_SENTENCE_END.search(line) is not None for line in lines)
    return max(map(len, lines)) > _LONGEST_WRAPPED or ends >= _MOST * len(lines)


def has_speech(text: str) -> bool:
    """Whether the text has a letter or a digit, in any script."""
    return any(map(str.isalnum, text))


class Splitter:
    """Splits paragraphs into parts of a limited size.

    Args:
        limit: The largest size of a part.
        size: Measures a text: `len`, `size_in_bytes`, or either of a text as it is sent.
        language: A code such as "en", which decides where sentences end.

    Raises:
        ConfigurationError: The extra `long` is not installed.
    """

    def __init__(self, limit: int, size: Size = len, language: str = "en") -> None:
        with extra.needed():
            from semantic_text_splitter import TextSplitter  # noqa: PLC0415
        self._limit = limit
        self._size = size
        self._language = language
        self._splitter = TextSplitter(limit) if size is len else TextSplitter.from_callback(size, limit)

    def fits(self, text: str) -> bool:
        """Whether a text is within the limit, without the white space around it."""
        return self._size(text.strip()) <= self._limit

    def parts(self, paragraph: str) -> Iterator[str]:
        """Yield the parts of a paragraph. Only the white space around them is lost; none is empty."""
        start = end = 0
        for sentence_end in sentences.ends(paragraph, self._language):
            if not self.fits(paragraph[start:sentence_end]):
                if part := paragraph[start:end].strip():
                    yield part
                start = end
                while not self.fits(paragraph[start:sentence_end]):
                    # Every character counts at least 1, so the text beyond this window cannot be in the part.
                    cut = start + self._first(paragraph[start : min(start + self._limit + _LOOKAHEAD, sentence_end)])
                    if part := paragraph[start:cut].strip():
                        yield part
                    start = cut
            end = sentence_end
        if part := paragraph[start:].strip():
            yield part

    def _first(self, window: str) -> int:
        """Count the characters of the first part of a sentence that does not fit."""
        wrapped = window.replace("\n", " ")
        begin, chunk = next(iter(self._splitter.chunk_indices(wrapped)), (0, wrapped))
        end = _whole_syllables(wrapped, begin + len(chunk))
        if space := _SPACE.match(wrapped, end):
            end = space.end()
        return self._inside_a_sentence(window, self._fitting(window), end)

    def _fitting(self, window: str) -> int:
        """Count the characters of the window that are within the limit."""
        if self._size is len:
            return self._limit
        return bisect_right(range(len(window) + 1), self._limit, key=lambda end: self._size(window[:end])) - 1

    def _inside_a_sentence(self, window: str, fitting: int, end: int) -> int:
        """Find the end of a part that does not end with a sentence.

        Args:
            window: The text.
            fitting: How many of its characters are within the limit.
            end: The last word boundary within the limit.

        Returns:
            The best break in the second half of the fitting text, or else a space. `end` if there is no space, or the
            script has none.
        """
        whole = [match.span() for match in _WHOLE.finditer(window)]

        def allowed(place: re.Match[str]) -> bool:
            return not any(begin < place.end() < stop for begin, stop in whole)

        for kind in (_LINE_END, _CLAUSE_END, _SPACE):
            for place in reversed(list(kind.finditer(window))):
                before = window[max(0, place.end() - _LONGEST_ABBREVIATION) : place.end()]
                if (
                    fitting // 2 <= _printed_end(place) <= fitting
                    and allowed(place)
                    and not sentences.ends_in_abbreviation(before, self._language)
                ):
                    return place.end()
        if not WITHOUT_SPACES.search(window[end - 1 : end + 1]):
            spaces = [place for place in _SPACE.finditer(window) if 0 < place.start() <= fitting]
            best = [place for place in spaces if allowed(place)] or spaces
            end = best[-1].end() if best else end
        return next((begin for begin, stop in whole if 0 < begin < end < stop), end)


def _whole_syllables(text: str, end: int) -> int:
    """Move the end of a part back to the end of a syllable of Thai, Lao, Khmer or Burmese, if a word has to be cut."""
    place = end
    while 0 < place < len(text) and _INSIDE_A_SYLLABLE.match(text, place):
        place -= 1
    return place or end


def _printed_end(place: re.Match[str]) -> int:
    """Return the end of a match without its trailing white space, which is not sent and need not fit."""
    return place.start() + len(place[0].rstrip())
