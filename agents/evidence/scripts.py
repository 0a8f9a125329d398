"""Scripts that write no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan, Javanese."""

from __future__ import annotations

import regex

KATAKANA = r"\p{Script=Katakana}\u30fc"
"""For a set of a pattern, as is the next. Words of katakana do have ends: they stand among other scripts."""
UNSPACED = (
    rf"\p{{Script=Han}}\p{{Script=Hiragana}}{KATAKANA}\p{{Script=Thai}}\p{{Script=Lao}}\p{{Script=Khmer}}"
    r"\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Javanese}"
)
_UNSPACED = regex.compile(f"[{UNSPACED}]")
_KATAKANA = regex.compile(f"[{KATAKANA}]")


def make_a_word(left: str, right: str) -> bool:
    """Returns whether two letters, digits or marks side by side belong to one word."""
    if _KATAKANA.match(left) and _KATAKANA.match(right):
        return True
    return not (_UNSPACED.match(left) or _UNSPACED.match(right))
