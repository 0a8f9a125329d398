"""Where every command begins: the process that stays runs it, or this one does."""

from __future__ import annotations

import sys
from typing import NoReturn

from flows.cli.warm.client import run_warm


def run_command(program: str) -> NoReturn:
    """Runs what was typed, and ends the process with its exit code. `program` is `flows`, or the name of a flow."""
    if (code := run_warm(program)) is not None:
        sys.exit(code)
    from agents.llms.gc_tuning import make_garbage_collection_rare
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    make_garbage_collection_rare()
    run_and_exit(lambda: main(flow=None if program == "flows" else program))
