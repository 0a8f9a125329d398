"""Makes the task of a coding out of a study: its criteria, and records drawn from its source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agents.prompting.criteria import Criteria, Criterion
from contract.codebook import variable_name
from contract.errors import Problem, PromptError, StudyError
from contract.record import Record
from flows.coding.draw import Design, draw, strata_of
from flows.coding.task import CodedCriterion, CodingTask, DrawnRecord
from flows.config.diagnostics import closest_name, join_names, there_are
from flows.engine.records import records_of
from flows.files.run_data import RunData
from flows.spec.study import Study
from flows.storage.rows import Reject
from flows.tables.coded_variables import judged_criteria
from flows.tables.verdicts import verdict_rows


def new_task(
    study: Study, coders: Sequence[str], design: Design, run: Path | None, rejects: list[Reject]
) -> tuple[CodingTask, list[DrawnRecord]]:
    """The task and the records drawn; rows of the source that are no records go to `rejects`.

    `run` is the folder of a finished run, for the stratum `models`. Raises StudyError for a study without criteria,
    for a stratum that no record has, and where `models` is a stratum without a run.
    """
    criteria = coded_criteria(study)
    found = list(records_of(study_of_all(study), rejects.append))
    models_part = where_models_part(run) if run and "models" in design.strata else None
    if problems := strata_problems(design, found, models_part):
        raise StudyError(problems)
    drawn = draw(found, design, models_part)
    task = CodingTask(
        flow=study.flow.name, criteria=criteria, coders=tuple(coders), seed=design.seed, population=len(found),
        strata=design.strata, allocate=design.allocate, content_warning=study.flow.content_warning,
    )  # fmt: skip
    return task, drawn


def study_of_all(study: Study) -> Study:
    """The study with all its records: a coding draws by a design of its own."""
    return replace(study, run=study.run.model_copy(update={"sample": None}))


def coded_criteria(study: Study) -> tuple[CodedCriterion, ...]:
    """The criteria that the study's judges go by. Raises StudyError where there are none."""
    flow = study.flow
    named = judged_criteria(flow, flow.measures) if flow.measures else {"": ""}
    if named == {"": ""}:
        what = "there is nothing to code: the flow names no criteria by which records are judged"
        todo = "write `measures: {verdicts: <step>}`, and `criteria:` in that step"
        raise StudyError([Problem(f"the flow '{flow.name}'", what, todo=todo)])
    criteria, found = Criteria(study.folders), list[CodedCriterion]()
    for name, value in named.items():
        try:
            one = criteria.get(value)
        except PromptError as error:
            raise StudyError([Problem(f"the flow '{flow.name}'", str(error))]) from None
        found += _coded(name, one)
    return tuple(found)


def _coded(name: str, criterion: Criterion) -> Iterator[CodedCriterion]:
    """The criterion, or each variable of its codebook."""
    title, text, sha256 = criterion.title, criterion.text, criterion.digest
    if criterion.codebook is None:
        yield CodedCriterion(name=name, title=title, text=text, verdicts=criterion.verdicts, sha256=sha256)
        return
    for one in criterion.codebook.variables:
        meanings = "\n".join(f"- {option}: {meaning}" for option, meaning in one.definitions.items())
        parts = [one.description, meanings, text]
        yield CodedCriterion(
            name=variable_name(name, one.name), title=f"{title}: {one.name.replace('_', ' ')}",
            text="\n\n".join(part for part in parts if part), verdicts=one.allowed or one.options, sha256=sha256,
            variable=one,
        )  # fmt: skip


def where_models_part(run: Path) -> dict[str, str]:
    """Record -> `part` or `agree`, for each record that the models of the run judged."""
    verdicts = defaultdict[tuple[str, str], set[str]](set)
    for row in verdict_rows(RunData.open(run)):
        if row.verdict is not None:
            verdicts[row.record_id, row.criteria].add(row.verdict)
    found = dict[str, str]()
    for (record, _), given in verdicts.items():
        found[record] = "part" if len(given) > 1 or found.get(record) == "part" else "agree"
    return found


def strata_problems(design: Design, records: Sequence[Record], models_part: Mapping[str, str] | None) -> list[Problem]:
    """What is wrong with how the records are to be divided; `models_part` is None without a run."""
    where, problems = "command line: strata", list[Problem]()
    if "models" in design.strata and models_part is None:
        todo = "name a finished run: run=runs/<flow>/latest"
        problems.append(Problem(where, "`models` needs the verdicts of a run", todo=todo))
    elif "models" in design.strata and not any(one.record_id in (models_part or {}) for one in records):
        todo = "name a run of the records that are coded"
        problems.append(Problem(where, "the run has judged none of these records", todo=todo))
    known = {str(name) for record in records for name in record.metadata}
    for name in (name.removeprefix("metadata.") for name in design.strata if name != "models"):
        if name.partition(".")[0] not in known and name not in known:
            what, todo = f"no record has '{name}' in its metadata", there_are(known)
            problems.append(Problem(where, what, closest_name(name, known), todo))
    if design.allocate == "equal" and not design.strata:
        what = "there are no strata, of which equal numbers would be drawn"
        todo = f"add strata=… with {join_names(known) or '`models` and a run'}, or leave allocate out"
        problems.append(Problem("command line: allocate=equal", what, todo=todo))
    groups = len(strata_of(records, design.strata, models_part))
    if not problems and design.size is not None and design.size < groups:
        what = f"sample={design.size:,} is less than the {groups:,} groups by {', '.join(design.strata)}"
        todo = f"write sample={groups:,} or more, so that each is drawn from, or name fewer strata"
        problems.append(Problem(where, what, todo=todo))
    return problems
