"""`kill -9` anywhere, then the same command again: only calls that were in flight are made a second time.

With more kills than a usual run of the tests:

    BUTTERMILK_KILLS=20 uv run pytest tests/e2e/test_sigkill.py -s
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.corpus.index import CorpusIndex
from tests.support.commands import CommandLine, RunningCommand, run_folders, wait_until
from tests.support.many_calls import CELLS, CONCURRENCY, write_study
from tests.support.services import FakeService, fake_service

SEED = 20261122
KILLS = int(os.environ.get("BUTTERMILK_KILLS", "2"))
"""The last one kills a run that has a private Prefect server, which must end with it."""
_VARYING_FIELDS = {"started", "ended", "from_cache", "attempts", "parents", "paid_by"}
"""Fields in which two runs with the same outcome may differ; parents are compared by the cells they name."""


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    """The model service, slow enough that calls are in flight at a kill."""
    with fake_service(latency=0.2) as running:
        yield running


class Study:
    """One study's command, and what its run folders hold."""

    def __init__(self, cli: CommandLine, service: FakeService) -> None:
        self.cli, self.service = cli, service
        cli.extra_variables["SOME_KEY"] = "not a key"
        self._config = str(write_study(cli.folder / "study", service))

    def start(self, **more: str) -> RunningCommand:
        """Starts the command, always the same."""
        return self.cli.start("flows", "+flows=[many]", "topic=cats", "--config-dir", self._config, **more)

    def run_and_kill(self, after_calls: int, **more: str) -> int:
        """Starts it, kills it at its `after_calls`-th call; returns how many calls were in flight then."""
        before = self.service.calls()
        command = self.start(**more)
        wait_until(
            lambda: self.service.calls() - before >= after_calls or not command.running,
            f"{after_calls} calls", 120, pause=0.002,
        )  # fmt: skip
        command.kill()
        # A call is in flight until its reply is kept: on the wire, or being written.
        return len(self.service.stats()["by_key"]) - self.kept_replies()

    def kept_replies(self) -> int:
        """How many replies are on disk."""
        return sum(path.is_file() and not path.name.startswith(".") for path in self.cli.results.glob("replies/*/*"))

    def traces(self) -> dict[str, Any]:
        """The newest run's traces by cell, without what differs between equal runs."""
        lines = (run_folders(self.cli, "many")[-1] / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        traces = [json.loads(line) for line in lines]
        assert len({trace["cell_id"] for trace in traces}) == len(traces) == CELLS
        return {trace["cell_id"]: _without_times(trace) for trace in traces}


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key not in _VARYING_FIELDS}  # type: ignore[reportUnknownVariableType]
    return [_without_times(item) for item in value] if isinstance(value, list) else value  # type: ignore[reportUnknownVariableType]


