"""The comparable form of texts in many scripts: its letters, their places, and how long a book takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from agents.evidence.comparable_text import ComparableText

LETTERS = st.sampled_from("ab éŉſĳжйΆώͺאبٱᾳ가각각漢字かー、ＡＢ！’“«\u0301\u0e33\u200d\n -'")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("не за́мок, а замо́к", "не за́мок, а замо́к"),
        ("дом и\u0306 сад", "дом й сад"),
        ("ĳs ſo ŉ", "ijs so ʼn"),
        ("a ͺb", "a \u0345b"),
        ("τὸ ﬁlm «é»", 'τὸ film "é"'),
        ("각\u11a8 가\u11a8 나", "각\u11a8 각 나"),
        ("ＡＢＣ、漢字！ 日本", "ABC、漢字!日本"),
        ("Ｌａｗ　ｏｆ\nｓｅａ ２０", "Law of sea 20"),
        ("法　ＡＢ 法", "法AB法"),
        ("l’été\nest  fini", "l'été est fini"),
        ("كتـاب كِتاب", "كتاب كتاب"),
        ("слово\u00ad\nслово", "слово\x1fслово"),
        ("un- lawful, non-\nlawful", "un\x1flawful, non\x1flawful"),
        ("held¹² and 10² and held*", "held and 10² and held"),
    ],
)
def test_letters(text: str, letters: str) -> None:
    assert ComparableText.of(text).letters == letters


@given(st.lists(LETTERS, max_size=30).map("".join))
def test_each_letter_stands_where_it_says(text: str) -> None:
    form = ComparableText.of(text)
    assert len(form.letters) == len(form.starts) == len(form.ends)
    assert list(form.starts) == sorted(form.starts)
    for letter, start, end in zip(form.letters, form.starts, form.ends, strict=True):
        assert letter in {*ComparableText.of(text[start:end]).letters, " ", "\x1f"}


@pytest.mark.parametrize(
    "sentence",
    [
        "Дорогой друг, это письмо, которое я написал в 1931 году — не для тебя.\n",
        "董事会推翻了这一决定，因为该词语在政治言论中使用。委员会认为“这是可以接受的”……\n",
        "قرر المجلس إلغاء القرار لأن الكلمة استخدمت في خطاب سياسي مقبول.\n",
        "위원회는 그 결정을 뒤집었다. 정치적 발언에서 쓰였기 때문이다.\n",
        "Der Ausschuß ver-\nwarf den Antrag – „weil die Akten fehlten“, wie es 1931 hieß.\n",
    ],
)
def test_a_book_in_any_script_is_read_quickly(sentence: str) -> None:
    """In a small multiple of the time that it takes to step through the characters; one by one it is 20 times."""
    book = sentence * (100_000 // len(sentence))
    reading = min(_seconds(lambda: ComparableText.of(book)) for _ in range(3))
    stepping = min(_seconds(lambda: [character[0] for character in regex.finditer(r"\X", book)]) for _ in range(3))
    assert reading < 6 * stepping


def _seconds(read: Callable[[], object]) -> float:
    before = time.process_time()
    read()
    return time.process_time() - before
