"""What a command says before it begins: keys read from `.env`, notices of the studies, and what leaves the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files.control_characters import terminal_line

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
        print(f"note: {terminal_line(notice)}", file=sys.stderr)
    for departure in dict.fromkeys(departure for study in studies for departure in departures(study)):
        print(f"leaves this machine: {terminal_line(departure)}", file=sys.stderr)


def print_waiting_notes(studies: Sequence[Study], *, runs: bool = False) -> None:
    """Prints what a run would ask people, and how they could answer as things are now; `runs` if it now does."""
    from flows.check.gate import waiting_notes
    from flows.gates.asked_at import questions_of
    from flows.server.choose_server import server_policy, use_running_server

    asking = [study for study in studies if questions_of(study.flow)]
    if not asking:
        return
    has_page = any(server_policy(study.run.server).kind == "stay" for study in asking) or use_running_server()
    for note in (note for study in asking for note in waiting_notes(study, has_page=has_page, runs=runs)):
        print(f"note: {terminal_line(note)}", file=sys.stderr)
