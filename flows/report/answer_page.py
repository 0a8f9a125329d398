"""The answers of a run as one page, `answer.html`: each sentence with its quotations, shown in their passages.

The page is made from the run's folder alone, loads nothing and runs no script. All text is untrusted: it is escaped
and cannot reorder what stands around it, and only addresses that begin with https:// become links.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from contract.findings import Citation, CitedAnswer
from contract.messages import AgentTrace
from flows.files.atomic import write_text
from flows.report.answer_markdown import DEMONSTRATION_NOTICE, citation_location
from flows.report.claim_words import only_quotes
from flows.report.notes_section import NOTES_HEADING
from flows.report.page_markup import bdi, content_security_policy, page_environment, page_file_text, trusted_markup
from flows.report.question_words import reading_text
from flows.report.reference_list import REFERENCES_HEADING, reference_lines
from flows.report.support_words import doubt_text, judging_text, labels_text
from flows.report.unverified import UNVERIFIED_HEADING, unverified_lines

_HTTPS = re.compile(r"https://[^\s<>()\\\"']+")


class AnswerPage:
    """Gathers the passages of a run's quotations from its cells, and writes the page."""

    def __init__(self, folder: Path, notes: Sequence[str] = ()) -> None:
        """`notes` are what the run said of itself."""
        self._folder, self._notes = folder, notes
        self._answers = _answers_of(folder)
        cited = (citation for answer in self._answers for claim in answer.claims for citation in claim.citations)
        self._wanted = {citation.passage_id for citation in cited}
        self._passages = dict[str, str]()

    def add(self, trace: AgentTrace) -> None:
        """Keeps the texts of the passages in a cell's output that the answers quote."""
        found = cast("Mapping[str, Any]", trace.value).get("passages") if isinstance(trace.value, Mapping) else None
        for passage in cast("Sequence[Any]", found) if isinstance(found, list | tuple) else ():
            if isinstance(passage, Mapping):
                one = cast("Mapping[str, Any]", passage)
                if one.get("passage_id") in self._wanted and isinstance(one.get("text"), str):
                    self._passages[one["passage_id"]] = one["text"]

    def write(self) -> None:
        """Writes `answer.html`; nothing for a run without cited answers."""
        if not self._answers:
            return
        style = page_file_text("report.css") + page_file_text("answer.css")
        environment = page_environment()
        filters: dict[str, Any] = {
            "bdi": bdi, "place": citation_location, "address": _address, "doubt": doubt_text,
            "judging": judging_text, "labels": labels_text, "unverified": unverified_lines,
            "reading": reading_text, "in_passage": self._in_passage, "only_quotes": only_quotes,
            "reading_list": reference_lines,
        }  # fmt: skip
        environment.filters.update(filters)
        text = environment.get_template("answer.html.jinja").render(
            answers=self._answers, policy=content_security_policy(style, ""), style=trusted_markup(style),
            demonstration=DEMONSTRATION_NOTICE.replace("`", ""), unverified_heading=UNVERIFIED_HEADING,
            references_heading=REFERENCES_HEADING, notes=self._notes, notes_heading=NOTES_HEADING,
        )  # fmt: skip
        write_text(self._folder / "answer.html", text)

    def _in_passage(self, citation: Citation) -> list[tuple[str, str]]:
        """The passage as pieces, each with `quote` for the quotation and `text` for the rest; empty if not kept."""
        passage = self._passages.get(citation.passage_id)
        if passage is None or (at := passage.find(citation.quote)) < 0:
            return [("text", passage)] if passage else []
        end = at + len(citation.quote)
        return [("text", passage[:at]), ("quote", passage[at:end]), ("text", passage[end:])]


def _answers_of(folder: Path) -> list[CitedAnswer]:
    path = folder / "results.json"
    results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [CitedAnswer.model_validate(value) for value in _cited(results)]


def _cited(results: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for result in results:
        value: Any = result.get("result")
        if isinstance(value, Mapping) and {"claims", "abstained"} <= cast("Mapping[str, Any]", value).keys():
            yield cast("Any", value)


def _address(uri: str | None) -> str | None:
    """The address, if a page may link to it."""
    return uri if uri and _HTTPS.fullmatch(uri) else None
