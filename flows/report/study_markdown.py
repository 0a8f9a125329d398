"""Writes the report of a study as Markdown: the same facts without the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flows.report.disagreement import Disagreement, are_graded
from flows.report.estimates import EstimateRow, EstimateTable, explain_measures, format_estimate
from flows.report.facts import Facts, LabelledValues
from flows.report.methods import methods_paragraph, missing_verdicts_warning
from flows.report.notes_section import NOTES_HEADING, notes_of
from flows.report.summary import summarise
from flows.report.words import STATUS_LABELS, display_text_without_bidi, format_decimal, join_lines, percent

if TYPE_CHECKING:
    from flows.report.page import ReportInputs

_MARKDOWN_CHARACTERS = re.compile(r"[\\`*_\[\]|#~$!{}]")
_MAX_RANKED = 20


def study_markdown(inputs: ReportInputs) -> str:
    """The whole report."""
    return "\n\n".join(block for block in _blocks(inputs) if block).strip() + "\n"


def escape_markdown(text: str) -> str:
    """Text of records, models and people on one line, without markup, control characters or reordering of letters."""
    text = display_text_without_bidi(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(_MARKDOWN_CHARACTERS.sub(r"\\\g<0>", text).split())


def _blocks(inputs: ReportInputs) -> Iterator[str]:
    facts = inputs.facts
    yield f"# {escape_markdown(facts.flow.replace('_', ' '))}"
    yield escape_markdown(facts.description)
    yield f"Run {escape_markdown(facts.run)}" + (
        f", {facts.started} to {facts.ended}" if facts.started and facts.ended else ""
    )
    if facts.warning:
        yield f"> **Content warning.** {escape_markdown(facts.warning)} No text of a record stands in this file."
    if facts.demonstration:
        yield "> **Demonstration quality.** Some verdicts come from embedded models, which judge nothing."
    if holes := missing_verdicts_warning(facts):
        yield f"> **Not complete.** {escape_markdown(holes)}"
    summary = summarise(facts, inputs.measured)
    yield escape_markdown(summary.asked)
    if summary.findings:
        yield "\n".join(f"- **{escape_markdown(name)}**: {escape_markdown(text)}" for name, text in summary.findings)
    yield escape_markdown(summary.rest)
    yield from _request_section(facts)
    yield from _outcome_section(facts)
    if notes := notes_of(inputs.data.manifest):
        yield f"## {NOTES_HEADING}"
        yield "\n".join(f"- {escape_markdown(note)}" for note in notes)
    yield from _verdicts_section(inputs)
    yield from _disagreement_section(inputs)
    yield from _agreement_section(inputs)
    yield "## Methods"
    yield escape_markdown(methods_paragraph(facts, inputs.data.spec.measures, inputs.measured))
    folder = _inline_code(facts.folder)
    command = "uv run python -m flows"
    yield f"To repeat it: `{command} replay {folder}`; to check it: `{command} verify {folder}`."


def _inline_code(text: str) -> str:
    return display_text_without_bidi(text).replace("`", "'").replace("\n", " ")


def _request_section(facts: Facts) -> Iterator[str]:
    yield "## What was asked"
    yield _pairs(facts.request)
    for criterion in facts.criteria:
        yield f"### {escape_markdown(criterion.title)}"
        yield _pairs([*criterion.about, ("SHA-256", criterion.sha256), ("Verdicts", ", ".join(criterion.verdicts))])
        if criterion.variables:
            yield _table(("Variable", "Answer", "Question", "Options"), [
                (one.name, one.kind, one.description, "; ".join(": ".join(filter(None, pair)) for pair in one.options))
                for one in criterion.variables
            ])  # fmt: skip
        yield _block_quote(join_lines(criterion.text))
    if facts.models:
        yield "### Models"
        head = ("Name", "Provider and model", "Settings", "Answered as", "Asked", "Replies", "Price of replies")
        yield _table(head, [
            (m.name, m.provider_and_model, m.settings, ", ".join(m.versions), m.dates, f"{m.calls:,}", m.cost)
            for m in facts.models
        ])  # fmt: skip
    yield "### Data and software"
    sources = [(name, f"{size}, SHA-256 {digest}") for name, size, digest in facts.sources]
    prompts = [(f"prompt {one.template}", f"SHA-256 {one.sha256}") for one in facts.prompts]
    yield _pairs([*facts.data, *sources, *prompts, *facts.software])


def _outcome_section(facts: Facts) -> Iterator[str]:
    yield "## What happened"
    states = [STATUS_LABELS[state] for state in facts.states]
    rows = [(step.name, *(f"{step.counts.get(state, 0):,}" for state in facts.states)) for step in facts.steps]
    yield _table(("Step", *states), rows)
    if facts.missing_outputs:
        yield "### Why cells have no output"
        yield _table(("State", "Step", "Reason", "Cells"), [
            (STATUS_LABELS[one.status], one.step, _reason_text(one.reason, facts), f"{one.count:,}")
            for one in facts.missing_outputs[:50]
        ])  # fmt: skip
    yield "### Calls, tokens and cost"
    yield _pairs(facts.usage_and_cost)


def _reason_text(reason: str, facts: Facts) -> str:
    return reason.partition(":")[0] if facts.warning else reason


def _verdicts_section(inputs: ReportInputs) -> Iterator[str]:
    facts = inputs.facts
    if not facts.shares:
        return
    yield "## Verdicts"
    yield _table(("Criterion", "Model", *inputs.marks, "none"), [
        (
            facts.title(share.criteria), share.model,
            *(_share_text(dict(share.verdicts).get(name, 0), share.with_verdict) for name in inputs.marks),
            f"{share.without_verdict:,}",
        )
        for share in facts.shares
    ])  # fmt: skip


def _share_text(count: int, with_verdict: int) -> str:
    return f"{count:,} ({percent(count, with_verdict)})"


def _disagreement_section(inputs: ReportInputs) -> Iterator[str]:
    yield "## Where verdicts part"
    if not inputs.disagreements:
        yield "On no record did verdicts part."
        return
    ranked = inputs.disagreements[:_MAX_RANKED]
    if len(inputs.disagreements) > len(ranked):
        yield f"The first {len(ranked)} of {len(inputs.disagreements):,}."
    graded = are_graded(inputs.disagreements)
    if not graded:
        yield "With two verdicts on a record there are no degrees of division, so entropy is left out."
    rows = [
        (
            *_disagreement_labels(one, inputs), *([format_decimal(one.entropy)] if graded else []),
            _verdict_list(one, inputs.facts),
        )
        for one in ranked
    ]  # fmt: skip
    yield _table(("Record", "Title", "Criterion", *(["Entropy"] if graded else []), "Verdicts"), rows)


def _disagreement_labels(one: Disagreement, inputs: ReportInputs) -> tuple[str, str, str]:
    title = inputs.report_data.titles.get(one.record_id, "") if not inputs.facts.warning else ""
    return one.record_id, title[:80], inputs.facts.title(one.criteria)


def _verdict_list(one: Disagreement, facts: Facts) -> str:
    again = facts.repeats > 1
    return ", ".join(f"{row.model}{f' {row.repeat + 1}' if again else ''}: {row.verdict}" for row in one.rows)


def _agreement_section(inputs: ReportInputs) -> Iterator[str]:
    yield "## Agreement and accuracy"
    if not inputs.measured or not inputs.tables:
        yield "Nothing was measured."
        return
    yield escape_markdown(inputs.measured.method)
    yield _pairs(explain_measures(inputs.tables))
    for table in inputs.tables:
        yield f"### {escape_markdown(table.caption)}"
        yield _estimates(table, inputs.facts)


def _estimates(table: EstimateTable, facts: Facts) -> str:
    head = (*([table.by] if table.by else []), "Criterion", "Models", "Records", "Left out", *table.measure_names)
    return _table(head, [
        (
            *([row.comparison.group] if table.by else []), facts.title(row.comparison.criteria), row.label,
            f"{row.comparison.records:,}", f"{row.comparison.left_out:,}", *_cells(row),
        )
        for row in table.rows
    ])  # fmt: skip


def _cells(row: EstimateRow) -> list[str]:
    """The estimates of a row; a reason that is the same for all of them only once."""
    if row.undefined:
        return [f"undefined: {row.undefined}", *["–"] * (len(row.cells) - 1)]
    return [format_estimate(one) for one in row.cells]


def _pairs(pairs: LabelledValues) -> str:
    return "\n".join(f"- {escape_markdown(name)}: {escape_markdown(value)}" for name, value in pairs if value)


def _block_quote(text: str) -> str:
    return "\n".join(f"> {escape_markdown(line)}".rstrip() for line in text.split("\n"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell if place == 1 else escape_markdown(cell) for cell in line)} |"
        for place, line in enumerate(lines)
    )
