"""An interrupt ends a command that asks no model, wherever it comes: no count is told as if it were the whole.

A signal becomes an exception in whatever runs at that moment. A library may make another error of it, which then counts
as that of one cell, or may drop it.
"""

from __future__ import annotations

import json
import os
import random
import signal

import pytest

from tests.support.commands import CommandLine, CompletedCommand

PROBE = """\
import os
import signal
import sys

from flows.cli.main import main

function, left, number, *arguments = sys.argv[1:]
left, number = int(left), getattr(signal, number)


def interrupt(frame, event, _):
    global left
    if event == "call" and frame.f_code.co_name == function:
        left -= 1
        if left == 0:
            sys.setprofile(None)
            print("interrupted here", file=sys.stderr)
            os.kill(os.getpid(), number)


sys.setprofile(interrupt)
sys.exit(main(arguments))
"""
PLAN = ("plan", "+flows=[tox]", "sample=12", "--json")


def _interrupt(cli: CommandLine, function: str, call: int, number: str, *arguments: str) -> CompletedCommand:
    """The command, sent the signal while it is in a call of that function; `call` counts from 1."""
    (cli.working_folder / "probe.py").write_text(PROBE, encoding="utf-8")
    return cli.run("probe", function, str(call), number, *arguments)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("call", [100, 150, 190])
def test_a_plan_that_is_interrupted_while_a_library_calls_us_counts_nothing(
    cli: CommandLine, number: str, call: int
) -> None:
    """pydantic makes an error of its own of what is raised while it writes a model."""
    done = _interrupt(cli, "thawed", call, number, *PLAN)
    assert "interrupted here" in done.stderr, "the study has fewer calls now"
    assert (done.exit_code, done.stdout) == (130, ""), done.transcript
    assert done.stderr.count("Interrupted.") == 1 and "Traceback" not in done.stderr


@pytest.mark.parametrize("call", [1, 40])
def test_an_interrupt_that_python_drops_is_told_all_the_same(cli: CommandLine, call: int) -> None:
    """It drops what is raised while it clears a weak set, such as that of the tasks of an event loop."""
    done = _interrupt(cli, "_remove", call, "SIGTERM", *PLAN)
    assert "interrupted here" in done.stderr
    assert (done.exit_code, done.stdout) == (130, "") and "Interrupted." in done.stderr, done.transcript


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["plan", "check"])
def test_at_any_moment_it_ends_or_tells_the_whole(cli: CommandLine, verb: str) -> None:
    arguments = (verb, *PLAN[1:])
    whole = json.loads(cli.run("flows", *arguments).stdout)
    chance = random.Random(20261130)
    functions = ["thawed", "_remove", "render", "process", "__init__", "_run_cell", "model_dump"]
    for _ in range(int(os.environ.get("BUTTERMILK_KILLS", "5"))):
        done = _interrupt(cli, chance.choice(functions), chance.randint(1, 200), "SIGTERM", *arguments)
        # While Python still imports the command, SIGTERM ends it in the system's way.
        assert done.exit_code in (130, -signal.SIGTERM) or json.loads(done.stdout) == whole, done.transcript
