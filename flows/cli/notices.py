"""What a command says before it begins: keys read from `.env`, notices of the studies, and what leaves the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files.control_characters import escape_controls

if TYPE_CHECKING:
    from flows.spec.study import Study


def read_env_file() -> None:
    """Takes model keys from `.env` in the current folder, and says which, never what they are."""
    if not Path(".env").is_file():
        return
    from flows.config.env_file import read_keys

    found = read_keys(Path.cwd(), os.environ)
    if found.refused:
        print(f"note: {found.refused}", file=sys.stderr)
    if found.taken:
        print(f"note: read from .env: {', '.join(sorted(found.taken))}", file=sys.stderr)


def print_notices(studies: Sequence[Study]) -> None:
    """Prints each notice once, and each receiver of what leaves the machine."""
    from flows.check.departures import departures

    for notice in dict.fromkeys(notice for study in studies for notice in study.notices):
        print(f"note: {escape_controls(notice)}", file=sys.stderr)
    for departure in dict.fromkeys(departure for study in studies for departure in departures(study)):
        print(f"leaves this machine: {escape_controls(departure)}", file=sys.stderr)


def print_gate_notes(studies: Sequence[Study]) -> None:
    """Notes the gates that a run would refuse as things are now; a server with a page may run by then."""
    from flows.check.gate import gate_problems
    from flows.server.choose_server import server_policy, use_running_server

    without_page = [study for study in studies if server_policy(study.run.server).kind != "stay"]
    problems = [problem for study in without_page for problem in gate_problems(study)]
    if problems and not use_running_server():
        for problem in problems:
            print(f"note: {escape_controls(str(problem))}", file=sys.stderr)
