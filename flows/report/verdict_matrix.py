"""Makes the JSON that the page's script reads: an index of all verdicts, and the details of records in pieces.

The index holds `criteria`, `models`, `verdicts`, `states`, `doubts` (degrees of uncertainty), `rules`, `facets`,
`chunks` (the first record of each piece), `warning`, `veils` (masked texts) and `records`. Each record has i (id), t
(title), d (entropy by criterion), g (facet values) and c (cells: criterion, model, repeat, verdict, state, uncertainty,
1 where it differs from people, 0 where not, -1 without ground truth, and the verdict of people by that criterion).
Words that recur are indexes into those lists, -1 for none. A piece holds for each record f (fields: name, text, whole
length), m (metadata), h (ground truth), u (address), c (the answer of each cell) and o (the answers of other steps).
Offsets count UTF-16 units, as the browser does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contract.flow import FlowSpec
from flows.files.lines import LineFile
from flows.report.disagreement import entropy_by_record
from flows.report.facets import build_facets
from flows.report.record_details import CellAnswer
from flows.report.report_data import ReportData
from flows.report.verdict_marks import VerdictMark
from flows.report.words import STATUS_LABELS, as_list, as_mapping, display_text, one_line, truncated_value
from flows.tables.identity import NaturalKey, natural_key, step_order
from flows.tables.verdict_row import VerdictRow

MAX_FIELD_CHARACTERS = 20_000
"""Characters that the page shows of a field of a record."""
_CHUNK_CHARACTERS = 400_000
_UNCERTAINTIES = ("low", "medium", "high")
_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def script_json(value: object) -> str:
    """JSON that is safe in a script element: nothing in it ends the element or a line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # One `replace` per sign takes a thirtieth of the time of `translate`.
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text