@pytest.mark.slow
def test_a_study_killed_at_random_points_is_finished_without_paying_twice(
    cli_with_server: CommandLine,
    prefect_api: str,
    service: FakeService,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = Study(cli_with_server, service)
    chance = random.Random(SEED)
    points = [chance.randint(1, 12) for _ in range(KILLS)]
    in_flight = [
        study.run_and_kill(point, **(_OWN_SERVER if turn == KILLS - 1 else {})) for turn, point in enumerate(points)
    ]
    # A private server ends by itself when its run is gone.
    assert not cli_with_server.leftover_processes()
    left = _running(prefect_api)
    done = study.start().wait()
    stats = service.stats()
    repaid = sum(stats["by_key"].values()) - len(stats["by_key"])
    with capsys.disabled():
        print(f"\nseed {SEED}, killed after {points} calls, in flight {in_flight}, paid twice {repaid}")
    assert done.exit_code == 0, done.transcript
    assert len(stats["by_key"]) == CELLS
    assert all(0 <= number <= CONCURRENCY for number in in_flight) and stats["most_in_flight"] <= CONCURRENCY
    assert repaid <= sum(in_flight)
    assert left[1] == 1 and _running(prefect_api) == (0, 0)
    assert _same_as_unbroken(study, service, tmp_path)


def _running(api_url: str) -> tuple[int, int]:
    """How many task runs, and how many runs, of the study the server holds to be running."""
    flow, running = {"flows": {"name": {"any_": ["many"]}}}, {"state": {"type": {"any_": ["RUNNING"]}}}
    return (
        int(httpx.post(f"{api_url}/task_runs/count", json={**flow, "task_runs": running}).text),
        int(httpx.post(f"{api_url}/flow_runs/count", json={**flow, "flow_runs": running}).text),
    )


@pytest.mark.slow
def test_a_run_killed_while_it_writes_its_folder_is_repeated_without_a_call(
    cli_with_server: CommandLine, service: FakeService
) -> None:
    study = Study(cli_with_server, service)
    command = study.start()
    wait_until(
        lambda: _written(cli_with_server, "answers.jsonl") or not command.running, "the last cell", 120, pause=0.001
    )
    command.kill()
    before = service.calls()
    done = study.start().wait()
    assert done.exit_code == 0, done.transcript
    assert service.calls() == before
    assert {trace["status"] for trace in study.traces().values()} == {"completed"}
    _whole_or_absent(run_folders(cli_with_server, "many")[0])


def _written(cli: CommandLine, name: str) -> bool:
    return any((folder / name).exists() for folder in run_folders(cli, "many"))


def _whole_or_absent(folder: Path) -> None:
    for path in folder.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    if (cells := folder / "cells.csv").exists():
        assert len(list(csv.DictReader(cells.open(encoding="utf-8")))) == CELLS


def test_an_index_killed_while_it_is_built_is_finished_and_the_answer_is_the_same(
    cli_with_server: CommandLine, tmp_path: Path, osb_index: CorpusIndex
) -> None:
    command = cli_with_server.start("flows.osb", _QUESTION, "--json")
    wait_until(partial(_has_grown, cli_with_server.indexes, command), "the index to grow", pause=0.001)
    command.kill()
    unbroken = CommandLine(tmp_path / "unbroken", dict(cli_with_server.extra_variables))
    unbroken.indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, unbroken.indexes)
    done, wanted = (cli.run("flows.osb", _QUESTION, "--json") for cli in (cli_with_server, unbroken))
    assert done.exit_code == wanted.exit_code == 0, done.transcript + wanted.transcript
    assert json.loads(done.stdout)["results"] == json.loads(wanted.stdout)["results"]


_QUESTION = "query=When does the Board accept a slur in political speech?"


def _has_grown(folder: Path, command: RunningCommand) -> bool:
    return size_of_files(folder) > 20_000 or not command.running


def size_of_files(folder: Path) -> int:
    """Bytes in the files of a folder."""
    return sum(_size_of(path) for path in folder.glob("*"))


def _size_of(path: Path) -> int:
    """The size of a file in bytes; 0 for a journal that SQLite has removed meanwhile."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


@pytest.mark.slow
def test_a_run_whose_own_server_is_killed_reports_it_and_the_next_run_continues(
    cli_with_server: CommandLine, service: FakeService
) -> None:
    service.reset()
    study = Study(cli_with_server, service)
    command = study.start(**_OWN_SERVER)
    wait_until(lambda: service.calls() >= 5 or not command.running, "five calls", 120, pause=0.002)
    assert cli_with_server.kill("flows.server.private_server") == 1
    done = command.wait(60)
    in_flight = len(service.stats()["by_key"]) - study.kept_replies()
    assert done.exit_code == 3 and "Traceback" not in done.transcript
    assert "the Prefect server of this run has ended: signal 9 ended it" in done.stderr
    assert not cli_with_server.leftover_processes()
    again = study.start().wait()
    assert again.exit_code == 0, again.transcript
    asked = service.stats()["by_key"]
    assert len(asked) == CELLS and sum(asked.values()) - CELLS <= in_flight


_OWN_SERVER = {"PREFECT_API_URL": ""}


def _same_as_unbroken(study: Study, service: FakeService, folder: Path) -> bool:
    finished = study.traces()
    assert {trace["status"] for trace in finished.values()} == {"completed"}
    unbroken = Study(CommandLine(folder / "unbroken", dict(study.cli.extra_variables)), service)
    service.reset()
    unbroken = Study(unbroken.cli, service)
    done = unbroken.start().wait()
    assert done.exit_code == 0, done.transcript
    return unbroken.traces() == finished
