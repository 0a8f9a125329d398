"""Kills while tables, report, replay or an index are under way: nothing is lost, and nothing is paid again.

    BUTTERMILK_KILLS=30 uv run pytest tests/e2e/test_study_kills.py -s
    uv run pytest -m benchmark tests/e2e/test_kills.py -s

The first kills among calls, the second elsewhere. `BUTTERMILK_WRITE_KILLS`, `BUTTERMILK_REPLAY_KILLS` and
`BUTTERMILK_INDEX_KILLS` set how often.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest

from flows.corpus.index import CorpusIndex
from tests.e2e.test_sigkill import size_of_files
from tests.e2e.test_study_kills import POSTS, TABLES, Study
from tests.support.commands import CommandLine, RunningCommand, run_folders, wait_until
from tests.support.judging import CRITERIA, MODELS, billed_usd
from tests.support.services import FakeService, fake_service

pytestmark = pytest.mark.benchmark

INDEX_KILLS = int(os.environ.get("BUTTERMILK_INDEX_KILLS", "10"))
WRITE_KILLS = int(os.environ.get("BUTTERMILK_WRITE_KILLS", "10"))
REPLAY_KILLS = int(os.environ.get("BUTTERMILK_REPLAY_KILLS", "5"))
_LONGEST_DELAY_SECONDS = 2.0
"""After the last cell; tables and report take about this long."""


@pytest.fixture
def service() -> Generator[FakeService]:
    """The model service."""
    with fake_service(latency=0.02) as running:
        yield running


def test_killed_while_tables_report_and_replay_are_written(
    cli_with_server: CommandLine, service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unbroken = Study(CommandLine(tmp_path / "unbroken", dict(cli_with_server.extra_variables)), service)
    unbroken.write(POSTS, MODELS)
    unbroken.run()
    wanted = {name: (unbroken.newest / name).read_bytes() for name in TABLES}
    service.reset()

    study, chance = Study(cli_with_server, service), random.Random(11)
    study.write(POSTS, MODELS)
    for _ in range(WRITE_KILLS):
        _kill_after_last_cell(study, chance.uniform(0, _LONGEST_DELAY_SECONDS))
    study.run()
    cells, spend = len(POSTS) * len(CRITERIA) * len(MODELS), study.manifest()["spend"]
    assert service.calls() == cells
    assert {name: (study.newest / name).read_bytes() for name in TABLES} == wanted
    assert float(spend["at_most_usd"]) == pytest.approx(float(billed_usd(service)))

    for _ in range(REPLAY_KILLS):
        replaying = study.cli.start("flows", "replay", str(study.newest))
        time.sleep(chance.uniform(0.5, 4))
        replaying.kill()
    done = study.cli.run("flows", "replay", str(study.newest))
    assert done.exit_code == 0, done.transcript
    verified = study.cli.run("flows", "verify", str(study.newest), "--config-dir", str(study.folder))
    assert verified.exit_code == 0, verified.transcript
    assert service.calls() == cells
    with capsys.disabled():
        print(f"\n{WRITE_KILLS} kills while writing, {REPLAY_KILLS} while replaying: no call repeated")
        print(f"billed ${billed_usd(service):.6f}, reported at most ${float(spend['at_most_usd']):.6f}")


def _kill_after_last_cell(study: Study, delay: float) -> None:
    before = len(run_folders(study.cli, "judged"))
    command = study.cli.start("flows", "+flows=[judged]", "--config-dir", str(study.folder))

    def all_cells_are_written() -> bool:
        folders = run_folders(study.cli, "judged")
        return not command.running or (len(folders) > before and (folders[-1] / "answers.jsonl").exists())

    wait_until(all_cells_are_written, "the last cell", 240, pause=0.002)
    time.sleep(delay)
    command.kill()


def test_killed_while_an_index_is_built(
    cli_with_server: CommandLine, tmp_path: Path, osb_index: CorpusIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "query=When does the Board accept a slur in political speech?"
    whole, chance = Path(osb_index.location).stat().st_size, random.Random(14)
    sizes = sorted(chance.uniform(0.02, 0.95) for _ in range(INDEX_KILLS))
    under_way = 0
    for share in sizes:
        command = cli_with_server.start("flows.osb", question, "--json")
        wait_until(
            partial(_holds, cli_with_server.indexes, share * whole, command), "the index to grow", 240, pause=0.001
        )
        under_way += command.running
        command.kill()
    unbroken = CommandLine(tmp_path / "unbroken", dict(cli_with_server.extra_variables))
    unbroken.indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, unbroken.indexes)
    done, wanted = (cli.run("flows.osb", question, "--json") for cli in (cli_with_server, unbroken))
    assert done.exit_code == wanted.exit_code == 0, done.transcript + wanted.transcript
    assert json.loads(done.stdout)["results"] == json.loads(wanted.stdout)["results"]
    with capsys.disabled():
        print(f"\n{under_way} of {INDEX_KILLS} kills while an index was built: the same answer")


def _holds(folder: Path, size: float, command: RunningCommand) -> bool:
    return size_of_files(folder) > size or not command.running
