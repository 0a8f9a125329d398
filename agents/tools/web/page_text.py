"""The main text of a page: what a reader came for, without navigation, hidden parts and advertisements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agents.tools.web.guarded_http import RawPage
from agents.tools.web.page_encoding import decode_page
from contract.errors import FetchRefused

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PLAIN = frozenset({"text/plain", "text/markdown"})
_XML_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>", re.IGNORECASE)
"""It may name an encoding, which the page is no longer in when it has been decoded."""
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
    encoding: str = ""
    """How its letters were written, see `page_encoding`."""


def page_text(page: RawPage) -> PageText:
    """Returns the readable part of a page. Raises FetchRefused if there is none, or it is no text at all."""
    kind = page.media_type or "text/html"
    if kind not in _PLAIN | _HTML:
        raise FetchRefused(f"the address gives '{kind[:60]}', and only web pages and plain text are read")
    decoded = decode_page(page)
    found = PageText(decoded.text) if kind in _PLAIN else _main_text(decoded.text, page.final_url)
    cleaned = _CONTROL.sub("", found.text).strip()
    if not cleaned:
        raise FetchRefused("there is no readable text on the page")
    title, author, published = (_one_line(one) for one in (found.title, found.author, found.published))
    return PageText(cleaned, title, author, published, decoded.encoding)


def _main_text(html: str, url: str) -> PageText:
    from trafilatura import bare_extraction

    html = _XML_DECLARATION.sub("", html, count=1)
    document: Any = bare_extraction(
        html, url=url, with_metadata=True, include_comments=False, deduplicate=False, prune_xpath=_NO_TEXT
    )
    if document is None:
        raise FetchRefused("there is no readable text on the page")
    return PageText(document.text or "", document.title or "", document.author or "", document.date or "")


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split())[:500]
