"""`python -m flows new my_study` and `new plugin my_plugin`: a folder that runs as it is, to begin with."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from contract.errors import Problem, StudyError
from flows.config.folders import group_choices, search_folders
from flows.server.command_name import command_text, is_script

_TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".template"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def make_folder(words: Sequence[str]) -> int:
    """Makes the folder that the words after `new` ask for, in the current one. Raises StudyError for a bad name.

    Nothing that exists is changed: where there is a folder or file of that name, nothing is written.
    """
    kind, names = ("plugin", words[1:]) if words[:1] == ["plugin"] else ("study", words)
    if len(names) != 1:
        raise StudyError([Problem("command line: new", "one name is needed", todo=_usage())])
    name = names[0]
    if problem := _name_problem(kind, name):
        raise StudyError([Problem(f"command line: new {' '.join(words)}", problem[0], todo=problem[1])])
    for path, text in _files(_TEMPLATES / kind, name):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        print(path.as_posix())
    print(f"\n{_next_step(kind, name)}")
    return 0


def _usage() -> str:
    return f"write `{command_text('new', 'my_study')}`, or `{command_text('new', 'plugin', 'my_plugin')}`"


def _name_problem(kind: str, name: str) -> tuple[str, str] | None:
    reason = _reason_against(kind, name)
    if reason is None:
        return None
    free = next((one for one in _similar_names(kind, name) if _reason_against(kind, one) is None), None)
    return reason, f"take for example {free}" if free else "take another name"


def _reason_against(kind: str, name: str) -> str | None:
    if not _NAME.fullmatch(name):
        letters = "a name here has small letters a to z, digits and _, a letter first, and at most 40 of them"
        return f"'{name}' cannot be a name here: {letters}"
    if keyword.iskeyword(name):
        return f"'{name}' is a word of the language Python, so it cannot be a name here"
    if name in group_choices(search_folders(None), "flows"):
        return f"there is a flow '{name}' already"
    if kind == "plugin" and (keyword.issoftkeyword(name) or hasattr(builtins, name)):
        return f"'{name}' means something in every Python program already, so a package of that name confuses"
    if kind == "plugin" and find_spec(name):
        return f"there is a Python package '{name}' already"
    if Path(name).exists() or Path(name).is_symlink():
        return f"'{name}' exists already in this folder"
    return None


def _similar_names(kind: str, name: str) -> Iterator[str]:
    """Names like the one that was asked for, in the letters that a name may have."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_0123456789")[:30] or "my"
    yield from (
        base,
        f"{base}_{'kit' if kind == 'plugin' else 'study'}",
        *(f"{base}_{number}" for number in range(2, 100)),
    )


def _files(template: Path, name: str) -> Iterator[tuple[Path, str]]:
    for source in sorted(template.rglob(f"*{_SUFFIX}")):
        path = source.relative_to(template).as_posix().removesuffix(_SUFFIX)
        text = source.read_text(encoding="utf-8").replace("__DASHED__", name.replace("_", "-"))
        text = text.replace("__RUN__", _run_command(name)).replace("__COMMAND__", command_text())
        yield Path(name) / path.replace("__NAME__", name), text.replace("__NAME__", name)


def _run_command(name: str) -> str:
    return command_text("run", name if is_script() else f"+flows={name}")


def _next_step(kind: str, name: str) -> str:
    if kind == "plugin":
        return f"Install it with `uv pip install ./{name}`, then run it: {_run_command(name)}"
    return f"Run it: {_run_command(name)} --config-dir {name}"
