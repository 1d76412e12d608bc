"""Which paragraphs are headings of chapters."""

import re

import pytest
from openrouter_speech.narration.headings import found, spoken

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


PROSE = "It was late in the year, and the last ships had left. " * 5


@pytest.mark.parametrize("text", HEADINGS)
def test_a_short_paragraph_that_names_a_chapter_is_a_heading(text: str) -> None:
    assert found([text, PROSE]) == [0]


@pytest.mark.parametrize("text", [*SENTENCES, "THE SEA " * 11])
def test_a_sentence_is_no_heading(text: str) -> None:
    assert found([text, PROSE]) == []


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        (["THE WHALE", PROSE], [0]),
        ([PROSE, "HELP ME", PROSE], []),
        (["Chapter 1", PROSE, "HELP ME", PROSE, "Chapter 2", PROSE], [0, 4]),
        (["Chapter 1", PROSE, "HELP ME", PROSE, "Chapter 2", PROSE, "KEEP OUT", PROSE, "Chapter 3", PROSE], [0, 4, 8]),
        (["Chapter 1", "THE SEA", PROSE, "HELP ME", PROSE], [0, 1]),
        ([PROSE, "PART ONE", "THE SEA", "A STORM", PROSE], [1, 2, 3]),
        ([PROSE, "THE SEA", "II", PROSE], [1, 2]),
        ([PROSE, "THE SEA", PROSE, PROSE, "THE TOWN", PROSE], [1, 4]),
        (["Part One", PROSE, "THE SEA", PROSE, "THE TOWN", PROSE], [0, 2, 4]),
        ([PROSE, "HELP ME", PROSE, "HELP ME", PROSE], []),
        ([PROSE, "KEEP OUT", "He read it.", "NO ENTRY", PROSE], []),
        ([PROSE, "The sign said:", "KEEP OUT", PROSE, "THE TOWN", PROSE], []),
        (["THE SEA", "The sign said:", "KEEP OUT", PROSE], [0]),
        ([PROSE, "THE SEA", PROSE, "THE END"], []),
    ],
)
def test_capitals_are_headings_where_they_divide_the_text(paragraphs: list[str], expected: list[int]) -> None:
    assert found(paragraphs) == expected


def test_a_pattern_replaces_the_rules() -> None:
    assert found(["Stave\none", "Chapter 1", PROSE], re.compile("^Stave")) == [0]


@pytest.mark.parametrize(
    ("text", "expected"), [("## The sea ##", "The sea"), ("#tag", "#tag"), ("Chapter 1", "Chapter 1")]
)
def test_the_marks_of_markdown_are_not_spoken(text: str, expected: str) -> None:
    assert spoken(text) == expected
