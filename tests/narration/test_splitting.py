"""Splitting: at pauses, without losing anything, cutting a word, or exceeding the limit."""

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
    "Chinese": (
        "今天天气很好，我们去公园散步。然后我们回家了，吃了晚饭！「好吃吗？」他问。",
        "今天 天气 我们 公园 散步 然后 回家 晚饭",
    ),
    "Japanese": ("昨日は友達と一緒に映画を見に行きました。とても面白かったです。", "昨日 友達 一緒 映画 面白"),
    "Burmese": ("မြန်မာနိုင်ငံသည်အရှေ့တောင်အာရှတွင်တည်ရှိသောနိုင်ငံတစ်နိုင်ငံဖြစ်သည်။", "တည်ရှိ ဖြစ်"),
    "Thai": ("สวัสดีครับ วันนี้อากาศดี เราไปเดินเล่นที่สวนสาธารณะกันเถอะ", "สวัสดี อากาศ เดิน เล่น สาธารณะ"),
}
"""A text, and words in it."""


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
def test_no_word_is_cut_or_lost(text: str, limit: tuple[int, str]) -> None:
    """Words are separated by white space; the longest one here has 25 bytes."""
    found = parts(text, *limit)
    assert [word for part in found for word in part.split()] == text.split()
    assert all(0 < (len(part) if limit[1] == "characters" else len(part.encode())) <= limit[0] for part in found)


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([4, 5, 9, 20]),
    st.sampled_from(["characters", "bytes"]),
)
def test_no_character_of_any_text_is_lost(text: str, limit: int, size: str) -> None:
    found = parts(text, limit, size)
    assert without_space("".join(found)) == without_space(text.removeprefix("\ufeff").replace("\u00ad", ""))
    assert all((len(part) if size == "characters" else len(part.encode())) <= limit for part in found)
    assert all(part.strip() == part != "" for part in found)


@pytest.mark.parametrize("script", UNSPACED)
def test_no_word_of_a_script_without_spaces_is_cut_or_lost(script: str) -> None:
    text, words = UNSPACED[script]
    text *= 3
    for limit in range(12, 30):
        found = parts(text, limit)
        assert without_space("".join(found)) == without_space(text)
        assert max(map(len, found)) <= limit
        for word in words.split():
            assert sum(part.count(word) for part in found) == text.count(word), (word, limit)


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
        ("请看https://a.test/b?c=d这里", 14, ["请看", "https://a.test", "/b?c=d这里"]),
        ("到2026年增长了12,345.67元左右", 12, ["到2026年增长了", "12,345.67元左右"]),
        ("It cost us about 10 000 000 pounds", 24, ["It cost us about", "10 000 000 pounds"]),
        (
            'Now wait <break time="1 s" strength="weak"/> here',
            40,
            ["Now wait", '<break time="1 s" strength="weak"/> here'],
        ),
        ("It was given to the old Dr. Smith yesterday", 28, ["It was given to the old", "Dr. Smith yesterday"]),
        ("so hush now, my dear! and then came the rain", 38, ["so hush now, my dear!", "and then came the rain"]),
    ],
)
def test_a_text_is_cut_where_a_reader_would_pause(text: str, limit: int, expected: list[str]) -> None:
    assert parts(text, limit) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\r\nTwo!\n“Three?”", ["One.", "Two!", "“Three?”"]),
        (f"{'a ' * 61}\nb", [("a " * 61).strip(), "b"]),
        ("He went\nhome. It\nwas late.", ["He went\nhome. It\nwas late."]),
        ("One.\nTwo.\n\nThree.", ["One.\nTwo.", "Three."]),
        ("  It was\nlate. He\nwent.\n  She\nstayed.", ["It was\nlate. He\nwent.", "She\nstayed."]),
        ("Title\n\nIt was\nlate.\n\tShe\nstayed.", ["Title", "It was\nlate.", "She\nstayed."]),
        ("　今天很好，\n我们去了。\n　然后\n回家。", ["今天很好，\n我们去了。", "然后\n回家。"]),
        ("The sea,\n  the sea,\nthe open\n  sea.", ["The sea,\n  the sea,\nthe open\n  sea."]),
        ("# One\nTwo\nthree", ["# One", "Two\nthree"]),
    ],
)
def test_without_blank_lines_a_line_is_a_paragraph_unless_it_was_wrapped(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


def test_a_soft_hyphen_is_removed_with_the_line_break_after_it() -> None:
    assert paragraphs("exam\u00adple and exam\u00ad\r\n  ple\u00ad\n\nend") == ["example and example", "end"]


def test_a_word_longer_than_the_limit_is_cut_between_grapheme_clusters() -> None:
    assert parts(FAMILY * 3, 10) == [FAMILY] * 3
    assert parts("e\u0301" * 10, 5) == ["e\u0301" * 2] * 5
    assert parts("Hi " + "abcdefghij" * 3, 10) == ["Hi", *["abcdefghij"] * 3]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("အရှေ့တောင်အာရှတွင်", 8, ["အရှေ့", "တောင်အာ", "ရှတွင်"]),
        ("ສ່ຽງໃຕ້ໃຕ້", 6, ["ສ່ຽງ", "ໃຕ້ໃຕ້"]),
        ("เเเเกา", 4, ["เเเเ", "กา"]),
    ],
)
def test_a_word_longer_than_the_limit_is_cut_between_syllables(text: str, limit: int, expected: list[str]) -> None:
    assert parts(text, limit) == expected


def test_a_grapheme_cluster_longer_than_the_limit_is_cut_between_code_points() -> None:
    found = parts(FAMILY, 4, "bytes")
    assert "".join(found) == FAMILY
    assert all(len(part.encode()) <= 4 for part in found)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_blank_lines_of_all_systems_separate_paragraphs(newline: str) -> None:
    text = newline.join(["\ufeffOne", "still one", "", "  \t", "Two", "", "", "", "Three", ""])
    assert paragraphs(text) == ["One\nstill one", "Two", "Three"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the end of a page\fand the next\n\n\fChapter", ["the end of a page\nand the next", "Chapter"]),
        ("One\u2029Two", ["One", "Two"]),
        ("", []),
        ("  \n\n \r\n\t\u00a0", []),
        ("\ufeff", []),
    ],
)
def test_a_form_feed_breaks_a_line_and_white_space_is_no_paragraph(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("* * *", False), ("———", False), ("❦", False), ("7", True), ("中", True), ("क", True)]
)
def test_only_letters_and_digits_can_be_spoken(text: str, expected: bool) -> None:
    assert has_speech(text) is expected
