"""Passages of a web page: whole paragraphs, each with its place in the page's text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from contract.findings import Passage
from contract.web_page import WebPage

_PASSAGE_CHARACTERS = 1200
_PARAGRAPH = re.compile(r"[^\n]+(?:\n(?!\s*\n)[^\n]+)*")


def page_passages(page: WebPage) -> Iterator[Passage]:
    """The page's text in passages of whole paragraphs, each of about 1,200 characters or one longer paragraph."""
    start = end = 0
    for paragraph in _PARAGRAPH.finditer(page.text):
        if end and paragraph.end() - start > _PASSAGE_CHARACTERS:
            yield _passage(page, start, end)
            start = paragraph.start()
        end = paragraph.end()
    if end:
        yield _passage(page, start, end)


def _passage(page: WebPage, start: int, end: int) -> Passage:
    text = page.text[start:end]
    return Passage(
        passage_id=f"{page.final_url}#text:{start}-{end}",
        record_id=page.final_url,
        title=page.title or page.final_url,
        section="text",
        text=text,
        start=start,
        end=end,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        uri=page.final_url,
        date=page.published or None,
    )
