"""The servers of the verb `code`: pages for those who code, and for whoever decides where coders differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import Problem, StudyError
from contract.gold import GoldEntry
from flows.cli.code_words import CodeCommand, existing_folder, gold_file, read_coding
from flows.config.arguments import split_list
from flows.config.diagnostics import closest_name
from flows.files.control_characters import terminal_text

if TYPE_CHECKING:
    from flows.coding.adjudication import ModelAnswer
    from flows.coding.answer_log import Key
    from flows.coding.corrections import RunToCorrect
    from flows.coding.desk import CodingDesk
    from flows.coding.draw import Design
    from flows.coding.serve import Address
    from flows.coding.task import CodingTask, DrawnRecord
    from flows.spec.study import Study


_SHOWN_REJECTS = 5


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
        if log.answers.torn_lines:
            lines = ", ".join(map(str, log.answers.torn_lines))
            print(f"note: {log.path}: half lines that a kill has left are not counted: {lines}", file=sys.stderr)
        serve(CoderPages(desk).routes(access), access, address, lambda links: _show_links(desk, links, address))
        for coder in task.coders:
            print(f"{coder}: {desk.answered(coder)} of {len(desk.items(coder))} answered")
        print(f"Answers: {log.path}")
    return 0


def _show_links(desk: CodingDesk, links: Mapping[str, str], address: Address) -> None:
    task = desk.task
    print(f"{len(desk.records)} of {task.population} records, {len(task.criteria)} criteria, kept in {desk.folder}")
    for name, link in links.items():
        if name in task.coders:
            print(f"{name}: {link}")
    if address.is_local:
        print("Only this machine reaches these links. host=… with names=[…] opens them to others.")
    else:
        print(
            f"note: whoever reaches {address.host} over the network and has a link reads the records, unencrypted",
            file=sys.stderr,
        )
    print("Each link is for one person. Ctrl-C ends the server; the same command goes on.", flush=True)


def _address(command: CodeCommand) -> Address:
    from flows.coding.serve import Address

    text = command.own.get("port", "0")
    if not text.isdecimal() or int(text) > 65535:
        raise StudyError([Problem(f"command line: port={text}", "this is no port", todo="write for example port=8765")])
    host, names = command.own.get("host", "127.0.0.1"), tuple(split_list(command.own.get("names", "")))
    if host in ("0.0.0.0", "::") and not names:  # noqa: S104 - refused here
        todo = "write names=[…] with the name or address that coders type, for example names=[192.168.1.20]"
        raise StudyError(
            [Problem(f"command line: host={host}", "it is not known by which name coders come", todo=todo)]
        )
    return Address(host, int(text), names)


def prepared_folder(command: CodeCommand) -> Path:
    """The folder of the coding, made new if there is none; with the coders that the command adds."""
    from flows.coding.task import read_task

    if not command.study and command.flow is None:
        folder = existing_folder(command)
    else:
        study = _study(command)
        folder = command.folder(study.flow.name)
        if (found := read_task(folder)) is not None:
            _check_same_design(command, study, folder, *found)
        else:
            _begin(command, study, folder)
    return _with_coders(folder, command.coders)


def _study(command: CodeCommand) -> Study:
    from flows.compose.compose import compose

    flows = [command.flow] if command.flow else []
    studies = compose(flows, list(command.study), command.config_dir, require_request=False)
    if len(studies) != 1:
        named = ", ".join(one.flow.name for one in studies)
        todo = "write one: +flows=tox"
        raise StudyError(
            [Problem("command line", f"one flow is coded at a time, and here are {named or 'none'}", todo=todo)]
        )
    for notice in studies[0].notices:
        print(f"note: {terminal_text(notice)}", file=sys.stderr)
    return studies[0]


def _check_same_design(
    command: CodeCommand, study: Study, folder: Path, task: CodingTask, records: Sequence[DrawnRecord]
) -> None:
    """Raises StudyError where the command asks for another sample than the one that is being coded."""
    named = {word.partition("=")[0] for word in command.study}
    size = study.run.sample
    other_size = size is not None and min(size, task.population) != len(records)
    other_seed = "seed" in named and study.run.seed != task.seed
    other_strata = "strata" in command.own and tuple(split_list(command.own["strata"])) != task.strata
    if other_size or other_seed or other_strata:
        what = f"the coding in {folder} was begun with {len(records)} records, seed {task.seed}"
        todo = "leave out sample, seed and strata to go on with it, or write folder=… for another one"
        raise StudyError([Problem("command line", what, todo=todo)])


def _begin(command: CodeCommand, study: Study, folder: Path) -> None:
    from flows.coding.new_task import new_task
    from flows.coding.task import write_task
    from flows.storage.rows import Reject

    if not command.coders:
        raise StudyError(
            [Problem("command line", "nobody is named who codes", todo="write for example coders=ana,ben")]
        )
    _check_names(command.coders)
    rejects = list[Reject]()
    run = Path(command.own["run"]) if "run" in command.own else None
    task, drawn = new_task(study, command.coders, _design(command, study), run, rejects)
    for reject in rejects[:_SHOWN_REJECTS]:
        print(f"note: not coded: {terminal_text(str(reject))}", file=sys.stderr)
    if len(rejects) > _SHOWN_REJECTS:
        print(f"note: {len(rejects)} rows could not be read; `check` names them", file=sys.stderr)
    write_task(folder, task, drawn)


def _design(command: CodeCommand, study: Study) -> Design:
    from flows.coding.draw import Design

    how = command.own.get("allocate", "proportional")
    if how not in ("proportional", "equal"):
        near = closest_name(how, ("proportional", "equal"))
        raise StudyError([Problem(f"command line: allocate={how}", "it is proportional or equal", near)])
    strata = tuple(split_list(command.own.get("strata", "")))
    return Design(study.run.sample, study.run.seed, strata, how)


def _check_names(coders: Sequence[str]) -> None:
    from pydantic import TypeAdapter, ValidationError

    from flows.coding.task import CoderName

    for name in coders:
        try:
            TypeAdapter[str](CoderName).validate_python(name)
        except ValidationError:
            what = "a name consists of letters, digits, blanks and the signs . @ + - _"
            raise StudyError([Problem(f"command line: coders={name}", what)]) from None


def _with_coders(folder: Path, coders: Sequence[str]) -> Path:
    """Adds coders to a coding that was begun."""
    from flows.coding.task import save_task

    task, _ = read_coding(folder)
    added = [name for name in coders if name not in task.coders]
    if added:
        _check_names(added)
        save_task(folder, task.model_copy(update={"coders": (*task.coders, *added)}))
    return folder


def adjudicate(command: CodeCommand, folder: Path) -> int:
    """Makes what coders agree on gold, and serves the pages for the rest. Returns the exit code."""
    from flows.coding.access import ADJUDICATORS_FILE, Access
    from flows.coding.adjudication import agreed_entries, coded_items, model_answers, open_disputes
    from flows.coding.adjudication_pages import AdjudicationPages
    from flows.coding.answer_log import read_answers
    from flows.coding.serve import serve
    from flows.files.gold_set import add_to_gold, read_gold

    task, records = read_coding(folder)
    address, path = _address(command), gold_file(command, task.flow)
    items = list(coded_items(task, records, read_answers(folder)))
    gold = add_to_gold(path, agreed_entries(items, read_gold(path)))
    disputes = open_disputes(items, gold)
    by_one = sum(len(item.answers) == 1 for item in items)
    agreed = sum(item.agreed is not None for item in items if len(item.answers) > 1)
    print(f"{agreed} agreed, {len(disputes)} to decide, {by_one} coded by one person only, and so in no gold set")
    print(f"{path}: version {gold.version}, digest {gold.digest}")
    if not disputes:
        return 0
    by = _person_who_decides(command)
    models: Mapping[Key, Sequence[ModelAnswer]] = {}
    if "run" in command.own:
        models = model_answers(Path(command.own["run"]))
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


def correct(command: CodeCommand) -> int:
    """Takes corrections of a run from a file, or serves its report to make them. Returns the exit code."""
    from flows.coding.access import Access
    from flows.coding.corrections import CorrectionPages, RunToCorrect
    from flows.coding.serve import serve
    from flows.files.gold_set import read_gold

    if "run" not in command.own:
        raise StudyError([Problem("command line", "no run is named", todo="write run=runs/tox/latest")])
    by = _person_who_decides(command)
    address, run = _address(command), RunToCorrect(Path(command.own["run"]).resolve())
    path = gold_file(command, run.data.spec.name)
    if command.files:
        return _take_corrections(command.files, run, path, by)
    folder = command.folder(run.data.spec.name)
    folder.mkdir(parents=True, exist_ok=True)
    access = Access.read(folder, "correctors.json")
    access.add([f"corrects:{by}"])
    pages = CorrectionPages(run, path)

    def show(links: Mapping[str, str]) -> None:
        print(f"{by}: {links[f'corrects:{by}']}")
        print("Open a verdict in the report, and mark it as wrong. Ctrl-C ends the server.", flush=True)

    serve(pages.routes(access), access, address, show, "r")
    gold = read_gold(path)
    print(f"{pages.saved} corrections saved; {path}: version {gold.version}, digest {gold.digest}")
    return 0


def _take_corrections(files: Sequence[str], run: RunToCorrect, path: Path, by: str) -> int:
    from flows.coding.corrections import read_corrections
    from flows.files.gold_set import add_to_gold, read_gold

    known, taken, refused = read_gold(path), list[GoldEntry](), 0
    for name in files:
        for where, found in read_corrections(Path(name).expanduser()):
            problem = found if isinstance(found, str) else run.problem(found)
            if problem or isinstance(found, str):
                print(f"refused: {terminal_text(f'{where}: {problem}')}", file=sys.stderr)
                refused += 1
                continue
            entry, before = run.entry(found, by, known), known.of(found.record_id).get(found.criterion)
            if before is None or (before.how, before.verdict, before.why) != ("corrected", entry.verdict, entry.why):
                taken.append(entry)
    gold = add_to_gold(path, taken)
    print(f"{len(taken)} corrections added, {refused} refused; {path}: version {gold.version}, digest {gold.digest}")
    return 1 if refused else 0


def _person_who_decides(command: CodeCommand) -> str:
    if not (by := command.own.get("by", "").strip()):
        todo = "write by=NAME, the name of whoever decides"
        raise StudyError([Problem("command line", "nobody is named who decides", todo=todo)])
    _check_names([by])
    return by
