"""Where words end: no quotation begins or ends inside a word of its source, in any script and with any joining sign."""

from __future__ import annotations

import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from agents.evidence.quotable_text import MIN_QUOTE_CHARACTERS, QuotableText


def find_quote(quote: str, text: str) -> str | None:
    found = QuotableText(text).find(quote)
    return text[found[0] : found[1]] if found else None


_WORDS = st.sampled_from(
    ["lawful", "unlawful", "non-violent", "doesn't", "3.5", "-5", "1,000", "naïve", "cafe\u0301", "незаконно", "άδικος",
     "غير", "אי־חוקי", "ग़ैरक़ानूनी", "불법이다", "灯塔", "カタカナ", "co-\nmittee", "rejec\u00ad\nted", "AT&amp;T", "ﬁnal",
     "“never”", "(not)", "—", "end.", "Next"]
)  # fmt: skip
_LETTER = regex.compile(r"[\p{L}\p{N}\p{M}]")
_UNSPACED = regex.compile(r"[\p{Script=Han}\p{Script=Katakana}]")


@given(st.lists(_WORDS, min_size=1, max_size=12), st.sampled_from([" ", "\n", "  "]), st.data())
def test_no_quotation_begins_or_ends_inside_a_word_of_its_source(
    words: list[str], space: str, data: st.DataObject
) -> None:
    text = space.join(words)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    for left, right in QuotableText(text).find_parts(text[start:end]):
        for at in (left, right):
            inside = 0 < at < len(text) and _LETTER.match(text[at - 1]) and _LETTER.match(text[at])
            assert not inside or _UNSPACED.match(text[at]) or _UNSPACED.match(text[at - 1])
        assert not text[left:right].startswith(("lawful", "violent")) or text[left - 1 : left] not in ("n", "-")


@given(st.lists(_WORDS, min_size=6, max_size=12), st.data())
def test_whole_words_of_a_text_are_found_in_it_as_they_stand_there(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    start = data.draw(st.integers(0, len(words) - 6))
    piece = " ".join(words[start : start + 6]).strip("—“”() .")
    if len(piece) < MIN_QUOTE_CHARACTERS or piece[:1] in "-—":
        return
    found = find_quote(piece, text)
    assert found is not None
    assert found in text


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("lawful under the rule", "It was unlawful under the rule."),
        ("acceptable political speech", "It is unacceptable political speech."),
        ("violent protest of the people", "A non-violent protest of the people."),
        ("violate the policy at all", "It doesn't violate the policy at allegedly"),
        ("The post does", "The post doesn't."),
        ("5 million people", "There were 3.5 million people."),
        ("5 percent of them", "It changed by -5 percent of them."),
        ("законно по правилу", "Это незаконно по правилу."),
        ("חוקי לפי הכלל", "הפוסט אי־חוקי לפי הכלל."),
        ("ानूनी नहीं है और", "यह क़ानूनी नहीं है और किसी"),
        ("mittee met today", "The com-\nmittee met today."),
        ("lawful", "It was unlawful."),
        ("lawful under the rule", "It was (un)lawful under the rule."),
        ("lawful under the rule", "It was **un**lawful under the rule."),
        ("prices rose by 5", "And prices rose by 5% then."),
        ("5 million were paid", "Then $5 million were paid."),
        ("合法", "这是不合法的。"),
        ("認められ", "それは認められない。"),
        ("ผิดกฎหมาย", "ไม่ผิดกฎหมาย"),
        ("about 102 of them", "about 10² of them"),
        ("👍", "👍🏽"),
        ("mittee met at noon", "The com-\n\n- 12 -\n\nmittee met at noon."),
        ("All of the com", "All of the com-\n\n- 12 -\n\nmittee met at noon."),
        ("of the Board", "Some\nof the Board-\n\n- 12 -\n\nmembers met."),
        ("5 km", "It was 5 km² of land."),
        ("It fell by -5 percent", "It fell by 5 percent, says the com-\nmittee."),
        ("-5 percent of them", "It was 5 percent of them, says the com-\nmittee."),
        ("000 dollars were paid", "In all 10 000 dollars were paid."),
        ("000 dollars were paid", "In all 1 250\u202f000 dollars were paid."),
        ("they paid 10", "In all they paid 10\u00a0000 dollars."),
        ("1 of them stayed", "Some 0/1 of them stayed."),
        ("30 people came", "At 12:30 people came."),
        ("合法", "这是不\n合法的。"),
        ("カタカナ", "ここにカタカナ\nワードがある。"),
        ("-", "Either - or."),
        ("lawful under the rule", "It was un<b>lawful</b> under the rule."),
        ("lawful under the rule", "It was un- lawful under the rule, where lines were joined."),
        ("mittee met today", "The com¬mittee met today."),
        ("the Board did find it", "So the Board did <s>not</s> find it."),
        ("the Board did find it", "So the Board did **not** find it."),
        ("この投稿は違反", "この投稿は違反ではない。"),
        ("この投稿は違反では", "この投稿は違反ではありません。"),
        ("この投稿は規則に違反", "この投稿は規則に違反していない。"),
        ("この投稿は違反", "この投稿は違反とは言えない。"),
        ("acceptable speech to all", "It was “un”acceptable speech to all."),
        ("acceptable speech to all", "It was un-/acceptable speech to all."),
        ("violent protest of them", "It was non–violent protest of them."),
        ("The men did agree to it", "The men did\n\n- 13 -\n\nnot\n\nagree to it."),
    ],
)  # fmt: skip
def test_words_cut_out_of_a_word_are_not_found(quote: str, text: str) -> None:
    assert QuotableText(text).find(quote) is None


