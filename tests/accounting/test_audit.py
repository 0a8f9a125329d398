"""What a run leaves outside its tables: its JSON log, its lines in the audit trail, its costs in Prefect."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from contract.calls import ModelCall, ModelReply, Usage
from contract.errors import RunError
from contract.messages import AgentInput, AgentTrace
from contract.record import Record
from flows.accounting.audit import NO_DIGEST, AuditTrail
from flows.accounting.costs import Costs, by_day
from flows.accounting.run_log import RunLog
from flows.files.checksums import changed_files
from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM
from tests.support.fake_models import FLOW, write_hosted_model
from tests.support.running import Lab

TEXT = "a text that stands in no log"


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def study(lab: Lab) -> Lab:
    """Two records and a hosted model."""
    # The flow has a name of its own, because the tests' server also holds the costs of other tests' runs, by flow.
    lab.flow = "accounted"
    lab.write("flows/accounted.yaml", FLOW)
    lab.write_posts([{"record_id": "one", "text": TEXT}, {"record_id": "two", "text": f"{TEXT}, too"}])
    lab.settings.append(f"run.audit={lab.folder / 'audit.jsonl'}")
    return lab


async def test_a_run_leaves_its_log_its_audit_lines_and_its_costs(study: Lab) -> None:
    with FakeLLM() as service:
        write_hosted_model(study, service, "openai")
        ran = await study.run()
        again = await study.run()
    assert ran.outcome
    assert again.outcome
    _log_is_whole(ran.outcome.folder, str(ran.outcome.flow_run_id), {str(run.id) for run in ran.server.cells})
    assert list(changed_files(ran.outcome.folder)) == []

    trail = lines(study.folder / "audit.jsonl")
    assert [line["event"] for line in trail] == ["run started", "run ended"] * 2
    started, ended = trail[:2]
    assert started["models"]["fake"] == {
        "provider": "openai", "model_id": "m", "endpoint": "127.0.0.1", "project": None, "location": None,
        "leaves_this_machine": False,
    }  # fmt: skip
    assert started["user"]
    assert started["before"] == NO_DIGEST
    [sent] = ended["sent"]
    assert (sent["model"], sent["calls"], sent["records"]) == ("fake", 2, 2)
    assert ended["seal"] == ran.outcome.seal
    assert trail[3]["sent"] == [], "nothing was sent again"
    assert TEXT not in (study.folder / "audit.jsonl").read_text()
    assert AuditTrail(study.folder / "audit.jsonl").check().changes == []

    [first, second] = await artifacts(study, "cost-accounted")
    days = (await artifacts(study, "cost-accounted-by-day"))[0]
    assert sorted((first[0]["calls paid"], second[0]["calls paid"])) == [0, 2]
    [day] = days
    assert (day["model"], day["runs"], day["calls paid"], day["calls kept"]) == ("fake", 2, 2, 2)


def _log_is_whole(folder: Path, run_id: str, task_runs: set[str]) -> None:
    log = lines(folder / "log.jsonl")
    assert [line["event"] for line in log] == ["run started", *["cell started"] * 2, *["cell ended"] * 2, "run ended"]
    assert {line["flow_run_id"] for line in log} == {run_id}
    assert {line["run"] for line in log} == {folder.name}
    ended = [line for line in log if line["event"] == "cell ended"]
    assert {line["task_run_id"] for line in ended} == task_runs
    assert {(line["record"], line["agent"], line["model"], line["status"]) for line in ended} == {
        ("one", "llm", "fake", "completed"),
        ("two", "llm", "fake", "completed"),
    }
    assert TEXT not in (folder / "log.jsonl").read_text()


async def artifacts(lab: Lab, key: str) -> list[list[dict[str, Any]]]:
    """The tables under that key, newest first."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    with temporary_settings({PREFECT_API_URL: lab.api_url}):
        async with get_client() as client:
            response = await client.request("POST", "/artifacts/filter", json=wanted)
    return [json.loads(artifact["data"]) for artifact in response.json()]


async def test_a_run_that_breaks_off_is_in_the_audit_trail(study: Lab) -> None:
    study.write_model("fake", {"reply": {"text": "So."}})
    composed = study.compose()
    (study.folder / "posts.jsonl").unlink()
    ran = await study.run_study(composed)
    assert ran.state.is_failed()
    assert [(line["event"], line.get("error")) for line in lines(study.folder / "audit.jsonl")] == [
        ("run started", None),
        ("run broken off", "StorageError"),
    ]


