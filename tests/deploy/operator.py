"""An operator's machine: a copy of the project, a Prefect server, a worker, and the commands of the documentation."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
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

    place: CommandLine
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
        """One line of a shell, as the documentation has it; one that ends with `&` goes on beside."""
        module, *arguments = self._arguments(line)
        command = self.place.start(module, *arguments, **more)
        if not line.rstrip().endswith("&"):
            return command.wait(300)
        self.background.append(command)
        return None

    def shell_ok(self, line: str, **more: str) -> CompletedCommand:
        """A line that has to end well."""
        done = self.shell(line, **more)
        assert done and done.exit_code == 0 and "Traceback" not in done.stderr, done and done.transcript
        return done

    def get(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the API answers to a GET, or with a body to a POST."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api}{path}", data, {"Content-Type": "application/json"})
        # Prefect's server itself waits up to a minute for its SQLite database.
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.loads(answer.read())

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
        """The run once it has ended."""
        wait_until(
            lambda: self.get(f"/flow_runs/{run}")["state_type"] in FINAL_STATES, f"the end of {run}", seconds, pause=0.3
        )
        return self.get(f"/flow_runs/{run}")

    def retry_run(self, run: str) -> Any:
        """The run once it has ended again, after the Retry button of the UI."""
        before = self.get(f"/flow_runs/{run}")["run_count"]
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        answer = self.get(f"/flow_runs/{run}/set_state", {"state": state, "force": False})
        assert answer["status"] == "ACCEPT", answer
        wait_until(lambda: self.get(f"/flow_runs/{run}")["run_count"] > before, f"{run} to start again", 60, pause=0.3)
        return self.wait_for_run(run)


@contextmanager
def operator(folder: Path, **extra: str) -> Generator[Operator]:
    """An operator for the length of the block; whatever was started is ended with it."""
    port = free_port()
    place = CommandLine(folder)
    shutil.copytree(
        ROOT, place.working_folder, dirs_exist_ok=True,
        ignore=lambda at, names: [n for n in names if (Path(at) == ROOT and n not in _COPIED) or n == "__pycache__"],
    )  # fmt: skip
    place.extra_variables |= {
        # Instead of 4200, because a test must not meet an operator's server. No address: there is none to begin with.
        "PREFECT_SERVER_API_PORT": str(port),
        # What is asked for shall be begun at once, not within the quarter of a minute that is usual.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PATH": f"{Path(sys.executable).parent}:{place.environment()['PATH']}",
        "PYTHONPATH": f"{place.working_folder}:{place.environment()['PYTHONPATH']}",
        **extra,
    }
    found = Operator(place, port)
    try:
        yield found
    finally:
        with ExitStack() as ending:
            # The server last: whoever serves flows tells it that it goes, and would wait for one that is gone.
            for command in found.background:
                ending.callback(command.wait, 60)
                ending.callback(command.terminate)
