"""Adjudication: what all coders agree on is gold; where they differ somebody decides, without knowing who said what."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.base import digest
from contract.codebook import Variable, variable_name
from contract.gold import GoldEntry
from contract.messages import AgentTrace
from flows.coding.answer_log import Answer, CodedAnswers, Key
from flows.coding.task import CodedCriterion, CodingTask, DrawnRecord
from flows.files.gold_set import GoldSet
from flows.files.run_data import RunData
from flows.tables.coded_variables import variables_in_run
from flows.tables.identity import criterion_name
from flows.tables.verdicts import as_object, rater_name


@dataclass(frozen=True)
class CodedItem:
    """A record by a criterion, with the answers of those who coded it."""

    criterion: CodedCriterion
    drawn: DrawnRecord
    answers: Sequence[Answer]
    """In an order that does not tell who gave them."""

    @property
    def key(self) -> Key:
        """Record and criterion."""
        return self.drawn.record_id, self.criterion.name

    @property
    def mark(self) -> str:
        """What a form says it decides: the record, the criterion and what was said of them."""
        return digest([*self.key, self.votes])[:16]

    @property
    def votes(self) -> dict[str, str]:
        """Person -> verdict."""
        return {one.coder: one.verdict_text for one in sorted(self.answers, key=lambda one: one.coder)}

    @property
    def agreed(self) -> str | None:
        """The verdict that all gave; None where they differ, or somebody could not decide."""
        verdicts = {one.verdict for one in self.answers}
        return verdicts.pop() if len(verdicts) == 1 else None

    @property
    def lettered(self) -> list[tuple[str, Answer]]:
        """The answers under letters instead of names."""
        letters = [*string.ascii_uppercase, *(f"A{letter}" for letter in string.ascii_uppercase)]
        return list(zip(letters, self.answers, strict=False))

    def entry(self, verdict: str | None, how: str, by: str = "", why: str = "", *, models: bool = False) -> GoldEntry:
        """The decision on it."""
        unclear = {one.coder: one.unclear_note for one in self.answers if one.unclear}
        return GoldEntry.model_validate({
            "record_id": self.drawn.record_id, "criterion": self.criterion.name, "record_sha256": self.drawn.sha256,
            "criterion_sha256": self.criterion.sha256, "verdict": verdict, "how": how, "by": by, "why": why,
            "votes": self.votes, "unclear": unclear, "models_shown": models, "probability": self.drawn.probability,
        })  # fmt: skip


def coded_items(task: CodingTask, records: Sequence[DrawnRecord], answers: CodedAnswers) -> Iterator[CodedItem]:
    """Every record and criterion that somebody has coded, but for answers in words: these differ always."""
    for criterion in task.criteria:
        if criterion.is_in_words:
            continue
        for drawn in records:
            key = (drawn.record_id, criterion.name)
            given = [own.current[key] for own in answers.coders.values() if key in own.current]
            if given:
                shuffled = sorted(given, key=lambda one: digest([task.seed, *key, one.coder]))
                yield CodedItem(criterion, drawn, shuffled)


def is_settled(item: CodedItem, gold: GoldSet) -> bool:
    """Whether the newest decision was made on these very answers."""
    entry = gold.of(item.drawn.record_id).get(item.criterion.name)
    return entry is not None and entry.how != "open" and (entry.how == "corrected" or dict(entry.votes) == item.votes)


def agreed_entries(items: Sequence[CodedItem], gold: GoldSet) -> list[GoldEntry]:
    """What several people coded: decided where all said the same, else open; as far as it is new.

    Open ones are kept too, since agreement of people over the agreed records alone would be perfect.
    """
    return [
        item.entry(item.agreed, "open" if item.agreed is None else "agreed")
        for item in items
        if len(item.answers) > 1 and not is_settled(item, gold) and not _is_known_as_open(item, gold)
    ]


def _is_known_as_open(item: CodedItem, gold: GoldSet) -> bool:
    entry = gold.of(item.drawn.record_id).get(item.criterion.name)
    return entry is not None and entry.how == "open" and dict(entry.votes) == item.votes


def open_disputes(items: Sequence[CodedItem], gold: GoldSet) -> list[CodedItem]:
    """Where coders differ, or cannot decide, and nobody has decided yet."""
    return [item for item in items if len(item.answers) > 1 and item.agreed is None and not is_settled(item, gold)]


def overtaken(items: Sequence[CodedItem], gold: GoldSet) -> list[CodedItem]:
    """What was decided on other answers than coders give now, so that the decision counts no longer."""
    return [
        item
        for item in items
        if len(item.answers) > 1
        and (entry := gold.of(item.drawn.record_id).get(item.criterion.name)) is not None
        and entry.how != "open"
        and not is_settled(item, gold)
    ]


@dataclass(frozen=True)
class ModelAnswer:
    """What a model said of a record by a criterion."""

    model: str
    verdict: str
    conclusion: str


def model_answers(run: Path) -> Mapping[Key, Sequence[ModelAnswer]]:
    """Record and criterion -> the models' answers in a finished run. Raises RunError where there is none."""
    data = RunData.open(run)
    step = data.spec.measures.verdicts if data.spec.measures else ""
    variables = variables_in_run(data.spec, data.spec.measures, data.manifest)
    found = dict[Key, list[ModelAnswer]]()
    for trace in data.traces():
        if trace.step == step and trace.repeat == 0:
            for criterion, answer in _model_answers(trace, variables):
                found.setdefault((trace.record_id, criterion), []).append(answer)
    return found


def _model_answers(trace: AgentTrace, variables: Mapping[str, Variable]) -> Iterator[tuple[str, ModelAnswer]]:
    value, criterion, rater = as_object(trace.value), criterion_name(trace) or "", rater_name(trace)
    codes = as_object(value.get("codes"))
    for name, code in ((name, as_object(one)) for name, one in codes.items()):
        of_codebook = variable_name(criterion, name)
        if of_codebook in variables and (text := variables[of_codebook].text(code.get("value"))) is not None:
            yield of_codebook, ModelAnswer(rater, text, str(code.get("reason") or ""))
    if not codes and value.get("verdict") is not None:
        yield criterion, ModelAnswer(rater, str(value["verdict"]), str(value.get("conclusion") or ""))
