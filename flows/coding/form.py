"""Reads the form of a coding page, and finds what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs

from agents.evidence.record_quotes import RecordTexts
from contract.codebook import SEPARATOR
from contract.judgements import RecordQuote
from contract.record import Record
from flows.coding.answer_log import CANNOT_DECIDE, MAX_TEXT_CHARACTERS, Answer, Timed
from flows.coding.desk import Item
from flows.coding.quote_problem import quote_problem
from flows.coding.task import CodedCriterion

MAX_FORM_BYTES = 200_000
MAX_QUOTES = 50
OF_ANOTHER_PAGE = "This form was not made for what is shown here. Look at the record, and answer once more."
_LONGEST_SECONDS = 24 * 3600.0


@dataclass
class FilledForm:
    """The fields as they were sent, so that a page with a mistake loses none of them."""

    answer_id: str = ""
    item: str = ""
    """The mark of the record and criterion that the page showed."""
    decided: str = ""
    """The mark of the decision that the page showed; empty for none."""
    verdict: str = ""
    """`cannot decide` where the coder cannot."""
    reason: str = ""
    quotes: str = ""
    """One quotation a line."""
    unclear: bool = False
    unclear_note: str = ""
    opened: float = 0
    """When the page was made, in seconds since 1970."""
    active: float = 0
    """For how many seconds the page was visible; 0 without JavaScript."""
    mistakes: dict[str, str] = field(default_factory=dict[str, str])
    """Field -> what is wrong."""

    @classmethod
    def parse(cls, body: bytes) -> FilledForm:
        """The form that the browser sent."""
        sent = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
        texts = {name: values[-1].replace("\r\n", "\n").replace("\x00", "") for name, values in sent.items()}
        verdict = SEPARATOR.join(one for one in sent.get("verdict", ()) if one.strip())
        return cls(
            answer_id=texts.get("answer_id", "")[:80],
            item=texts.get("item", "")[:80],
            decided=texts.get("decided", "")[:80],
            # Several boxes may be ticked where several options may be chosen.
            verdict=CANNOT_DECIDE if texts.get("undecided") else verdict.replace("\r\n", "\n").replace("\x00", ""),
            reason=texts.get("reason", "").strip(),
            quotes=texts.get("quotes", "").strip(),
            unclear=bool(texts.get("unclear")),
            unclear_note=texts.get("unclear_note", "").strip(),
            opened=_number(texts.get("opened", "")),
            active=_number(texts.get("active", "")),
        )

    @classmethod
    def of_answer(cls, answer: Answer, item: Item) -> FilledForm:
        """The form filled with an answer, to look at it again or to change it.

        Words that are the answer itself, as in a variable of quotations, are not shown again beside it.
        """
        words = [" ".join(one.quote.split()) for one in answer.quotes]
        variable = item.criterion.variable
        if variable is not None and variable.type == "quotation":
            own = " ".join(answer.verdict_text.split())
            words = [text for text in words if text not in own]
        quotes = "\n".join(words)
        return cls(
            verdict=answer.verdict_text, reason=answer.reason, quotes=quotes,
            unclear=answer.unclear, unclear_note=answer.unclear_note,
        )  # fmt: skip

    def read(self, coder: str, item: Item) -> Answer | None:
        """The answer; None where something is wrong, which is then in `mistakes`."""
        self.check_item(item.mark)
        verdict = self.read_verdict(item.criterion)
        if not self.answer_id:
            self.mistakes["verdict"] = OF_ANOTHER_PAGE
        for name, text in (("reason", self.reason), ("unclear_note", self.unclear_note)):
            if len(text) > MAX_TEXT_CHARACTERS:
                self.mistakes[name] = f"This is too long: at most {MAX_TEXT_CHARACTERS:,} characters."
        quotes = self._read_quotes(item.drawn.record, self.quotes, "quotes")
        if item.criterion.variable is not None and item.criterion.variable.type == "quotation" and verdict:
            # The same words may be given twice, as the answer and as what decided.
            quotes = tuple(dict.fromkeys((*quotes, *self._read_quotes(item.drawn.record, self.verdict, "verdict"))))
        if self.mistakes:
            return None
        seconds, timed = self._time()
        return Answer(
            answer_id=self.answer_id, coder=coder, record_id=item.drawn.record_id, criterion=item.criterion.name,
            record_sha256=item.drawn.sha256, criterion_sha256=item.criterion.sha256,
            verdict=verdict, reason=self.reason, quotes=quotes,
            unclear=self.unclear or bool(self.unclear_note), unclear_note=self.unclear_note,
            seconds=seconds, timed=timed,
        )  # fmt: skip

    def check_item(self, mark: str) -> None:
        """Finds a form of another record or criterion, which this page has shown at another time."""
        if self.item != mark:
            self.mistakes["verdict"] = OF_ANOTHER_PAGE
            self.verdict, self.item, self.answer_id = "", mark, ""

    def read_verdict(self, criterion: CodedCriterion) -> str | None:
        """The verdict; None for `cannot decide`, and for a mistake, which is then in `mistakes`."""
        if self.verdict == CANNOT_DECIDE or "verdict" in self.mistakes:
            return None
        try:
            found = criterion.read(self.verdict)
        except ValueError as error:
            self.mistakes["verdict"] = str(error)
            return None
        if len(found) > MAX_TEXT_CHARACTERS:
            self.mistakes["verdict"] = f"This is too long: at most {MAX_TEXT_CHARACTERS:,} characters."
        return found

    def _time(self) -> tuple[float | None, Timed]:
        elapsed = datetime.now(UTC).timestamp() - self.opened
        if not self.opened or not 0 <= elapsed <= _LONGEST_SECONDS:
            return None, "unknown"
        if 0 < self.active <= elapsed + 1:
            return round(self.active, 1), "active"
        return round(elapsed, 1), "elapsed"

    def _read_quotes(self, record: Record, text: str, field: str) -> tuple[RecordQuote, ...]:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) > MAX_QUOTES:
            self.mistakes[field] = f"At most {MAX_QUOTES} quotations are kept."
            return ()
        texts = RecordTexts.from_record(record)
        found = [quote for line in lines for quote in texts.check_quote(line.strip('“”„"'))]
        if missing := [quote.quote for quote in found if quote.status == "not_found"]:
            told = "; ".join(quote_problem(texts, text) for text in missing[:3])
            self.mistakes[field] = f"{told[:1].upper()}{told[1:]}."
        return tuple(found)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0
    return number if math.isfinite(number) and number >= 0 else 0
