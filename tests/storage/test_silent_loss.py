"""Words of a damaged document that cannot be read are told; none is left out silently."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from contract.record import Record
from contract.storage import FileStorage
from flows.storage.reader import read_source
from tests.storage.test_formats import pdf

SRT = (
    "1\n00:00:01,000 --> 00:00:02,000\nOne.\n\n2\n00:00:03,000 --> 00:0x:04,000\nTwo.\n\n"
    "3\n00:00:05,000 --> 00:00:06,000\nSix.\n"
)
VTT = "WEBVTT\n\nNOTE by hand\n\n00:01.000 --> 00:02.000\n<v Anna>One.\n\n00:03.000 --> 00:0x.000\nTwo.\n"


def _read(path: Path) -> tuple[str, list[str]]:
    items = list(read_source(FileStorage(path=path)))
    return "".join(one.text for one in items if isinstance(one, Record)), [
        one.reason for one in items if not isinstance(one, Record)
    ]


@pytest.mark.parametrize(
    ("name", "text", "place"), [("a.srt", SRT, ("3 lines", "line 5")), ("a.vtt", VTT, ("2 lines", "line 8"))]
)
def test_words_under_a_broken_time_are_told(name: str, text: str, place: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    words, (reason,) = _read(tmp_path / name)
    assert "One." in words
    assert f"{place[0]} belong to no caption, so they are not read, the first in {place[1]}" in reason
    sound = text.replace("0x", "04")
    (tmp_path / name).write_text(sound)
    words, reasons = _read(tmp_path / name)
    assert "Two." in words
    assert reasons == []


def test_an_rtf_file_whose_groups_do_not_close_is_told(tmp_path: Path) -> None:
    sound = r"{\rtf1\ansi {\fonttbl{\f0 Arial;}}\f0 One \{so\}.\par Two.\par}"
    (tmp_path / "a.rtf").write_text(sound)
    assert _read(tmp_path / "a.rtf")[1] == []
    (tmp_path / "a.rtf").write_text(sound.replace("Two.", "{Two."))
    (reason,) = _read(tmp_path / "a.rtf")[1]
    assert "words of it may be missing" in reason


def test_words_of_a_book_that_stand_in_no_paragraph_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as book:
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf"/></rootfiles></container>',
        )
        book.writestr(
            "book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="a" href="a.xhtml"/>'
            '</manifest><spine><itemref idref="a"/></spine></package>',
        )
        book.writestr(
            "a.xhtml",
            "<html><head><style>p {}</style></head><body>Loose words.<div>In a <i>division</i>.<p>A paragraph.</p>"
            "After it.</div><blockquote>Said <p>twice</p></blockquote></body></html>",
        )
    words, reasons = _read(tmp_path / "a.epub")
    assert words.split("\n\n") == ["Loose words.", "In a division.", "A paragraph.", "After it.", "Said", "twice"]
    assert reasons == []


def test_pages_that_a_damaged_pdf_has_lost_are_told(tmp_path: Path) -> None:
    sound = pdf("One.", "Two.", "Three.")
    (tmp_path / "a.pdf").write_bytes(sound)
    assert _read(tmp_path / "a.pdf")[1] == []
    (tmp_path / "a.pdf").write_bytes(sound.replace(b"/Kids[4 0 R 6 0 R 8 0 R]", b"/Kids[4 0 R 6 0 R]      "))
    words, (reason,) = _read(tmp_path / "a.pdf")
    assert "One." in words
    assert "of its 3 pages only 2 can be read" in reason
