"""The feed of events: a server that a command starts keeps what happened in each run."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.server.test_staying_server import status
from tests.support.commands import CommandLine
from tests.support.running import Lab

CELL = "prefect.task-run.Completed"


def feed(api_url: str, flow_run_id: Any) -> list[str]:
    """The names of the events of that run, from the server's feed."""
    related = {"id": [f"prefect.flow-run.{flow_run_id}"]}
    wanted = {"filter": {"any_resource": related, "occurred": {"since": "2000-01-01T00:00:00Z"}}, "limit": 50}
    found: list[dict[str, Any]] = (
        httpx.post(f"{api_url}/events/filter", json=wanted).raise_for_status().json()["events"]
    )
    return [event["event"] for event in found]


async def eventual_feed(api_url: str, flow_run_id: Any) -> list[str]:
    """The same, when the server has written the end of the run."""
    for _ in range(100):
        if "prefect.flow-run.Completed" in (names := feed(api_url, flow_run_id)):
            return names
        await asyncio.sleep(0.1)
    raise AssertionError(f"the end of the run is not in the feed: {feed(api_url, flow_run_id)}")


async def test_after_a_plain_command_the_feed_tells_the_run(machine: CommandLine) -> None:
    done = machine.run("flows.osb", "query=What is a veiled threat?", BUTTERMILK_SERVER="stay 5m")
    assert done.exit_code == 0, done.transcript
    run = done.stderr.split("/runs/flow-run/")[1].split()[0]
    names = await eventual_feed(status(machine)["api_url"], run)
    assert {"prefect.flow-run.Pending", "prefect.flow-run.Running", CELL, "prefect.artifact.created"} <= {*names}


@pytest.mark.parametrize(("batch", "cells"), [(250, 4), (2, 0)], ids=["one batch", "in bulk"])
async def test_of_a_run_of_many_records_cells_are_left_out(lab: Lab, batch: int, cells: int) -> None:
    lab.write_posts([{"record_id": f"r{n}", "text": f"post {n}"} for n in range(4)])
    step = "steps:\n  given: {agent: echo, inputs: {given: record.text}}\nresult: given\n"
    lab.write("flows/tiny.yaml", f"description: Echoes.\nrecords: posts\n{step}")
    ran = await lab.run(f"run.batch={batch}")
    assert len(ran.server.cells) == 4
    names = await eventual_feed(lab.api_url, ran.server.flow_run.id)
    assert names.count(CELL) == cells and "prefect.flow-run.Running" in names
