"""Studies and agents in a Prefect flow of one's own: what it gets, and where they stand on the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.exceptions import FailedRun
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings

from contract.errors import StudyError
from flows import StudyRun, agent, study
from flows.declared import declare
from tests.support.commands import ROOT, CommandLine
from tests.support.running import Lab
from tests.support.small_study import judge_reply, write_study

STEPS = "  judge: {agent: judge, inputs: {}, variants: {model: [one], criteria: [one]}}\n"


@pytest.fixture
def own(lab: Lab, prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A study of two posts and one scripted judge; the current folder is beside it."""
    write_study(lab, STEPS)
    lab.write_model("one", {"reply": judge_reply()})
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    monkeypatch.chdir(tmp_path)
    return lab


async def _task_runs(flow_run_id: str) -> list[dict[str, Any]]:
    async with get_client() as client:
        wanted = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        return (await client.request("POST", "/task_runs/filter", json=wanted)).json()


async def test_a_study_is_a_child_run_and_an_agent_a_task_run(own: Lab, prefect_api: str) -> None:
    ids = list[str]()

    @flow
    async def mine() -> tuple[StudyRun, Any]:
        ids.append(str(flow_run.id))
        found = await declare("tiny", own.folder)()
        return found, await agent("judge", config_dir=own.folder).run("A secret post.", criteria="one", model="one")

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        found, judged = await mine()
        assert isinstance(found, StudyRun) and set(found.verdicts["verdict"]) == {"violates"}
        assert judged.verdict == "violates"
        runs = list[dict[str, Any]]()
        while len(runs) < 2 or not all(run["state_name"] == "Completed" for run in runs):
            runs = await _task_runs(ids[0])
    by_key = {run["task_key"].rpartition("-")[0]: run for run in runs}
    assert set(by_key) == {"run", "judge"} and by_key["run"]["state"]["state_details"]["child_flow_run_id"]
    assert sorted(by_key["judge"]["tags"]) == ["agent:judge", "criterion:one", "model:one"]
    named = {name: [one["name"] for one in shown] for name, shown in by_key["judge"]["task_inputs"].items() if shown}
    assert named.pop("record_id")[0].startswith("text-") and named == {"model": ["one"], "criterion": ["one"]}
    assert "secret" not in str(by_key["judge"])


def test_a_flow_without_async_waits_for_both(own: Lab, prefect_api: str) -> None:
    @flow
    def mine() -> tuple[str, str, str]:
        found = study("tiny", config_dir=own.folder).run()
        judged = agent("judge", config_dir=own.folder).run_sync("A post.", criteria="one", model="one")
        return str(flow_run.id), found.verdicts["verdict"][0], judged.verdict

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        run_id, *verdicts = mine()
    assert verdicts == ["violates", "violates"] and run_id


async def test_what_stops_a_study_stops_the_flow_around_it_with_its_reason(own: Lab, prefect_api: str) -> None:
    @flow
    async def mine(**settings: Any) -> Any:
        return await declare("tiny", own.folder)(**settings)

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        with pytest.raises(StudyError, match="no-such-file"):
            await mine(records="no-such-file.csv")
        own.write_model("one", {"error": "ModelRejected"})
        with pytest.raises(FailedRun, match="2 cells have no output"):
            await mine()


@pytest.mark.parametrize(
    ("lines", "environment", "seconds"),
    [
        ("from prefect import flow\nfrom flows import agent", {}, 120),
        pytest.param("from flows import agent\nfrom prefect import flow", {}, 120, marks=pytest.mark.slow),
        pytest.param("from prefect import flow\nfrom flows.declared import osb", {}, 120, marks=pytest.mark.slow),
        (
            "from prefect import flow\nfrom flows import agent",
            {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "7"},
            7,
        ),
    ],
    ids=["Prefect first", "Prefect last", "a study", "configured"],
)
def test_in_any_folder_prefects_server_has_time_to_start(
    tmp_path: Path, lines: str, environment: dict[str, str], seconds: int
) -> None:
    """Prefect's own 20 s are too few on a busy machine, and only the project's folder has our `pyproject.toml`."""
    cli = CommandLine(tmp_path)
    cli.extra_variables["PYTHONPATH"] = f"{ROOT}:{cli.environment()['PYTHONPATH']}"
    asked = "print(get_current_settings().server.ephemeral.startup_timeout_seconds)"
    script = f"{lines}\nfrom prefect.settings import get_current_settings\n{asked}\n"
    (cli.working_folder / "script.py").write_text(script, encoding="utf-8")
    done = cli.run("script", **environment)
    assert (done.exit_code, done.stdout) == (0, f"{seconds}\n"), done.transcript
