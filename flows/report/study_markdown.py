"""The report of a study as Markdown: the same facts without the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flows.report.disagreement import Parting
from flows.report.estimates import Row, Table, explained, told
from flows.report.facts import Facts, Pairs
from flows.report.methods import methods, summary, warning_of_holes
from flows.report.words import STATES, decimal, percent, visible

if TYPE_CHECKING:
    from flows.report.page import Study

_MARKUP = re.compile(r"[\\`*_\[\]|#~$!{}]")
_MOST_RANKED = 20


def study_markdown(study: Study) -> str:
    """The whole report."""
    return "\n\n".join(block for block in _blocks(study) if block).strip() + "\n"


def escaped(text: str) -> str:
    """Text of records, models and people as data on one line: no markup, no controls, nothing that reorders letters."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(_MARKUP.sub(r"\\\g<0>", text).split())


def _blocks(study: Study) -> Iterator[str]:
    facts = study.facts
    yield f"# {escaped(facts.flow.replace('_', ' '))}"
    yield escaped(facts.description)
    yield f"Run {escaped(facts.run)}" + (f", {facts.started} to {facts.ended}" if facts.started and facts.ended else "")
    if facts.warning:
        yield f"> **Content warning.** {escaped(facts.warning)} No text of a record stands in this file."
    if facts.demonstration:
        yield "> **Demonstration quality.** Some verdicts come from embedded models, which judge nothing."
    if holes := warning_of_holes(facts):
        yield f"> **Not complete.** {escaped(holes)}"
    yield escaped(summary(facts, study.measured))
    yield from _asked(facts)
    yield from _happened(facts)
    yield from _verdicts(study)
    yield from _parted(study)
    yield from _agreement(study)
    yield "## Methods"
    yield escaped(methods(facts, study.data.spec.measures, study.measured))
    folder = _code(facts.folder)
    yield f"To repeat it: `python -m flows replay {folder}`; to check it: `python -m flows verify {folder}`."


def _code(text: str) -> str:
    return visible(text).replace("`", "'").replace("\n", " ")


def _asked(facts: Facts) -> Iterator[str]:
    yield "## What was asked"
    yield _pairs(facts.request)
    for criterion in facts.criteria:
        yield f"### {escaped(criterion.title)}"
        yield _pairs([*criterion.about, ("SHA-256", criterion.sha256), ("Verdicts", ", ".join(criterion.verdicts))])
        yield _quoted(criterion.text)
    if facts.models:
        yield "### Models"
        head = ("Name", "Provider and model", "Settings", "Answered as", "Asked", "Replies", "Price of replies")
        yield _table(head, [
            (m.name, m.made, m.settings, ", ".join(m.versions), m.dates, f"{m.calls:,}", m.cost) for m in facts.models
        ])  # fmt: skip
    yield "### Data and software"
    sources = [(name, f"{size}, SHA-256 {digest}") for name, size, digest in facts.sources]
    prompts = [(f"prompt {one.template}", f"SHA-256 {one.sha256}") for one in facts.prompts]
    yield _pairs([*facts.data, *sources, *prompts, *facts.made_with])


def _happened(facts: Facts) -> Iterator[str]:
    yield "## What happened"
    states = [STATES[state] for state in facts.states]
    rows = [(step.name, *(f"{step.counts.get(state, 0):,}" for state in facts.states)) for step in facts.steps]
    yield _table(("Step", *states), rows)
    if facts.troubles:
        yield "### Why cells have no output"
        yield _table(("State", "Step", "Reason", "Cells"), [
            (STATES[one.status], one.step, _reason(one.reason, facts), f"{one.count:,}") for one in facts.troubles[:50]
        ])  # fmt: skip
    yield "### Calls, tokens and cost"
    yield _pairs(facts.spent)


def _reason(reason: str, facts: Facts) -> str:
    return reason.partition(":")[0] if facts.warning else reason


def _verdicts(study: Study) -> Iterator[str]:
    facts = study.facts
    if not facts.shares:
        return
    yield "## Verdicts"
    yield _table(("Criterion", "Model", *study.marks, "none"), [
        (
            facts.title(share.criteria), share.model,
            *(_share(dict(share.verdicts).get(name, 0), share.given) for name in study.marks), f"{share.without:,}",
        )
        for share in facts.shares
    ])  # fmt: skip


def _share(count: int, given: int) -> str:
    return f"{count:,} ({percent(count, given)})"


def _parted(study: Study) -> Iterator[str]:
    yield "## Where verdicts part"
    if not study.partings:
        yield "On no record did verdicts part."
        return
    ranked = study.partings[:_MOST_RANKED]
    if len(study.partings) > len(ranked):
        yield f"The first {len(ranked)} of {len(study.partings):,}."
    rows = [(*_named(one, study), decimal(one.entropy), _said(one, study.facts)) for one in ranked]
    yield _table(("Record", "Title", "Criterion", "Entropy", "Verdicts"), rows)


def _named(one: Parting, study: Study) -> tuple[str, str, str]:
    title = study.found.titles.get(one.record_id, "") if not study.facts.warning else ""
    return one.record_id, title[:80], study.facts.title(one.criteria)


def _said(one: Parting, facts: Facts) -> str:
    again = facts.repeats > 1
    return ", ".join(f"{row.model}{f' {row.repeat + 1}' if again else ''}: {row.verdict}" for row in one.rows)


def _agreement(study: Study) -> Iterator[str]:
    yield "## Agreement and accuracy"
    if not study.measured or not study.tables:
        yield "Nothing was measured."
        return
    yield escaped(study.measured.method)
    yield _pairs(explained(study.tables))
    for table in study.tables:
        yield f"### {escaped(table.caption)}"
        yield _estimates(table, study.facts)


def _estimates(table: Table, facts: Facts) -> str:
    head = (*([table.by] if table.by else []), "Criterion", "Models", "Records", "Left out", *table.names)
    return _table(head, [
        (
            *([row.comparison.group] if table.by else []), facts.title(row.comparison.criteria), row.label,
            f"{row.comparison.records:,}", f"{row.comparison.left_out:,}", *_cells(row),
        )
        for row in table.rows
    ])  # fmt: skip


def _cells(row: Row) -> list[str]:
    """A reason that is the same for all measures stands there once."""
    if row.undefined:
        return [f"undefined: {row.undefined}", *["–"] * (len(row.cells) - 1)]
    return [told(one) for one in row.cells]


def _pairs(pairs: Pairs) -> str:
    return "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in pairs if value)


def _quoted(text: str) -> str:
    return "\n".join(f"> {escaped(line)}".rstrip() for line in text.split("\n"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell if place == 1 else escaped(cell) for cell in line)} |" for place, line in enumerate(lines)
    )
