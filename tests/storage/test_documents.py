"""Documents of word processors, books, subtitles and transcripts: read whole, each quotation with its place."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import odfdo  # type: ignore[reportMissingTypeStubs]
import pytest

from agents.evidence.locators import locator_of
from contract.record import Record
from contract.storage import FileStorage
from flows.corpus.chunk import Chunking, chunk_record
from flows.storage.reader import read_source
from flows.storage.rows import Reject


def _record(path: Path) -> Record:
    (found,) = read_source(FileStorage(path=path))
    assert isinstance(found, Record), found
    return found


def _place(record: Record, words: str) -> str | None:
    start = record.text.index(words)
    return locator_of(record.locators, start, start + len(words))


def write_docx(path: Path) -> None:
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "The ferry", "A. Berg"
    document.add_heading("Minutes", 1)
    document.add_paragraph("The council closed the ferry – “for good”.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Boats", "Seven"
    document.add_paragraph("It reopened in May.")
    document.save(str(path))


def _docx_of_an_interview(path: Path) -> None:
    document = docx.Document()
    for line in (
        "Interview 4",
        "Anna: Why did it close?",
        "Omar: The boiler broke.",
        "Anna: And then?",
        "Omar: Nothing.",
    ):
        document.add_paragraph(line)
    document.save(str(path))


def write_odt(path: Path, title: str = "The ferry", *paragraphs: str) -> None:
    document: Any = odfdo.Document("text")
    document.body.clear()
    document.meta.title = title
    for text in paragraphs or ("The council closed the ferry.", "It reopened in May."):
        document.body.append(odfdo.Paragraph(text))
    document.save(str(path))


def write_epub(path: Path, title: str, chapters: dict[str, str]) -> None:
    names = [f"c{number}.xhtml" for number in range(len(chapters))]
    items = "".join(f'<item id="{one}" href="text/{one}" media-type="application/xhtml+xml"/>' for one in names)
    order = "".join(f'<itemref idref="{one}"/>' for one in names)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        )
        book.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{title}</dc:title><dc:creator>A. Berg</dc:creator></metadata>"
            f"<manifest>{items}</manifest><spine>{order}</spine></package>",
        )
        for name, (heading, text) in zip(names, chapters.items(), strict=True):
            book.writestr(
                f"OEBPS/text/{name}",
                f"<html><head><style>p {{}}</style></head><body><h2>{heading}</h2><p>{text}</p></body></html>",
            )


_HTML = "<html><head><title>{}</title></head><body><nav>Home</nav><article><h1>{}</h1><p>{}</p></article></body></html>"
RTF = r"{\rtf1\ansi\ansicpg1252 {\fonttbl{\f0 Arial;}}"
LONG = "The council closed the ferry to the island in 1921, because its boiler was broken and nobody would pay. " * 4

Case = tuple[str, Callable[[Path], object], str, str | None]
CASES: list[Case] = [
    ("a.docx", write_docx, "The council closed the ferry – “for good”.", None),
    ("interview.docx", _docx_of_an_interview, "The boiler broke.", "Omar"),
    ("a.odt", write_odt, "The council closed the ferry.", None),
    ("b.odt", lambda path: write_odt(path, "Ä", "Straße – “so”", "ß"), "Straße – “so”", None),
    ("a.rtf", lambda path: path.write_text(RTF + r"\f0 The caf\'e9 closed.\par So.}"), "The café closed.", None),
    ("b.rtf", lambda path: path.write_text(RTF + r"{\b Bold} words \u8211? here.\par}"), "Bold words – here.", None),
    ("a.html", lambda path: path.write_text(_HTML.format("T", "Ferry", LONG)), "because its boiler was broken", None),
    ("b.htm", lambda path: path.write_bytes(_HTML.format("T", "Fähre", LONG.replace("nobody", "niemand für")).encode()),
     "niemand für", None),
    ("a.epub", lambda path: write_epub(path, "Ferries", {"One": "The ferry closed.", "Two": "It reopened."}),
     "It reopened.", "Two"),
    ("b.epub", lambda path: write_epub(path, "Boats", {"": "No heading here.", "Café &amp; pier": "Coffee was sold."}),
     "Coffee was sold.", "Café & pier"),
    ("a.srt", lambda path: path.write_text(
        "1\n00:00:01,000 --> 00:00:04,000\nIt closed.\n\n2\n01:02:05,500 --> 01:02:08,000\nIt <i>reopened</i>.\n"),
     "It reopened.", "01:02:05"),
    ("b.srt", lambda path: path.write_text(
        "1\n00:00:01,000 --> 00:00:04,000\nANNA: Why?\n\n2\n00:00:05,500 --> 00:00:08,000\nOMAR: The boiler.\n"),
     "The boiler.", "OMAR, 00:00:05"),
    ("a.vtt", lambda path: path.write_text(
        "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n<v A>Why?\n\n00:00:05.000 --> 00:00:06.000\n<v Omar>The boiler.\n"),
     "The boiler.", "Omar, 00:00:05"),
    ("b.vtt", lambda path: path.write_text(
        "WEBVTT - x\n\nNOTE not spoken\n\nintro\n00:01.000 --> 00:04.000 align:start\nThe ferry\nclosed.\n"),
     "The ferry\nclosed.", "00:00:01"),
    ("a.txt", lambda path: path.write_text("Anna: Why?\n\nOmar: The boiler.\n\nAnna: And?\n\nOmar: Nothing.\n"),
     "Nothing.", "Omar"),
    ("b.txt", lambda path: path.write_text(
        "Talk 7\n[00:00:04] A. Berg: Why?\n[00:01:10] Omar: The boiler.\n[00:02:00] A. Berg: And?\nOmar: So.\n"),
     "The boiler.", "Omar, 00:01:10"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "words", "place"), CASES, ids=[case[0] for case in CASES])
def test_a_quotation_stands_in_the_text_and_keeps_its_place(
    name: str, write: Callable[[Path], object], words: str, place: str | None, tmp_path: Path
) -> None:
    write(tmp_path / name)
    record = _record(tmp_path / name)
    assert words in record.text
    assert _place(record, words) == place
    (passage, *_) = [one for one in chunk_record(record, Chunking()) if words in one.text]
    start = passage.text.index(words)
    assert locator_of(passage.locators, start, start + len(words)) == place


def _docx_with_headings(path: Path) -> None:
    document: Any = docx.Document()
    document.add_paragraph("Draft of May.")
    document.add_heading("The ferry", 1)
    document.add_paragraph("The council closed it.")
    own = document.styles.add_style("Own heading", 1)
    own.base_style = document.styles["Heading 2"]
    document.add_paragraph("Money \n and boilers", style=own)
    document.add_paragraph("It had lost money.")
    document.save(str(path))


def _odt_with_headings(path: Path) -> None:
    document: Any = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Paragraph("Draft of May."))
    for level, heading, text in (
        (1, "The ferry", "The council closed it."),
        (2, "Money  and boilers", "It had lost money."),
    ):
        document.body.append(odfdo.Header(level, heading))
        document.body.append(odfdo.Paragraph(text))
    document.save(str(path))


_HEADED_PAGE = f"""<html><body><article><p>Draft of May. {LONG}</p>
<h1>The ferry</h1><p>The council closed it. {LONG}</p>
<h2>Money <em>and</em> boilers</h2><p>It had lost money. {LONG}</p></article></body></html>"""
_HEADED_TEXT = """Draft of May.