class VerdictMatrix:
    """The embedded data of a report."""

    def __init__(
        self,
        report_data: ReportData,
        spec: FlowSpec,
        marks: Mapping[str, VerdictMark],
        titles: Mapping[str, str],
        answers: Mapping[str, Sequence[str] | None],
    ) -> None:
        """`answers`: what a variable of a codebook may be corrected to; None stands for whatever was said."""
        self._answers = answers
        self.criteria = sorted({row.criteria for row in report_data.rows})
        self.models = sorted({row.model for row in report_data.rows}, key=natural_key)
        self._report_data, self._spec, self._marks, self._titles = report_data, spec, marks, titles
        self._steps = step_order(spec)
        self._verdicts = {name: place for place, name in enumerate(marks)}
        self._rules = dict[str, int]()
        self._rows = dict[str, list[VerdictRow]]()
        for row in sorted(report_data.rows, key=lambda row: (row.criteria, natural_key(row.model), row.repeat)):
            self._rows.setdefault(row.record_id, []).append(row)

    def write_chunks(self, lines: LineFile) -> Iterator[tuple[int, int]]:
        """Writes the pieces to `lines`; yields for each the index of its first record, and the offset of its line."""
        first, part, length = 0, list[str](), 0
        for place, name in enumerate(self._report_data.record_ids):
            text = script_json(self._details(name))
            if part and length + len(text) > _CHUNK_CHARACTERS:
                yield first, lines.add(f"[{','.join(part)}]")
                first, part, length = place, [], 0
            part.append(text)
            length += len(text)
        if part:
            yield first, lines.add(f"[{','.join(part)}]")

    def index(self, firsts: Sequence[int], masked_texts: Sequence[str]) -> str:
        """The index; call it after `write_chunks`, which collects the rules."""
        names = self._report_data.record_ids
        facets = build_facets(names, self._rows, self._report_data.metadata, self._spec)
        entropies = entropy_by_record(self._report_data.rows)
        return script_json({
            "criteria": [self._criterion(name) for name in self.criteria],
            "models": self.models,
            "verdicts": [
                {"name": display_text(mark.verdict), "letters": mark.letters, "shape": mark.shape}
                for mark in self._marks.values()
            ],
            "states": list(STATUS_LABELS.values()),
            "doubts": list(_UNCERTAINTIES),
            "rules": list(self._rules),
            "facets": [{"name": facet.name, "values": list(facet.values)} for facet in facets],
            "chunks": list(firsts),
            "warning": bool(self._spec.content_warning),
            "veils": list(masked_texts),
            "records": [
                {
                    "i": display_text(name), "t": _title(self._report_data.titles.get(name)),
                    "d": [entropies.get((name, criteria), 0) for criteria in self.criteria],
                    "g": [facet.value_index.get(name, -1) for facet in facets],
                    "c": [self._cell_values(row) for row in self._rows[name]],
                }
                for name in names
            ],
        })  # fmt: skip

    def _criterion(self, name: str) -> dict[str, Any]:
        """Name, title and, for a variable of a codebook, what it may be corrected to."""
        named: dict[str, Any] = {"name": name, "title": self._titles.get(name, name)}
        if name in self._answers:
            fixed = self._answers[name]
            own = self._said_to(name) if fixed is None else fixed
            named["v"] = [self._verdicts[one] for one in own if one in self._verdicts]
        return named

    def _said_to(self, name: str) -> list[str]:
        rows = [row for row in self._report_data.rows if row.criteria == name]
        return sorted({text for row in rows for text in (row.verdict, row.truth, *row.people.values()) if text})

    def _cell_values(self, row: VerdictRow) -> list[int]:
        is_compared = row.truth is not None and row.is_truth_possible
        differs = int(row.verdict is not None and row.truth != row.verdict) if is_compared else -1
        return [
            self.criteria.index(row.criteria), self.models.index(row.model), row.repeat,
            -1 if row.verdict is None else self._verdicts[row.verdict], list(STATUS_LABELS).index(row.status),
            _UNCERTAINTIES.index(row.uncertainty) if row.uncertainty in _UNCERTAINTIES else -1, differs,
            -1 if row.truth is None else self._verdicts[row.truth],
        ]  # fmt: skip

    def _details(self, name: str) -> dict[str, Any]:
        details = self._report_data.details.get(name)
        record = details.record
        fields = record.fields if record else ()
        return {
            "f": [[field, display_text(text[:MAX_FIELD_CHARACTERS]), len(text)] for field, text in fields],
            **({"m": record.metadata, "h": record.ground_truth} if record else {}),
            **({"u": record.uri} if record and record.uri else {}),
            "c": [self._answer_fields(details.judgements.get(row.cell_id), fields, row) for row in self._rows[name]],
            "o": [self._other_answer_fields(answer) for answer in sorted(details.others, key=self._answer_sort_key)],
        }

    def _answer_sort_key(self, answer: CellAnswer) -> tuple[bool, int, str, NaturalKey]:
        """The sort key of other answers; earlier rounds of the judges come last, since later rounds replaced them."""
        judges = self._spec.measures.verdicts if self._spec.measures else ""
        return (
            answer.step == judges,
            self._steps.get(answer.step, len(self._steps)),
            answer.step,
            natural_key(answer.label),
        )

    def _answer_fields(
        self, answer: CellAnswer | None, fields: Sequence[tuple[str, str]], row: VerdictRow
    ) -> dict[str, Any]:
        if answer is None:
            return {}
        value = answer.value or {}
        optional_texts = {"n": answer.note, "e": answer.error, "s": answer.served_by}
        fields_of_answer = {key: display_text(text) for key, text in optional_texts.items() if text}
        if "verdict" not in value:
            return fields_of_answer | ({"v": display_text(truncated_value(value))} if answer.value else {})
        given = [as_mapping(reason) for reason in as_list(value.get("reasons"))]
        if as_mapping(value.get("codes")):
            # One variable of a codebook: its own reason, whose rule says the answer.
            own = f"{row.criteria.rpartition('.')[2]}: "
            given = [reason for reason in given if one_line(reason.get("rule")).startswith(own)]
        reasons = [self._reason(reason, fields) for reason in given]
        return fields_of_answer | {"k": display_text(one_line(value.get("conclusion"))), "r": reasons}

    def _reason(self, reason: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> list[Any]:
        rule = display_text(one_line(reason.get("rule")))
        quotes = [_quote(as_mapping(quote), fields) for quote in as_list(reason.get("quotes"))]
        place = self._rules.setdefault(rule, len(self._rules))
        return [place, one_line(reason.get("applies")), display_text(one_line(reason.get("reason"))), quotes]

    def _other_answer_fields(self, answer: CellAnswer) -> dict[str, Any]:
        value = answer.value or {}
        optional_texts = {
            "n": answer.note,
            "e": answer.error,
            "l": answer.label,
            "k": one_line(value.get("conclusion")),
        }
        answer_fields: dict[str, Any] = {key: display_text(text) for key, text in optional_texts.items() if text}
        answer_fields |= {"p": answer.step, "z": STATUS_LABELS.get(answer.status, answer.status)}
        answer_fields |= {"a": sorted(self.criteria.index(name) for name in answer.criteria if name in self.criteria)}
        if "divergences" in value:
            return answer_fields | {"d": [_divergence(as_mapping(each)) for each in as_list(value["divergences"])]}
        if "assessments" in value:
            return answer_fields | {"g": [_score(as_mapping(each)) for each in as_list(value["assessments"])]}
        if "verdict" in value:
            known = self._verdicts.get(one_line(value["verdict"]), -1)
            return answer_fields | {
                "y": known,
                "w": display_text(one_line(value["verdict"])),
                "r": [self._reason_of(each) for each in as_list(value.get("reasons"))],
            }
        if "concern" in value and "raised" in value:
            return answer_fields | {
                "k": display_text(one_line(value["concern"])) if value["raised"] else "No concern raised."
            }
        if "conclusion" in value and "reasons" in value:
            return answer_fields | {"r": [self._reason_of(each) for each in as_list(value["reasons"])]}
        return answer_fields | ({"v": display_text(truncated_value(value))} if value else {})

    def _reason_of(self, reason: object) -> list[Any]:
        if known := as_mapping(reason):
            return self._reason(known, [])
        return [-1, "", display_text(one_line(reason)), []]


def _title(title: str | None) -> str | None:
    return None if title is None else display_text(title)


def _quote(quote: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> list[Any]:
    """[field, start, end, page] for words that are shown; else the words, whether they were found, where, and the page.

    Without a page, that is left out.
    """
    page = [display_text(one_line(quote["locator"]))] if quote.get("locator") else []
    start, end = quote.get("start"), quote.get("end")
    quotation, found = display_text(one_line(quote.get("quote"))), quote.get("status") == "found"
    place = next((place for place, (name, _) in enumerate(fields) if name == quote.get("field")), None)
    if not found or place is None or not isinstance(start, int) or not isinstance(end, int):
        return [quotation, found]
    text = fields[place][1]
    if not 0 <= start < end <= min(len(text), MAX_FIELD_CHARACTERS):
        return [quotation, found, place, start, *page]
    return [place, _utf16_offset(text, start), _utf16_offset(text, end), *page]


def _utf16_offset(text: str, characters: int) -> int:
    head = text[:characters]
    return characters if head.isascii() else len(head.encode("utf-16-le", "surrogatepass")) // 2


def _divergence(divergence: Mapping[str, Any]) -> list[Any]:
    positions = [as_mapping(each) for each in as_list(divergence.get("positions"))]
    held_positions = [
        [
            display_text(one_line(each.get("position"))),
            display_text(", ".join(map(one_line, as_list(each.get("held_by"))))),
        ]
        for each in positions
    ]
    return [display_text(one_line(divergence.get("topic"))), held_positions]


def _score(score: Mapping[str, Any]) -> list[Any]:
    return [score.get("correct") is True, display_text(one_line(score.get("assessment")))]
