"""Pause, resume, cancel, retry, and serving flows of one's own, with the commands of the documentation.

uv run pytest -m deployments tests/deploy/test_pausing.py
"""

from __future__ import annotations

from collections.abc import Generator

import pytest
import yaml

from tests.deploy.operator import Operator, doc_block, operator
from tests.support.commands import wait_until
from tests.support.judging import make_posts, write_study
from tests.support.services import FakeService, fake_service

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(600)]
CELLS = 4 * 6


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    """The model service."""
    with fake_service(latency=0.05) as running:
        yield running


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory, service: FakeService) -> Generator[Operator]:
    """A server, a worker, and the deployments `ready/ready`, `tox/nightly` and `judged/judged`."""
    with operator(tmp_path_factory.mktemp("operator")) as one:
        folder = one.cli.working_folder
        start, _, work, _ = doc_block("transcript").strip().splitlines()
        one.shell(start)
        write_study(folder / "my_study", service.url, make_posts(4))
        declared = "from pathlib import Path\nfrom flows.declared import declare\n"
        (folder / "mine.py").write_text(f"{declared}judged = declare('judged', Path('my_study'))\n", encoding="utf-8")
        shipped = yaml.safe_load((folder / "deployments/prefect.yaml").read_text(encoding="utf-8"))
        entries = {entry["name"]: entry for entry in shipped["deployments"]}
        mine = {"name": "judged", "entrypoint": "mine.py:judged", "work_pool": {"name": "buttermilk"}}
        wanted = {**shipped, "deployments": [entries["ready"], entries["nightly"], mine]}
        (folder / "some.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
        one.shell_ok("uv run prefect deploy --all --prefect-file some.yaml")
        one.shell(work)
        yield one


def test_a_paused_schedule_and_a_paused_pool_start_nothing_until_they_are_resumed(prefect: Operator) -> None:
    pause_schedule, resume_schedule, pause_pool, resume_pool = doc_block("transcript: pause").strip().splitlines()
    prefect.shell_ok(pause_schedule)
    assert not _schedule_is_active(prefect)
    prefect.shell_ok(resume_schedule)
    assert _schedule_is_active(prefect)

    prefect.shell_ok(pause_pool)
    run = _start_run(prefect, "ready/ready")
    wait_until(lambda: _state(prefect, run) == "Late", "the server to call the run late", 90, pause=0.5)
    prefect.shell_ok(resume_pool)
    assert prefect.wait_for_run(run)["state_name"] == "Completed"


def test_a_cancelled_run_is_retried_and_asks_nothing_twice(prefect: Operator, service: FakeService) -> None:
    cancel, retry = doc_block("transcript: cancel").strip().splitlines()
    service.script([{"kind": "reply", "latency": 1.5}])
    run = _start_run(prefect, "judged/judged")
    wait_until(lambda: service.calls() > 4, "the first calls", 90)
    prefect.shell_ok(cancel.replace("<id>", run))
    assert prefect.wait_for_run(run)["state_name"] == "Cancelled"
    under_way = service.calls() - service.stats()["completed"]
    service.script([])
    prefect.shell_ok(retry.replace("<id>", run))
    wait_until(lambda: _state(prefect, run) == "Completed", lambda: f"the retried run: {_state(prefect, run)}", 120)
    asked = service.stats()["by_key"]
    assert len(asked) == CELLS and sum(asked.values()) - CELLS <= max(under_way, 8)


def test_one_process_serves_flows_of_ones_own(prefect: Operator, service: FakeService) -> None:
    service.reset()
    prefect.shell("uv run python -m flows serve --config-dir my_study +flows=judged &")
    served = prefect.background[-1]
    wait_until(lambda: "judged/served" in served.stdout, "the flow to be served", 60, pause=0.2)
    prefect.shell_ok("uv run prefect deployment run 'judged/served' --watch")
    [run] = [one for one in prefect.runs("judged") if one["work_pool_name"] is None]
    assert run["state_name"] == "Completed"
    prefect.background.remove(served)
    served.interrupt()
    assert served.wait(60).exit_code == 0


def _schedule_is_active(prefect: Operator) -> bool:
    [schedule] = prefect.get("/deployments/name/tox/nightly")["schedules"]
    return schedule["active"]


def _start_run(prefect: Operator, deployment: str) -> str:
    found = prefect.get(f"/deployments/name/{deployment}")["id"]
    return prefect.get(f"/deployments/{found}/create_flow_run", {"parameters": {}})["id"]


def _state(prefect: Operator, run: str) -> str:
    return prefect.get(f"/flow_runs/{run}")["state_name"]
