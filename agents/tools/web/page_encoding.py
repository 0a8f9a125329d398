"""How a page's letters are written: as it is declared, if its bytes fit that, and else as they do fit.

Servers often declare UTF-8 for all they have, and pages are older than their servers.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.tools.web.guarded_http import RawPage

_IN_HEADER = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_IN_PAGE = re.compile(rb"<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_LOOK_FOR_NAME = 4096
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WESTERN = "cp1252"
_AS_BROWSERS_DO = {
    "ascii": _WESTERN, "iso8859-1": _WESTERN, "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
"""Pages that are declared so hold letters, such as typographic quotation marks, which only the larger encoding has."""
_NOT_OF_PAGES = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_ONE_BYTE = re.compile(r"cp125\d|iso8859-\d+|koi8-[rtu]|mac-.+|cp8\d\d|tis-620|cp874")
_LIKELY = [
    _WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "koi8_r",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]  # fmt: skip
"""What pages of the web are written in, where it is not UTF-8. The library knows many more, and errs towards them."""
_IN_LANGUAGE = re.compile(rb"<html\b[^>]*?\blang\s*=\s*[\"']?([a-z]{2})\b", re.IGNORECASE)
_OF_LANGUAGES = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "cp1250"),
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), "cp1251"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    "el": "cp1253", "tr": "cp1254", "he": "cp1255", "ar": "cp1256", "fa": "cp1256", "ja": "shift_jis", "zh": "gb18030",
    "ko": "euc_kr",
}  # fmt: skip
"""What most old pages in a language are written in."""
_LOOK_AT_BYTES = 65_536
_ALIKE = 0.03
_MARKUP = re.compile(rb"<[^<>]*>")
_PLAIN_LETTERS = bytes(range(128))
_STRAY = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class DecodedPage:
    """A page's text, and how it was read."""

    text: str
    encoding: str
    """The encoding that was used; where the page is declared otherwise, the words say so."""


def decode_page(page: RawPage) -> DecodedPage:
    """Reads the page's bytes in the encoding that fits them."""
    declared = [*_declared(page)]
    text, used = _read(page.content, [known for name in declared if (known := _known(name))])
    for mark in ("\ufeff", "\ufffe"):
        text = text.removeprefix(mark)
    shown = used.replace("cp125", "windows-125")
    contradicted = declared and used not in (_known(name) for name in declared[:1])
    return DecodedPage(text, f"{shown}, though it is declared as {declared[0].lower()}" if contradicted else shown)


def _declared(page: RawPage) -> Iterator[str]:
    """The names that the server and the page give, the server's first, as browsers take them."""
    if in_header := _IN_HEADER.search(page.headers.get("content-type", "")):
        yield in_header[1]
    if in_page := _IN_PAGE.search(page.content[:_LOOK_FOR_NAME]):
        yield in_page[1].decode("ascii", "replace")


def _known(name: str) -> str | None:
    """Python's name of the encoding; None for what is no encoding of texts."""
    try:
        found = codecs.lookup(name).name
        b"a".decode(found)
    except (LookupError, ValueError):
        return None
    return None if found in _NOT_OF_PAGES else _AS_BROWSERS_DO.get(found, found)


def _read(content: bytes, declared: list[str]) -> tuple[str, str]:
    for mark, name in _MARKS:
        if content.startswith(mark) and (text := _strict(content, name)) is not None:
            return text, name
    as_utf8 = _strict(content, "utf-8")
    for name in declared:
        if as_utf8 is not None and not content.isascii() and _ONE_BYTE.fullmatch(name):
            # Every byte is a letter there, so it fits whatever the page is; what is valid UTF-8 is hardly ever else.
            continue
        if (text := _strict(content, name)) is not None:
            return text, name
    if as_utf8 is not None:
        return as_utf8, "utf-8"
    return _strays_read(content) or _guessed(content)


def _strict(content: bytes, name: str) -> str | None:
    if name.startswith(("utf-16", "utf-32")) and b"\0" not in content:
        return None
    try:
        return content.decode(name)
    except UnicodeError:
        # Five bytes that cp1252 leaves free are control characters to browsers.
        return None if name != _WESTERN else "".join(_of_western(byte) for byte in content)


def _of_western(byte: int) -> str:
    return bytes([byte]).decode(_WESTERN, "ignore") or chr(byte)


def _strays_read(content: bytes) -> tuple[str, str] | None:
    """Reads a page of UTF-8 into which other bytes have strayed, as from an old database; None for other pages."""
    text = content.decode("utf-8", "surrogateescape")
    strays = len(_STRAY.findall(text))
    letters = sum(not one.isascii() for one in text) - strays
    if letters <= strays:
        return None
    whole = _STRAY.sub(lambda found: _of_western(ord(found[0]) - 0xDC00), text)
    return whole, "utf-8" if not strays else f"utf-8 with {strays} {'byte' if strays == 1 else 'bytes'} of windows-1252"


def _guessed(content: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    foreign = (line for line in _MARKUP.sub(b" ", content).splitlines() if line.translate(None, _PLAIN_LETTERS))
    found = list(from_bytes(b"\n".join(foreign)[:_LOOK_AT_BYTES], cp_isolation=_LIKELY))
    names = {name: one for one in found for name in (one.encoding, *one.could_be_from_charset)}
    language = _IN_LANGUAGE.search(content[:_LOOK_FOR_NAME])
    likely = _OF_LANGUAGES.get(language[1].decode().lower()) if language else None
    if likely not in names:
        # Of several that read alike, the one that most pages have.
        western = names.get(_WESTERN)
        alike = western and western.chaos <= found[0].chaos and western.coherence >= found[0].coherence - _ALIKE
        likely = _WESTERN if alike else None
    ordered = [*([likely] if likely else []), *(one.encoding for one in found), _WESTERN]
    return next((text, name) for name in ordered if (text := _strict(content, name)) is not None)
