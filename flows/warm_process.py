"""The process that keeps the imports of commands; a command starts it at its end."""

from __future__ import annotations

import sys


def _run(program: str) -> int:
    """Runs what was typed to `buttermilk`, to `flows`, or to a flow of this name."""
    if program == "buttermilk":
        from flows.console_script import run

        return run()
    from flows.cli.main import main

    return main(flow=None if program == "flows" else program)


def main() -> None:
    """Serves commands: `sys.argv` has how many seconds it stays, and whose code and environment it is to have."""
    from flows.cli.warm.process import keep_imports

    keep_imports(float(sys.argv[1]), sys.argv[2], _run)
