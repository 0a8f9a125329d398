"""An operator's machine: a copy of the project, a Prefect server, a worker, and the commands of the documentation."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flows.server.private_server import free_port
from tests.docs.test_docs import blocks
from tests.support.commands import ROOT, CommandLine, CompletedCommand, RunningCommand, wait_until

_COPIED = ("agents", "conf", "contract", "deployments", "flows", "pyproject.toml", "README.md")
PAGE = ROOT / "docs" / "deploying.md"
FINAL_STATES = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def doc_block(note: str) -> str:
    """The block of docs/deploying.md with that comment before it."""
    [found] = [one.body for one in blocks(PAGE) if one.note == note]
    return found


@dataclass
class Operator:
    """Commands in a copy of the project, against a server of its own."""

    cli: CommandLine
    port: int
    background: list[RunningCommand] = field(default_factory=list[RunningCommand])

    @property
    def api(self) -> str:
        """The server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    def _arguments(self, line: str) -> list[str]:
        words = shlex.split(line.removesuffix("&"))
        assert words[:2] == ["uv", "run"], line
        return words[2:] if words[2] != "python" else words[4:]

    def shell(self, line: str, **more: str) -> CompletedCommand | None:
        """Runs one line of a shell, as the documentation shows it; a line that ends with `&` runs in the background."""
        module, *arguments = self._arguments(line)
        command = self.cli.start(module, *arguments, **more)
        if not line.rstrip().endswith("&"):
            return command.wait(300)
        self.background.append(command)
        return None

    def shell_ok(self, line: str, **more: str) -> CompletedCommand:
        """Runs a line that must end with exit code 0."""
        done = self.shell(line, **more)
        assert done and done.exit_code == 0 and "Traceback" not in done.stderr, done and done.transcript
        return done

    def get(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The API's answer to a GET, or to a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api}{path}", data, {"Content-Type": "application/json"})
        deadline = time.monotonic() + 60
        while True:
            try:
                # Prefect's server itself waits up to a minute for its SQLite database.
                with urllib.request.urlopen(request, timeout=90) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                # A server whose database is busy has done nothing, and says so.
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def is_up(self) -> bool:
        """Whether the server is up."""
        try:
            return bool(self.get("/health"))
        except OSError:
            return False

    def runs(self, flow: str) -> list[Any]:
        """The runs of a flow, oldest first, without those that a schedule has planned for later."""
        return [run for run in self._all_runs(flow) if not (run["auto_scheduled"] and run["state_type"] == "SCHEDULED")]

    def scheduled_runs(self, flow: str) -> list[Any]:
        """The runs of a flow that a schedule has planned for later."""
        return [run for run in self._all_runs(flow) if run["auto_scheduled"] and run["state_type"] == "SCHEDULED"]

    def _all_runs(self, flow: str) -> list[Any]:
        return self.get("/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"})

    def wait_for_run(self, run: str, seconds: float = 240) -> Any:
        """Waits until the run has ended; returns it."""
        wait_until(
            lambda: self.get(f"/flow_runs/{run}")["state_type"] in FINAL_STATES, f"the end of {run}", seconds, pause=0.3
        )
        return self.get(f"/flow_runs/{run}")

    def retry_run(self, run: str) -> Any:
        """Does what the Retry button of the UI does; returns the run when it has ended again."""
        before = self.get(f"/flow_runs/{run}")["run_count"]
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        answer = self.get(f"/flow_runs/{run}/set_state", {"state": state, "force": False})
        assert answer["status"] == "ACCEPT", answer
        wait_until(lambda: self.get(f"/flow_runs/{run}")["run_count"] > before, f"{run} to start again", 60, pause=0.3)
        return self.wait_for_run(run)


def kill_run(run: str) -> None:
    """SIGKILL to the processes of a run, once there are some; its worker goes on."""
    wait_until(lambda: bool(_processes_of(run)), "the process of the run", 10)
    for process in _processes_of(run):
        os.kill(process, signal.SIGKILL)


def _processes_of(run: str) -> list[int]:
    found = list[int]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"PREFECT__FLOW_RUN_ID={run}".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@contextmanager
def operator(folder: Path, **extra: str) -> Generator[Operator]:
    """An operator for the length of the block; ends everything that was started."""
    port = free_port()
    cli = CommandLine(folder)
    shutil.copytree(
        ROOT, cli.working_folder, dirs_exist_ok=True,
        ignore=lambda at, names: [n for n in names if (Path(at) == ROOT and n not in _COPIED) or n == "__pycache__"],
    )  # fmt: skip
    cli.extra_variables |= {
        # Instead of 4200: a test must not meet an operator's server. No address is set: an operator starts without one.
        "PREFECT_SERVER_API_PORT": str(port),
        # A worker looks for runs every second instead of every fifteen.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PATH": f"{Path(sys.executable).parent}:{cli.environment()['PATH']}",
        "PYTHONPATH": f"{cli.working_folder}:{cli.environment()['PYTHONPATH']}",
        **extra,
    }
    found = Operator(cli, port)
    try:
        yield found
    finally:
        with ExitStack() as ending:
            # The server ends last: a process that serves flows reports its end to it and would wait for a missing one.
            for command in found.background:
                ending.callback(command.wait, 60)
                ending.callback(command.terminate)
