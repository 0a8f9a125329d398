"""What happened in a run, as about ten lines in the log that the Prefect UI shows, and none for a cell.

The page of a run opens on its log, so the last lines are what the run found, and where to read all of it. Lines name
steps, numbers and the finding; a text of a record only where the answer quotes it, as the artifact does.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger

from contract.flow import Loop, Step
from contract.messages import AgentTrace
from flows.accounting.ledger import STATUSES_WITHOUT_OUTPUT, Totals
from flows.spec.study import Study

if TYPE_CHECKING:
    from flows.run_folder.outcome import Outcome

_LOGGER = "prefect.flow_runs.story"
_MAX_CHARACTERS = 500
_MAX_FINDINGS = 6
_MAX_KINDS = 2
"""Kinds of failures that are named, the most frequent first."""
_PARTS = 4
"""A run of many batches reports its progress about so often."""


def story_logger() -> logging.LoggerAdapter[logging.Logger]:
    """The logger of the current flow run, at a level of its own: commands let Prefect itself log warnings only."""
    own: Any = get_run_logger()
    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.INFO)
    return logging.LoggerAdapter(logger, own.extra)


class RunStory:
    """Writes the story of one run to its log."""

    def __init__(self, study: Study, records: int) -> None:
        self._log = story_logger()
        self._study = study
        self._records = records
        self._parts_done = 0
        self._failed = dict[str, list[str]]()
        self.totals = Totals()
        """The totals of the run, so far."""

    def on_cell(self, trace: AgentTrace) -> None:
        """Keeps why cells have no output: of each kind of error the number, and the first by name."""
        if trace.error and trace.status in STATUSES_WITHOUT_OUTPUT:
            kind, is_first = trace.error.kind, trace.error.kind not in self._failed
            text = f"{trace.step}, {trace.record_id}: {trace.error.message}" if is_first else ""
            self._failed.setdefault(kind, []).append(text)

    def begin(self, rejects: int) -> None:
        """Says what is going to be done."""
        models = ", ".join(sorted(self._study.used_models)) or "none"
        left_out = f"; {rejects} rows or files could not be read, see rejects.csv" if rejects else ""
        self._info(f"{_counted(self._records, 'record')}; models: {models}{left_out}")

    def step_ended(self, name: str, skipped: str) -> None:
        """Says what a step of a run of one batch came to."""
        self._info(f"{name}: {skipped or self._step_counts(name)}")

    def records_done(self, done: int) -> None:
        """Says how far a run of many batches is, a few times only."""
        if (part := done * _PARTS // self._records) > self._parts_done:
            self._parts_done = part
            self._info(f"{done:,} of {self._records:,} records: {_counts_text(self.totals.cells)}")

    def end(self, outcome: Outcome) -> None:
        """Says what the run cost and found, and where all of it can be read."""
        totals = outcome.totals
        if self._parts_done:
            for step, counts in totals.by_step.items():
                self._info(f"{step}: {_counts_text(counts)}")
        for kind, (first, *others) in sorted(self._failed.items(), key=lambda one: -len(one[1]))[:_MAX_KINDS]:
            self._log.warning("%s", _shortened(f"{_counted(1 + len(others), 'cell')} with {kind}, first {first}"))
        self._info(_cost_text(totals))
        for text in finding_lines(outcome):
            self._info(text)
        if outcome.artifacts:
            self._info(f"In full: {' and '.join(outcome.artifacts)}, under Artifacts")
        self._info(f"Files: {outcome.folder}")

    def _step_counts(self, name: str) -> str:
        node = self._study.flow.steps[name]
        inner = list(node.loop) if isinstance(node, Loop) else [name]
        texts = [
            f"{_counts_text(counts)}" if inner == [name] else f"{step} {_counts_text(counts)}"
            for step in inner
            if (counts := self.totals.by_step.get(step))
        ]
        if texts:
            return "; ".join(texts)
        return f"nothing to do, no {node.for_each}" if isinstance(node, Step) and node.for_each else "nothing to do"

    def _info(self, text: str) -> None:
        self._log.info("%s", _shortened(text))


def finding_lines(outcome: Outcome) -> list[str]:
    """The answer, or what the study found, in a few lines; none where the flow has neither."""
    if len(outcome.answers) == 1:
        [answer] = outcome.answers
        head = "Answer, of demonstration quality" if answer.quality == "demonstration" else "Answer"
        claims = [] if answer.abstained else [claim.text for claim in answer.claims]
        first, *more = claims or [answer.summary]
        return [f"{head}: {first}", *more][:_MAX_FINDINGS]
    if summary := outcome.derived and outcome.derived.summary:
        lines = [f"Finding: {summary.asked}", *(f"{name}: {text}" for name, text in summary.findings), summary.rest]
        return [line for line in lines if line][:_MAX_FINDINGS]
    return []


def _cost_text(totals: Totals) -> str:
    unknown = f", and {totals.cost_unknown} of unknown price" if totals.cost_unknown else ""
    again = f"; {_counted(totals.transient_errors, 'call')} tried again" if totals.transient_errors else ""
    return (
        f"{_counted(totals.calls_paid, 'call')} paid, {totals.calls_kept:,} kept before, "
        f"US$ {totals.cost_usd.normalize():f}{unknown}{again}"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _counts_text(counts: Counter[Any]) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
