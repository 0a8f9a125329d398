"""Sorts the arguments after the verb: flows, choices, overrides for Hydra, and the request itself.

query="When, and why?"      the request: raw text, never read by Hydra's grammar
columns.text=body           the same
storage=my_papers           the same, as `corpus`, where no storage of the configuration has that name
+flows=osb,trans          flows
llms=lite   llms@bm.llms=full   a choice in a config group
run.concurrency=10          an override
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.key_texts import MASK
from contract.run import RunSettings
from flows.config.diagnostics import Diagnostics, display_argument
from flows.config.folders import MULTI_CHOICE_GROUPS
from flows.config.stray_words import join_stray_words

DOTTED_NAMES = ("columns", "labels", "labels_from", "where")
"""Names that a request gives part by part: `columns.text=body`."""
_REQUEST = re.compile(rf"[A-Za-z_][A-Za-z0-9_]*|({'|'.join(DOTTED_NAMES)})\..*")
_CHOICE = re.compile(r"(?P<plus>\+{0,2})(?P<group>[A-Za-z_][\w/-]*)(?P<package>@[\w.]*)?")

_HYDRAS_OWN = re.compile(r"[+~]*hydra(?:[./@]|$)")
_MAY_HOLD_KEYS = frozenset({"models", "secrets", "storage", "tools"})
"""Sections in which an argument may hold a key."""


@dataclass(frozen=True)
class Choice:
    """`group=a`, `+group=[a,b]` or `group@package=a` as typed."""

    group: str
    package: str | None
    names: tuple[str, ...]
    appends: bool
    text: str


@dataclass
class Arguments:
    """The arguments, sorted. `overrides` and single `choices` go to Hydra in the order typed."""

    overrides: list[str] = field(default_factory=list[str])
    choices: list[Choice] = field(default_factory=list[Choice])
    request: dict[str, str] = field(default_factory=dict[str, str])

    def chosen_names(self, group: str, declared: Sequence[str]) -> list[str]:
        """The names chosen in a group that allows several: those that the YAML declares, replaced or added to."""
        names = list(declared)
        for choice in self.choices:
            if choice.group == group and choice.package is None:
                names = [*names, *choice.names] if choice.appends else list(choice.names)
        return list(dict.fromkeys(names))

    def single_name(self, group: str) -> str | None:
        """The one name that was chosen in place of all others in a group, as `storage=ferries` does."""
        chosen = [choice for choice in self.choices if choice.group == group and choice.package is None]
        is_one = len(chosen) == 1 and len(chosen[0].names) == 1 and not chosen[0].appends
        return chosen[0].names[0] if is_one else None

    def text_of(self, group: str, name: str) -> str | None:
        """The argument, as typed, that chose `name` in `group`; None if there is none."""
        return next((c.text for c in self.choices if c.group == group and name in c.names), None)


def classify_arguments(
    arguments: Sequence[str],
    groups: Collection[str],
    top_level: Collection[str],
    folders: Sequence[Path],
    diagnostics: Diagnostics,
) -> Arguments:
    """Sorts the arguments. `groups` and `top_level` are the configuration's own words; the rest is the request's."""
    classified = Arguments()
    for text in join_stray_words(arguments, folders, diagnostics):
        key, equals, value = _split_argument(text)
        key = key.strip()
        _report_mask(key, value, text, diagnostics)
        if _HYDRAS_OWN.match(key):
            what = "settings of Hydra's own say nothing here"
            todo = "leave it out; run.folder=… says where runs are kept, and --config-dir where a study is"
            diagnostics.add(f"command line: {display_argument(text)}", what, todo=todo)
        elif key.startswith("~") or not equals:
            classified.overrides.append(text)
        elif key == "storage" and _names_no_file("storage", value, folders):
            _add_to_request(classified, "corpus", value, text, diagnostics)
        elif (choice := _parse_choice(key, value, text, groups)) is not None:
            classified.choices.append(choice)
        elif _REQUEST.fullmatch(name := key.lstrip("+")) and name.partition(".")[0] not in {*top_level, *groups}:
            # `+flows=` has a plus, so that people write one before other names as well.
            _add_to_request(classified, name, value, text, diagnostics)
        else:
            classified.overrides.append(_with_force_prefix(key, text))
    return classified


def _report_mask(key: str, value: str, text: str, diagnostics: Diagnostics) -> None:
    """Reports stars where a key belongs: a printed command that was pasted as it stands. A service would get them."""
    if MASK in value and key.lstrip("+~").partition(".")[0] in _MAY_HOLD_KEYS:
        what = "the stars stand for a key, which a printed command leaves out"
        todo = "type the key in their place, or name the variable that holds it with `api_key_env`"
        diagnostics.add(f"command line: {display_argument(text)}", what, todo=todo)


def _names_no_file(group: str, value: str, folders: Sequence[Path]) -> bool:
    """Whether the value is one name that no file of the group has: a folder or a library, for example."""
    names = split_list(value)
    is_one = len(names) == 1 and not value.strip().startswith(("[", "{"))
    return is_one and not any((folder / group / f"{names[0]}.yaml").is_file() for folder in folders)


def _split_argument(text: str) -> tuple[str, str, str]:
    """Name, sign and value; a name such as `labels.>=0.5` may itself hold the sign, and `where.year>=2020` has
    the value `>=2020`."""
    key, equals, value = text.partition("=")
    if key.startswith("labels.") and key.endswith((">", "<")):
        bound, equals, value = value.partition("=")
        return f"{key}={bound}", equals, value
    if key.startswith("where.") and key.endswith((">", "<")):
        return key[:-1], equals, f"{key[-1]}={value}"
    return key, equals, value


def _with_force_prefix(key: str, text: str) -> str:
    """Adds `++` before a run setting, so that it can be set even if the study's run/default.yaml does not have it."""
    section, _, name = key.partition(".")
    return f"++{text}" if section == "run" and name in RunSettings.model_fields else text


def _parse_choice(key: str, value: str, text: str, groups: Collection[str]) -> Choice | None:
    found = _CHOICE.fullmatch(key)
    if not found or found["group"] not in groups:
        return None
    package = found["package"]
    if value.strip().startswith("{"):
        return None
    names = split_list(value)
    several = found["group"] in MULTI_CHOICE_GROUPS and package is None
    return Choice(found["group"], package[1:] if package else None, tuple(names), bool(found["plus"]) and several, text)


def _add_to_request(classified: Arguments, key: str, value: str, text: str, diagnostics: Diagnostics) -> None:
    if key in classified.request:
        diagnostics.add(f"command line: {display_argument(text)}", f"'{key}' is given twice", todo="give it once")
    classified.request[key] = value


def split_list(value: str) -> list[str]:
    """`[a, b]`, `a,b` or `a` as names; quotation marks around a name are dropped."""
    inner = value.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    return [name for part in inner.split(",") if (name := part.strip().strip("\"'"))]
