"""Where words begin and end, so that no quotation starts or stops inside one: `lawful` does not stand in `unlawful`.

Words are runs of letters, digits and marks, joined by apostrophes, hyphens and middle dots (Unicode Standard Annex #29,
with hyphens, since `violent` would turn `non-violent` round); numbers are joined by points, commas, strokes and colons,
and by the blank in `10 000`, and a minus sign belongs to its number, as a per cent or currency sign does. A prefix in
brackets or asterisks, as in `(un)lawful`, belongs to its word, and so does one that negates, as in `“un”lawful` and,
with a long dash, in `non–violent`. Scripts that write no spaces have no such boundaries, except within a run of
katakana; there a negation that touches a quotation belongs to it, since nothing else would keep 不合法 from being
quoted as 合法. An article that lost its vowel, as in `l'accord`, is a word of its own.
"""

from __future__ import annotations

import unicodedata

import regex

from agents.evidence.comparable_text import LINE_HYPHEN, ComparableText
from agents.evidence.scripts import make_a_word

_WORD = regex.compile(r"[\p{L}\p{N}\p{M}_]")
_MARK = regex.compile(r"[\p{M}\U0001f3fb-\U0001f3ff]")
"""Also the modifiers of an emoji's colour."""
_NEGATION_BEFORE = regex.compile(r"(?:[不未无無非没沒勿弗毋莫]|ไม่|มิ|ไร้|ห้าม|ບໍ່|မ|មិន)$")
_NEGATION_AFTER = regex.compile(
    r"""(?x) ない | なく | なかっ | ません | ず(?!っと) | ぬ
    | (?:では|じゃ|でも|とは|には|は|も)? (?:し|でき|され|言え|いえ|思え|あり|なり|ござい)? (?:て(?:は)?い)?
      (?:ない|なく|なかっ|ません)"""
)
"""A verb or a copula that is negated comes after its word: 違反ではない, 違反とは言えない, 違反していない."""
_NEGATION_LETTERS = 14
"""Of the longest one."""
_NEGATIVE_PREFIX = regex.compile(
    r"(?i)(?<!\w)(?:(?:un|non|anti|dis|mis|il|ir|pseudo|quasi)[\"'()\[\]/*-]{1,3}|(?:in|im|ab)[\"'/]{1,3})$"
)
"""Without dashes after those that are words themselves: `the state they live in—lawful or not`."""
_PREFIX_LETTERS = 12
_ONE_WORD = regex.compile(
    r"""(?x) \p{Ll}\(\p{Ll}{1,6}\)                        # member(s)
    | \p{L}[:*](?:in|innen|e|er|es|m|n|r|rn|s)(?!\p{L})  # Bürger:innen, jede*r
    | \p{L}/-?(?:in|innen|as?|os?)(?!\p{L})              # Leser/-innen, todos/as
    | \p{Lu}:\p{Ll}{1,4}(?!\p{L})                       # EU:n
    | \p{L}[*@$]{1,6}\p{L}                              # f**k, niñ@s
    | (?<!\p{L})\p{L}\.\p{L}(?!\p{L})                   # U.S.
    | \p{Lu}&\p{Lu}                                     # AT&T
    | (?<!\p{L})\p{L}/\p{L} | \p{L}/\p{L}(?!\p{L})     # w/o, s/he
    | [\p{L}\p{N}]\+{1,2}(?!\w)                         # LGBTQ+, 50+
    | [±≤≥≠≈<>]\p{N} | (?<=\s)[.,]\p{N} | \p{N}[%‰°٪]  # ≤5, .5, 5%
    """
)
"""What is one word or one number, with signs that stand between words elsewhere."""
_MOST_OF_ONE_WORD = 10
_ELISION = regex.compile(r"(?i)(?<![\p{L}'])(?:[cdjlmst]|(?:jus|lors|puis|quoi)?qu|(?:a|co|da|de|ne|que|su)ll|quest)'$")
"""In French and in Italian; without `n'`, which negates, and `un'`, which is a prefix elsewhere."""
_ELISION_LETTERS = 9
_DIGIT = regex.compile(r"\p{N}")
_THOUSANDS_BEFORE = regex.compile(r"(?<![\p{L}\p{N}])\p{Nd}{1,3}$")
_THREE_DIGITS = regex.compile(r"\p{Nd}{3}(?![\p{L}\p{N}])")
"""A blank divides thousands before three digits; a year has four, so `in 2019 300 people` is two numbers."""


