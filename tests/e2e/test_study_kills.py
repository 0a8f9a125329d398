"""A study of posts x criteria x models, killed, resumed, widened and changed: nothing is lost or paid twice.

Figures for a larger study, with the user's own posts:

    BUTTERMILK_POSTS=posts.jsonl BUTTERMILK_KILLS=20 uv run pytest tests/e2e/test_study_kills.py -s
"""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import CommandLine, CompletedCommand, run_folders, wait_until
from tests.support.judging import CRITERIA, MODELS, billed_usd, make_posts, write_study
from tests.support.services import FakeService, fake_service

SEED = 7
KILLS = int(os.environ.get("BUTTERMILK_KILLS", "1"))
CONCURRENCY = 8
POSTS = make_posts(8)
TABLES = ("cells.csv", "cells.parquet", "verdicts.csv", "measures.csv", "confusion.csv")


@pytest.fixture
def service() -> Generator[FakeService]:
    """The model service, slow enough that calls are in flight at a kill."""
    with fake_service(latency=0.1) as running:
        yield running


class Study:
    """The study's command, and what its run folders hold."""

    def __init__(self, cli: CommandLine, service: FakeService) -> None:
        self.cli, self.service = cli, service
        self.folder = cli.folder / "study"
        self.batch = 250
        """How many records go through the flow together. In runs of more records, a subprocess makes the calls."""
        self.write(POSTS, MODELS[:3])

    def write(self, records: list[dict[str, Any]], models: tuple[str, ...]) -> None:
        """Writes the study with those records and models."""
        write_study(self.folder, self.service.url, records, models, CONCURRENCY, self.batch)

    def run(self) -> CompletedCommand:
        """Runs the command to its end."""
        done = self.cli.start("flows", "+flows=[judged]", "--config-dir", str(self.folder)).wait(600)
        assert done.exit_code == 0, done.transcript
        return done

    def run_and_kill(self, after_calls: int) -> int:
        """Starts it and kills it at its `after_calls`-th call; returns how many calls were in flight then."""
        before = self.service.calls()
        command = self.cli.start("flows", "+flows=[judged]", "--config-dir", str(self.folder))
        wait_until(
            lambda: self.service.calls() - before >= after_calls or not command.running, "calls", 120, pause=0.002
        )
        command.kill()
        assert not self.cli.leftover_processes()
        return len(self.service.stats()["by_key"]) - self.kept_replies()

    def kept_replies(self) -> int:
        """How many replies are on disk."""
        return sum(path.is_file() and not path.name.startswith(".") for path in self.cli.results.glob("replies/*/*"))

    @property
    def newest(self) -> Path:
        """The newest run's folder."""
        return run_folders(self.cli, "judged")[-1]

    def manifest(self) -> dict[str, Any]:
        """The manifest of the newest run."""
        return json.loads((self.newest / "manifest.json").read_text(encoding="utf-8"))

    def rows(self) -> list[dict[str, str]]:
        """The rows of `cells.csv` of the newest run."""
        with (self.newest / "cells.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "batch", [pytest.param(250, marks=pytest.mark.slow), len(POSTS) - 1], ids=["one batch", "in bulk"]
)
def test_killed_at_random_points_the_tables_are_those_of_an_unbroken_run(
    batch: int, cli_with_server: CommandLine, service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unbroken = Study(CommandLine(tmp_path / "unbroken", dict(cli_with_server.extra_variables)), service)
    unbroken.run()
    wanted = {name: (unbroken.newest / name).read_bytes() for name in TABLES}
    service.reset()

    study, chance = Study(cli_with_server, service), random.Random(SEED)
    study.batch = batch
    study.write(POSTS, MODELS)
    cells = len(POSTS) * len(CRITERIA) * len(MODELS)
    points = [chance.randint(1, max(cells // (KILLS + 1), 2)) for _ in range(KILLS)]
    in_flight = [study.run_and_kill(point) for point in points]
    study.run()
    stats, manifest = service.stats(), study.manifest()
    repaid = sum(stats["by_key"].values()) - cells
    spend = manifest["spend"]
    reported = sum(float(spend[name]) for name in ("paid_usd", "kept_usd", "repeated_usd"))
    with capsys.disabled():
        print(f"\n{cells} cells, killed after {points} calls, in flight {in_flight}, calls repeated {repaid}")
        print(f"billed ${billed_usd(service):.6f}, reported ${reported:.6f} ({spend['repeated_calls']} repeated)")
    assert len(stats["by_key"]) == cells == len(study.rows())
    assert repaid <= sum(in_flight) and all(number <= CONCURRENCY for number in in_flight)
    assert {name: (study.newest / name).read_bytes() for name in TABLES} == wanted
    # A call may be written down and killed before it is sent: at most those under way at a kill.
    assert 0 <= spend["repeated_calls"] - repaid <= KILLS * CONCURRENCY
    assert billed_usd(service) <= reported + 1e-9
    if spend["repeated_calls"] == repaid:
        assert reported == pytest.approx(float(billed_usd(service)))


@pytest.mark.slow
def test_only_what_is_new_or_changed_is_asked(cli_with_server: CommandLine, service: FakeService) -> None:
    study = Study(cli_with_server, service)
    study.write(POSTS, MODELS[:2])
    study.run()
    assert service.calls() == len(POSTS) * len(CRITERIA) * 2

    service.reset()
    study.write(POSTS, MODELS)
    study.run()
    assert service.stats()["by_model"] == {MODELS[2]: len(POSTS) * len(CRITERIA)}
    assert study.manifest()["calls"] == {"paid": len(POSTS) * len(CRITERIA), "kept": len(POSTS) * len(CRITERIA) * 2}

    service.reset()
    name = "content" if "content" in POSTS[3] else "text"
    study.write([*POSTS[:3], {**POSTS[3], name: "Edited."}, *POSTS[4:]], MODELS)
    study.run()
    assert service.calls() == len(CRITERIA) * len(MODELS)

    service.reset()
    (study.folder / "criteria" / "strict.md").write_text("Another rule: it says nothing.", encoding="utf-8")
    planned = study.cli.run("flows", "plan", "+flows=[judged]", "--config-dir", str(study.folder), "--json")
    cells = json.loads(planned.stdout)[0]["forecasts"]
    assert sum(cell["to_run"] for cell in cells) == len(POSTS) * len(MODELS), planned.transcript
    assert {reason for cell in cells for reason in cell["why"]} == {"changed: criteria/strict.md"}
    study.run()
    assert service.calls() == len(POSTS) * len(MODELS)
