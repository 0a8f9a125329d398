"""The command line as a user has it: real processes, in a home of their own, without a network.

cli = CommandLine(tmp_path)
done = cli.run("flows.osb", "query=…")
assert done.exit_code == 0 and not cli.leftover_processes()
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_NETWORK = Path(__file__).parent / "no_network"
_INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def wait_until(
    condition: Callable[[], bool], waiting_for: str | Callable[[], str], seconds: float = 60, pause: float = 0.02
) -> None:
    """Returns when `condition` holds. Fails the test after `seconds` and names what it was `waiting_for`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(
                f"waited {seconds:.0f} s for {waiting_for if isinstance(waiting_for, str) else waiting_for()}"
            )
        time.sleep(pause)


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes the files below the folder, by their names; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@dataclass(frozen=True)
class CompletedCommand:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def transcript(self) -> str:
        """Both streams, for a failed assertion."""
        return f"exit {self.exit_code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class RunningCommand:
    """A command under way. Its streams go to files: a pipe could fill up and stop it."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._files = [folder / f".{uuid.uuid4().hex}.{name}" for name in ("out", "err")]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self._process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def stdout(self) -> str:
        """What it has written to standard output so far."""
        return self._files[0].read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return self._files[1].read_text(encoding="utf-8")

    def megabytes(self) -> float:
        """Its resident memory now and that of the processes that it has started, without a Prefect server."""
        children = map(int, _read_proc(self.pid, f"task/{self.pid}/children").split())
        counted = (
            pid for pid in (self.pid, *children) if b"flows.server.private_server" not in _read_proc(pid, "cmdline")
        )
        return sum(map(_resident_megabytes, counted))

    def kill(self) -> None:
        """SIGKILL: the process has no chance to tidy up. Does nothing to one that has ended."""
        self._process.kill()
        self._process.wait()

    def interrupt(self) -> None:
        """Sends SIGINT, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Sends SIGTERM, as a scheduler does."""
        self._process.terminate()

    def wait(self, seconds: float = 120) -> CompletedCommand:
        """Waits until it has ended. Kills it and fails the test when that takes longer than `seconds`."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the command did not end within {seconds:.0f} s: {self.stderr}") from None
        out, err = (file.read_text(encoding="utf-8") for file in self._files)
        return CompletedCommand(code, out, err)


def _read_proc(pid: int, file: str) -> bytes:
    """A file in /proc of a process; empty when the process has just ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _resident_megabytes(pid: int) -> float:
    lines = _read_proc(pid, "status").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(b"VmRSS")), 0.0)


@dataclass
class CommandLine:
    """Runs commands with a home folder, caches and a working folder of their own, in a clean environment."""

    folder: Path
    extra_variables: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self.working_folder.mkdir(parents=True, exist_ok=True)

    @property
    def working_folder(self) -> Path:
        """Where commands run; run folders appear below it."""
        return self.folder / "work"

    @property
    def results(self) -> Path:
        """Where replies and cells are kept."""
        return self.folder / "cache" / "buttermilk" / "results"

    @property
    def indexes(self) -> Path:
        """Where the indexes of corpora are kept."""
        return self.folder / "cache" / "buttermilk" / "indexes"

    @property
    def blocked_connections(self) -> list[str]:
        """Every attempt to leave this machine."""
        file = self.folder / "blocked"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment variables that a command is started with."""
        return {
            **{name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ},
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PREFECT_HOME": str(self.folder / "prefect"),
            # Nothing listens on this port: a test must not meet an operator's server.
            "PREFECT_SERVER_API_PORT": "9",
            "BUTTERMILK_SERVER": "with_run",
            "PYTHONPATH": str(NO_NETWORK),
            "BUTTERMILK_BLOCKED": str(self.folder / "blocked"),
            "BUTTERMILK_TEST_MARK": self._mark,
            "COLUMNS": "100",
            **self.extra_variables,
            **variables,
        }

    def use_database(self, database: Path) -> None:
        """Copies the file to where Prefect looks for its database here."""
        (self.folder / "prefect").mkdir(exist_ok=True)
        shutil.copy(database, self.folder / "prefect" / "prefect.db")

    def start(self, module: str, *arguments: str, **variables: str) -> RunningCommand:
        """`python -m <module> <arguments>`; keywords are environment variables."""
        return RunningCommand(
            [sys.executable, "-m", module, *arguments], self.working_folder, self.environment(**variables)
        )

    def run(self, module: str, *arguments: str, **variables: str) -> CompletedCommand:
        """Starts the command and waits until it has ended."""
        return self.start(module, *arguments, **variables).wait()

    def leftover_processes(self, seconds: float = 20) -> list[str]:
        """Command lines of the processes started here, and of their children, that still run after `seconds`."""
        deadline = time.monotonic() + seconds
        while (found := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return list(found.values())

    def kill(self, word: str) -> int:
        """Kills those of these processes whose command line holds `word`; returns how many."""
        found = [pid for pid, line in self._processes().items() if word in line]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)

    def _processes(self) -> dict[int, str]:
        found = dict[int, str]()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (process / "environ").read_bytes():
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(process.name)] = line
            except OSError:
                continue
        return found


def run_folders(command_line: CommandLine, flow: str) -> list[Path]:
    """The run folders of a flow, oldest first."""
    return sorted(path for path in (command_line.working_folder / "runs" / flow).glob("2*") if not path.is_symlink())