def is_inside_word(text: ComparableText, position: int) -> bool:
    """Returns whether the place before the character at `position` is inside a word or a number."""
    letters = text.letters
    if not 0 < position < len(letters):
        return False
    left, right = letters[position - 1], letters[position]
    if _MARK.match(right) or text.starts[position] == text.starts[position - 1]:
        return True
    if _is_word(left) and _is_word(right):
        return make_a_word(left, right) or _touches_negation(letters, position)
    if _is_currency(left, right) or _is_in_one_word(letters, position):
        return True
    if _is_word(left) and _joins(text, position):
        return True
    if not _is_word(right):
        return False
    if _NEGATIVE_PREFIX.search(letters[max(0, position - _PREFIX_LETTERS) : position]):
        return True
    if _joins(text, position - 1):
        return not _ELISION.search(letters[max(0, position - _ELISION_LETTERS) : position])
    return _is_minus_sign(text, position - 1) or _ends_prefix(letters, position - 1)


def _is_word(letter: str) -> bool:
    return bool(_WORD.match(letter))


def _touches_negation(letters: str, position: int) -> bool:
    """Whether a negation of a script without spaces stands directly before or after the place."""
    before, after = letters[max(0, position - 4) : position], letters[position : position + _NEGATION_LETTERS]
    return bool(_NEGATION_BEFORE.search(before) or _NEGATION_AFTER.match(after))


def _is_currency(left: str, right: str) -> bool:
    return bool(_DIGIT.match(right)) and unicodedata.category(left) == "Sc"


def _is_in_one_word(letters: str, position: int) -> bool:
    first, last = max(0, position - _MOST_OF_ONE_WORD), position + _MOST_OF_ONE_WORD
    # With one letter more on both sides, so that a pattern sees where a word ends.
    near = _ONE_WORD.finditer(letters, max(0, first - 1), last + 1, overlapped=True)
    return any(found.start() < position < found.end() for found in near)


def _ends_prefix(letters: str, at: int) -> bool:
    """Whether brackets or asterisks end at `at` that follow or hold letters of the same word, as in `(un)lawful`."""
    start = at
    while start >= 0 and letters[start] in ")]*_~":
        start -= 1
    return start < at and start >= 0 and _is_word(letters[start])


def _joins(text: ComparableText, at: int) -> bool:
    """Whether the character at `at` joins the word characters on both of its sides."""
    letters = text.letters
    if not 0 < at < len(letters) - 1 or at in text.dashes:
        return False
    left, joiner, right = letters[at - 1 : at + 2]
    if not (_is_word(left) and _is_word(right)):
        return False
    if joiner in ".,/\u2044:\u066b\u066c":
        return bool(_DIGIT.match(left) and _DIGIT.match(right))
    if joiner == " ":
        return bool(_THOUSANDS_BEFORE.search(letters[max(0, at - 4) : at]) and _THREE_DIGITS.match(letters, at + 1))
    return joiner in f"'-·\u2027{LINE_HYPHEN}" and make_a_word(left, right)


def _is_minus_sign(text: ComparableText, at: int) -> bool:
    letters = text.letters
    if letters[at] != "-" or not _DIGIT.match(letters[at + 1]):
        return False
    if at in text.dashes:
        return at > 0 and letters[at - 1] == " "
    return at == 0 or not _is_word(letters[at - 1])
