"""The verb `code`: a page for each person who codes, tables of their answers, and what they agree on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import Problem, RunError, StudyError
from flows.config.arguments import split_list
from flows.config.diagnostics import closest_name
from flows.files.control_characters import escape_controls

if TYPE_CHECKING:
    from flows.coding.desk import CodingDesk
    from flows.coding.draw import Design
    from flows.coding.serve import Address
    from flows.coding.task import CodingTask, DrawnRecord
    from flows.spec.study import Study

ACTIONS = ("export", "status")
SETTINGS = ("coders", "strata", "allocate", "run", "host", "port", "names", "folder")
"""What the verb takes beside the settings of a study."""
_CODING = Path("coding")
_SHOWN_REJECTS = 5


@dataclass(frozen=True)
class CodeCommand:
    """The words of the command, sorted."""

    action: str
    """One of ACTIONS; empty for serving the pages."""
    files: tuple[str, ...]
    own: Mapping[str, str]
    """The verb's own settings."""
    study: tuple[str, ...]
    """The settings of the study."""
    config_dir: Path | None
    flow: str | None

    @classmethod
    def parse(cls, words: Sequence[str], config_dir: Path | None, flow: str | None) -> CodeCommand:
        """Sorts the words. Raises StudyError for an action that does not exist."""
        plain = [word for word in words if "=" not in word]
        own = {name: value for name, _, value in (word.partition("=") for word in words) if name in SETTINGS}
        study = [word for word in words if "=" in word and word.partition("=")[0] not in SETTINGS]
        action = plain.pop(0) if plain and plain[0] in ACTIONS else ""
        if plain and not action:
            near = closest_name(plain[0], ACTIONS)
            todo = f"write code, or code with one of {', '.join(ACTIONS)}, and settings such as coders=[ana,ben]"
            raise StudyError([Problem(f"command line: {plain[0]}", "`code` takes no such word", near, todo)])
        return cls(action, tuple(plain), own, tuple(study), config_dir, flow)

    @property
    def coders(self) -> list[str]:
        """The people who code, as named."""
        return list(dict.fromkeys(split_list(self.own.get("coders", ""))))

    def folder(self, flow: str) -> Path:
        """Where the coding is kept."""
        return Path(self.own["folder"]).expanduser() if "folder" in self.own else _CODING / flow


def code_command(words: Sequence[str], config_dir: Path | None, flow: str | None) -> int:
    """Does what the words say. Returns the exit code."""
    command = CodeCommand.parse(words, config_dir, flow)
    if not command.action:
        return _serve(command)
    folder = _existing_folder(command)
    return {"export": _export, "status": _status}[command.action](command, folder)


def _existing_folder(command: CodeCommand) -> Path:
    """The folder of a coding that was begun: named, or of the flow, or the only one there is."""
    if "folder" in command.own:
        return command.folder("")
    flows = [command.flow] if command.flow else []
    for word in command.study:
        name, _, value = word.partition("=")
        flows += split_list(value) if name.lstrip("+") == "flows" else []
    if len(flows) == 1:
        return command.folder(flows[0])
    there = sorted(path.parent for path in _CODING.glob("*/task.json"))
    if not flows and len(there) == 1:
        return there[0]
    todo = f"name one: folder={there[0] if there else 'coding/tox'}"
    what = "there are several codings here" if there else "no coding was begun here"
    raise StudyError([Problem("command line", what, todo=todo)])


def _read(folder: Path) -> tuple[CodingTask, tuple[DrawnRecord, ...]]:
    from flows.coding.task import read_task

    if (found := read_task(folder)) is None:
        raise RunError(f"{folder} holds no coding; begin one with: code +flows=[tox] coders=[ana,ben] sample=50")
    return found


def _serve(command: CodeCommand) -> int:
    from flows.coding.access import Access
    from flows.coding.answer_log import AnswerLog
    from flows.coding.app import CoderPages
    from flows.coding.desk import CodingDesk
    from flows.coding.serve import serve

    address = _address(command)
    folder = _prepared_folder(command)
    task, records = _read(folder)
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


def _prepared_folder(command: CodeCommand) -> Path:
    """The folder of the coding, made new if there is none; with the coders that the command adds."""
    from flows.coding.task import read_task

    if not command.study and command.flow is None:
        folder = _existing_folder(command)
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
        todo = "write one: +flows=[tox]"
        raise StudyError(
            [Problem("command line", f"one flow is coded at a time, and here are {named or 'none'}", todo=todo)]
        )
    for notice in studies[0].notices:
        print(f"note: {escape_controls(notice)}", file=sys.stderr)
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
            [Problem("command line", "nobody is named who codes", todo="write for example coders=[ana,ben]")]
        )
    _check_names(command.coders)
    rejects = list[Reject]()
    run = Path(command.own["run"]) if "run" in command.own else None
    task, drawn = new_task(study, command.coders, _design(command, study), run, rejects)
    for reject in rejects[:_SHOWN_REJECTS]:
        print(f"note: not coded: {escape_controls(str(reject))}", file=sys.stderr)
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

    task, _ = _read(folder)
    added = [name for name in coders if name not in task.coders]
    if added:
        _check_names(added)
        save_task(folder, task.model_copy(update={"coders": (*task.coders, *added)}))
    return folder


def _export(command: CodeCommand, folder: Path) -> int:
    from flows.coding.answer_log import read_answers
    from flows.coding.answer_table import write_answer_table

    task, records = _read(folder)
    path = Path(command.files[0]) if command.files else folder / "answers.csv"
    if path.suffix.lower() != ".csv":
        todo = "write code export answers.csv"
        raise StudyError([Problem(f"command line: {path}", f"a table does not end in '{path.suffix}'", todo=todo)])
    rows = write_answer_table(path, task, records, read_answers(folder))
    print(f"{path}: {rows} rows, one for each record, criterion and coder")
    return 0


def _status(command: CodeCommand, folder: Path) -> int:  # noqa: ARG001
    from flows.coding.answer_log import read_answers

    task, records = _read(folder)
    answers, total = read_answers(folder), len(records) * len(task.criteria)
    for coder in task.coders:
        print(f"{coder}: {len(answers.of(coder).current)} of {total} answered")
    for answer in answers:
        if answer.unclear:
            note = f": {answer.unclear_note}" if answer.unclear_note else ""
            print(escape_controls(f"{answer.criterion} is unclear on {answer.record_id} ({answer.coder}){note}"))
    return 0
