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
from functools import cached_property, lru_cache
from html import unescape

import regex

from agents.evidence.scripts import KATAKANA, UNSPACED

LINE_HYPHEN = "\x1f"
"""Stands for a hyphen at the end of a line. It equals a hyphen, and nothing at all."""

_WIDE = r"\u3001-\u303f\uff00-\uff65"
"""Punctuation of Chinese and Japanese, and what is as wide."""
_FULL_WIDTH = r"[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
"""Letters and digits of other scripts, as wide as a Chinese one; there are blanks between such words."""
HYPHENS = f"-{LINE_HYPHEN}"
_NEGATIVE_PREFIX = r"(?i:un|in|im|il|ir|non|dis|mis|ab|anti)"
"""What `un- lawful` begins with, where the lines of a text were joined: `lawful` does not stand there."""
_SPACED = (
    r"[!-%(),./-<>-_a-~\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf-\u02ff"
    r"\u0370-\u0377\u037b-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0481\u048a-\u052f\u0531-\u0556\u0559-\u0589"
    r"\u05d0-\u05ea\u060c\u061b\u061f-\u063f\u0641-\u064a\u0660-\u0669\u0671-\u06d3\u10d0-\u10ff\u1e00-\u1f15\u1f20-\u1f45"
    r"\u1f50-\u1f57\u1f60-\u1f7d\u1f80-\u1fb4\u2018-\u201f\uac00-\ud7a3]"
)
"""Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, Georgian and Korean characters that begin no other unit."""
_SOLID = r"[\u3001-\u3003\u3005-\u3011\u3041-\u3096\u30a1-\u30fe\u3400-\u4dbf\u4e00-\u9ffc\uff01-\uff5e]"
"""Chinese and Japanese ones; white space beside them is a unit of its own."""
_JOINING = r"\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}\p{GCB=V}\p{GCB=T}"
"""What makes one character with the one before it."""
_RUN = rf"(?:{_SPACED}+(?:[ \n'-]{_SPACED}+)*|{_SOLID}+)(?![{_JOINING}])"
"""Characters that are compared one by one, so that a book is read run by run and not character by character."""
_UNIT = regex.compile(
    rf"""
    (?P<run> {_RUN} )
    | (?P<entity>
        &(?:amp;)*(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});
        | &(?:amp|lt|gt|quot|nbsp)(?![\w;=]) )
    | (?P<divided>
        (?<=\w)(?:[-\u2010\u2e17=]\s*\n\s*|\u00ad\s+|[\u00ac\ufffe\x02]\s*)(?=\w)
        | (?<=\b{_NEGATIVE_PREFIX})-[^\S\n]+(?=\p{{Ll}})(?!(?:and|or|und|oder|et|ou)\b) )
    | (?P<dash> (?<!-)-{{2,3}}(?!-) )
    | (?P<quotation_mark> ''|`` )
    | (?P<note_sign> (?<=\p{{L}}{{3}}|[.,;:!?"'\])])\*{{1,3}}(?=\s|$) )
    | (?P<unwritten>
        (?<=[{UNSPACED}{_WIDE}]) (?!(?<=[{KATAKANA}])[^\S\n]+[{KATAKANA}]|(?<={_FULL_WIDTH})\s+{_FULL_WIDTH})
        \s+ (?=[{UNSPACED}{_WIDE}]) )
    | (?P<spaces> \s+ )
    | \X
    """,
    regex.VERBOSE | regex.DOTALL,
)
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
_IN_RUN = _PLAIN_PUNCTUATION | {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {ord("\n"): " "}
"""Also full-width characters, as NFKC has them; a line end within a run stands between two words."""
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
        form = _Form()
        for unit in _UNIT.finditer(text):
            form.add(unit)
        return cls("".join(form.letters), form.starts, form.ends, frozenset(form.dashes))

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


@dataclass
class _Form:
    """A comparable form that grows unit by unit."""

    letters: list[str] = field(default_factory=list[str])
    starts: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])
    dashes: set[int] = field(default_factory=set[int])

    def add(self, unit: regex.Match[str]) -> None:
        kind, text = unit.lastgroup, unit[0]
        if kind == "run":
            self._add_run(text, unit.start())
        elif kind == "note_sign" or (text in _FOOTNOTE_MARKS and self._bears_footnote()):
            # It is shown with its word, in case it means something.
            self.ends[-1] = unit.end()
        else:
            character = _decoded(text) if kind == "entity" else text
            if kind == "dash" or character in _LONG_DASHES:
                self.dashes.add(len(self.letters))
            self._add_letters(_INSTEAD[kind] if kind in _INSTEAD else _plain(character), *unit.span())

    def _add_run(self, text: str, start: int) -> None:
        plain = text.translate(_IN_RUN)
        if unicodedata.is_normalized("NFKC", plain):
            self.letters += plain
            self.starts += range(start, start + len(text))
            self.ends += range(start + 1, start + len(text) + 1)
            return
        for at, character in enumerate(text, start):
            self._add_letters(_plain(character), at, at + 1)

    def _add_letters(self, letters: str, start: int, end: int) -> None:
        for letter in letters:
            if letter == " " and self.letters and self.letters[-1] == " ":
                self.ends[-1] = end
                continue
            self.letters.append(letter)
            self.starts.append(start)
            self.ends.append(end)

    def _bears_footnote(self) -> bool:
        return bool(_BEARS_FOOTNOTE.search("".join(self.letters[-_MOST_BEARERS:])))


_INSTEAD = {"unwritten": "", "spaces": " ", "divided": LINE_HYPHEN, "dash": "-", "quotation_mark": '"'}
"""The comparable form of each kind of unit that has the same one everywhere."""


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """The comparable form of what a reader sees as one character; a text consists of the same few hundred."""
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
