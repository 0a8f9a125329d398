"""How a run that waits goes on: the same command, with the file of answers."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from contract.key_texts import MASK
from contract.questions import Question
from flows.config.diagnostics import masked_argument
from flows.config.folders import display_path
from flows.gates.waiting_file import questions_wait
from flows.server.command_name import command_words

_ANSWERS = ("answers=", "run.answers=", "++run.answers=")


def resume_command(path: Path) -> str:
    """The command that this process was started with, with that file of answers."""
    words = [*command_words(), *(word for word in sys.argv[1:] if not word.startswith(_ANSWERS))]
    # A key that was typed is not written down: whoever goes on types it again.
    shown = [masked_argument(word).replace("://…@", f"://{MASK}@") for word in words]
    return shlex.join([*shown, f"answers={display_path(path)}"])


def waiting_lines(questions: Sequence[Question], path: Path, command: str) -> list[str]:
    """What a person at a terminal reads about open questions."""
    gates = ", ".join(f"{gate}: {number}" for gate, number in Counter(one.gate for one in questions).items())
    return [
        f"{questions_wait(questions)} for a person ({gates}); all else is done.",
        f"Fill in {display_path(path)}, then go on with the same command, which pays for nothing twice:",
        f"  {command}",
        *([f"Keys are written nowhere: type again what stands as {MASK}."] if MASK in command else []),
    ]
