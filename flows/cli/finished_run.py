"""The verbs for a finished run: `report` writes its report again, `replay` makes it again, `verify` finds changes."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contract.errors import Problem, StudyError
from flows.cli.named_run import run_folder_problem
from flows.config.folders import search_folders
from flows.files.control_characters import terminal_line

if TYPE_CHECKING:
    from flows.accounting.audit import AuditTrail


def process_finished_run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Applies the verb of `options` to the run folder that `words` names. Returns the exit code.

    `verify` also takes the file of an audit trail. Raises StudyError unless exactly one run is named, RunError when it
    has not finished.
    """
    if options.verb == "verify" and (audit_file := _audit_file(words)):
        return _print_result(*_verify_audit(audit_file), options)
    folder, settings = _parse_run_folder(options.verb, words)
    verbs: Mapping[str, Callable[[], tuple[bool, dict[str, Any]]]] = {
        "report": lambda: _report(folder, _audit_trail(settings)),
        "replay": lambda: _replay(folder),
        "verify": lambda: _verify(folder, options.config_dir, settings),
    }
    return _print_result(*verbs[options.verb](), options)


def _print_result(is_ok: bool, result: Mapping[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        _print_fields(result)
    return 0 if is_ok else 1


def _parse_run_folder(verb: str, words: Sequence[str]) -> tuple[Path, dict[str, str]]:
    named = [word for word in words if "=" not in word]
    if len(named) != 1:
        message = "no run is named" if not named else f"more than one run is named: {', '.join(named)}"
        raise StudyError([Problem("command line", message, todo=f"write for example: {verb} runs/tox/latest")])
    if problem := run_folder_problem(verb, named[0]):
        raise StudyError([problem])
    return Path(named[0]).resolve(), dict(word.split("=", 1) for word in words if "=" in word)


def _audit_trail(settings: Mapping[str, str]) -> AuditTrail:
    from flows.accounting.audit import AuditTrail, audit_path

    named = settings.get("run.audit")
    return AuditTrail(audit_path(Path(named) if named else None))


def _report(folder: Path, audit: AuditTrail) -> tuple[bool, dict[str, Any]]:
    from flows.files.checksums import write_sums
    from flows.run_folder.derive import derive

    derived = derive(folder)
    seal = write_sums(folder)
    audit.add("report written again", folder=str(folder), seal=seal)
    if derived.measured is not None:
        from rich.console import Console

        from flows.cli.study_table import show_study

        show_study(Console(stderr=True), derived)
    report = folder / "report.html"
    written = report if report.exists() else folder / "cells.csv"
    return True, {"written": str(written), "seal": seal}


def _replay(folder: Path) -> tuple[bool, dict[str, Any]]:
    from flows.run_folder.replay import replay

    with tempfile.TemporaryDirectory(prefix="replay-") as into:
        result = replay(folder, Path(into))
    fields = {
        "cells": result.cells,
        "stored replies read": result.replies,
        "cells taken as recorded": result.recorded,
        "different": result.different,
    }
    return not result.different, fields


def _verify(folder: Path, config_dir: Path | None, settings: Mapping[str, str]) -> tuple[bool, dict[str, Any]]:
    from flows.files.checksums import seal
    from flows.files.run_data import RunData
    from flows.run_folder.verify import recorded_seal, verify

    audit = _audit_trail(settings)
    changes = verify(folder, search_folders(config_dir), settings.get("run.results"), audit)
    fields: dict[str, Any] = {"changed": changes, "seal": seal(folder) if not changes else None}
    if recorded_seal(RunData.open(folder), audit) is None:
        fields["note"] = (
            f"{audit.path} holds no line on this run, so its seal is not compared; run.audit=… names another trail"
        )
    return not changes, fields


def _audit_file(words: Sequence[str]) -> Path | None:
    """The audit file that the words name instead of a run's folder, or None."""
    return next((Path(word) for word in words if word.endswith(".jsonl") and Path(word).is_file()), None)


def _verify_audit(path: Path) -> tuple[bool, dict[str, Any]]:
    from flows.accounting.audit import AuditTrail

    check = AuditTrail(path).check()
    fields = {"changed": check.changes, "lines": check.lines, "digest of the last line": check.last_digest}
    return not check.changes, fields


def _print_fields(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if isinstance(value, list):
            print(f"{name}: {'nothing' if not value else ''}".rstrip())
            for line in cast("list[object]", value):
                print(f"  {terminal_line(str(line))}")
        elif value is not None:
            print(terminal_line(f"{name}: {value}"))
    sys.stdout.flush()
