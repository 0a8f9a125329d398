"""The servers of the verb `code`: pages for those who code, and for whoever decides where coders differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import Problem, StorageError, StudyError
from flows.cli.code_answers import print_lost_lines, read_coded_answers, read_known_gold
from flows.cli.code_mistakes import nobody_decides
from flows.cli.code_words import CodeCommand, codings, existing_folder, gold_file, read_coding
from flows.config.diagnostics import join_names
from flows.files.control_characters import terminal_text

if TYPE_CHECKING:
    from flows.coding.adjudication import CodedItem, ModelAnswer
    from flows.coding.answer_log import Key
    from flows.coding.corrections import RunToCorrect
    from flows.coding.desk import CodingDesk
    from flows.coding.draw import Design
    from flows.coding.serve import Address
    from flows.coding.task import CodingTask, DrawnRecord
    from flows.spec.study import Study


_SHOWN_REJECTS = 5
_SHOWN_ITEMS = 5
_DESIGN = frozenset({"strata", "allocate"})
"""What says how records are drawn."""
_NO_RECORDS = frozenset({"criteria", "model", "sample", "seed"})
"""Settings of a study that do not say of which records one is."""


def serve_coders(command: CodeCommand) -> int:
    """Begins a coding or goes on with one, and serves its pages. Returns the exit code."""
    from flows.coding.access import Access
    from flows.coding.answer_log import AnswerLog
    from flows.coding.app import CoderPages
    from flows.coding.desk import CodingDesk
    from flows.coding.serve import serve

    address = _address(command)
    folder = prepared_folder(command)
    task, records = read_coding(folder)
    access = Access.read(folder)
    access.add(task.coders)
    with AnswerLog(folder) as log:
        desk = CodingDesk(folder, task, records, log)
        print_lost_lines(log.answers, log.path)
        serve(CoderPages(desk).routes(access), access, address, lambda links: _show_links(desk, links, address))
        for coder in task.coders:
            print(f"{coder}: {desk.answered(coder)} of {len(desk.items(coder))} answered")
        print(f"Answers: {log.path}")
    return 0


def _show_links(desk: CodingDesk, links: Mapping[str, str], address: Address) -> None:
    from flows.report.words import pluralised

    task = desk.task
    criteria = pluralised(len(task.criteria), "criterion", "criteria")
    print(f"{len(desk.records)} of {task.population} records, {criteria}, kept in {desk.folder}")
    for name, link in links.items():
        if name in task.coders:
            print(f"{name}: {link}")
    if address.is_local:
        print("Only this machine reaches these links. host=… with names=… opens them to others.")
    else:
        print(
            f"note: whoever reaches {address.host} over the network and has a link reads the records, unencrypted",
            file=sys.stderr,
        )
    print("Each link is for one person. Ctrl-C ends the server; the same command goes on.", flush=True)


def _address(command: CodeCommand) -> Address:
    from flows.coding.serve import Address

    host, names = command.own.get("host", "127.0.0.1"), tuple(command.listed("names"))
    return Address(host, int(command.own.get("port", "0")), names)


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
    if "strata" not in command.own or kept == command.study:
        return []
    try:
        studies = _composed(replace(command, study=kept))
        records = [list(records_of(study_of_all(one), lambda _: None)) for one in studies]
    except (StudyError, StorageError):
        # The records are not known before the other mistakes are corrected.
        return []
    design = replace(_design(command, studies[0]), strata=tuple(set(command.listed("strata")) - {"models"}))
    return strata_problems(design, records[0], None)


def _check_same_design(
    command: CodeCommand, study: Study, folder: Path, task: CodingTask, records: Sequence[DrawnRecord]
) -> None:
    """Raises StudyError where the command asks for another sample than the one that is being coded."""
    named = {word.partition("=")[0] for word in command.study}
    size = study.run.sample
    other_size = size is not None and min(size, task.population) != len(records)
    other_seed = "seed" in named and study.run.seed != task.seed
    other_strata = "strata" in command.own and tuple(command.listed("strata")) != task.strata
    if other_size or other_seed or other_strata:
        what = f"the coding in {folder} was begun with {len(records)} records, seed {task.seed}"
        todo = "leave out sample, seed and strata to go on with it, or write folder=… for another one"
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
        print(f"note: {len(rejects)} rows could not be read; `check` names them", file=sys.stderr)
    write_task(folder, task, drawn)


def _design(command: CodeCommand, study: Study) -> Design:
    from flows.coding.draw import Design

    how: Any = command.own.get("allocate", "proportional")
    return Design(study.run.sample, study.run.seed, tuple(command.listed("strata")), how)


def _with_coders(folder: Path, coders: Sequence[str]) -> Path:
    """Adds coders to a coding that was begun."""
    from flows.coding.task import save_task

    task, _ = read_coding(folder)
    added = [name for name in coders if name not in task.coders]
    if added:
        save_task(folder, task.model_copy(update={"coders": (*task.coders, *added)}))
    return folder


def adjudicate(command: CodeCommand, folder: Path) -> int:
    """Makes what coders agree on gold, and serves the pages for the rest. Returns the exit code."""
    from flows.coding.access import ADJUDICATORS_FILE, Access
    from flows.coding.adjudication import agreed_entries, coded_items, model_answers, open_disputes, overtaken
    from flows.coding.adjudication_pages import AdjudicationPages
    from flows.coding.serve import serve
    from flows.files.gold_set import add_to_gold, read_gold

    task, records = read_coding(folder)
    address, path = _address(command), gold_file(command, task.flow)
    items = list(coded_items(task, records, read_coded_answers(folder)))
    known = read_known_gold(path)
    disputes = open_disputes(items, known)
    # Before anything is decided: a command that is refused leaves the gold set as it was.
    by = command.by
    if disputes and not by:
        raise StudyError([nobody_decides()])
    models: Mapping[Key, Sequence[ModelAnswer]] = model_answers(command.run) if "run" in command.own else {}
    if "run" in command.own and items and not any(item.key in models for item in items):
        what = "this run has judged nothing of what is coded here"
        todo = f"name a run of the flow '{task.flow}': run=runs/{task.flow}/latest"
        raise StudyError([Problem(f"command line: run={command.own['run']}", what, todo=todo)])
    _print_overtaken(overtaken(items, known))
    gold = add_to_gold(path, agreed_entries(items, known))
    by_one = sum(len(item.answers) == 1 for item in items)
    agreed = sum(item.agreed is not None for item in items if len(item.answers) > 1)
    print(f"{agreed} agreed, {len(disputes)} to decide, {by_one} coded by one person only, and so in no gold set")
    print(f"{path}: version {gold.version}, digest {gold.digest}")
    if not disputes:
        return 0
    access = Access.read(folder, ADJUDICATORS_FILE)
    access.add([f"decides:{by}"])
    pages = AdjudicationPages(path, disputes, models, task.content_warning)

    def show(links: Mapping[str, str]) -> None:
        print(f"{by}: {links[f'decides:{by}']}")
        print("Ctrl-C ends the server; the same command goes on.", flush=True)

    serve(pages.routes(access), access, address, show, "a")
    gold = read_gold(path)
    print(f"{pages.open} left to decide")
    print(f"{path}: version {gold.version}, digest {gold.digest}")
    return 0


def _print_overtaken(items: Sequence[CodedItem]) -> None:
    """Prints which decisions no longer count, since coders have answered otherwise after them."""
    from flows.report.words import pluralised

    reopened, replaced = [one for one in items if one.agreed is None], [one for one in items if one.agreed is not None]
    for found, what in ((reopened, "open again"), (replaced, "replaced, since all say the same now")):
        if found:
            named = join_names((f"{one.drawn.record_id} by {one.criterion.name}" for one in found), _SHOWN_ITEMS)
            decisions = f"{pluralised(len(found), 'decision')} {'is' if len(found) == 1 else 'are'} {what}"
            note = f"{decisions}; coders have answered otherwise since: {named}"
            print(f"note: {terminal_text(note)}", file=sys.stderr)


def correct(command: CodeCommand) -> int:
    """Takes corrections of a run from a file, or serves its report to make them. Returns the exit code."""
    from flows.coding.access import Access
    from flows.coding.corrections import CorrectionPages, RunToCorrect
    from flows.coding.serve import serve
    from flows.files.gold_set import read_gold
    from flows.report.words import pluralised

    by, address, run = command.by, _address(command), RunToCorrect(command.run.resolve())
    path = gold_file(command, run.data.spec.name)
    if command.files:
        return _take_corrections(command.files, run, path, by)
    folder = command.folder(run.data.spec.name)
    folder.mkdir(parents=True, exist_ok=True)
    access = Access.read(folder, "correctors.json")
    access.add([f"corrects:{by}"])
    read_known_gold(path)
    pages = CorrectionPages(run, path)

    def show(links: Mapping[str, str]) -> None:
        print(f"{by}: {links[f'corrects:{by}']}")
        print("Open a verdict in the report, and mark it as wrong. Ctrl-C ends the server.", flush=True)

    serve(pages.routes(access), access, address, show, "r")
    gold = read_gold(path)
    print(f"{pluralised(pages.saved, 'correction')} saved; {path}: version {gold.version}, digest {gold.digest}")
    return 0


def _take_corrections(files: Sequence[str], run: RunToCorrect, path: Path, by: str) -> int:
    from flows.coding.corrections import Correction, add_corrections, read_corrections
    from flows.report.words import pluralised

    taken, refused = list[Correction](), 0
    for name in files:
        for where, found in read_corrections(Path(name).expanduser()):
            problem = found if isinstance(found, str) else run.problem(found)
            if problem or isinstance(found, str):
                print(f"refused: {terminal_text(f'{where}: {problem}')}", file=sys.stderr)
                refused += 1
            else:
                taken.append(found)
    added, gold = add_corrections(path, run, taken, by), read_known_gold(path)
    known = f", {len(taken) - added:,} known already" if added < len(taken) else ""
    print(
        f"{pluralised(added, 'correction')} added{known}, {refused:,} refused; "
        f"{path}: version {gold.version}, digest {gold.digest}"
    )
    return 1 if refused else 0
