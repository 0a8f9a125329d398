"""Where sentences end, so that an omission leaves out whole ones only.

In doubt there is no end: a sentence taken for a part of the one before is shown with it, and hides nothing. So a point
ends no sentence after an initial, a short name of an office (`Mr.`, `Art.`) or another abbreviation, nor before a word
in small letters, and an empty line alone is the end of nothing, since a page may end there.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

_CLOSING = r"[\"'”’»)\]]*"
_END = regex.compile(
    rf"""
    (?P<point> (?<!\.)\.(?!\.) ) {_CLOSING} (?: \s*\n\s*\n\s* | \s+(?=[\"'“‘«(\[]*[\p{{Lu}}\p{{Lo}}]) )
    | [!?؟۔።]+ {_CLOSING} (?: \s*\n\s*\n\s* | \s+(?=[\"'“‘«(\[]*[\p{{Lu}}\p{{Lo}}]) )
    | [।॥။។።։]+ {_CLOSING} \s*
    | [。！？]+ [」』”’）]*
    """,
    regex.VERBOSE,
)
_ABBREVIATION = regex.compile(
    r"""
    (?<![\p{L}\p{M}\p{N}])
    (?: \p{L}                                                        # initials: J.
      | \p{L}[\p{L}.]*\.\p{L}+                                       # U.S. and e.g.
      | \p{Lu}\p{L}{1,3}                                             # Mr, Art, Prof; also names as short, in doubt
      | (?i:[bcdfghjklmnpqrstvwxz]{2,5})                             # no vowel: vs, pp, ff
      | (?i:al|etc|approx|arts?|cap|cir|esp|est|eds?|incl|no|nos|op|paras?|resp|secs?|univ|usw|vols?|viz)
    )$
    """,
    regex.VERBOSE,
)
_LONGEST_ABBREVIATION = 12


def sentence_ends(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yields, from `start` on, where a sentence ends, with its mark, and where the next begins."""
    for found in _END.finditer(text, start):
        point = found.start("point")
        if point < 0 or not _ABBREVIATION.search(text[max(0, point - _LONGEST_ABBREVIATION) : point]):
            yield found.start() + len(found[0].rstrip()), found.end()
