"""The process that keeps the imports: commands that it runs are like commands that run by themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import ROOT, CommandLine, CompletedCommand, RunningCommand, wait_until

# What a handed-over command does here instead of one of ours; `STAYING` is as `flows.warm_process`, with this inside.
BODY = """
import json, os, signal, sys, time
def run(program):
    word = sys.argv[1]
    if word == "show":
        umask = os.umask(0)
        print(json.dumps([program, sys.argv[2:], os.getcwd(), os.environ.get("OWN"), umask, sys.stdin.read()]))
        print("and so", file=sys.stderr)
        return 7
    if word == "how":
        print(json.dumps(sys.orig_argv))
        return 0
    if word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        print(os.getpid(), flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted")
        return 130
"""
STAYING = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{BODY}\n" + (
    "from flows.cli.warm.identity import identity\nfrom flows.cli.warm.process import keep_imports\n"
    "keep_imports(float(sys.argv[1]), identity(), run)"
)
COMMAND = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from flows.cli.warm.client import run_warm
code = run_warm("osb")
sys.exit("by itself" if code is None else code)
"""


class Machine:
    """A home with a process that stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**CommandLine(folder).environment(), "SERVICE_API_KEY": "never-kept"}
        self.staying: subprocess.Popen[bytes] | None = None

    def stay(self, seconds: float = 60) -> subprocess.Popen[bytes]:
        private = self.folder / "prefect" / "buttermilk"
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = "from flows.cli.warm.identity import folder, make_private; make_private(folder())"
        subprocess.run([sys.executable, "-c", made], cwd=ROOT, env=self.environment, check=True)
        self.staying = subprocess.Popen(
            [sys.executable, "-c", STAYING, str(seconds)], cwd=ROOT, env=self.environment, start_new_session=True
        )
        wait_until(lambda: bool(list(private.glob("warm-*/commands"))), "the process that stays")
        return self.staying

    def start(self, *arguments: str, **variables: str) -> RunningCommand:
        return RunningCommand(
            [sys.executable, "-c", COMMAND, *arguments], self.folder / "work", {**self.environment, **variables}
        )

    def run(self, *arguments: str, **variables: str) -> CompletedCommand:
        return self.start(*arguments, **variables).wait()

    def sleeping(self) -> tuple[RunningCommand, int]:
        """A command that sleeps, and the process that runs it."""
        command = self.start("sleep")
        wait_until(lambda: command.stdout.endswith("\n"), "the command")
        return command, int(command.stdout)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("warm"))
    staying = made.stay()
    yield made
    staying.terminate()
    assert staying.wait(30) == 0


def ended(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def test_a_command_finds_its_own_folder_environment_arguments_and_streams(machine: Machine) -> None:
    done = machine.run("show", "query=What is a veiled threat?", OWN="ours")
    work = machine.folder / "work"
    umask = os.umask(0o022)
    os.umask(umask)
    assert done.exit_code == 7, done.transcript
    assert done.stderr == "and so\n"
    assert done.stdout == f'["osb", ["query=What is a veiled threat?"], "{work}", "ours", {umask}, ""]\n'


def test_a_command_knows_how_it_was_called_so_that_it_can_say_how_to_go_on(machine: Machine) -> None:
    done = machine.run("how")
    assert json.loads(done.stdout) == [sys.executable, "-c", COMMAND, "how"], done.transcript


def test_many_commands_at_once_have_each_their_own(machine: Machine) -> None:
    running = [machine.start("show", str(number)) for number in range(12)]
    for number, command in enumerate(running):
        done = command.wait()
        assert done.exit_code == 7 and f'["{number}"]' in done.stdout, done.transcript


@pytest.mark.parametrize(
    "variables",
    [{"PREFECT_LOGGING_LEVEL": "DEBUG"}, {"PREFECT_API_KEY": "secret"}, {"TZ": "UTC-3"}],
    ids=lambda variables: next(iter(variables)),
)
def test_a_command_in_another_environment_runs_by_itself(machine: Machine, variables: dict[str, str]) -> None:
    assert machine.run("show", **variables).stderr == "by itself\n"


@pytest.mark.parametrize("word", ["serve", "server", "--debug"])
def test_a_command_that_speaks_of_processes_runs_by_itself(machine: Machine, word: str) -> None:
    assert machine.run("show", word).stderr == "by itself\n"


def test_the_process_has_no_key_of_the_command_that_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.cli.warm import identity

    monkeypatch.setattr(identity, "AT_START", {"OPENAI_API_KEY": "k", "DB_PASSWORD": "p", "PATH": "/bin"})
    assert identity.environment_without_secrets() == {"PATH": "/bin"}


def test_ctrl_c_reaches_the_command(machine: Machine) -> None:
    command, process = machine.sleeping()
    command.interrupt()
    done = command.wait()
    assert done.exit_code == 130 and done.stdout.endswith("interrupted\n")
    assert ended(process)


def test_a_killed_command_is_killed(machine: Machine) -> None:
    command, process = machine.sleeping()
    command.kill()
    wait_until(lambda: ended(process), "the end of the process that ran the command")
    assert machine.run("killed").exit_code == -signal.SIGKILL


def test_another_users_folder_is_never_used(machine: Machine) -> None:
    folder = next((machine.folder / "prefect" / "buttermilk").glob("warm-*"))
    folder.chmod(0o755)
    try:
        assert machine.run("show").stderr == "by itself\n"
    finally:
        folder.chmod(0o700)


def test_it_ends_when_it_was_not_used_and_lets_commands_finish(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    staying = machine.stay()
    command, process = machine.sleeping()
    staying.terminate()
    assert machine.run("show").stderr == "by itself\n", "no command begins any more"
    assert not ended(process)
    command.interrupt()
    assert command.wait().exit_code == 130
    assert staying.wait(30) == 0

    assert machine.stay(seconds=0.2).wait(60) == 0
    assert machine.run("show").stderr == "by itself\n"
