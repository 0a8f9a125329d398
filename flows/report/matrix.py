"""Matrix: what the page's script works from, as JSON: an index of all verdicts, and their details in pieces.

The index holds `criteria`, `models`, `verdicts`, `states`, `doubts`, `rules`, `facets`, `chunks` (the first record of
each piece), `warning`, `veils` and `records`, each with i (id), t (title), p (what people said), d (entropy by
criterion), g (facet values) and c (cells: criterion, model, repeat, verdict, state, uncertainty, and 1 where it
differs from people, 0 where not, -1 where they said nothing). Words that recur are numbers into those lists, -1 for
none. A piece holds for each record f (fields: name, text, whole length), m (metadata), h (ground truth), u (address),
c (what each cell said) and o (what other steps said). Offsets count UTF-16 units, as the browser does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contract.flow import FlowSpec
from flows.files.lines import LineFile
from flows.report.disagreement import by_record
from flows.report.facets import facets_of
from flows.report.gathered import Gathered
from flows.report.marks import Mark
from flows.report.said import Said
from flows.report.words import STATES, flat, items, mapping, short, shown
from flows.tables.identity import Natural, natural, step_order
from flows.tables.verdict_row import VerdictRow

MOST_LETTERS = 20_000
"""Of a field of a record, how much the page shows."""
_PIECE = 400_000
_DOUBTS = ("low", "medium", "high")
_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def script_json(value: object) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or a line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Sign by sign, which takes a thirtieth of the time that `translate` takes.
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text


class Matrix:
    """The embedded data of a report."""

    def __init__(self, found: Gathered, spec: FlowSpec, marks: Mapping[str, Mark], titles: Mapping[str, str]) -> None:
        self.criteria = sorted({row.criteria for row in found.rows})
        self.models = sorted({row.model for row in found.rows}, key=natural)
        self._found, self._spec, self._marks, self._titles = found, spec, marks, titles
        self._steps = step_order(spec)
        self._verdicts = {name: place for place, name in enumerate(marks)}
        self._rules = dict[str, int]()
        self._rows = dict[str, list[VerdictRow]]()
        for row in sorted(found.rows, key=lambda row: (row.criteria, natural(row.model), row.repeat)):
            self._rows.setdefault(row.record_id, []).append(row)

    def pieces(self, lines: LineFile) -> Iterator[tuple[int, int]]:
        """Writes the pieces among `lines`; for each the first record in it, and where its line begins."""
        first, part, length = 0, list[str](), 0
        for place, name in enumerate(self._found.names):
            text = script_json(self._details(name))
            if part and length + len(text) > _PIECE:
                yield first, lines.add(f"[{','.join(part)}]")
                first, part, length = place, [], 0
            part.append(text)
            length += len(text)
        if part:
            yield first, lines.add(f"[{','.join(part)}]")

    def index(self, firsts: Sequence[int], veils: Sequence[str]) -> str:
        """The index; `pieces` comes first, since it finds the rules."""
        names = self._found.names
        facets = facets_of(names, self._rows, self._found.metadata, self._spec)
        entropies = by_record(self._found.rows)
        return script_json({
            "criteria": [{"name": name, "title": self._titles.get(name, name)} for name in self.criteria],
            "models": self.models,
            "verdicts": [
                {"name": shown(mark.verdict), "letters": mark.letters, "shape": mark.shape}
                for mark in self._marks.values()
            ],
            "states": list(STATES.values()),
            "doubts": list(_DOUBTS),
            "rules": list(self._rules),
            "facets": [{"name": facet.name, "values": list(facet.values)} for facet in facets],
            "chunks": list(firsts),
            "warning": bool(self._spec.content_warning),
            "veils": list(veils),
            "records": [
                {
                    "i": shown(name), "t": _title(self._found.titles.get(name)), "p": self._truth(name),
                    "d": [entropies.get((name, criteria), 0) for criteria in self.criteria],
                    "g": [facet.of.get(name, -1) for facet in facets],
                    "c": [self._cell(row) for row in self._rows[name]],
                }
                for name in names
            ],
        })  # fmt: skip

    def _truth(self, name: str) -> int:
        return next((self._verdicts[row.truth] for row in self._rows[name] if row.truth is not None), -1)

    def _cell(self, row: VerdictRow) -> list[int]:
        differs = -1 if row.truth is None else int(row.verdict is not None and row.truth != row.verdict)
        return [
            self.criteria.index(row.criteria), self.models.index(row.model), row.repeat,
            -1 if row.verdict is None else self._verdicts[row.verdict], list(STATES).index(row.status),
            _DOUBTS.index(row.uncertainty) if row.uncertainty in _DOUBTS else -1, differs,
        ]  # fmt: skip

    def _details(self, name: str) -> dict[str, Any]:
        details = self._found.shelf.of(name)
        record = details.record
        fields = record.fields if record else ()
        return {
            "f": [[field, shown(text[:MOST_LETTERS]), len(text)] for field, text in fields],
            **({"m": record.metadata, "h": record.ground_truth} if record else {}),
            **({"u": record.uri} if record and record.uri else {}),
            "c": [self._said(details.judged.get(row.cell_id), fields) for row in self._rows[name]],
            "o": [self._other(answer) for answer in sorted(details.others, key=self._order)],
        }

    def _order(self, said: Said) -> tuple[bool, int, str, Natural]:
        """Earlier rounds of the judges come last: they were overtaken."""
        judges = self._spec.measures.verdicts if self._spec.measures else ""
        return said.step == judges, self._steps.get(said.step, len(self._steps)), said.step, natural(said.label)

    def _said(self, said: Said | None, fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
        if said is None:
            return {}
        value = said.value or {}
        optional_texts = {"n": said.note, "e": said.error, "s": said.served_by}
        fields_of_answer = {key: shown(text) for key, text in optional_texts.items() if text}
        if "verdict" not in value:
            return fields_of_answer | ({"v": shown(short(value))} if said.value else {})
        reasons = [self._reason(mapping(reason), fields) for reason in items(value.get("reasons"))]
        return fields_of_answer | {"k": shown(flat(value.get("conclusion"))), "r": reasons}

    def _reason(self, reason: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> list[Any]:
        rule = shown(flat(reason.get("rule")))
        quotes = [_quote(mapping(quote), fields) for quote in items(reason.get("quotes"))]
        place = self._rules.setdefault(rule, len(self._rules))
        return [place, flat(reason.get("applies")), shown(flat(reason.get("reason"))), quotes]

    def _other(self, said: Said) -> dict[str, Any]:
        value = said.value or {}
        optional_texts = {"n": said.note, "e": said.error, "l": said.label, "k": flat(value.get("conclusion"))}
        answer_fields: dict[str, Any] = {key: shown(text) for key, text in optional_texts.items() if text}
        answer_fields |= {"p": said.step, "z": STATES.get(said.status, said.status)}
        answer_fields |= {"a": sorted(self.criteria.index(name) for name in said.criteria if name in self.criteria)}
        if "divergences" in value:
            return answer_fields | {"d": [_divergence(mapping(each)) for each in items(value["divergences"])]}
        if "assessments" in value:
            return answer_fields | {"g": [_score(mapping(each)) for each in items(value["assessments"])]}
        if "verdict" in value:
            known = self._verdicts.get(flat(value["verdict"]), -1)
            return answer_fields | {
                "y": known,
                "w": shown(flat(value["verdict"])),
                "r": [self._reason_of(each) for each in items(value.get("reasons"))],
            }
        if "concern" in value and "raised" in value:
            return answer_fields | {"k": shown(flat(value["concern"])) if value["raised"] else "No concern raised."}
        if "conclusion" in value and "reasons" in value:
            return answer_fields | {"r": [self._reason_of(each) for each in items(value["reasons"])]}
        return answer_fields | ({"v": shown(short(value))} if value else {})

    def _reason_of(self, reason: object) -> list[Any]:
        if known := mapping(reason):
            return self._reason(known, [])
        return [-1, "", shown(flat(reason)), []]


def _title(title: str | None) -> str | None:
    return None if title is None else shown(title)


def _quote(quote: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> list[Any]:
    """[field, start, end] for words that are shown; else the words, whether they were found, and where."""
    start, end = quote.get("start"), quote.get("end")
    quotation, found = shown(flat(quote.get("quote"))), quote.get("status") == "found"
    place = next((place for place, (name, _) in enumerate(fields) if name == quote.get("field")), None)
    if not found or place is None or not isinstance(start, int) or not isinstance(end, int):
        return [quotation, found]
    text = fields[place][1]
    if not 0 <= start < end <= min(len(text), MOST_LETTERS):
        return [quotation, found, place, start]
    return [place, _units(text, start), _units(text, end)]


def _units(text: str, letters: int) -> int:
    head = text[:letters]
    return letters if head.isascii() else len(head.encode("utf-16-le", "surrogatepass")) // 2


def _divergence(divergence: Mapping[str, Any]) -> list[Any]:
    positions = [mapping(each) for each in items(divergence.get("positions"))]
    held_positions = [
        [shown(flat(each.get("position"))), shown(", ".join(map(flat, items(each.get("held_by")))))]
        for each in positions
    ]
    return [shown(flat(divergence.get("topic"))), held_positions]


def _score(score: Mapping[str, Any]) -> list[Any]:
    return [score.get("correct") is True, shown(flat(score.get("assessment")))]
