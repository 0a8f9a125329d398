"""The console script `buttermilk`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from flows.cli.warm.client import run_warm

_FIRST_WORDS = """\
Study texts with language models: cited, checked, reproducible.

  buttermilk osb "When does the Board accept a slur?"  ask its decisions
  buttermilk tox records=my_posts.csv sample=20        judge your own texts
  buttermilk plan tox records=my_posts.csv             what that asks, and costs
  buttermilk new my_study                              a folder to begin with
  buttermilk --help                                    all verbs and settings
"""


def main() -> NoReturn:
    """Runs the command that was typed, and ends the process with its exit code."""
    if (code := run_warm("buttermilk")) is not None:
        sys.exit(code)
    from flows.cli.exit import run_and_exit

    run_and_exit(run)


def run() -> int:
    """Runs the command that was typed; returns its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["mcp"]:
        from flows.mcp.__main__ import main as serve_mcp

        return serve_mcp(arguments[1:])
    if arguments in (["--version"], ["version"]):
        print(f"buttermilk {version('buttermilk')}, Prefect {version('prefect')}")
        return 0
    from contract.errors import StudyError
    from flows.cli.error_text import error_lines
    from flows.cli.main import main as run_command
    from flows.cli.script import study_folder, translate
    from flows.cli.verbs import VERBS

    if not arguments and not study_folder(Path.cwd()):
        print(_FIRST_WORDS)
        return 0
    if arguments == ["help"] or not {"-h", "--help"}.isdisjoint(arguments):
        return run_command([word for word in arguments if word in VERBS or word.startswith("-")] + ["--help"])
    try:
        words = translate(arguments, Path.cwd())
    except StudyError as error:
        print("\n".join(error_lines(error)), file=sys.stderr)
        return 2
    if words.notice and "--json" not in arguments:
        print(words.notice, file=sys.stderr)
    return run_command(words.arguments, words.flow)
