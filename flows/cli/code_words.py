"""The words of the verb `code`, sorted, and the folder that they mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import Problem, StudyError
from flows.config.arguments import split_list
from flows.config.diagnostics import closest_name
from flows.config.folders import group_choices
from flows.files.names_of_people import one_form
from flows.server.command_name import command_text

if TYPE_CHECKING:
    from flows.coding.task import CodingTask, DrawnRecord

ACTIONS = ("adjudicate", "correct", "export", "import", "status")
SETTINGS = ("coders", "strata", "allocate", "run", "host", "port", "names", "folder", "by", "gold", "coder")
"""What the verb takes beside the settings of a study."""
_OF_ACTIONS: Mapping[str, tuple[str, ...]] = {"import": ("criteria",)}
"""Action -> what it takes itself, and other actions as a setting of the study."""
_CODING = Path("coding")
_NAME = re.compile(r"[\w./-]+")
"""A name of a list; the text of a criterion, which may hold commas, has blanks too."""


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
        action = plain.pop(0) if plain and plain[0] in ACTIONS else ""
        settings = (*SETTINGS, *_OF_ACTIONS.get(action, ()))
        own = {name: value for name, _, value in (word.partition("=") for word in words) if name in settings}
        study = [_bracketed(word) for word in words if "=" in word and word.partition("=")[0] not in settings]
        if plain and not action:
            near = closest_name(plain[0], ACTIONS)
            todo = f"write code, or code with one of {', '.join(ACTIONS)}, and settings such as coders=ana,ben"
            raise StudyError([Problem(f"command line: {plain[0]}", "`code` takes no such word", near, todo)])
        return cls(action, tuple(plain), own, tuple(study), config_dir, flow)

    def listed(self, setting: str) -> list[str]:
        """The values of a setting that takes several, each once."""
        return list(dict.fromkeys(split_list(self.own.get(setting, ""))))

    @property
    def coders(self) -> list[str]:
        """The people who code, as named; letters with accents in one form, whatever the keyboard makes of them."""
        return list(dict.fromkeys(one_form(name) for name in self.listed("coders")))

    @property
    def run(self) -> Path:
        """The folder of the run that is named."""
        return Path(self.own["run"]).expanduser()

    @property
    def by(self) -> str:
        """Who decides; empty where nobody is named."""
        return one_form(self.own.get("by", "").strip())

    @property
    def flows(self) -> list[str]:
        """The flows that are named."""
        named = [word.partition("=")[2] for word in self.study if word.partition("=")[0].lstrip("+") == "flows"]
        return [*([self.flow] if self.flow else []), *(name for value in named for name in split_list(value))]

    @property
    def says_what_is_coded(self) -> bool:
        """Whether it says who codes, which records or by which criteria: a coding begins so, or must be that one."""
        named = {word.partition("=")[0].lstrip("+") for word in self.study} | self.own.keys()
        return bool(named - {"flows", "folder"})

    def folder(self, flow: str) -> Path:
        """Where the coding is kept."""
        return Path(self.own["folder"]).expanduser() if "folder" in self.own else _CODING / flow


def _bracketed(word: str) -> str:
    """`criteria=a,b` as a study reads it: several names, as after `coders=`; any other word as it is."""
    name, _, value = word.partition("=")
    parts = [part.strip() for part in value.split(",")]
    is_list = name.lstrip("+") == "criteria" and len(parts) > 1 and all(map(_NAME.fullmatch, parts))
    return f"{name}=[{','.join(parts)}]" if is_list else word


def existing_folder(command: CodeCommand) -> Path:
    """The folder of a coding that was begun: named, or of the flow, or the only one there is."""
    if "folder" in command.own:
        return command.folder("")
    if len(command.flows) == 1:
        return command.folder(command.flows[0])
    there = codings()
    if not command.flows and len(there) == 1:
        return there[0]
    what = "there are several codings here" if there else "no coding was begun here"
    todo = (
        f"name one: folder={there[0]}" if there else _how_to_begin(*_own_flow(command), config_dir=command.config_dir)
    )
    raise StudyError([Problem("command line", what, todo=todo)])


def _own_flow(command: CodeCommand) -> list[str]:
    """The flow that the command means: named, or the first of the study's folder; none where it names neither."""
    of_study = group_choices((command.config_dir.expanduser(),), "flows") if command.config_dir else []
    return [*command.flows, *of_study][:1]


def codings() -> list[Path]:
    """The folders of the codings that were begun here."""
    return sorted(path.parent for path in _CODING.glob("*/task.json"))


def _how_to_begin(flow: str = "tox", *, config_dir: Path | None = None) -> str:
    study = ["--config-dir", shlex.quote(str(config_dir))] if config_dir else []
    return f"begin one: {command_text('code', *study, f'+flows={flow}', 'coders=ana,ben', 'sample=50')}"


def read_coding(folder: Path) -> tuple[CodingTask, tuple[DrawnRecord, ...]]:
    from flows.coding.task import read_task

    if (found := read_task(folder)) is None:
        todo = _how_to_begin(folder.name) if folder.parent == _CODING else _how_to_begin()
        near = closest_name(str(folder), map(str, codings()))
        raise StudyError([Problem(f"command line: {folder}", "there is no coding in this folder", near, todo)])
    return found


def gold_file(command: CodeCommand, flow: str, coding: Path | None = None) -> Path:
    """The file of the gold set: named, or that of the flow.

    A coding in another folder than the flow's, as a round for training, has a gold set of its own: its decisions
    would otherwise take the place of those on the same records.
    """
    from flows.files.gold_set import SUFFIX

    name = flow if coding is None or coding.resolve().name == flow else f"{flow}-{coding.resolve().name}"
    return Path(command.own.get("gold", f"gold/{name}{SUFFIX}")).expanduser()
