"""The main text of a page: what a reader came for, without navigation, hidden parts and advertisements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agents.tools.web.guarded_http import RawPage
from contract.errors import FetchRefused

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PLAIN = frozenset({"text/plain", "text/markdown"})
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_NO_TEXT = ["//*[contains(@class, 'mw-editsection')]"]
"""Parts within a text that are buttons and no text: `[edit]` beside each heading of a wiki."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Also those that turn the writing direction, which would show another text than a model reads."""


@dataclass(frozen=True)
class PageText:
    """The readable part of a page; empty strings where the page does not say."""

    text: str
    title: str = ""
    author: str = ""
    published: str = ""


def page_text(page: RawPage) -> PageText:
    """Returns the readable part of a page. Raises FetchRefused if there is none, or it is no text at all."""
    kind = page.media_type or "text/html"
    if kind in _PLAIN:
        found = PageText(_decoded(page))
    elif kind in _HTML:
        found = _main_text(page)
    else:
        raise FetchRefused(f"the address gives '{kind[:60]}', and only web pages and plain text are read")
    cleaned = _CONTROL.sub("", found.text).strip()
    if not cleaned:
        raise FetchRefused("there is no readable text on the page")
    return PageText(cleaned, _one_line(found.title), _one_line(found.author), _one_line(found.published))


def _main_text(page: RawPage) -> PageText:
    from trafilatura import bare_extraction

    # A charset in the header overrides the page's own word for it; without one the library finds the encoding.
    html: str | bytes = _decoded(page) if _CHARSET.search(page.headers.get("content-type", "")) else page.content
    document: Any = bare_extraction(
        html, url=page.final_url, with_metadata=True, include_comments=False, deduplicate=False, prune_xpath=_NO_TEXT
    )
    if document is None:
        raise FetchRefused("there is no readable text on the page")
    return PageText(document.text or "", document.title or "", document.author or "", document.date or "")


def _decoded(page: RawPage) -> str:
    named = _CHARSET.search(page.headers.get("content-type", ""))
    try:
        return page.content.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        return page.content.decode("utf-8", "replace")


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split())[:500]
