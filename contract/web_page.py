"""WebPage: one page of the web, as it was when it was fetched."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from contract.base import Frozen


class WebPage(Frozen):
    """The main text of a page, and where it came from. All of it was written by strangers."""

    url: str
    """The address that was asked for."""
    final_url: str
    """The address that answered, after redirects."""
    title: str = ""
    author: str = ""
    published: str = ""
    """The day of publication as YYYY-MM-DD, if the page names one."""
    text: str = Field(min_length=1)
    """The main text, without navigation and other parts around it."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the bytes that the server sent, in hexadecimal: the page is kept under it."""
    fetched: datetime
    encoding: str = Field(default="", exclude_if=lambda value: not value)
    """The encoding in which those bytes were read, and that it was declared otherwise, in words. Empty for pages that
    were kept before it was noted."""
