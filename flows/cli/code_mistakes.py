"""The mistakes in the words of the verb `code`, all of them at once and before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agents.safety.paths import no_file_reason
from contract.errors import Problem
from flows.cli.code_words import CodeCommand
from flows.config.diagnostics import closest_name, join_names, there_are
from flows.files.names_of_people import same_but_for_capitals
from flows.server.command_name import command_text

_PAGES = ("host", "port", "names")
_DESIGN = ("coders", "strata", "allocate", "run")
TAKEN: Mapping[str, tuple[str, ...]] = {
    "": (*_DESIGN, *_PAGES, "folder"),
    "adjudicate": ("by", "run", "gold", *_PAGES, "folder"),
    "correct": ("by", "run", "gold", *_PAGES, "folder"),
    "export": (*_DESIGN, "folder"),
    "import": ("coder", "criteria", "folder"),
    "status": ("folder",),
}
"""Action -> the settings of the verb that it takes; the first two of none also take those of a study."""
WRITTEN = (".csv", ".xlsx")
READ = (".xlsx", ".csv", ".tsv", ".json", ".jsonl")
"""The endings of files of answers."""
MOST_FILES: Mapping[str, int] = {"adjudicate": 0, "status": 0, "export": 1}
"""Action -> how many files it takes at most; the others take several."""
WITH_STUDY = ("", "export")
"""The actions that may begin a coding, for which they compose a study."""


def word_mistakes(command: CodeCommand) -> list[Problem]:
    """What is wrong with the words, whatever a coding holds."""
    taken = {name: value for name, value in command.own.items() if name in TAKEN[command.action]}
    # A setting that is not taken is wrong by its name; what stands in it need not be right as well.
    sound = replace(command, own=taken)
    checks = (_wrong_values, _wrong_names, _wrong_run, _wrong_files)
    return [*_untaken(command), *(problem for check in checks for problem in check(sound))]


def _untaken(command: CodeCommand) -> Iterator[Problem]:
    taken, verb = TAKEN[command.action], f"code {command.action}".strip()
    for name in command.own:
        if name not in taken:
            todo = f"it takes {join_names(taken)}"
            where = f"command line: {name}={command.own[name]}"
            yield Problem(where, f"`{verb}` takes no '{name}'", closest_name(name, taken), todo)
    for word in command.study if command.action not in WITH_STUDY else ():
        name = word.partition("=")[0]
        if name.lstrip("+") != "flows":
            todo = f"it takes {join_names(taken)}"
            yield Problem(f"command line: {word}", f"`{verb}` takes no '{name}'", closest_name(name, taken), todo)


def _wrong_values(command: CodeCommand) -> Iterator[Problem]:
    from flows.files.gold_set import SUFFIX

    own = command.own
    if (port := own.get("port", "0")) and (not port.isdecimal() or int(port) > 65535):
        yield Problem(f"command line: port={port}", "this is no port", todo="write for example port=8765")
    if own.get("host") in ("0.0.0.0", "::") and not command.listed("names"):  # noqa: S104 - refused here
        todo = "write names=… with the name or address that coders type, for example names=192.168.1.20"
        yield Problem(f"command line: host={own['host']}", "it is not known by which name coders come", todo=todo)
    if "names" in own and "host" not in own:
        todo = "add host=… with this machine's address, for example host=0.0.0.0, or leave names= out"
        yield Problem(f"command line: names={own['names']}", "without host= nobody else reaches the pages", todo=todo)
    if (how := own.get("allocate", "equal")) not in ("proportional", "equal"):
        near = closest_name(how, ("proportional", "equal"))
        yield Problem(f"command line: allocate={how}", "it is proportional or equal", near)
    if "gold" in own and Path(own["gold"]).suffix != SUFFIX:
        todo = f"write for example gold=gold/tox{SUFFIX}"
        yield Problem(f"command line: gold={own['gold']}", f"a gold set ends in {SUFFIX}", todo=todo)


def _wrong_names(command: CodeCommand) -> Iterator[Problem]:
    from pydantic import TypeAdapter, ValidationError

    from flows.coding.task import CoderName

    coder_name = TypeAdapter[str](CoderName)
    named = [("coders", name) for name in command.coders]
    named += [(setting, own) for setting in ("by", "coder") if (own := command.own.get(setting, "").strip())]
    for setting, name in named:
        try:
            coder_name.validate_python(name)
        except ValidationError:
            what = "a name consists of letters, digits, blanks and the signs . @ + - _"
            yield Problem(f"command line: {setting}={name}", what)
    for number, name in enumerate(command.coders):
        if other := same_but_for_capitals(name, command.coders[:number]):
            yield one_person(name, other)
    if "coders" in command.own and any(not one.strip(" []\"'") for one in command.own["coders"].split(",")):
        todo = "write the names with commas between them, for example coders=ana,ben"
        yield Problem(f"command line: coders={command.own['coders']}", "a name is missing here", todo=todo)


def one_person(name: str, other: str) -> Problem:
    """That somebody would be two people in the tables."""
    what = f"'{other}' differs by capitals only, and would be another person"
    return Problem(f"command line: coders={name}", what, todo="write each person's name in one way")


def _wrong_run(command: CodeCommand) -> Iterator[Problem]:
    if command.action == "correct" and "run" not in command.own:
        yield Problem("command line", "no run is named", todo="write run=runs/tox/latest")
    if command.action == "correct" and not command.own.get("by", "").strip():
        yield nobody_decides()
    if "run" in command.own and not (command.run / "manifest.json").is_file():
        there = [str(path.parent) for path in command.run.parent.glob("*/manifest.json")]
        todo = "name the folder of a finished run, for example run=runs/tox/latest"
        yield Problem(
            f"command line: run={command.own['run']}", "there is no finished run here",
            closest_name(str(command.run), there), todo,
        )  # fmt: skip


def _wrong_files(command: CodeCommand) -> Iterator[Problem]:
    for word in command.files[MOST_FILES[command.action] :] if command.action in MOST_FILES else ():
        todo = "write settings as name=value" if MOST_FILES[command.action] == 0 else "name one file"
        yield Problem(f"command line: {word}", f"`code {command.action}` takes no such word", todo=todo)
    if command.action == "import" and not command.files:
        todo = f"write for example `{command_text('code import coding.xlsx')}`"
        yield Problem("command line", "no file is named", todo=todo)
    for path in (Path(name).expanduser() for name in command.files):
        if command.action == "export" and path.suffix.lower() not in WRITTEN:
            todo = f"write `{command_text('code export answers.csv')}`, or coding.xlsx to code offline"
            yield Problem(f"command line: {path}", f"a table does not end in '{path.suffix}'", todo=todo)
        elif command.action == "export" and not path.parent.is_dir():
            near = closest_name(path.parent.name, [one.name for one in path.parent.parent.glob("*/")])
            nearest = str(path.parent.with_name(near)) if near else None
            todo = "make it first, or name a file elsewhere"
            yield Problem(f"command line: {path}", f"there is no folder {path.parent}", nearest, todo)
        elif command.action in ("import", "correct"):
            yield from _wrong_source(path, READ if command.action == "import" else (".jsonl",))


def _wrong_source(path: Path, suffixes: Sequence[str]) -> Iterator[Problem]:
    there = [one.name for one in path.parent.glob("*") if one.suffix.lower() in suffixes and one.is_file()]
    what = "" if path.suffix.lower() in suffixes else f"answers come as {', '.join(suffixes)}"
    if what or no_file_reason(path):
        near = closest_name(path.name, there)
        todo = there_are(there) if there and not near else None
        what = what or no_file_reason(path) or ""
        yield Problem(f"command line: {path}", what, str(path.parent / near) if near else None, todo)


def nobody_decides() -> Problem:
    """That the command does not say who decides."""
    return Problem("command line", "nobody is named who decides", todo="write by=NAME, the name of whoever decides")
