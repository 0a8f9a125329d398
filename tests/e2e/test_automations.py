"""Automations: the examples, read as `prefect automation create` reads them, and what they do on a real server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.declared import declare
from flows.server.drain import flush_events
from tests.support.agents import register_test_agents
from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM
from tests.support.running import Lab
from tests.support.small_study import write_study
from tests.support.webhook import AUTOMATIONS, Note, notification_block, webhook, with_block

ACTED_ON = ("buttermilk.run.agreement_low", "prefect.flow-run.BudgetReached")
ENDS = ("Incomplete", "BudgetReached", "NotSaved", "Waiting")
"""Our own names of states in which a run ends; `flows.run.runner` gives them."""
JUDGE = """\
  judge:
    agent: judge
    inputs: {}
    variants: {model: [x, y], criteria: [one]}
  broken:
    agent: llm
    parameters: {model: broken, template: "user:\\n{{ record.text }}"}
"""
ASK = """\
description: Tiny.
records: posts
steps:
  ask: {agent: llm, parameters: {model: paid, template: "user:\\n{{ record.text }}"}}
result: ask
"""
WAIT = """\
description: Tiny.
records: posts
steps:
  consent:
    gate: May it be asked?
    timeout_seconds: 2
    inputs: {text: record.text}
    fields: {fits: {type: yes_no, description: Whether it may.}}
  ask: {agent: echo, inputs: {given: consent.fits}}
result: ask
"""
NOTES = [
    "tiny: Incomplete", "tiny: Failed", "tiny: agreement is low",
    *["tiny.consent waits for a person"] * 2, "tiny waits for a person",
]  # fmt: skip


async def test_the_examples_act_on_the_events_of_runs(
    tmp_path: Path,
    prefect_api: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register_test_agents(monkeypatch)
    with webhook() as (url, notes), temporary_settings({PREFECT_API_URL: prefect_api}):
        async with get_client() as client:
            await _create_all(client, url)
            # Prefect gives a message up where its SQLite database is locked for too long, so one more try is allowed.
            for attempt in ("first", "second"):
                settings = [f"run.audit={tmp_path / 'audit.jsonl'}", "run.retries=0"]
                await _run_studies_that_fail(Lab(tmp_path / attempt, prefect_api, settings=settings))
                await flush_events()
                if (events := await _events_when_told(client, notes)) is not None:
                    break
    assert events is not None, f"not told: {Counter(NOTES) - Counter(note['subject'] for note in notes)}"
    assert {note["subject"] for note in notes} == set(NOTES)
    assert all("secret" not in str(note) for note in notes)
    assert "prefect.flow-run.BudgetReached" in events
    [low] = events["buttermilk.run.agreement_low"]["comparisons"]
    assert (low["criteria"], low["raters"], low["alert_below"]) == ("one", ["x", "y"], 0.5)


async def _events_when_told(client: PrefectClient, notes: list[Note]) -> dict[str, Any] | None:
    """The payloads of the events that are acted on, when every note has come; None when one has not in a minute."""
    events = dict[str, Any]()
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            # Prefect acts at least once on an event, and twice where its database was busy.
            while Counter(NOTES) - Counter(note["subject"] for note in notes) or len(events) < 2:
                await asyncio.sleep(0.1)
                events = await _events(client)
            return events
    return None


async def _create_all(client: PrefectClient, url: str) -> None:
    saving: Any = notification_block(url).save("told", overwrite=True)
    identifier = await saving
    for path in AUTOMATIONS:
        automation = yaml.safe_load(with_block(path, identifier))
        if related := automation["trigger"].get("match_related"):
            related["prefect.resource.name"] = ["tiny", "tiny.*"][
                : 2 if "osb.*" in related["prefect.resource.name"] else 1
            ]
        assert await client.create_automation(AutomationCore.model_validate(automation))


async def _run_studies_that_fail(lab: Lab) -> None:
    write_study(lab, JUDGE)
    lab.write_model("broken", {"error": "ModelRejected"})
    spec = lab.folder / "flows/tiny.yaml"
    spec.write_text(spec.read_text().replace("verdicts: judge}", "verdicts: judge, alert_below: 0.5}"))
    ran = await lab.run()
    assert ran.state.name == "Incomplete"

    lab.write("flows/tiny.yaml", ASK)
    with FakeLLM() as service:
        price = {"input_per_mtok": 1000000, "output_per_mtok": 1000000}
        paid = {"kind": "hosted", "provider": "openai", "model_id": "m", "base_url": service.openai_url, "api_key": "k"}
        lab.write("models/paid.yaml", json.dumps({"paid": {**paid, "price": price}}))
        ran = await lab.run("budget=0.01")
    assert ran.state.name == "BudgetReached"

    call: Any = declare("tiny", lab.folder)
    state: State[Any] = await call(records="no-such-secret-file.csv", return_state=True)
    assert state.name == "Failed"

    lab.write("flows/tiny.yaml", WAIT)
    lab.write_posts([{"record_id": "a", "text": "A secret post."}])
    ran = await lab.run()
    assert ran.state.name == "Waiting"


async def _events(client: PrefectClient) -> dict[str, Any]:
    wanted = {"filter": {"event": {"name": list(ACTED_ON)}}, "limit": 50}
    response = await client.request("POST", "/events/filter", json=wanted)
    return {event["event"]: event["payload"] for event in response.json()["events"]}


def _trigger(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["trigger"]


@pytest.mark.parametrize("example", ["run-stuck", "run-lost"])
def test_no_end_of_a_run_is_taken_for_stuck_or_lost(example: str) -> None:
    ends = {*ENDS, "Completed", "Failed", "TimedOut", "Crashed", "Cancelled"}
    expected = _trigger(ROOT / f"deployments/automations/{example}.yaml")["expect"]
    assert {f"prefect.flow-run.{name}" for name in ends} <= {*expected}


def test_each_end_but_success_is_acted_on() -> None:
    reactive = [trigger for trigger in map(_trigger, AUTOMATIONS) if trigger["posture"] == "Reactive"]
    acted_on = {name for trigger in reactive for name in trigger["expect"]}
    assert {f"prefect.flow-run.{name}" for name in (*ENDS, "Failed", "TimedOut", "Crashed", "Paused")} <= acted_on


def test_the_examples_name_every_flow_of_the_package() -> None:
    flows = {path.stem for path in (ROOT / "conf/flows").glob("*.yaml")}
    for path in AUTOMATIONS:
        if related := _trigger(path).get("match_related"):
            assert flows == {name.removesuffix(".*") for name in related["prefect.resource.name"]}, path.name