# The ferry #

The council closed it.

```
# no heading
```

### Money and boilers
It had lost money.
"""
HEADED: dict[str, Callable[[Path], object]] = {
    "a.docx": _docx_with_headings,
    "a.odt": _odt_with_headings,
    "a.html": lambda path: path.write_text(_HEADED_PAGE),
    "a.md": lambda path: path.write_text(_HEADED_TEXT),
}


@pytest.mark.parametrize("name", HEADED)
def test_a_quotation_is_placed_by_the_heading_above_it(name: str, tmp_path: Path) -> None:
    HEADED[name](tmp_path / name)
    record = _record(tmp_path / name)
    assert _place(record, "Draft of May.") == "before the first heading"
    assert _place(record, "The council closed it.") == "The ferry"
    assert _place(record, "It had lost money.") == "Money and boilers"
    start, end = record.text.index("closed it."), record.text.index("lost money.")
    assert locator_of(record.locators, start, end) == "The ferry – Money and boilers"
    assert "boilers\n" in record.text and "ferry\n" in record.text.replace(" #", "")


TIMES = "00:01.000 --> 00:02.000"
ODD_PLACES: dict[str, Callable[[Path], object]] = {
    "a.md": lambda path: path.write_text("Draft.\n\n# The \x02ferry\u2028line\n\nIt closed.\n"),
    "a.epub": lambda path: write_epub(path, "Boats", {"The \u202eferry line": "It closed."}),
    "a.vtt": lambda path: path.write_text(f"WEBVTT\n\n{TIMES}\n<v The \x02ferry line>It closed.\n"),
}


@pytest.mark.parametrize("name", ODD_PLACES)
def test_a_place_is_named_on_one_line_without_control_characters(tmp_path: Path, name: str) -> None:
    ODD_PLACES[name](tmp_path / name)
    place = _place(_record(tmp_path / name), "It closed.")
    assert place and "The ferry line" in place


def test_a_paragraph_that_is_set_as_a_heading_and_a_title_name_no_part(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("The ferry", 1)
    document.add_heading(LONG, 2)
    document.add_paragraph("It closed.")
    document.save(str(tmp_path / "a.docx"))
    assert _record(tmp_path / "a.docx").locators == ()


def test_nothing_of_a_docx_is_left_out(tmp_path: Path) -> None:
    write_docx(tmp_path / "a.docx")
    record = _record(tmp_path / "a.docx")
    assert record.title == "The ferry" and record.metadata["author"] == "A. Berg"
    assert record.text.split("\n\n") == [
        "Minutes", "The council closed the ferry – “for good”.", "Boats\tSeven", "It reopened in May."
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".docx", ".odt", ".rtf", ".epub", ".srt", ".vtt"])
@pytest.mark.parametrize("content", [b"", b"no such file", b"PK\x03\x04 broken", b"{\\rtf1 \x00"])
def test_a_damaged_file_is_left_out_with_a_reason(suffix: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    (tmp_path / "good.txt").write_text("Good.")
    found = list(read_source(FileStorage(path=tmp_path)))
    assert [one.record_id for one in found if isinstance(one, Record)] == ["good"]
    (reject,) = [one for one in found if isinstance(one, Reject)]
    assert reject.reason and reject.source.endswith(f"a{suffix}")


@pytest.mark.parametrize(
    "text",
    [
        "Note: read this.\n\nThe ferry closed in May. It was old.\n\nNobody paid.",
        "Title: A\nAuthor: B\nYear: C\nPlace: D",
        "He said: no.\n\nShe went.",
    ],
)
def test_a_text_with_colons_is_no_transcript(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert _record(tmp_path / "a.txt").locators == ()
