"""Markup of a text: tags, marks of emphasis and of pages, which a reader does not read as words and nobody quotes."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from agents.evidence.extract import Cut, Extract, without_cuts

_INLINE = r"a|abbr|b|big|cite|code|del|em|font|hi|i|ins|mark|q|s|small|span|strike|strong|sub|sup|tt|u"
_BLOCK = r"blockquote|br|dd|div|dl|dt|h[1-6]|hr|lb|li|ol|p|pb|pre|table|tbody|td|th|thead|tr|ul"
_ATTRIBUTES = r"(?:\s[^<>]{0,300})?\s*/?"
_MARKUP = regex.compile(
    rf"""
    (?P<inline> </?(?:{_INLINE}){_ATTRIBUTES}> )
    | (?P<block> \s{{0,20}}</?(?:{_BLOCK}){_ATTRIBUTES}>\s* )
    | (?P<page> \s{{0,20}}\[\s*(?:pp?|page|s|seite|f|fol|bl)\.?\s*\d{{1,4}}\s*[rv]?\s*\]\s* )
    | (?<![\w*]) (?P<mark> \*{{1,3}}) (?=[^\s*]) [^*\n]{{1,500}} (?<=[^\s*]) (?P<end> (?P=mark)) (?![\w*])
    | (?<!\w) (?P<mark> __?|~~) (?=[^\s_~]) [^_~\n]{{1,500}} (?<=[^\s_~]) (?P<end> (?P=mark)) (?!\w)
    """,
    regex.VERBOSE | regex.IGNORECASE,
)


def without_markup(text: str) -> Extract | None:
    """Returns `text` without its markup; None if it has none. No word is left out, also none that is struck through."""
    return without_cuts(text, _cuts(text))


def _cuts(text: str) -> Iterator[Cut]:
    for found in _MARKUP.finditer(text):
        if found["mark"]:
            yield (*found.span("mark"), "")
            yield (*found.span("end"), "")
        else:
            yield (*found.span(), "" if found["inline"] else " ")
