"""Which paragraphs are headings of chapters."""

import re

import pytest
from openrouter_speech.narration.headings import is_heading, spoken

HEADINGS = [
    "Chapter 1",
    "CHAPTER I",
    "Chapter One",
    "Chapter Twenty-One",
    "chapter 3: the storm",
    "Chapter 1. The Boy",
    "Chapter 1 The Boy Who Lived",
    "CHAPTER I. DOWN THE RABBIT-HOLE",
    "Part Two",
    "PART TWO: THE SEA",
    "Book III",
    "Prologue",
    "EPILOGUE",
    "# The Sea",
    "### 5. The End of It",
    "IV",
    "XII.",
    "C",
    "THE WHITE WHALE",
    "Kapitel 3",
    "Chapitre premier",
    "Capítulo 4: El mar",
    "Capitolo primo",
    "Глава 1",
    "Глава первая",
    "Hoofdstuk 2",
    "第一章",
    "第十二章 大海",
    "第3話 出会い",
    "제1장 바다",
    "序章",
    "ГЛАВА ПЕРВАЯ",
    "Teil 2",
    "Chapter\none",
]
SENTENCES = [
    "Chapter 1 was dull.",
    "Chapter 1 was dull",
    "Part of it was true.",
    "Part of me",
    "Book it!",
    "NO!",
    "“WHAT?”",
    "STOP.",
    "Introduction to the sea is hard.",
    "It was late.",
    "I am.",
    "1999",
    "7",
    "* * *",
    "THE END",
    "Prologues are dull.",
    "Chapter after chapter he read.",
    "第一章很好。",
    "OK!",
    "Chapters one and two",
    "Act now",
    "Del var god",
    "A",
    "book club",
    "Letter from home",
]


@pytest.mark.parametrize("text", HEADINGS)
def test_a_short_paragraph_that_names_a_chapter_is_a_heading(text: str) -> None:
    assert is_heading(text)


@pytest.mark.parametrize("text", [*SENTENCES, "THE SEA " * 11])
def test_a_sentence_is_no_heading(text: str) -> None:
    assert not is_heading(text)


def test_a_pattern_replaces_the_rules() -> None:
    pattern = re.compile("^Stave")
    assert is_heading("Stave\none", pattern)
    assert not is_heading("Chapter 1", pattern)


@pytest.mark.parametrize(
    ("text", "expected"), [("## The sea ##", "The sea"), ("#tag", "#tag"), ("Chapter 1", "Chapter 1")]
)
def test_the_marks_of_markdown_are_not_spoken(text: str, expected: str) -> None:
    assert spoken(text) == expected
