"""Pages whose letters are written otherwise than their servers, or they themselves, declare."""

from __future__ import annotations

import pytest

from agents.tools.web.fetch import WebPages
from agents.tools.web.guarded_http import GuardedHttp
from tests.support.web_server import Answer, site

_FRENCH = "Le café est fermé à cause de l’été ; les élèves ont reçu “leurs” prix, et ça va très bien. " * 3
_GERMAN = "Die Größe des Müllbergs überrascht viele Bürger, und niemand weiß, was die Behörde dazu sagt. " * 3
_RUSSIAN = "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. " * 3
_POLISH = "W piątek sąd orzekł, że wpis może pozostać, ponieważ nie narusza zasad społeczności. " * 3
_CZECH = "Soud rozhodl, že příspěvek může zůstat, protože neporušuje žádná pravidla. " * 3
_JAPANESE = "日本語の文章をここに書きます。これは長い文章ではありませんが、読めるはずです。" * 3
_PLAIN = "A court decided that the post may stay, and gave reasons. " * 5
_CASES = {
    "Latin-1 declared as UTF-8": (_FRENCH, "cp1252", "utf-8", "", "windows-1252, though it is declared as utf-8"),
    "UTF-8 declared as Latin-1": (_GERMAN, "utf-8", "iso-8859-1", "", "utf-8, though it is declared as iso-8859-1"),
    "Latin-1, and the page says so itself": (_FRENCH, "cp1252", "", "iso-8859-1", "windows-1252"),
    "Latin-1, and nothing says so": (_GERMAN, "cp1252", "", "", "windows-1252"),
    "the page's word against the server's": (
        _FRENCH, "cp1252", "utf-8", "iso-8859-1", "windows-1252, though it is declared as utf-8",
    ),
    "Russian declared as UTF-8": (_RUSSIAN, "cp1251", "utf-8", "", "windows-1251, though it is declared as utf-8"),
    "Russian declared as itself": (_RUSSIAN, "koi8-r", "koi8-r", "", "koi8-r"),
    "Polish declared as UTF-8": (_POLISH, "cp1250", "UTF-8", "", "windows-1250, though it is declared as utf-8"),
    "Japanese declared as itself": (_JAPANESE, "shift_jis", "Shift_JIS", "", "cp932"),
    "an encoding that there is not": (_GERMAN, "utf-8", "hex", "", "utf-8, though it is declared as hex"),
    "plain letters": (_PLAIN, "ascii", "", "", "utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("is_html", [True, False], ids=["html", "plain text"])
@pytest.mark.parametrize(("text", "written", "header", "meta", "expected"), _CASES.values(), ids=list(_CASES))
async def test_a_page_is_read_in_the_encoding_that_fits_and_says_which(
    text: str, written: str, header: str, meta: str, expected: str, is_html: bool
) -> None:
    head = f'<meta charset="{meta}">' if meta else ""
    html = f"<html><head>{head}</head><body><article><p>{text}</p></article></body></html>"
    media_type = ("text/html" if is_html else "text/plain") + (f"; charset={header}" if header else "")
    if meta and not is_html:
        pytest.skip("plain text says nothing of itself")
    answer = Answer((html if is_html else text).encode(written), media_type)
    with site({"/page": answer}) as (host, _):
        async with GuardedHttp(local=frozenset({host})) as http:
            page, _ = await WebPages(http).fetch(f"http://{host}/page")
    assert page.text == text.strip()
    assert page.encoding == expected


async def test_bytes_that_have_strayed_into_a_page_of_utf8_change_none_of_its_other_letters() -> None:
    content = f"<article><p>{_GERMAN}</p><p>{_PLAIN}".encode() + "Ende für alle.".encode("cp1252") + b"</p></article>"
    with site({"/page": Answer(content)}) as (host, _):
        async with GuardedHttp(local=frozenset({host})) as http:
            page, _ = await WebPages(http).fetch(f"http://{host}/page")
    assert _GERMAN.strip() in page.text and "Ende für alle." in page.text and "\ufffd" not in page.text
    assert page.encoding == "utf-8 with 1 byte of windows-1252, though it is declared as utf-8"


async def test_a_page_of_xhtml_that_names_its_encoding_is_read_in_it() -> None:
    html = f'<?xml version="1.0" encoding="iso-8859-1"?>\n<html><body><article><p>{_FRENCH}</p></article></body></html>'
    with site({"/page": Answer(html.encode("cp1252"), "application/xhtml+xml")}) as (host, _):
        async with GuardedHttp(local=frozenset({host})) as http:
            page, _ = await WebPages(http).fetch(f"http://{host}/page")
    assert page.text == _FRENCH.strip() and page.encoding == "windows-1252"


async def test_the_language_of_a_page_decides_between_encodings_that_read_alike() -> None:
    html = f'<html lang="cs-CZ"><body><article><p>{_CZECH}</p></article></body></html>'
    with site({"/page": Answer(html.encode("cp1250"))}) as (host, _):
        async with GuardedHttp(local=frozenset({host})) as http:
            page, _ = await WebPages(http).fetch(f"http://{host}/page")
    assert page.text == _CZECH.strip() and page.encoding == "windows-1250, though it is declared as utf-8"
