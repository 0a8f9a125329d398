"""The comparable form of a text: what is left when differences that are no difference of words are taken away.

Compared are letters, case, digits, punctuation and their order. Not compared are: the form of a character (NFKC,
Unicode Standard Annex #15: ligatures, full-width letters), runs of white space, typographic quotation marks and
dashes, the kind of quotation mark, invisible format characters such as the soft hyphen, HTML entities against the
characters that they stand for, the hyphen with which a word is divided at the end of a line, the marks of footnotes
(`held¹²`), white space where a script writes none between words (a line may end anywhere there), and the vowel signs of
Arabic and Hebrew, which most texts leave out, with the stroke that makes an Arabic word longer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import unescape

import regex

from agents.evidence.scripts import KATAKANA, UNSPACED

LINE_HYPHEN = "\x1f"
"""Stands for a hyphen at the end of a line. It equals a hyphen, and nothing at all."""

_WIDE = r"\u3001-\u303f\uff00-\uff65"
"""Punctuation of Chinese and Japanese."""
HYPHENS = f"-{LINE_HYPHEN}"
_NEGATIVE_PREFIX = r"(?i:un|in|im|il|ir|non|dis|mis|ab|anti)"
"""What `un- lawful` begins with, where the lines of a text were joined: `lawful` does not stand there."""
_UNIT = regex.compile(
    rf"""
    (?P<entity> &(?:amp;)*(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}}); )
    | (?P<divided>
        (?<=\w)(?:[-\u2010\u2e17=]\s*\n\s*|\u00ad\s+|[\u00ac\ufffe\x02]\s*)(?=\w)
        | (?<=\b{_NEGATIVE_PREFIX})-[^\S\n]+(?=\p{{Ll}})(?!(?:and|or|und|oder|et|ou)\b) )
    | (?P<dash> (?<!-)-{{2,3}}(?!-) )
    | (?P<quotation_mark> ''|`` )
    | (?P<note_sign> (?<=\p{{L}}{{3}}|[.,;:!?"'\])])\*{{1,3}}(?=\s|$) )
    | (?P<unwritten> (?<=[{UNSPACED}{_WIDE}]) (?!(?<=[{KATAKANA}])[^\S\n]+[{KATAKANA}]) \s+ (?=[{UNSPACED}{_WIDE}]) )
    | (?P<spaces> \s+ )
    | \X
    """,
    regex.VERBOSE | regex.DOTALL,
)
_PLAIN = regex.compile(r"\s+|\S")
_NEEDS_CARE = regex.compile(rf"&[#A-Za-z]|[-=]\s*\n|\x02|--|''|`|\b{_NEGATIVE_PREFIX}-\s|\*(?:\s|$)")
_LONG_DASHES = "–—―⸺⸻〜〰\ufe31\ufe32\ufe58"
"""Dashes between words; a hyphen joins them."""
_SHORT_DASHES = "\u02d7\u058a\u05be\u1400\u1806‐\u2011\u2012\u2043\u2212⸗⸚⹀\u2e5d゠\ufe63\uff0d\U00010ead"
"""Hyphens of all scripts (Unicode's category Pd), and what is typed for one."""
_APOSTROPHES = "‘’‚‛′´`\u02b9\u02bc\u055a\u05f3\uff07"
_PLAIN_PUNCTUATION = str.maketrans(
    dict.fromkeys("“”„«»‟″\uff02", '"')
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_LONG_DASHES + _SHORT_DASHES, "-")
)
_SUPERSCRIPT = regex.compile(r"[\u00b2\u00b3\u00b9\u2070-\u209c]")
_FOOTNOTE_MARKS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹†‡")
_BEARS_FOOTNOTE = regex.compile(
    r"[\p{L}\p{M}]{3}$|[.,;:!?\"'\])]$|(?<!\d)[12]\d{3}$"
    r"|(?<!\p{L})(?:an|as|at|be|by|do|er|es|go|he|if|il|in|is|it|la|me|my|no|of|on|or|so|to|tu|up|us|we|zu)$"
)
"""A word, a mark that ends something, or a year; in `x²` and `km²` the superscript is none of a footnote."""
_MOST_BEARERS = 5
"""So many letters decide whether a footnote's mark follows."""
_INVISIBLE = frozenset({"Cf", "Cn"})
"""Categories of format characters and of code points that are no characters."""
_UNWRITTEN_SIGNS = regex.compile(
    r"[\u064b-\u0652\u0670\u0640\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\p{Variation_Selector}]"
)
"""Vowel signs and other points of Arabic and Hebrew, the stroke *tatweel*, and how an emoji is to be drawn."""


@dataclass(frozen=True)
class ComparableText:
    """Comparable characters, and for each the place in the source that it stands for."""

    letters: str
    starts: list[int]
    ends: list[int]
    dashes: frozenset[int] = field(default=frozenset())
    """Where the comparable `-` is a long dash, which joins no words."""

    @classmethod
    def of(cls, text: str) -> ComparableText:
        """Returns the comparable form of `text`."""
        if text.isascii() and not _NEEDS_CARE.search(text):
            # The same result, much faster: only white space can change.
            units = list(_PLAIN.finditer(text))
            letters = "".join(unit[0] if len(unit[0]) == 1 and not unit[0].isspace() else " " for unit in units)
            return cls(letters, [unit.start() for unit in units], [unit.end() for unit in units])
        return _compare_by_unit(text)

    @cached_property
    def is_divided(self) -> bool:
        """Whether a word is divided at the end of a line."""
        return LINE_HYPHEN in self.letters

    @cached_property
    def alike(self) -> str:
        """The characters with one kind of quotation mark: who quotes within a quotation changes them."""
        return self.letters.replace('"', "'")

    @cached_property
    def solid(self) -> tuple[str, list[int]]:
        """The characters without hyphens of any kind, and for each its position in `letters`."""
        kept = [(letter, at) for at, letter in enumerate(self.alike) if letter not in HYPHENS]
        return "".join(letter for letter, _ in kept), [at for _, at in kept]

    def in_longer_text(self, offsets: Sequence[int]) -> ComparableText:
        """Returns the same characters with their places in a text of which this one's is an extract.

        `offsets` says where each character of the extract stands there.
        """
        starts = [offsets[start] for start in self.starts]
        return replace(self, starts=starts, ends=[offsets[end - 1] + 1 for end in self.ends])


def _compare_by_unit(text: str) -> ComparableText:
    letters, starts, ends, dashes = list[str](), list[int](), list[int](), set[int]()
    for unit in _UNIT.finditer(text):
        if unit["note_sign"] or (
            unit[0] in _FOOTNOTE_MARKS and _BEARS_FOOTNOTE.search("".join(letters[-_MOST_BEARERS:]))
        ):
            # It is shown with its word, in case it means something.
            ends[-1] = unit.end()
            continue
        for letter in _comparable_letters(unit):
            if letter == " " and letters and letters[-1] == " ":
                ends[-1] = unit.end()
                continue
            if unit["dash"] or (_decoded(unit[0]) if unit["entity"] else unit[0]) in _LONG_DASHES:
                dashes.add(len(letters))
            letters.append(letter)
            starts.append(unit.start())
            ends.append(unit.end())
    return ComparableText("".join(letters), starts, ends, frozenset(dashes))


def _comparable_letters(unit: regex.Match[str]) -> str:
    if unit["unwritten"]:
        return ""
    if unit["spaces"]:
        return " "
    if unit["divided"]:
        return LINE_HYPHEN
    if unit["dash"]:
        return "-"
    if unit["quotation_mark"]:
        return '"'
    text = _decoded(unit[0]) if unit["entity"] else unit[0]
    # A superscript keeps its form: 10² is not 102.
    # Before NFKC, which makes a blank and a mark of the acute accent that stands for an apostrophe.
    plain = text.translate(_PLAIN_PUNCTUATION)
    plain = plain if _SUPERSCRIPT.fullmatch(plain) else unicodedata.normalize("NFKC", plain)
    plain = _UNWRITTEN_SIGNS.sub("", plain)
    visible = (letter for letter in plain if unicodedata.category(letter) not in _INVISIBLE)
    return "".join(" " if letter.isspace() else letter for letter in visible)


def _decoded(entity: str) -> str:
    """The character that an entity stands for, also one that was encoded several times."""
    while (once := unescape(entity)) != entity:
        entity = once
    return entity
