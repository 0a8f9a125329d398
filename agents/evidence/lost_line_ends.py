"""Words that were divided at the end of a line, in a text whose lines were joined since: `the com- mittee met`."""

from __future__ import annotations

import regex

from agents.evidence.extract import Extract, without_cuts

_BLANK_AFTER_HYPHEN = regex.compile(r"(?<=\p{L}{2}-)[^\S\n]+(?=\p{Ll}{2})")


def with_line_ends(text: str) -> Extract | None:
    """Returns `text` with a line end after each hyphen that may have stood at one; None if there is none.

    Whether the hyphen belongs to the word is open, as at every line end; `them- they` may be two words and a dash.
    """
    return without_cuts(text, ((*blank.span(), "\n") for blank in _BLANK_AFTER_HYPHEN.finditer(text)))