_HYPHENS = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Pd"]
_BETWEEN_CLAUSES = "–—―⸺⸻〜〰\ufe31\ufe32\ufe58"
"""Dashes that also stand between clauses, without blanks around them, and waves that mean `to` and `or`."""


@pytest.mark.parametrize("hyphen", [*(one for one in _HYPHENS if one not in _BETWEEN_CLAUSES), *"˗⁃"])
def test_every_hyphen_of_unicode_joins_a_word(hyphen: str) -> None:
    text = f"It was non{hyphen}violent, and peace{hyphen}loving men came."
    assert find_quote("violent, and peace", text) is None
    assert find_quote("loving men came", text) is None
    assert find_quote("It was non-violent, and peace-loving", text) == text[:-10]


@pytest.mark.parametrize("dash", _BETWEEN_CLAUSES[:5])
def test_a_long_dash_divides_clauses_but_no_prefix_from_its_word(dash: str) -> None:
    assert find_quote("the Board upheld it", f"The decision{dash}the Board upheld it.") == "the Board upheld it"
    assert find_quote("violent protest of them", f"It was non{dash}violent protest of them.") is None
    assert find_quote("scientific claim of it", f"It was a pseudo{dash}scientific claim of it.") is None


@pytest.mark.parametrize("apostrophe", "'’‘´`ʹʼ՚＇′׳")
def test_every_sign_that_is_typed_as_an_apostrophe_joins_a_word(apostrophe: str) -> None:
    text = f"They can{apostrophe}t vote at all."
    assert find_quote("They can", text) is None
    assert find_quote("They can't vote at all", text) == text[:-1]


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        # Endings that are set off by a sign.
        ("all the Bürger", "Da kamen all the Bürger:innen."),
        ("innen kamen zum Rat", "Die Bürger:innen kamen zum Rat."),
        ("Die Bürger", "Die Bürger*innen kamen."),
        ("Die Bürger", "Die Bürger/-innen kamen."),
        ("Die Bürger", "Die Bürger/innen kamen."),
        ("Die Bürger", "Die Bürger(innen) kamen."),
        ("innen) kamen zum Rat", "Die Bürger(innen) kamen zum Rat."),
        ("the member", "It was the member(s) of it."),
        ("Todos los niñ", "Todos los niñ@s vienen."),
        ("Hän asuu EU", "Hän asuu EU:n alueella."),
        # Letters that a writer hides.
        ("you f", "I hate you f**k."),
        ("ck you all now", "So f*ck you all now."),
        # Abbreviations.
        ("S. Senate found it", "The U.S. Senate found it."),
        ("The U", "The U.S. Senate found it."),
        ("T said no and left", "Then AT&T said no and left."),
        ("o permission of the owner", "It was w/o permission of the owner."),
        ("those who are LGBTQ", "Those and those who are LGBTQ+ came."),
        # Numbers and their signs.
        ("5 percent of them", "It was ±5 percent of them."),
        ("5 percent of them", "It was ≤5 percent of them."),
        ("5 percent of them", "It was >5 percent of them."),
        ("5 percent of them", "It was –5 percent of them."),
        ("5 percent of them", "It was .5 percent of them."),
        ("500 were seen", "Some 1٬500 were seen."),
        ("5 people came to it", "Some 3٫5 people came to it."),
        ("they paid 5", "They say they paid 5٪ of it."),
        # One sign of several characters, and one character of several letters.
        ("👩", "Hello 👩\u200d⚖️!"),
        ("🏳", "Fly the 🏳️\u200d🌈!"),
        ("nal decision of it", "The ﬁnal decision of it."),
        ("inal decision of it", "The ﬁnal decision of it."),
        ("violent protest of them", "It was non‧violent protest of them."),
        # French negates with n’.
        ("est légal selon la règle", "Ce n’est légal selon la règle."),
    ],
)  # fmt: skip
def test_a_part_of_a_word_or_a_number_is_not_found(quote: str, text: str) -> None:
    assert find_quote(quote, text) is None


