"""PDFs as old programs made them: glyphs without names, tight lines, raised numbers of notes, heads of chapters.

`tests/data/old-fonts.tex` is the source of the document.
"""

from __future__ import annotations

import pytest

from agents.evidence.locators import locator_of
from agents.evidence.quotable_text import QuotableText
from flows.storage.page_breaks import join_pages
from flows.storage.page_numbers import printed_numbers
from flows.storage.pdf import PdfText, read_pdf
from tests.support.commands import ROOT

QUOTES = {
    "The minutes were found in a cellar of the town.": "p. i",
    "The officers of the fishmarket finally refused to simplify the traffic, because the confidential file of 1843 was "
    "affected by fire.": "pp. 2–3",
    "The clerk of the harbour confirmed the sacrifice in the office of the sheriff.": "p. 3",
    "The nationalisation of the ferry was unsuccessful, as nobody wanted to pay.": "pp. 5–6",
}


@pytest.fixture(scope="module")
def document() -> PdfText:
    return read_pdf(ROOT / "tests" / "data" / "old-fonts.pdf")


def test_sentences_are_found_with_their_pages_without_the_numbers_of_notes(document: PdfText) -> None:
    text = QuotableText(document.values["text"])
    found = {quote: text.find(quote) for quote in QUOTES}
    assert {quote: span and locator_of(document.locators, *span) for quote, span in found.items()} == QUOTES


def test_raised_numbers_and_signs_are_shown_as_they_are_printed(document: PdfText) -> None:
    shown = document.values["text"]
    assert "fishmarket¹ finally" in shown and "of 1843² was" in shown and "clerk† of" in shown
    assert "¹ So the minutes." in shown


def test_a_note_that_goes_on_at_the_foot_of_the_next_page_divides_no_sentence(document: PdfText) -> None:
    pages = ("Council of the town\nIt met.", "Council of the town\nIt rose.", "Council of the town\nIt ended.")
    assert join_pages(pages).text == "It met.\n\nIt rose.\n\nIt ended."
    assert "gives\nan account.\nThe sheriff" in document.values["text"]


def test_heads_are_known_by_the_page_s_number_or_by_the_pages_near_them(document: PdfText) -> None:
    assert "CHAPTER" not in document.values["text"]
    pages = ["Chapter one\nIt was", "2ANNA BERG\nnot for", "THE FERRY 3\nthem to", "4ANNA BERG\nsay.", "THE SEA 5\nIt"]
    joined = join_pages(pages, printed_numbers(pages))
    assert joined.text == "Chapter one\nIt was\nnot for\nthem to\nsay.\n\nIt"
    assert joined.left_out == ["2ANNA BERG", "THE FERRY 3", "THE SEA 5"]
    empty = [*pages, "6ANNA BERG"]
    assert join_pages(empty, printed_numbers(empty)).text == joined.text
    chapters = ["The ferry\na", "The ferry\nb", "The sea\nc", "The sea\nd", "e\nf"]
    assert join_pages(chapters).text == "a\nb\nc\nd\ne\nf"


def test_a_line_that_only_ends_with_the_page_s_number_stays_where_the_number_has_a_line_of_its_own() -> None:
    pages = ["In all there were 1\nold ship.\n1", "There were 2\nat sea.\n2", "And then 3\ncame home.\n3"]
    assert "And then 3\ncame home." in join_pages(pages, printed_numbers(pages)).text


def test_a_roman_page_before_page_one_is_cited_by_its_number() -> None:
    pages = ["Preface\ni", "a\n1", "b\n2", "c\n3"]
    assert printed_numbers(pages) == {0: "i", 1: "1", 2: "2", 3: "3"}
    assert 0 not in printed_numbers(["I came\nhome.", "a\n1", "b\n2", "c\n3"])


def test_a_sentence_before_the_page_s_number_is_text() -> None:
    pages = ["The council met in Vienna. 111", "It closed the\nferry, and rose. 112", "Nobody came. 113"]
    joined = join_pages(pages, printed_numbers(pages))
    assert joined.text == "\n".join(pages) and not joined.left_out
    short = ["Minutes of the council 111", "Letters of the council 112", "Accounts of the town 113"]
    assert join_pages(short, printed_numbers(short)).text == "\n".join(short)
