"""Start: whole commands as ratios to `python -c "import prefect"` on the same machine in the same minutes.

uv run pytest -m benchmark tests/benchmarks/test_start.py -s

`BENCHMARK_PYTHON` names the Python of another checkout's environment, to compare with; each command is measured
`BENCHMARK_ROUNDS` (3) times. The targets are printed and not asserted, since other programs on the machine change the
figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.test_overhead import LATENCY, bare_seconds, write_posts, write_study
from tests.support.commands import CommandLine
from tests.support.running import Lab
from tests.support.services import fake_service

PYTHON = os.environ.get("BENCHMARK_PYTHON", sys.executable)
FIRST = "When does the Board accept a slur in political speech?"
SECOND = "What did the Board say about satire of politicians?"
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "3"))


def seconds(cli: CommandLine, *arguments: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """Wall seconds, and processor seconds of the command without its server; the least of both in some rounds."""
    walls, processor = list[float](), list[float]()
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(
            [PYTHON, *arguments], cwd=cli.working_folder, env=cli.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - started)
        processor.append(usage.ru_utime + usage.ru_stime)
        assert status == 0, process.stderr and process.stderr.read()
    return min(walls), min(processor)


def print_row(name: str, target: str, measured: tuple[float, float], unit: tuple[float, float]) -> None:
    """One line of the table."""
    wall, processor = measured
    print(f"{name:<34}{target:>8}{wall:>9.2f}{wall / unit[0]:>8.2f}{processor:>10.2f}{processor / unit[1]:>8.2f}")


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
async def test_whole_commands_beside_the_import_of_prefect(cli: CommandLine, tmp_path: Path) -> None:
    cli.extra_variables["BUTTERMILK_SERVER"] = "stay 30m"
    unit = seconds(cli, "-c", "import prefect")
    # The first of each makes what the second finds: the database, the index, the bytecode, the server.
    seconds(cli, "-m", "flows.osb", f"query={FIRST}")
    seconds(cli, "-m", "flows.tox")
    rows: Sequence[tuple[str, str, Sequence[str]]] = (
        ("--help", "0.25", ["-m", "flows", "--help"]),
        ("list", "0.25", ["-m", "flows", "list"]),
        ("check osb", "0.6", ["-m", "flows.osb", "check"]),
        ("a second question", "2.0", ["-m", "flows.osb", f"query={SECOND}"]),
        ("a second tox, all kept", "3.0", ["-m", "flows.tox"]),
    )
    print(f"\n{'command':<34}{'target':>8}{'wall s':>9}{'ratio':>8}{'cpu s':>10}{'ratio':>8}")
    print_row('python -c "import prefect"', "1", unit, unit)
    for name, target, arguments in rows:
        print_row(name, target, seconds(cli, *arguments), unit)
    with fake_service(LATENCY) as service:
        study = Lab(tmp_path / "study", "")
        write_study(study, service.url)
        write_posts(study, 600, "word " * 100)
        bare: float = await bare_seconds(service.url)
        bound = 1.5 * bare + 2.5 * unit[0]
        # Once, since a second time would find its replies kept.
        measured = seconds(cli, "-m", "flows", "+flows=[tiny]", "--config-dir", str(study.folder), rounds=1)
        print_row(f"600 calls (bare {bare:.1f} s)", f"{bound:.1f} s", measured, unit)
    _stop_server(cli)


def _stop_server(cli: CommandLine) -> None:
    """Ends the server that stays. A checkout from before has none, and no such verb."""
    subprocess.run([PYTHON, "-m", "flows", "server", "stop"], env=cli.environment(), check=False, capture_output=True)
