"""Begins a coding with the study that the words of the verb `code` name, or goes on with one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import Problem, StorageError, StudyError
from flows.cli.code_mistakes import one_person
from flows.cli.code_words import CodeCommand, codings, existing_folder, read_coding
from flows.files.control_characters import terminal_text
from flows.files.names_of_people import one_form, same_but_for_capitals

if TYPE_CHECKING:
    from flows.coding.draw import Design
    from flows.coding.task import CodingTask, DrawnRecord
    from flows.spec.study import Study

_SHOWN_REJECTS = 5
_DESIGN = frozenset({"strata", "allocate"})
"""What says how records are drawn."""
_NO_RECORDS = frozenset({"criteria", "model", "sample", "seed"})
"""Settings of a study that do not say of which records one is."""


def prepared_folder(command: CodeCommand) -> Path:
    """The folder of the coding, made new if there is none; with the coders that the command adds."""
    from flows.coding.task import read_task

    if not command.flows and (command.study or command.own.keys() & _DESIGN) and (folder := _only_coding(command)):
        # Its settings are those of its flow.
        task, _ = read_coding(folder)
        command = replace(command, flow=task.flow, own={**command.own, "folder": str(folder)})
    if not command.study and command.flow is None:
        folder = existing_folder(command)
    else:
        study = _study(command)
        folder = command.folder(study.flow.name)
        if (found := read_task(folder)) is not None:
            _check_same_design(command, study, folder, *found)
            _print_changes(study, folder, *found)
        else:
            _begin(command, study, folder)
    return _with_coders(folder, command.coders)


def _only_coding(command: CodeCommand) -> Path | None:
    """The coding that the words mean that name no flow; None where that is not known."""
    there = codings()
    return command.folder("") if "folder" in command.own else there[0] if len(there) == 1 else None


def _study(command: CodeCommand) -> Study:
    try:
        studies = _composed(command)
    except StudyError as error:
        raise StudyError([*error.problems, *_wrong_strata(command)]) from None
    if len(studies) != 1:
        named = ", ".join(one.flow.name for one in studies)
        todo = "write one: +flows=tox"
        raise StudyError(
            [Problem("command line", f"one flow is coded at a time, and here are {named or 'none'}", todo=todo)]
        )
    for notice in studies[0].notices:
        print(f"note: {terminal_text(notice)}", file=sys.stderr)
    return studies[0]


def _composed(command: CodeCommand) -> Sequence[Study]:
    from flows.cli.code_mistakes import TAKEN
    from flows.compose.compose import compose

    flows, own = [command.flow] if command.flow else [], TAKEN[command.action]
    return compose(
        flows, list(command.study), command.config_dir, require_request=False, other_settings=own, compares=False
    )


def _wrong_strata(command: CodeCommand) -> list[Problem]:
    """What is wrong with the strata of a command whose settings are wrong, where none of these chooses the records."""
    from flows.coding.new_task import strata_problems, study_of_all
    from flows.engine.records import records_of

    kept = tuple(word for word in command.study if word.partition("=")[0] not in _NO_RECORDS)
    if not command.own.keys() & _DESIGN or kept == command.study:
        return []
    try:
        studies = _composed(replace(command, study=kept))
        records = [list(records_of(study_of_all(one), lambda _: None)) for one in studies]
    except (StudyError, StorageError):
        # The records are not known before the other mistakes are corrected.
        return []
    # Whether a run has judged these records is only known with the study that is coded.
    design, fields = _design(command, studies[0]), tuple(set(command.listed("strata")) - {"models"})
    allocate: Any = design.allocate if fields == design.strata else "proportional"
    return strata_problems(replace(design, strata=fields, allocate=allocate), records[0], None)


def _check_same_design(
    command: CodeCommand, study: Study, folder: Path, task: CodingTask, records: Sequence[DrawnRecord]
) -> None:
    """Raises StudyError where the command asks for another sample than the one that is being coded."""
    named = {word.partition("=")[0] for word in command.study}
    size = study.run.sample
    other_size = size is not None and min(size, task.population) != len(records)
    other_seed = "seed" in named and study.run.seed != task.seed
    other_strata = "strata" in command.own and tuple(command.listed("strata")) != task.strata
    other_allocation = command.own.get("allocate", task.allocate) != task.allocate
    if other_size or other_seed or other_strata or other_allocation:
        by = f", strata {', '.join(task.strata)} ({task.allocate})" if task.strata else ""
        what = f"the coding in {folder} was begun with {len(records)} records, seed {task.seed}{by}"
        todo = "leave out sample, seed, strata and allocate to go on with it, or write folder=… for another one"
        raise StudyError([Problem("command line", what, todo=todo)])


def _print_changes(study: Study, folder: Path, task: CodingTask, records: Sequence[DrawnRecord]) -> None:
    from flows.coding.changed_since import changes_since

    changes = changes_since(study, task, records)
    for change in changes:
        print(f"note: {terminal_text(change)}", file=sys.stderr)
    if changes:
        goes_on = f"the coding in {folder} goes on with the words with which it was begun"
        print(f"note: {terminal_text(goes_on)}; for another one write folder=…", file=sys.stderr)


def _begin(command: CodeCommand, study: Study, folder: Path) -> None:
    from flows.coding.new_task import new_task
    from flows.coding.task import write_task
    from flows.report.words import pluralised
    from flows.storage.rows import Reject

    if not command.coders:
        raise StudyError(
            [Problem("command line", "nobody is named who codes", todo="write for example coders=ana,ben")]
        )
    rejects = list[Reject]()
    run = command.run if "run" in command.own else None
    task, drawn = new_task(study, command.coders, _design(command, study), run, rejects)
    for reject in rejects[:_SHOWN_REJECTS]:
        print(f"note: not coded: {terminal_text(str(reject))}", file=sys.stderr)
    if len(rejects) > _SHOWN_REJECTS:
        print(f"note: {pluralised(len(rejects), 'row')} could not be read; `check` names them", file=sys.stderr)
    wanted = study.run.sample or 0
    if wanted > len(drawn):
        what = f"sample={wanted:,} asks for more records than there are; all {len(drawn):,} are coded"
        print(f"note: {what}", file=sys.stderr)
    write_task(folder, task, drawn)


def _design(command: CodeCommand, study: Study) -> Design:
    from flows.coding.draw import Design

    how: Any = command.own.get("allocate", "proportional")
    return Design(study.run.sample, study.run.seed, tuple(command.listed("strata")), how)


def _with_coders(folder: Path, coders: Sequence[str]) -> Path:
    """Adds coders to a coding that was begun."""
    from flows.coding.task import save_task

    task, _ = read_coding(folder)
    known = {one_form(name) for name in task.coders}
    added = [name for name in coders if name not in known]
    if alike := [one_person(name, other) for name in added if (other := same_but_for_capitals(name, task.coders))]:
        raise StudyError(alike)
    if added:
        print(f"note: new in this coding: {', '.join(added)}; so far: {', '.join(task.coders)}", file=sys.stderr)
        save_task(folder, task.model_copy(update={"coders": (*task.coders, *added)}))
    return folder
