"""What is wrong with the folder of a run that a command names, and the run that was meant."""

from __future__ import annotations

import shlex
from pathlib import Path

from contract.errors import Problem
from flows.config.diagnostics import closest_name

_FILES_OF_A_RUN = ("manifest.json", "answers.jsonl", "log.jsonl", "waiting.yaml", "waiting.csv", "SHA256SUMS")
"""Any of them makes a folder a run's, also where the run was broken off."""
_RUNS = Path("runs")


def run_folder_problem(verb: str, named: str) -> Problem | None:
    """Why that cannot be the folder of a run; None where it is one, finished or not."""
    folder, where = Path(named), f"command line: {named}"
    if not folder.is_dir():
        what = "this is a file, and a run is a folder" if folder.exists() else f"there is no folder {named}"
        near = None if folder.exists() else _nearest(folder)
        return Problem(where, what, near, _name_one(verb, folder) if near is None else f"write {verb} {_quoted(near)}")
    if _is_run(folder):
        return None
    if runs := _runs_in(folder):
        newest = ", ".join(str(run) for run in reversed(runs[-3:]))
        noun = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        what = f"{named} is no run itself, and holds {noun}, the newest {newest}"
        return Problem(where, what, todo=f"write {verb} {_quoted(runs[-1])}")
    return Problem(where, f"{named} holds no finished run", todo=_name_one(verb, folder))


def _is_run(folder: Path) -> bool:
    return any((folder / name).exists() for name in _FILES_OF_A_RUN)


def _nearest(folder: Path) -> str | None:
    """The run or folder of runs of nearly that name; that of a flow, where only the flow is named."""
    if folder.parent == Path() and (runs := _RUNS / folder / "latest").is_dir():
        return str(runs)
    there = [path.name for path in folder.parent.glob("*/") if _runs_in(path) or (path / "manifest.json").exists()]
    near = closest_name(folder.name, there)
    return str(folder.parent / near) if near else None


def _name_one(verb: str, folder: Path) -> str:
    """The run that holds that file, or the newest one around: beside it, or below `runs` of this folder."""
    if folder.is_file() and _is_run(folder.parent):
        return f"write {verb} {_quoted(folder.parent)}"
    found = _runs_in(folder.parent) or _runs_in(_RUNS)
    run = str(found[-1]) if found else "runs/tox/latest"
    return f"write{'' if found else ' for example'} {verb} {_quoted(run)}"


def _quoted(path: Path | str) -> str:
    return shlex.quote(str(path))


def _runs_in(folder: Path) -> list[Path]:
    """The finished runs of a folder of runs, or of all runs, the newest last."""
    found = (path.parent for pattern in ("*/", "*/*/") for path in folder.glob(f"{pattern}manifest.json"))
    return sorted((run for run in found if not run.is_symlink()), key=lambda run: run.name)
