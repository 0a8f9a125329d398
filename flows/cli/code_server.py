"""The servers of the verb `code`: pages for those who code, and for whoever decides where coders differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import Problem, StudyError
from flows.cli.code_answers import print_lost_lines, read_coded_answers, read_known_gold
from flows.cli.code_begin import prepared_folder
from flows.cli.code_mistakes import nobody_decides
from flows.cli.code_words import CodeCommand, gold_file, read_coding
from flows.config.diagnostics import join_names
from flows.files.control_characters import terminal_text

if TYPE_CHECKING:
    from flows.coding.adjudication import CodedItem, ModelAnswer
    from flows.coding.answer_log import Key
    from flows.coding.corrections import RunToCorrect
    from flows.coding.desk import CodingDesk
    from flows.coding.serve import Address


_SHOWN_ITEMS = 5


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
        print_lost_lines(log.answers, log.path, records)
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


def adjudicate(command: CodeCommand, folder: Path) -> int:
    """Makes what coders agree on gold, and serves the pages for the rest. Returns the exit code."""
    from flows.coding.access import ADJUDICATORS_FILE, Access
    from flows.coding.adjudication import agreed_entries, coded_items, model_answers, open_disputes, overtaken
    from flows.coding.adjudication_pages import AdjudicationPages
    from flows.coding.serve import serve
    from flows.files.gold_set import add_to_gold, read_gold

    task, records = read_coding(folder)
    address, path = _address(command), gold_file(command, task.flow, folder)
    items = list(coded_items(task, records, read_coded_answers(folder, records)))
    known = read_known_gold(path)
    _print_other_gold(items, path, gold_file(command, task.flow))
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


def _print_other_gold(items: Sequence[CodedItem], path: Path, of_flow: Path) -> None:
    """Prints that decisions on these answers stand in the flow's gold set, where earlier versions wrote all of them."""
    from flows.coding.adjudication import is_settled
    from flows.files.gold_set import read_gold

    if path.exists() or not of_flow.exists():
        return
    gold = read_gold(of_flow)
    if any(
        entry.how == "adjudicated" and is_settled(item, gold) for item in items if (entry := gold.decision(*item.key))
    ):
        note = f"{of_flow} holds decisions on these answers; gold={of_flow} goes on with it, and this coding has {path}"
        print(f"note: {terminal_text(note)}", file=sys.stderr)


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
    (added, replaced), gold = add_corrections(path, run, taken, by), read_known_gold(path)
    for note in replaced:
        print(f"note: {terminal_text(note)}", file=sys.stderr)
    known = f", {len(taken) - added:,} known already" if added < len(taken) else ""
    print(
        f"{pluralised(added, 'correction')} added{known}, {refused:,} refused; "
        f"{path}: version {gold.version}, digest {gold.digest}"
    )
    return 1 if refused else 0
