"""How the command of this process was called, for advice that works when it is pasted."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPT = "buttermilk"


def command_words() -> list[str]:
    """`uv run python -m flows`, `uv run python -m flows.osb`, or `buttermilk`; the first where it is no command."""
    if is_script():
        return [_SCRIPT]
    started = sys.orig_argv
    module = started[started.index("-m") + 1] if "-m" in started[: len(started) - len(sys.argv) + 2] else "flows"
    return ["uv", "run", "python", "-m", module if module.partition(".")[0] == "flows" else "flows"]


def is_script() -> bool:
    """Whether the command is the console script, which takes a flow's name without `+flows=`."""
    return Path(sys.argv[0]).stem == _SCRIPT


def command_text(*words: str) -> str:
    """A command as it is typed here: `command_text("server", "stop")` is `uv run python -m flows server stop`."""
    return " ".join([*command_words(), *words])