@pytest.mark.parametrize(
    ("quote", "text", "shown"),
    [
        # An article that lost its vowel is a word of its own.
        ("accord du Conseil est nul", "Et l’accord du Conseil est nul.", "accord du Conseil est nul"),
        ("acqua della città", "Bevono dell'acqua della città.", "acqua della città"),
        # How an emoji is drawn is not what it says.
        ("I love you ❤", "I love you ❤️ so.", "I love you ❤️"),
        ("I love you ❤️", "I love you ❤ so.", "I love you ❤"),
        ("The vote was on 5 May", "The vote was on 5 May: no.", "The vote was on 5 May"),
        ("under Article 10", "It is so under Article 10(2).", "under Article 10"),
        ("he said: no", "Then he said: no.", "he said: no"),
        ("Next came the men", "It was the end.Next came the men.", "Next came the men"),
        ("the city and the land", "Then the city and the land/region.", "the city and the land"),
        ("5 people came to it", "It was late. 5 people came to it.", "5 people came to it"),
        ("It was unlawful under the", "It was _unlawful under_ the law.", "It was _unlawful under_ the"),
        ("so snake_case_words are", "And so snake_case_words are _kept_.", "so snake_case_words are"),
        ("the Board upheld it", "The decision&mdash;the Board upheld it.", "the Board upheld it"),
        ("5 to 4 was the vote", "The Board decided—5 to 4 was the vote.", "5 to 4 was the vote"),
        ("the `post` was removed", "Then the 'post' was removed.", "the 'post' was removed"),
        ("the U.S. Senate", "It was the U.S. Senate.", "the U.S. Senate"),
        ("AT&T said no", "Then AT&T said no.", "AT&T said no"),
        ("all the Bürger:innen", "Da kamen all the Bürger:innen.", "all the Bürger:innen"),
        ("It was ±5 percent", "It was ±5 percent of it.", "It was ±5 percent"),
        ("and the women were", "The men and the women were", "and the women were"),
    ],
)
def test_whole_words_are_found_whatever_stands_beside_them(quote: str, text: str, shown: str) -> None:
    assert find_quote(quote, text) == shown
