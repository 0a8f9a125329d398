"""What an operator does, for real: a server, `prefect deploy`, a worker, runs, a schedule, retries, a program.

uv run pytest -m deployments
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.operator import Operator, doc_block, kill_run, operator
from tests.support.commands import CompletedCommand, RunningCommand, wait_until
from tests.support.judging import make_posts, write_study
from tests.support.services import FakeService, fake_service

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Operator, list[CompletedCommand]]]:
    """Runs the transcript of the documentation line by line; its server and worker keep running."""
    with operator(tmp_path_factory.mktemp("operator")) as one:
        lines = doc_block("transcript").strip().splitlines()
        yield one, [done for line in lines if (done := one.shell(line))]


@pytest.fixture
def prefect(running: tuple[Operator, list[CompletedCommand]]) -> Operator:
    return running[0]


def test_the_transcript(running: tuple[Operator, list[CompletedCommand]]) -> None:
    one, (deployed, asked) = running
    declared = yaml.safe_load((one.cli.working_folder / "deployments/prefect.yaml").read_text(encoding="utf-8"))
    created = deployed.stdout.count("successfully created")
    assert deployed.exit_code == 0 and created == len(declared["deployments"]), deployed.transcript
    assert "Made the work pool 'buttermilk'" in deployed.stdout
    assert asked.exit_code == 0 and "Flow run finished successfully" in asked.stdout, asked.transcript
    [run] = one.runs("osb")
    assert run["state_name"] == "Completed" and run["parameters"]["query"].startswith("When does the Board")
    assert (one.cli.working_folder / "runs" / "osb" / "latest" / "answer.md").read_text(encoding="utf-8")
    for done in (deployed, asked):
        assert "Traceback" not in done.stderr, done.transcript


def test_a_worker_reports_whether_it_is_ready(prefect: Operator) -> None:
    assert "ready for" in _message(
        prefect, "ready", prefect.shell("uv run prefect deployment run 'ready/ready' --watch")
    )
    lacking = prefect.shell("uv run prefect deployment run 'ready/ready' --param llms=lite --watch")
    assert "set the environment variable GEMINI_API_KEY" in _message(prefect, "ready", lacking, "Failed")


def _message(prefect: Operator, flow: str, done: CompletedCommand | None, state: str = "Completed") -> str:
    assert done
    run = prefect.runs(flow)[-1]
    assert run["state_name"] == state, done.transcript
    return run["state"]["message"]


def test_a_value_that_does_not_fit_starts_nothing(prefect: Operator) -> None:
    before = len(prefect.runs("tox"))
    done = prefect.shell("uv run prefect deployment run 'tox/tox' --param sample=many")
    assert done and done.exit_code == 1 and "Validation failed for field 'sample'" in done.stdout + done.stderr, (
        done and done.transcript
    )
    assert len(prefect.runs("tox")) == before


def test_a_mistake_that_only_the_worker_can_find_ends_the_run_in_plain_words(prefect: Operator) -> None:
    done = prefect.shell("uv run prefect deployment run 'tox/tox' --param records=psts.csv --watch")
    text = _message(prefect, "tox", done, "Failed")
    assert text.startswith("1 mistake; nothing was run") and "there is neither a file nor a storage 'psts.csv'" in text
    logs = prefect.get("/logs/filter", {"logs": {"flow_run_id": {"any_": [prefect.runs("tox")[-1]["id"]]}}})
    assert not [log["message"] for log in logs if "Traceback" in log["message"]]


def test_the_program_of_the_documentation(prefect: Operator) -> None:
    (prefect.cli.working_folder / "client.py").write_text(doc_block("client"), encoding="utf-8")
    done = prefect.shell_ok("uv run python -m client", PREFECT_API_URL=prefect.api)
    assert "prefect.flow-run.Running" in done.stdout and "prefect.flow-run.Completed" in done.stdout, done.transcript
    assert "What is a veiled threat?" in done.stdout.rpartition("prefect.flow-run.Completed")[2]


def test_a_run_is_watched_live_while_it_is_driven_over_rest(prefect: Operator) -> None:
    for name in ("watch", "drive"):
        (prefect.cli.working_folder / f"{name}.py").write_text(doc_block(name), encoding="utf-8")
    watching = prefect.cli.start("watch", PREFECT_API_URL=prefect.api)
    done = prefect.shell_ok("uv run python -m drive", PREFECT_API_URL=prefect.api)
    assert done.stdout.startswith("Completed") and "What is a veiled threat?" in done.stdout, done.transcript
    watched = watching.wait()
    assert watched.exit_code == 0, watched.stderr
    assert "prefect.flow-run.Running osb" in watched.stdout, watched.stdout
    assert "prefect.task-run.Completed answer" in watched.stdout, watched.stdout


def test_pools_of_containers_take_what_is_deployed_to_them(prefect: Operator) -> None:
    metadata = prefect.get("/collections/views/aggregate-worker-metadata")
    docker = metadata["prefect-docker"]["docker"]["default_base_job_configuration"]
    kubernetes = json.loads(
        (prefect.cli.working_folder / "deployments/kubernetes-pool.json").read_text(encoding="utf-8")
    )
    for kind, template in (("docker", docker), ("kubernetes", kubernetes)):
        pool = {"name": f"buttermilk-{kind}", "type": kind, "base_job_template": template}
        prefect.get("/work_pools/", pool)
        prefect.shell_ok(f"uv run prefect deploy --all --prefect-file deployments/{kind}.yaml")
        found = prefect.get(f"/deployments/name/osb/{kind}")
        assert found["entrypoint"] == "flows.osb.osb" and found["work_pool_name"] == f"buttermilk-{kind}"


# A study for these tests. Its models call the fake service, and its records grow.

SECONDS = 20
"""Seconds between two runs of the schedule."""


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    with fake_service(latency=0.05) as running:
        yield running


def _deploy(prefect: Operator, service: FakeService, name: str, **entry: Any) -> Path:
    """Deploys a study of that name, four posts by two criteria and three models; returns its folder."""
    service.reset()
    folder = write_study(prefect.cli.working_folder / name, service.url, make_posts(4))
    (folder / "flows" / "judged.yaml").rename(folder / "flows" / f"{name}.yaml")
    # These studies ask the same questions and must not find each other's replies.
    with (folder / "run" / "default.yaml").open("a", encoding="utf-8") as file:
        file.write(f"results: {folder}/kept\n")
    declared = (
        f"from pathlib import Path\nfrom flows.declared import declare\n{name} = declare('{name}', Path('{name}'))\n"
    )
    (prefect.cli.working_folder / f"{name}_flow.py").write_text(declared, encoding="utf-8")
    shipped = yaml.safe_load((prefect.cli.working_folder / "deployments/prefect.yaml").read_text(encoding="utf-8"))
    one = {"name": name, "entrypoint": f"{name}_flow.py:{name}", "work_pool": {"name": "buttermilk"}, **entry}
    file = prefect.cli.working_folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**shipped, "deployments": [one]}), encoding="utf-8")
    prefect.shell_ok(f"uv run prefect deploy --all --prefect-file {name}.yaml")
    return folder


def _start_run(prefect: Operator, name: str) -> str:
    deployment = prefect.get(f"/deployments/name/{name}/{name}")["id"]
    return prefect.get(f"/deployments/{deployment}/create_flow_run", {"parameters": {}})["id"]


def test_a_schedule_asks_about_new_records_only(prefect: Operator, service: FakeService) -> None:
    folder = _deploy(prefect, service, "grows", schedules=[{"interval": SECONDS}])
    try:
        wait_until(lambda: len(_completed(prefect, "grows")) == 1, "the first run of the schedule", 120, pause=0.2)
        first = service.calls()
        with (folder / "posts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"record_id": "new", "text": "A new post."}) + "\n")
        wait_until(lambda: len(_completed(prefect, "grows")) >= 3, "two more runs of the schedule", 180, pause=0.5)
    finally:
        prefect.shell_ok("uv run prefect deployment delete grows/grows")
    assert (first, service.calls()) == (4 * 6, 5 * 6)
    assert all(run["auto_scheduled"] for run in _completed(prefect, "grows"))


def _completed(prefect: Operator, flow: str) -> list[Any]:
    return [run for run in prefect.runs(flow) if run["state_type"] == "COMPLETED"]


def test_a_failed_run_is_retried_and_pays_for_the_holes_only(prefect: Operator, service: FakeService) -> None:
    _deploy(prefect, service, "holes")
    service.script([{"kind": "status", "status": 400, "match": "Post number 2"}])
    run = _start_run(prefect, "holes")
    assert prefect.wait_for_run(run)["state_name"] == "Incomplete"
    before = service.calls()
    service.script([])
    ended = prefect.retry_run(run)
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 2), ended["state"]
    assert service.calls() - before == 6


def test_a_cancelled_run_leaves_no_error_and_its_log_says_what_happened(
    prefect: Operator, service: FakeService
) -> None:
    _deploy(prefect, service, "stopped")
    service.script([{"kind": "reply", "latency": 1.5}])
    run, already = _start_run(prefect, "stopped"), len(_worker_messages(prefect))
    wait_until(lambda: service.calls() > 4, "the first calls", 60)
    prefect.get(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    assert prefect.wait_for_run(run)["state_name"] == "Cancelled"
    wait_until(lambda: "Cancelled flow run" in _worker_messages(prefect)[already:], "the worker", 60)
    worker = _worker_messages(prefect)[already:]
    assert "Traceback" not in worker and "ERROR" not in worker, worker
    states = {one["state_name"] for one in prefect.get("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})}
    assert "Cancelled" in states and states <= {"Cancelled", "Completed"}
    lines = _log(prefect, run)
    assert any(line.startswith("Cancelled. What was answered is kept") for _, line in lines), lines
    assert not [line for level, line in lines if level >= 40]
    service.script([])
    assert prefect.retry_run(run)["state_name"] == "Completed"
    said = [line for _, line in _log(prefect, run)]
    assert "judge: 24 completed" in said and "In full: stopped-report, under Artifacts" in said, said


def _worker_messages(prefect: Operator) -> str:
    return "".join(command.stderr for command in prefect.background)


def _log(prefect: Operator, run: str) -> list[tuple[int, str]]:
    found = prefect.get("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"})
    return [(line["level"], line["message"]) for line in found]


def test_a_killed_run_continues_and_repays_only_calls_in_flight(prefect: Operator, service: FakeService) -> None:
    _deploy(prefect, service, "killed")
    service.script([{"kind": "reply", "latency": 0.7}])
    run = _start_run(prefect, "killed")
    wait_until(lambda: service.calls() > 4, "the first calls", 60)
    kill_run(run)
    assert prefect.wait_for_run(run)["state_name"] == "Crashed"
    in_flight = service.calls() - service.stats()["completed"]
    service.script([])
    ended = prefect.retry_run(run)
    assert ended["state_name"] == "Completed", ended["state"]
    stats = service.stats()
    assert len(stats["by_key"]) == 24 and sum(stats["by_key"].values()) - 24 <= max(in_flight, 8)


def test_a_run_over_its_budget_pauses_its_deployment_until_it_is_deployed_again(
    prefect: Operator, service: FakeService
) -> None:
    _deploy(prefect, service, "dear", schedules=[{"cron": "0 2 1 1 *"}], parameters={"budget": 0.00001})
    prefect.shell_ok("uv run prefect automation create --from-file deployments/automations/run-over-budget.yaml")
    wait_until(lambda: len(prefect.scheduled_runs("dear")) > 0, "the scheduler", 60, pause=0.5)
    assert prefect.wait_for_run(_start_run(prefect, "dear"))["state_name"] == "BudgetReached"
    wait_until(lambda: prefect.get("/deployments/name/dear/dear")["paused"], "the automation", 60, pause=0.2)
    assert not prefect.scheduled_runs("dear") and not prefect.get("/deployments/name/ready/ready")["paused"]
    prefect.shell_ok("uv run prefect deploy --all --prefect-file dear.yaml")
    assert not prefect.get("/deployments/name/dear/dear")["paused"]
    wait_until(lambda: len(prefect.scheduled_runs("dear")) > 0, "the scheduler", 60, pause=0.5)


@pytest.mark.parametrize("end", [RunningCommand.interrupt, RunningCommand.terminate], ids=["Ctrl-C", "SIGTERM"])
def test_one_process_serves_flows_without_a_pool(prefect: Operator, end: Callable[[RunningCommand], None]) -> None:
    prefect.shell("uv run python -m flows serve +flows=[osb] &")
    wait_until(lambda: "osb/served" in prefect.background[-1].stdout, "the flows to be served", 60, pause=0.2)
    done = prefect.shell_ok(
        "uv run prefect deployment run 'osb/served' --param query='What is a veiled threat?' --watch"
    )
    assert "Flow run finished successfully" in done.stdout, done.transcript
    served = prefect.background.pop()
    end(served)
    done = served.wait(60)
    assert done.exit_code == 0 and "No longer serving" in done.stderr, done.transcript


def test_a_server_with_a_password(tmp_path: Path) -> None:
    with operator(tmp_path, PREFECT_SERVER_API_AUTH_STRING="admin:a long secret") as one:
        one.shell(doc_block("transcript").splitlines()[0])
        refused = one.shell("uv run prefect deploy --all --prefect-file deployments/prefect.yaml")
        assert refused and refused.exit_code != 0 and "set PREFECT_API_AUTH_STRING" in refused.stderr, (
            refused and refused.transcript
        )
        assert "Traceback" not in refused.stderr, refused.transcript
        one.cli.extra_variables["PREFECT_API_AUTH_STRING"] = "admin:a long secret"
        one.shell_ok("uv run prefect deploy --all --prefect-file deployments/prefect.yaml")
        one.shell(doc_block("transcript").splitlines()[2])
        (one.cli.working_folder / "client.py").write_text(doc_block("client"), encoding="utf-8")
        assert "prefect.flow-run.Completed" in one.shell_ok("uv run python -m client", PREFECT_API_URL=one.api).stdout
        [log] = [one.cli.working_folder.glob(".*.out")]
        assert not [file for file in log if "a long secret" in file.read_text(encoding="utf-8")]
