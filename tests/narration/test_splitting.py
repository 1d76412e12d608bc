"""Texts are cut where a reader would pause; nothing is lost, no word is cut, no part is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech.narration.splitting import Splitter, has_speech, paragraphs, size_in_bytes

FAMILY = "👨‍👩‍👧‍👦"
WORDS = {
    "Latin": ["a", "well-known", "don’t", "word,", "end.", "(why?)", "3.14", "e.g.", "https://a.test/b?c=d", "“Yes!”"],
    "Arabic": ["مرحبا", "بالعالم،", "كيف", "اليوم؟", "شكرا."],
    "Hindi": ["नमस्ते", "दुनिया", "है।", "क्षत्रिय"],
    "emoji": [FAMILY, "👍🏽", "ok", "🇩🇪🇫🇷", "e\u0301"],
}
UNSPACED = {
    "Chinese": "今天天气很好，我们去公园散步。然后我们回家了，吃了晚饭！「好吃吗？」他问。",
    "Japanese": "昨日は友達と一緒に映画を見に行きました。とても面白かったです。",
    "Thai": "สวัสดีครับ วันนี้อากาศดี เราไปเดินเล่นที่สวนสาธารณะกันเถอะ",
}


def parts(text: str, limit: int, size: str = "characters") -> list[str]:
    splitter = Splitter(limit, len if size == "characters" else size_in_bytes)
    return [part for paragraph in paragraphs(text) for part in splitter.parts(paragraph)]


def without_space(text: str) -> str:
    return "".join(text.split())


texts = st.sampled_from(sorted(WORDS)).flatmap(
    lambda script: st.lists(
        st.tuples(
            st.sampled_from(WORDS[script]), st.sampled_from([" ", " ", " ", "  ", "\n", "\r\n", "\n\n", "\u2029", "\f"])
        ),
        max_size=60,
    ).map(lambda pairs: "".join(word + space for word, space in pairs))
)
limits = st.sampled_from([(limit, size) for limit in (30, 47, 100, 400) for size in ("characters", "bytes")])


@given(texts, limits)
def test_nothing_is_lost_no_word_is_cut_and_no_part_is_too_long(text: str, limit: tuple[int, str]) -> None:
    """Words are what is between white space; the longest here has 25 bytes."""
    found = parts(text, *limit)
    assert [word for part in found for word in part.split()] == text.split()
    measured = [len(part) if limit[1] == "characters" else len(part.encode()) for part in found]
    assert all(0 < size <= limit[0] for size in measured)


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([4, 5, 9, 20]),
    st.sampled_from(["characters", "bytes"]),
)
def test_nothing_is_lost_of_any_text(text: str, limit: int, size: str) -> None:
    found = parts(text, limit, size)
    assert without_space("".join(found)) == without_space(text.removeprefix("\ufeff"))
    assert all((len(part) if size == "characters" else len(part.encode())) <= limit for part in found)
    assert all(part.strip() == part != "" for part in found)


@pytest.mark.parametrize("script", UNSPACED)
@pytest.mark.parametrize("limit", range(12, 30))
def test_nothing_is_lost_of_a_script_without_spaces(script: str, limit: int) -> None:
    text = UNSPACED[script] * 3
    found = parts(text, limit)
    assert without_space("".join(found)) == without_space(text)
    assert max(map(len, found)) <= limit


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("Chinese", ["今天", "天气", "我们", "公园", "散步", "然后", "回家", "晚饭"]),
        ("Japanese", ["昨日", "友達", "一緒", "映画", "面白"]),
        ("Thai", ["สวัสดี", "อากาศ", "เดิน", "เล่น", "สาธารณะ"]),
    ],
)
@pytest.mark.parametrize("limit", range(12, 30))
def test_no_word_of_a_script_without_spaces_is_cut(script: str, words: list[str], limit: int) -> None:
    text = UNSPACED[script] * 3
    found = parts(text, limit)
    for word in words:
        assert sum(part.count(word) for part in found) == text.count(word), word


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("One two. Three four. Five.", 20, ["One two. Three four.", "Five."]),
        ("One two. Three four five six.", 20, ["One two.", "Three four five six."]),
        ("She said “Go!” Then she went away.", 25, ["She said “Go!”", "Then she went away."]),
        ("A long sentence, with a clause, and another one", 35, ["A long sentence, with a clause,", "and another one"]),
        ("Nothing to hold on to in this sentence", 20, ["Nothing to hold on", "to in this sentence"]),
        ("the well-known word", 9, ["the", "well-", "known", "word"]),
        ("so the well-known one", 14, ["so the", "well-known one"]),
        ("first item\nsecond item here\nthird", 20, ["first item", "second item here", "third"]),
        ("Wrapped at a\nnarrow column. Next\none.", 30, ["Wrapped at a\nnarrow column.", "Next\none."]),
        ("One two.\nThree four five six seven\neight.", 35, ["One two.", "Three four five six seven\neight."]),
        ("今天天气很好，我们去公园散步。然后回家。", 16, ["今天天气很好，我们去公园散步。", "然后回家。"]),
        ("今天天气很好，我们去公园散步。", 10, ["今天天气很好，", "我们去公园散步。"]),
        ("Hi 今天天气很好我们去公园散步然后回家", 12, ["Hi 今天天气很好我们去", "公园散步然后回家"]),
        ("今天天气很好 我们去公园", 9, ["今天天气很好", "我们去公园"]),
        ("10\u00a0km and 20\u00a0km", 8, ["10\u00a0km", "and", "20\u00a0km"]),
        ("See https://a.test/?q=1 and so on now", 26, ["See https://a.test/?q=1", "and so on now"]),
    ],
)
def test_where_it_is_cut(text: str, limit: int, expected: list[str]) -> None:
    assert parts(text, limit) == expected


def test_a_word_that_is_longer_than_the_limit_is_cut_between_what_a_reader_sees_as_characters() -> None:
    assert parts(FAMILY * 3, 10) == [FAMILY] * 3
    assert parts("e\u0301" * 10, 5) == ["e\u0301" * 2] * 5
    assert parts("Hi " + "abcdefghij" * 3, 10) == ["Hi", *["abcdefghij"] * 3]


def test_a_character_that_is_larger_than_the_limit_is_cut_as_little_as_can_be() -> None:
    found = parts(FAMILY, 4, "bytes")
    assert "".join(found) == FAMILY
    assert all(len(part.encode()) <= 4 for part in found)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_blank_lines_of_all_systems_separate_paragraphs(newline: str) -> None:
    text = newline.join(["\ufeffOne", "still one", "", "  \t", "Two", "", "", "", "Three", ""])
    assert paragraphs(text) == ["One\nstill one", "Two", "Three"]


def test_a_form_feed_is_a_line_break() -> None:
    """A page ends in the middle of a sentence; a chapter, with a blank line."""
    assert paragraphs("the end of a page\fand the next\n\n\fChapter") == ["the end of a page\nand the next", "Chapter"]


def test_a_paragraph_separator_separates_paragraphs() -> None:
    assert paragraphs("One\u2029Two") == ["One", "Two"]


@pytest.mark.parametrize("text", ["", "  \n\n \r\n\t\u00a0\ufeff"[:-1], "\ufeff"])
def test_white_space_has_no_paragraph(text: str) -> None:
    assert paragraphs(text) == []


@pytest.mark.parametrize(
    ("text", "expected"), [("* * *", False), ("———", False), ("❦", False), ("7", True), ("中", True), ("क", True)]
)
def test_what_can_be_spoken_has_a_letter_or_a_digit(text: str, expected: bool) -> None:
    assert has_speech(text) is expected