async def test_a_run_whose_audit_trail_cannot_be_written_is_not_started(study: Lab) -> None:
    study.write_model("fake", {"reply": {"text": "So."}})
    composed = study.compose(f"run.audit={study.folder / 'file' / 'audit.jsonl'}")
    (study.folder / "file").write_text("")
    ran = await study.run_study(composed)
    assert ran.state.is_failed()
    assert "set run.audit=" in str(ran.state.message)
    assert not (study.folder / "runs").exists()


@pytest.mark.parametrize("text", ["name,text\na,b\n", '{"record_id": "r1", "text": "A post."}\n', "\n", "a"])
def test_nothing_is_written_into_a_file_of_something_else(tmp_path: Path, text: str) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text(text)
    with pytest.raises(RunError, match=r"a file of something else.* set run\.audit="):
        AuditTrail(path).add("run started")
    assert path.read_text() == text


def test_a_damaged_first_line_does_not_end_an_audit_trail(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.add("run started")
    trail.add("run finished")
    trail.path.write_text(trail.path.read_text().replace('"before"', '"b"', 1))
    trail.add("run started")
    assert trail.check().lines == 3


WRITER = """
import sys
from pathlib import Path
from flows.accounting.audit import AuditTrail
for number in range(50):
    AuditTrail(Path(sys.argv[1])).add("run started", flow=sys.argv[2], number=number)
"""


def test_processes_that_write_at_once_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name], cwd=ROOT) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = lines(path)
    assert len(found) == 150
    assert AuditTrail(path).check().changes == []
    for name in ("a", "b", "c"):
        assert [line["number"] for line in found if line["flow"] == name] == list(range(50))


@pytest.mark.parametrize("change", ["taken out", "changed", "torn"])
def test_a_change_of_the_audit_trail_is_reported(tmp_path: Path, change: str) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl")
    for number in range(3):
        trail.add("run started", number=number)
    first, second, third = trail.path.read_text().splitlines(keepends=True)
    changed_text = {
        "taken out": first + third,
        "changed": first + second.replace('"number":1', '"number":7') + third,
        "torn": first + second[:30] + "\n" + third,
    }
    trail.path.write_text(changed_text[change])
    assert trail.check().changes
    done = subprocess.run(
        [sys.executable, "-m", "flows", "verify", str(trail.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "audit.jsonl:" in done.stdout


def test_an_audit_trail_continues_after_a_torn_line(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.add("run started")
    with trail.path.open("a") as file:
        file.write('{"event":"run st')
    trail.add("run started")
    trail.add("run ended")
    assert trail.check().changes == ["audit.jsonl:2: not a line of an audit trail"]


def _trace(number: int) -> AgentTrace:
    now = datetime.now(UTC)
    reply = ModelReply(
        text="x", usage=Usage(input_tokens=100, output_tokens=10), cost_usd=Decimal("0.01"), started=now, ended=now
    )
    return AgentTrace(
        cell_id=f"{number}", key=f"{number}", flow="tiny", step="ask", agent="llm", agent_version="1",
        record_id=f"record {number}", record_fingerprint="f", status="completed", started=now, ended=now, value={},
        input=AgentInput(record=Record(record_id=f"record {number}", text="t"), parameters={"model": "fake"}),
        calls=(ModelCall(key="k", messages=(), reply=reply),),
    )  # fmt: skip


@pytest.mark.benchmark
def test_accounting_costs_little_beside_writing_the_cell(tmp_path: Path) -> None:
    traces = [_trace(number) for number in range(2000)]
    costs = Costs()
    started = perf_counter()
    with (tmp_path / "cells.jsonl").open("w", encoding="utf-8") as file:
        for trace in traces:
            file.write(trace.model_dump_json() + "\n")
            file.flush()
    written = perf_counter() - started
    with RunLog(tmp_path) as log:
        started = perf_counter()
        for trace in traces:
            log.cell_ended(trace, fresh=True, task_run_id=None)
            costs.add(trace, trace.calls[0], sent=True, paid=True)
        accounted = perf_counter() - started
    print(f"accounting {accounted / written:.1f} times as long as writing the cells themselves")
    assert accounted < 3 * written
    assert costs.by_model()["fake"].cost_usd == 20


def test_days_are_added_up_by_model() -> None:
    costs = Costs()
    for trace, paid in ((_trace(1), True), (_trace(2), False)):
        costs.add(trace, trace.calls[0], sent=paid, paid=paid)
    today = datetime.now(UTC).date()
    days = by_day([costs.rows("a", today), costs.rows("b", today), costs.rows("c", today - timedelta(days=1))])
    assert [(row["day"], row["runs"], row["calls paid"], row["cost in USD"]) for row in days] == [
        (today.isoformat(), 2, 2, "0.02"),
        ((today - timedelta(days=1)).isoformat(), 1, 1, "0.01"),
    ]
