"""The same command in several terminals at once: each reply is paid for once, and each account is what was billed."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from tests.support.commands import CommandLine, run_folders
from tests.support.judging import CRITERIA, MODELS, billed_usd, make_posts, write_study
from tests.support.services import fake_service

POSTS = make_posts(int(os.environ.get("BUTTERMILK_POSTS_AT_ONCE", "4")))
CELLS = len(POSTS) * len(CRITERIA) * len(MODELS)


@pytest.mark.parametrize("commands", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_equal_commands_at_once_pay_once(cli_with_server: CommandLine, tmp_path: Path, commands: int) -> None:
    with fake_service(latency=0.2) as service:
        folder = write_study(tmp_path / "study", service.url, POSTS)
        arguments = ("flows", "+flows=[judged]", "--config-dir", str(folder))
        running = [cli_with_server.start(*arguments) for _ in range(commands)]
        ended = [one.wait(300) for one in running]
        assert [one.exit_code for one in ended] == [0] * commands, "".join(one.transcript for one in ended)
        assert sorted(service.stats()["by_key"].values()) == [1] * CELLS
        billed = float(billed_usd(service))
    found = run_folders(cli_with_server, "judged")
    spent = [json.loads((one / "manifest.json").read_text(encoding="utf-8"))["spend"] for one in found]
    assert sum(float(one["paid_usd"]) for one in spent) == pytest.approx(billed)
    for one in spent:
        assert float(one["paid_usd"]) + float(one["kept_usd"]) == pytest.approx(billed)
        assert float(one["at_most_usd"]) == pytest.approx(billed)
    assert all("may have been billed" not in one.stderr for one in ended)
    for one in found:
        with (one / "cells.csv").open(encoding="utf-8") as file:
            assert len(list(csv.DictReader(file))) == CELLS
        checked = cli_with_server.run("flows", "verify", str(one), "--config-dir", str(folder))
        assert checked.exit_code == 0, checked.transcript
    assert not [path for path in (cli_with_server.results / "locks").rglob("*") if path.is_file()]
