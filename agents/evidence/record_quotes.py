"""Record quotes: looks up every quotation of a judgement in the record that it is from.

    texts = RecordTexts.from_record(record)
    texts.check_quote("they were asked for nothing")     # found, in `sections.facts`, from 120 to 147

A quotation that is not found is kept and marked, never dropped: words that a model invents are a finding.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.evidence.locators import locator_of
from agents.evidence.quotable_text import NearMiss, QuotableText
from agents.evidence.quotation_forms import OMISSION
from contract.judgements import CheckedReason, RecordQuote
from contract.record import Locator, Record

MAIN_FIELD = "text"


class RecordTexts:
    """The texts of a record by field: `text`, `title`, `sections.<name>`, `images.<number>`."""

    def __init__(self, texts: dict[str, QuotableText], locators: Sequence[Locator] = ()) -> None:
        self._texts = texts
        self._locators = locators

    @classmethod
    def from_record(cls, record: Record, alt_texts: Sequence[str] = ()) -> RecordTexts:
        """Returns the texts of `record`; `alt_texts` describe its pictures where the record itself does not."""
        fields: dict[str, str] = {MAIN_FIELD: record.text, "title": record.title or ""}
        fields |= {f"sections.{name}": str(value) for name, value in record.sections.items()}
        for number, image in enumerate(record.images, start=1):
            alt_text = alt_texts[number - 1] if number <= len(alt_texts) else ""
            fields[f"images.{number}"] = image.alt_text or alt_text
        return cls({name: QuotableText(text) for name, text in fields.items() if text}, record.locators)

    def check_quote(self, quote: str) -> tuple[RecordQuote, ...]:
        """Returns the quotation; if it was found, with its place, and as it stands there.

        One that leaves something out is returned as several.
        """
        for name, text in self._texts.items():
            if spans := text.find_parts(quote):
                return tuple(found_quote(text.text, name, span, self._locators) for span in spans)
        return (RecordQuote(quote=quote, status="not_found"),)

    def near_miss(self, quote: str) -> NearMiss | None:
        """Why a quotation was not found of which the letters stand in the record; None where they do not."""
        parts = [part for part in OMISSION.split(quote) if part.strip()]
        missing = (part for part in parts if self.check_quote(part)[0].status == "not_found")
        found = (text.near_miss(part) for part in missing for text in self._texts.values())
        return next((one for one in found if one is not None), None)


def found_quote(text: str, field: str, span: tuple[int, int], locators: Sequence[Locator]) -> RecordQuote:
    """The quotation that stands there in the record's field; with its page where the main text has pages."""
    start, end = span
    locator = locator_of(locators, start, end) if field == MAIN_FIELD else None
    return RecordQuote(quote=text[start:end], status="found", field=field, start=start, end=end, locator=locator)


def not_found_note(reasons: Sequence[CheckedReason], where: str = "do not stand in the record") -> str | None:
    """Returns one sentence on quotations that were not found; None when there are none."""
    quotes = [quote for reason in reasons for quote in reason.quotes]
    missing = sum(quote.status == "not_found" for quote in quotes)
    return f"{missing} of {len(quotes)} quotations {where}" if missing else None
