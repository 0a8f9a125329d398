"""Tools of an outside server in a run: kept, in the manifest, and looked at when they change."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from contract.base import thawed
from contract.errors import RunError, StudyError
from flows.check.departures import departures
from flows.cli.progress import cost_line
from flows.results.open import result_store
from flows.run.tool_servers import open_tool_servers
from flows.spec.study import Study
from tests.support.commands import ROOT
from tests.support.own_config import use_own_config
from tests.support.running import Lab
from tests.support.tools import calls_turn, final_turn, tool_user_flow

pytest.importorskip("mcp")

FLOW = tool_user_flow("courts.get_case")
SERVER = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.support.tool_server import server
server.run("stdio")
"""


@pytest.fixture
def script(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The program of the server, which the user allows."""
    path = lab.write("server.py", SERVER)
    config = {"command": [sys.executable, str(path)], "env": ["TOOL_WORDS"], "allow": ["get_*"]}
    lab.write("tools/courts.yaml", json.dumps({"courts": config}))
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_model(
        "x",
        {"match": "result of courts.get_case", "reply": final_turn("It is case 7.")},
        {"reply": calls_turn(("courts.get_case", {"number": 7}))},
    )
    monkeypatch.setenv("TOOL_WORDS", "one")
    allowed = {"tools": {f"{sys.executable} {path}": ["TOOL_WORDS"]}}
    use_own_config(monkeypatch, tmp_path / "own", allowed=allowed)
    return path


async def _notes(study: Study) -> list[str]:
    notes: list[str] = []
    async with open_tool_servers(study, result_store(study.run.results), notes.append):
        return notes


async def test_a_run_keeps_what_the_server_returned_and_notes_what_changes(
    lab: Lab, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert row.status == "completed", row.error
    [call] = row.tools
    assert "Case 7" in str(thawed(call.result))
    assert call.cost_usd is None, "nobody says what it costs"
    assert ran.server.task("courts.get_case").state_name == "Completed"
    assert ran.outcome
    assert "tools of other servers, whose cost is not known: 1" in cost_line(ran.outcome.totals)
    assert any("cost there is not known" in line for line in departures(lab.compose("text=hello")))
    manifest = json.loads((ran.outcome.folder / "manifest.json").read_text())
    assert manifest["spend"]["unknown_tool_calls"] == 1
    assert [*manifest["tool_servers"]["courts"]["tools"]] == [
        "courts.get_case",
        "courts.get_slowly",
        "courts.get_killed",
    ]
    assert await _notes(lab.compose("text=hello")) == []

    monkeypatch.setenv("TOOL_WORDS", "two")
    [note] = await _notes(lab.compose("text=hello"))
    assert "changed since this flow last ran (described otherwise: courts.get_case)" in note
    monkeypatch.setenv("TOOL_WORDS", "one")
    assert await _notes(lab.compose("text=hello")) == []

    # Another prompt asks the model anew; the server is not there, and what it returned is.
    lab.write(script.name, "raise SystemExit(3)\n")
    lab.write("prompts/tool_user.md", "user:\nOther words. {{ record.text }}\n")
    again = await lab.run("text=hello")
    assert [one.from_cache for one in again.rows("find")[0].tools] == [True]
    assert thawed(again.rows("find")[0].value) == thawed(row.value)
    assert again.outcome and "not known" not in cost_line(again.outcome.totals)


async def test_a_tool_that_the_server_does_not_have_is_reported_where_it_is_named(lab: Lab, script: Path) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("[courts.get_case]", "\n    - courts.get_cases\n    - courts.get_slow"))
    with pytest.raises(StudyError, match=r"no tool 'courts.get_cases' .* did you mean 'courts.get_case'") as raised:
        await _notes(lab.compose("text=hello"))
    # The line of each, since a step may name several, and a flow may have several such steps.
    assert [one.where.rpartition(":")[2] for one in raised.value.problems] == ["8", "9"]


async def test_a_server_that_takes_too_long_is_reported_with_the_setting(lab: Lab, script: Path) -> None:
    lab.write(script.name, "import time\ntime.sleep(60)\n")
    lab.write("tools/courts.yaml", (lab.folder / "tools" / "courts.yaml").read_text()[:-2] + ', "timeout_seconds": 1}}')
    with pytest.raises(RunError, match=r"'courts' does not answer within 1 seconds \(timeout_seconds\)"):
        await _notes(lab.compose("text=hello"))


async def test_a_server_that_was_never_reached_ends_the_run(lab: Lab, script: Path) -> None:
    lab.write(script.name, "raise SystemExit(3)\n")
    with pytest.raises(RunError, match="the tool server 'courts' cannot be started"):
        await _notes(lab.compose("text=hello"))
