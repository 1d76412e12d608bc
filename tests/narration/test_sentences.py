"""Where sentences end, by language. The cuts were written by hand: a reader would pause at each `|`."""

from itertools import pairwise

import pytest
from openrouter_speech.narration import sentences

RIGHT = {
    "en": [
        "Dr. Smith met Mr. Jones at 5 p.m. on No. 5 Main St. |It rained.",
        "“Why?” she asked. |He did not know. |See e.g. Fig. 3, or p. 12 of vol. 2.",
        "Version 3.14 is out. |Go to www.a.test. |Then it cost $3.50!",
        "J. R. R. Tolkien wrote it. |Wait… what? |Is it no. 7? |No. |It is not.",
        "He lived in the U.S. and in Mt. Pleasant. |St. John is there, too.",
        "Ph.D. Smith came. |“Go away!” |She left.",
    ],
    "de": [
        "Am 3. Oktober ist Feiertag. |Das ist z. B. gut, z.B. heute. |Dr. Müller kam um 5 Uhr.",
        "Im 19. Jahrhundert war das so. |Der 1. FC Köln gewann. |Die 2. Auflage erschien am 24. Dezember.",
        "„Warum?“, fragte sie. |„Geh!“ |Er ging, d. h. er lief.",
        "Ihr 2. Weltrekord hielt lange. |Siehe S. 12, Nr. 3 und Abs. 4. |Ende.",
        "So ist seine Art. |Er las, schrieb usw. |Es gilt Art. 5 Abs. 1.",
        "Wir schreiben das Jahr 1999. |Dann kam Prof. Dr. Kurz.",
    ],
    "fr": [
        "M. Dupont est arrivé. |Mme. Curie est née le 7 nov. 1867. |Elle est là.",
        "Il a dit : « Bonjour ! » |Puis il est parti, p. ex. à Paris.",
        "C’est de l’art. |Voir art. 5. |Il y a des lits, etc. |Fin.",
        "« Où ? » demanda-t-il. |Voir vol. 2 et art. 5. |Fin.",
    ],
    "es": [
        "¿Cómo estás? |¡Bien! |El Sr. García vive en la Av. Central. |La Dra. Pérez no.",
        "Dijo que no. |Se fue al mar. |Vio peces, algas, etc. |Siguió el art. 5, etc. y nada.",
        "D. Juan y Dña. Ana viven en EE. UU. desde hace años. |Véase la pág. 5.",
        "—¡Vete! —dijo ella. |Se fue.",
    ],
    "it": [
        "Il sig. Rossi arrivò alle 5. |Poi andò a casa. |Ciao!",
        "Se ne andò via. |Poi disse di no. |«Vieni con me.» |Era il re. |Via Roma, ecc. e p. es. Garibaldi.",
        "Il dott. Bianchi e la prof. Neri leggono pag. 5. |Fine.",
    ],
    "pt": [
        "O Sr. Silva chegou. |A Dra. Ana também. |Veja a pág. 5.",
        "Moro na Av. Paulista. |E você?",
    ],
    "nl": [
        "Dhr. Jansen woont op nr. 5. |Mevr. Bakker niet.",
        "Hij las, schreef enz. |Toen ging hij.",
        "Hij komt bijv. Morgen. |Prof. Visser ook.",
    ],
    "pl": [
        "Dr. Nowak mieszka przy ul. Długiej 5. |Ma np. Kota. |Koniec.",
        "Czytał, pisał itd. |Potem wyszedł, itd. ścieżką.",
        "Był tam prof. Kowalski. |Naprawdę?",
    ],
    "ru": [
        "А. С. Пушкин родился в Москве. |Он жил на ул. Ленина.",
        "См. рис. 5 и т. е. Таблицу. |Правда? |Да.",
        "— Кто там? — спросил он. |Никто не ответил.",
    ],
    "cs": ["Byl tu. |Četl, psal atd. |Pak šel.", "Dne 3. října pršelo. |To bylo v 19. století. |Konec."],
    "sv": [
        "Det var hon. |Sedan gick hon ut. |Det var i maj. |Han kom.",
        "Vi ses kl. 5 i dag. |T.ex. Anna kommer. |Den 3. oktober är bra.",
    ],
    "tr": ["Dr. Ahmet geldi. |Bkz. s. 5. |Tamam mı? |Evet."],
    "ja": [
        "昨日は映画を見ました。|「面白かった。」と彼は言った。|とても。",
        "『え？』「何！？」と聞いた。|次。",
    ],
    "zh": ["今天天气很好。|我们去公园！|「好吃吗？」|他问。|到2026年，圆周率是3.14。"],
    "ko": ["안녕하세요. |반갑습니다! |잘 지내세요?"],
    "hi": ["नमस्ते दुनिया। |आप कैसे हैं? |मैं ठीक हूँ।"],
    "ar": ["مرحبا بالعالم. |كيف حالك؟ |أنا بخير."],
    "el": ["Τι κάνεις; |Καλά. |Ο κ. Παπαδόπουλος ήρθε."],
}


def cut(text: str, language: str) -> str:
    ends = [0, *sentences.ends(text, language)]
    return "|".join(text[start:end] for start, end in pairwise(ends))


@pytest.mark.parametrize(("language", "expected"), [(code, text) for code, texts in RIGHT.items() for text in texts])
def test_sentences_end_where_a_reader_would_pause(language: str, expected: str) -> None:
    assert cut(expected.replace("|", ""), language) == expected


def test_line_breaks_inside_a_paragraph_do_not_end_a_sentence() -> None:
    assert cut("Am 3.\nOktober ist es\nSo weit. Ja.", "de") == "Am 3.\nOktober ist es\nSo weit. |Ja."


def test_a_text_without_capitals_has_sentences_too() -> None:
    assert cut("hello there. this is fine. it ends.", "en") == "hello there. |this is fine. |it ends."


@pytest.mark.parametrize("language", RIGHT)
def test_the_language_is_guessed_from_the_text(language: str) -> None:
    more = {
        "cs": "a byl to den, který se mu na to stal", "nl": "het is een van de dagen", "sv": "och att det var en dag",
        "it": "e non era la casa di una signora", "pt": "e não é uma casa da rua", "pl": "i nie było to z domu się",
        "tr": "ve bu bir gün için çok iyi", "es": "y los de la casa no se van", "fr": "et les gens de la ville",
        "en": "and the people of the town", "de": "und die Leute in der Stadt",
    }  # fmt: skip
    assert sentences.guess(" ".join(RIGHT[language]) + " " + more.get(language, "")) == language


@pytest.mark.parametrize("text", ["", "12345", "Xyzzy plugh", "\u00e9"])
def test_a_text_that_shows_no_language_counts_as_english(text: str) -> None:
    assert sentences.guess(text) == "en"


def test_an_unknown_language_is_cut_at_full_stops() -> None:
    assert cut("One two. Three four.", "tlh") == "One two. |Three four."
