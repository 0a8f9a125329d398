"""Splits a text into its sentences."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[A-Z0-9])|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|Art|para|paras|pp?|vs?|cf|e\.g|i\.e|al|Inc|Ltd|Fig|Sec)|\b[A-Z])\.$", re.I
)


_HEADING = re.compile(r"#{1,6} .*|[A-Z0-9\u00c0-\u00de\u0391-\u042f][^\n]*[^\s.!?…:;,\"'”’)\]]")
_MOST_WORDS = 12


def is_heading(sentence: str) -> bool:
    """Whether what stands for a sentence is a line above others: short, with a capital, and without an end."""
    return _HEADING.fullmatch(sentence) is not None and len(sentence.split()) <= _MOST_WORDS


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each verbatim, without the white space around it."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if _ABBREVIATION.search(text[start : end.end()].rstrip("\"'”’)]")):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]
