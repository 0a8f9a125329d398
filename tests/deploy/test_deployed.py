"""What an operator does, for real: a server, `prefect deploy`, a worker, runs, a schedule, retries, a program.

uv run pytest -m deployments
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.operator import Operator, block, operator
from tests.support.commands import Done, Started, until
from tests.support.judging import posts, write_study
from tests.support.services import FakeService, fake_service

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Operator, list[Done]]]:
    """The transcript of the documentation, line by line; its server and worker go on."""
    with operator(tmp_path_factory.mktemp("operator")) as one:
        lines = block("transcript").strip().splitlines()
        yield one, [done for line in lines if (done := one.does(line))]


@pytest.fixture
def prefect(running: tuple[Operator, list[Done]]) -> Operator:
    return running[0]


def test_the_transcript(running: tuple[Operator, list[Done]]) -> None:
    one, (deployed, asked) = running
    assert deployed.code == 0 and deployed.out.count("successfully created") == 7, deployed.said
    assert "Made the work pool 'buttermilk'" in deployed.out
    assert asked.code == 0 and "Flow run finished successfully" in asked.out, asked.said
    [run] = one.runs("osb")
    assert run["state_name"] == "Completed" and run["parameters"]["query"].startswith("When does the Board")
    assert (one.place.work / "runs" / "osb" / "latest" / "answer.md").read_text(encoding="utf-8")
    for done in (deployed, asked):
        assert "Traceback" not in done.err, done.said


def test_a_worker_says_whether_it_is_ready(prefect: Operator) -> None:
    assert "ready for" in _message(
        prefect, "ready", prefect.does("uv run prefect deployment run 'ready/ready' --watch")
    )
    lacking = prefect.does("uv run prefect deployment run 'ready/ready' --param llms=lite --watch")
    assert "set the environment variable GEMINI_API_KEY" in _message(prefect, "ready", lacking, "Failed")


def _message(prefect: Operator, flow: str, done: Done | None, state: str = "Completed") -> str:
    assert done
    run = prefect.runs(flow)[-1]
    assert run["state_name"] == state, done.said
    return run["state"]["message"]


def test_a_value_that_does_not_fit_starts_nothing(prefect: Operator) -> None:
    before = len(prefect.runs("tox"))
    done = prefect.does("uv run prefect deployment run 'tox/tox' --param sample=many")
    assert done and done.code == 1 and "Validation failed for field 'sample'" in done.out + done.err, done and done.said
    assert len(prefect.runs("tox")) == before


def test_what_only_the_worker_knows_ends_the_run_in_plain_words(prefect: Operator) -> None:
    done = prefect.does("uv run prefect deployment run 'tox/tox' --param records=psts.csv --watch")
    told = _message(prefect, "tox", done, "Failed")
    assert told.startswith("1 mistake; nothing was run") and "there is neither a file nor a storage 'psts.csv'" in told
    logs = prefect.get("/logs/filter", {"logs": {"flow_run_id": {"any_": [prefect.runs("tox")[-1]["id"]]}}})
    assert not [log["message"] for log in logs if "Traceback" in log["message"]]


def test_the_program_of_the_documentation(prefect: Operator) -> None:
    (prefect.place.work / "client.py").write_text(block("client"), encoding="utf-8")
    done = prefect.done("uv run python -m client", PREFECT_API_URL=prefect.api)
    assert "prefect.flow-run.Running" in done.out and "prefect.flow-run.Completed" in done.out, done.said
    assert "What is a veiled threat?" in done.out.rpartition("prefect.flow-run.Completed")[2]


def test_pools_of_containers_take_what_is_deployed_to_them(prefect: Operator) -> None:
    metadata = prefect.get("/collections/views/aggregate-worker-metadata")
    docker = metadata["prefect-docker"]["docker"]["default_base_job_configuration"]
    kubernetes = json.loads((prefect.place.work / "deployments/kubernetes-pool.json").read_text(encoding="utf-8"))
    for kind, template in (("docker", docker), ("kubernetes", kubernetes)):
        pool = {"name": f"buttermilk-{kind}", "type": kind, "base_job_template": template}
        prefect.get("/work_pools/", pool)
        prefect.done(f"uv run prefect deploy --all --prefect-file deployments/{kind}.yaml")
        found = prefect.get(f"/deployments/name/osb/{kind}")
        assert found["entrypoint"] == "flows.osb.osb" and found["work_pool_name"] == f"buttermilk-{kind}"


# A study of our own, whose models stand behind the fake service and whose records grow.

SECONDS = 20
"""Between two runs of the schedule."""


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    with fake_service(latency=0.05) as running:
        yield running


def _deployed(prefect: Operator, service: FakeService, name: str, **entry: Any) -> Path:
    """Deploys a study of that name, four posts by two criteria and three models; returns its folder."""
    service.reset()
    folder = write_study(prefect.place.work / name, service.url, posts(4))
    (folder / "flows" / "judged.yaml").rename(folder / "flows" / f"{name}.yaml")
    # The studies here ask the same, and shall not find each other's replies.
    with (folder / "run" / "default.yaml").open("a", encoding="utf-8") as file:
        file.write(f"results: {folder}/kept\n")
    declared = (
        f"from pathlib import Path\nfrom flows.declared import declare\n{name} = declare('{name}', Path('{name}'))\n"
    )
    (prefect.place.work / f"{name}_flow.py").write_text(declared, encoding="utf-8")
    shipped = yaml.safe_load((prefect.place.work / "deployments/prefect.yaml").read_text(encoding="utf-8"))
    one = {"name": name, "entrypoint": f"{name}_flow.py:{name}", "work_pool": {"name": "buttermilk"}, **entry}
    file = prefect.place.work / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**shipped, "deployments": [one]}), encoding="utf-8")
    prefect.done(f"uv run prefect deploy --all --prefect-file {name}.yaml")
    return folder


def _started(prefect: Operator, name: str) -> str:
    deployment = prefect.get(f"/deployments/name/{name}/{name}")["id"]
    return prefect.get(f"/deployments/{deployment}/create_flow_run", {"parameters": {}})["id"]


def test_a_schedule_asks_about_new_records_only(prefect: Operator, service: FakeService) -> None:
    folder = _deployed(prefect, service, "grows", schedules=[{"interval": SECONDS}])
    try:
        until(lambda: len(_completed(prefect, "grows")) == 1, "the first run of the schedule", 120, pause=0.2)
        first = service.calls()
        with (folder / "posts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"record_id": "new", "text": "A new post."}) + "\n")
        until(lambda: len(_completed(prefect, "grows")) >= 3, "two more runs of the schedule", 180, pause=0.5)
    finally:
        prefect.done("uv run prefect deployment delete grows/grows")
    assert (first, service.calls()) == (4 * 6, 5 * 6)
    assert all(run["auto_scheduled"] for run in _completed(prefect, "grows"))


def _completed(prefect: Operator, flow: str) -> list[Any]:
    return [run for run in prefect.runs(flow) if run["state_type"] == "COMPLETED"]


def test_a_failed_run_is_retried_and_pays_for_the_holes_only(prefect: Operator, service: FakeService) -> None:
    _deployed(prefect, service, "holes")
    service.script([{"kind": "status", "status": 400, "match": "Post number 2"}])
    run = _started(prefect, "holes")
    assert prefect.ended(run)["state_name"] == "Incomplete"
    before = service.calls()
    service.script([])
    ended = prefect.retried(run)
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2), ended["state"]
    assert service.calls() - before == 6


def test_a_killed_run_goes_on_and_pays_only_for_what_was_under_way(prefect: Operator, service: FakeService) -> None:
    _deployed(prefect, service, "killed")
    service.script([{"kind": "reply", "latency": 0.7}])
    run = _started(prefect, "killed")
    until(lambda: service.calls() > 4, "the first calls", 60)
    until(lambda: bool(_processes_of(run)), "the process of the run", 10)
    for process in _processes_of(run):
        os.kill(process, signal.SIGKILL)
    assert prefect.ended(run)["state_name"] == "Crashed"
    in_flight = service.calls() - service.stats()["completed"]
    service.script([])
    ended = prefect.retried(run)
    assert ended["state_name"] == "Completed", ended["state"]
    stats = service.stats()
    assert len(stats["by_key"]) == 24 and sum(stats["by_key"].values()) - 24 <= max(in_flight, 8)


def test_a_run_over_its_budget_pauses_its_deployment_until_it_is_deployed_again(
    prefect: Operator, service: FakeService
) -> None:
    _deployed(prefect, service, "dear", schedules=[{"cron": "0 2 1 1 *"}], parameters={"budget": 0.00001})
    prefect.done("uv run prefect automation create --from-file deployments/automations/run-over-budget.yaml")
    until(lambda: len(prefect.planned("dear")) > 0, "the scheduler", 60, pause=0.5)
    assert prefect.ended(_started(prefect, "dear"))["state_name"] == "BudgetReached"
    until(lambda: prefect.get("/deployments/name/dear/dear")["paused"], "the automation", 60, pause=0.2)
    assert not prefect.planned("dear") and not prefect.get("/deployments/name/ready/ready")["paused"]
    prefect.done("uv run prefect deploy --all --prefect-file dear.yaml")
    assert not prefect.get("/deployments/name/dear/dear")["paused"]
    until(lambda: len(prefect.planned("dear")) > 0, "the scheduler", 60, pause=0.5)


def _processes_of(run: str) -> list[int]:
    found = list[int]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"PREFECT__FLOW_RUN_ID={run}".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("end", [Started.interrupt, Started.terminate], ids=["Ctrl-C", "SIGTERM"])
def test_one_process_serves_flows_without_a_pool(prefect: Operator, end: Callable[[Started], None]) -> None:
    prefect.does("uv run python -m flows serve +flows=[osb] &")
    until(lambda: "osb/served" in prefect.background[-1].out, "the flows to be served", 60, pause=0.2)
    done = prefect.done("uv run prefect deployment run 'osb/served' --param query='What is a veiled threat?' --watch")
    assert "Flow run finished successfully" in done.out, done.said
    served = prefect.background.pop()
    end(served)
    done = served.wait(60)
    assert done.code == 0 and "No longer serving" in done.err, done.said


def test_a_server_with_a_password(tmp_path: Path) -> None:
    with operator(tmp_path, PREFECT_SERVER_API_AUTH_STRING="admin:a long secret") as one:
        one.does(block("transcript").splitlines()[0])
        refused = one.does("uv run prefect deploy --all --prefect-file deployments/prefect.yaml")
        assert refused and refused.code != 0 and "set PREFECT_API_AUTH_STRING" in refused.err, refused and refused.said
        assert "Traceback" not in refused.err, refused.said
        one.place.extra["PREFECT_API_AUTH_STRING"] = "admin:a long secret"
        one.done("uv run prefect deploy --all --prefect-file deployments/prefect.yaml")
        one.does(block("transcript").splitlines()[2])
        (one.place.work / "client.py").write_text(block("client"), encoding="utf-8")
        assert "prefect.flow-run.Completed" in one.done("uv run python -m client", PREFECT_API_URL=one.api).out
        [log] = [one.place.work.glob(".*.out")]
        assert not [file for file in log if "a long secret" in file.read_text(encoding="utf-8")]
