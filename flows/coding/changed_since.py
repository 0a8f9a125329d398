"""What has changed in a study since a coding of it was begun, which goes on with the words it was begun with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contract.codebook import variable_name
from contract.errors import StorageError, StudyError
from flows.coding.new_task import coded_criteria, study_of_all
from flows.coding.task import CodedCriterion, CodingTask, DrawnRecord
from flows.config.diagnostics import join_names
from flows.engine.records import records_of
from flows.report.words import pluralised
from flows.spec.study import Study

_SHOWN = 5


def changes_since(study: Study, task: CodingTask, drawn: Sequence[DrawnRecord]) -> list[str]:
    """One sentence for each kind of change: of criteria, and of records that were drawn."""
    return [*_changed_criteria(study, task), *_changed_records(study, drawn)]


def _changed_criteria(study: Study, task: CodingTask) -> Iterator[str]:
    now = {one.name: one for one in _criteria_now(study)}
    kept = [one for one in task.criteria if one.name in now]
    if other := {_criterion_name(one) for one in kept if now[one.name].sha256 != one.sha256}:
        yield f"text, verdicts or examples of {join_names(other, _SHOWN)} are others now"
    if gone := [one.name for one in task.criteria if one.name not in now]:
        yield f"by {join_names(gone, _SHOWN)} the study judges no longer"
    if added := [name for name in now if task.criterion(name) is None]:
        yield f"by {join_names(added, _SHOWN)} nobody codes here, since the coding was begun without"


def _criterion_name(coded: CodedCriterion) -> str:
    """The criterion's name, also for one of the variables of its codebook."""
    return coded.name if coded.variable is None else coded.name.removesuffix(variable_name("", coded.variable.name))


def _criteria_now(study: Study) -> Sequence[CodedCriterion]:
    try:
        return coded_criteria(study)
    except StudyError:
        # A study that judges by none any more.
        return ()


def _changed_records(study: Study, drawn: Sequence[DrawnRecord]) -> Iterator[str]:
    missing, other = {one.record_id: one.sha256 for one in drawn}, list[str]()
    try:
        for record in records_of(study_of_all(study), lambda _: None):
            before = missing.pop(record.record_id, None)
            if before is not None and before != record.content_sha256:
                other.append(record.record_id)
    except StorageError as error:
        yield f"whether records have changed is not known: {error}"
        return
    if other:
        has = "has" if len(other) == 1 else "have"
        yield f"{pluralised(len(other), 'drawn record')} {has} another text now: {join_names(other, _SHOWN)}"
    if missing:
        are = "is" if len(missing) == 1 else "are"
        named = join_names(missing, _SHOWN)
        yield f"{pluralised(len(missing), 'drawn record')} {are} no longer in the source: {named}"
