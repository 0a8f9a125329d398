"""What those who quote write into a quotation that its source does not have.

`[T]he post` changes the case of a letter and says so; `[sic]` says that a mistake is the source's; models write `\\n`
for a line end, and set words `**bold**`. Omissions are a matter of their own: they are put back or make two quotations.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from agents.evidence.markup import without_markup

_DOTS = r"(?:\.{3,4}|…|\.(?:\s\.){2,3})"
_DASHES = r"[-‐-―]{1,3}"
OMISSION = regex.compile(rf"\s*(?:(?:\[\s*(?:{_DOTS}|{_DASHES})\s*\]|\(\s*{_DOTS}\s*\)|<\s*{_DOTS}\s*>|{_DOTS})\s*)+")
_OUTER_OMISSION = regex.compile(rf"^{OMISSION.pattern}|{OMISSION.pattern}$")
_CHANGED_LETTER = regex.compile(r"(?<!\w)\[(\p{L})\](?=\p{L})")
_SIC = regex.compile(r"\s*\[\s*sic[.!]?\s*\]", regex.IGNORECASE)
_ESCAPED_BLANK = regex.compile(r"\\[nrt]")
_ESCAPED_MARK = regex.compile(r"\\([\"'])")


def bare_quotation(quote: str) -> str:
    """Returns a quotation without the marks around it: its own, and those of an omission."""
    return _OUTER_OMISSION.sub("", quote.strip().strip("\"'“”„«»‘’ "))


def forms_of(quote: str) -> Iterator[str]:
    """Yields the quotation as it is; then, if it differs, as its source has it."""
    yield quote
    extract = without_markup(quote)
    unmarked = extract[0] if extract else quote
    plain = _ESCAPED_MARK.sub(r"\1", _ESCAPED_BLANK.sub(" ", _SIC.sub("", unmarked)))
    if plain != quote:
        yield plain
    if _CHANGED_LETTER.search(plain):
        yield _CHANGED_LETTER.sub(lambda found: found[1].swapcase(), plain)
        yield _CHANGED_LETTER.sub(r"\1", plain)
