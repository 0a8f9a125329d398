"""Ways of failing x the event and the automation that follows: a real server, real workers, the shipped automations.

uv run pytest -m deployments tests/deploy/test_failing_ways.py -n 0 -s          prints the table

On PostgreSQL, as several workers need it; BUTTERMILK_DATABASE=sqlite for SQLite.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass

import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.deploy.failing_ways import NOTIFIES, RULES, WAYS, deployment_name, study_folder, write_way
from tests.deploy.operator import Operator, kill_run, operator
from tests.shards.cluster import kill_with_children
from tests.support.commands import RunningCommand, wait_until
from tests.support.databases import DATABASES
from tests.support.services import fake_service
from tests.support.webhook import AUTOMATIONS, Note, notification_block, webhook, with_block

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(900)]
USUAL = {"Scheduled", "Late", "Pending", "Submitting", "pull-step.executed", "Running", "heartbeat"}
"""Events of every run, whatever becomes of it."""


@dataclass(frozen=True)
class Event:
    """An event of a run: the state that it has reached."""

    id: str
    name: str
    message: str


@dataclass
class Observed:
    """What was seen of the run of each way."""

    prefect: Operator
    runs: dict[str, str]
    notes: list[Note]
    worker: RunningCommand

    def events(self, name: str) -> list[Event]:
        """The events of the run, without those that every run has."""
        wanted = {"resource": {"id": [f"prefect.flow-run.{self.runs[name]}"]}}
        found = self.prefect.get("/events/filter", {"filter": wanted, "limit": 50})["events"]
        events = (
            Event(
                one["id"],
                one["event"].removeprefix("prefect.flow-run."),
                one["payload"].get("validated_state", {}).get("message") or "",
            )
            for one in reversed(found)
        )
        return [event for event in events if event.name not in USUAL]

    def automations(self, name: str) -> set[str]:
        """The names of the automations that acted on one of its events, or on the run itself."""
        causes = {f"prefect.event.{event.id}" for event in self.events(name)}
        causes.add(f"prefect.flow-run.{self.runs[name]}")
        wanted = {"event": {"name": ["prefect.automation.action.executed"]}}
        return {
            action["resource"]["prefect.resource.name"]
            for action in self.prefect.get("/events/filter", {"filter": wanted, "limit": 50})["events"]
            if causes & {one["prefect.resource.id"] for one in action["related"]}
        }

    def notified(self, name: str) -> set[str]:
        """The subjects of the notifications that link to the run."""
        return {note["subject"] for note in self.notes if self.runs[name] in note["body"]}

    def log(self, name: str) -> str:
        """What the UI shows as the log of the run."""
        wanted = {"logs": {"flow_run_id": {"any_": [self.runs[name]]}}}
        return "\n".join(line["message"] for line in self.prefect.get("/logs/filter", wanted))


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Observed]:
    """Every way, deployed, started, and gone as far as it goes."""
    database = DATABASES[os.environ.get("BUTTERMILK_DATABASE", "postgresql")]()
    with (
        database as settings,
        operator(tmp_path_factory.mktemp("failing"), **settings) as prefect,
        fake_service(latency=0.05) as service,
        webhook() as (url, notes),
    ):
        prefect.shell("uv run prefect server start &")
        wait_until(prefect.is_up, "the server", 120, pause=0.2)
        _create_automations(prefect, url)
        service.script(RULES)
        _deploy(prefect, service.url)
        worker, doomed = (
            _start_worker(prefect, "buttermilk"),
            _start_worker(prefect, "doomed", **_other_machine(prefect)),
        )
        runs = {name: _start_run(prefect, name) for name in WAYS}
        _interfere(prefect, runs, doomed)
        yield Observed(prefect, runs, notes, worker)


def _create_automations(prefect: Operator, url: str) -> None:
    with temporary_settings({PREFECT_API_URL: prefect.api}):
        identifier = notification_block(url).save("told", overwrite=True)
    for path in AUTOMATIONS:
        file = prefect.cli.working_folder / path.name
        file.write_text(with_block(path, identifier), encoding="utf-8")
        prefect.shell_ok(f"uv run prefect automation create --from-file {path.name}")


def _deploy(prefect: Operator, url: str) -> None:
    project = prefect.cli.working_folder
    shipped = yaml.safe_load((project / "deployments/prefect.yaml").read_text(encoding="utf-8"))
    entries = [shipped["deployments"][0], *(write_way(project, url, name) for name in WAYS)]
    (project / "ways.yaml").write_text(yaml.safe_dump({**shipped, "deployments": entries}), encoding="utf-8")
    prefect.shell_ok("uv run prefect work-pool create doomed --type process")
    prefect.shell_ok("uv run prefect deploy --all --prefect-file ways.yaml", OPENAI_API_KEY="a-key-of-the-operator")
    for name, way in WAYS.items():
        way.change(study_folder(project, name))


def _start_worker(prefect: Operator, pool: str, **machine: str) -> RunningCommand:
    prefect.shell(f"uv run prefect worker start --pool {pool} --type process --limit 4 &", **machine)
    return prefect.background[-1]


def _other_machine(prefect: Operator) -> dict[str, str]:
    """Where nothing else runs that would notice at once that a run was killed."""
    folder = prefect.cli.folder / "another machine"
    return {
        "PREFECT_API_URL": prefect.api,
        "PREFECT_HOME": str(folder / "prefect"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def _start_run(prefect: Operator, name: str) -> str:
    deployment = prefect.get(f"/deployments/name/{deployment_name(name)}")["id"]
    wanted = {"parameters": dict(WAYS[name].parameters)}
    return prefect.get(f"/deployments/{deployment}/create_flow_run", wanted)["id"]


def _interfere(prefect: Operator, runs: dict[str, str], doomed: RunningCommand) -> None:
    """Cancels one run, kills the process of one, and one together with its worker, each when it asks a model."""
    _wait_for_calls(prefect, runs["worker and process killed"])
    prefect.background.remove(doomed)
    kill_with_children(doomed)
    _wait_for_calls(prefect, runs["cancelled"])
    prefect.get(f"/flow_runs/{runs['cancelled']}/set_state", {"state": {"type": "CANCELLING"}})
    _wait_for_calls(prefect, runs["process killed"])
    kill_run(runs["process killed"])


def _wait_for_calls(prefect: Operator, run: str) -> None:
    wanted = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    wait_until(lambda: bool(prefect.get("/task_runs/filter", wanted)), f"calls of {run}", 240, pause=0.5)


def _table(observed: Observed) -> str:
    rows = [("way", "events of the run", "automation", "notified")]
    for name in WAYS:
        events = ", ".join(event.name for event in observed.events(name))
        acted, told = (", ".join(sorted(one)) or "-" for one in (observed.automations(name), observed.notified(name)))
        rows.append((name, events, acted, told))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)) for row in rows)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_of_failing_is_an_event_and_its_automation_acts(observed: Observed, name: str) -> None:
    way = WAYS[name]
    wait_until(lambda: way.event in [event.name for event in observed.events(name)], way.event, 300, pause=0.5)
    [message] = [event.message for event in observed.events(name) if event.name == way.event]
    assert way.message in message
    if way.automation:
        wait_until(lambda: way.automation in observed.automations(name), way.automation, 60, pause=0.5)
    if way.automation == NOTIFIES:
        assert observed.notified(name) == {f"{way.flow}: {way.event}"}
    assert "Traceback" not in observed.log(name)


def test_the_table(observed: Observed, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{_table(observed)}")
    idle = {name for name in WAYS if not observed.automations(name)}
    assert idle == {name for name, way in WAYS.items() if way.automation is None}
    assert observed.prefect.get("/deployments/name/tox/budget_reached")["paused"]
    waiting = observed.prefect.get(f"/flow_runs/{observed.runs['waits for a person']}")
    assert waiting["state_name"] == "Suspended"
    assert "Traceback" not in observed.worker.stderr, observed.worker.stderr
