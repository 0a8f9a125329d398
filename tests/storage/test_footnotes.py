"""Footnotes of a PDF divide no sentence; `tests/data/two-columns.tex` is the source of the document."""

from __future__ import annotations

from agents.evidence.locators import locator_of
from agents.evidence.quotable_text import QuotableText
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
