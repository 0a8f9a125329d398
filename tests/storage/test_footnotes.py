"""Footnotes of a PDF divide no sentence; `tests/data/two-columns.tex` is the source of the document."""

from __future__ import annotations

from collections.abc import Callable

from agents.evidence.locators import locator_of
from agents.evidence.quotable_text import QuotableText
from flows.storage.footnotes import text_of_page
from flows.storage.pdf import read_pdf
from tests.support.commands import ROOT

QUOTES = {
    "The minutes of the harbour commissioners were found in a cellar of the municipality": "p. i",
    "The treasurer reported that the ferry had lost money, and that the boiler would have to be replaced": "p. 1",
    "Afterwards the commissioners unanimously acknowledged the irresponsibility of their representative.": "p. 2",
    "The commissioners considered the correspondence of the transportation administration": "p. 1",
    "The correspondence is in the archive of the municipality.": "p. 1",
}


def test_sentences_go_on_from_column_to_column_and_page_to_page() -> None:
    pdf = read_pdf(ROOT / "tests" / "data" / "two-columns.pdf")
    text = QuotableText(pdf.values["text"])
    found = {quote: text.find(quote) for quote in QUOTES}
    assert {quote: span and locator_of(pdf.locators, *span) for quote, span in found.items()} == QUOTES
    assert "Minutes of the harbour" in pdf.values["left_out"]


class _Page:
    """A page as pypdf reads it: pieces of text, each with the size of its letters."""

    def __init__(self, *pieces: tuple[str, float]) -> None:
        self._pieces = pieces

    def extract_text(self, visitor_text: Callable[..., None]) -> str:
        for text, size in self._pieces:
            visitor_text(text, [1, 0, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0], None, size)
        return "".join(text for text, _ in self._pieces)


def test_a_note_that_goes_on_from_the_column_before_divides_no_sentence() -> None:
    notes = "dence with the ministry was lost.\n10 The minutes say nothing of it.\n"
    page = _Page(
        ("The council met. It abandoned the nationalisation of the orphan-\n", 10.0),
        (notes, 8.0),
        ("age, because nobody would pay for all of it in the end.", 10.0),
    )
    assert "orphan-\nage, because" in text_of_page(page)
    assert "was lost.\n10 The minutes" in text_of_page(page)
