"""Overhead: a call of a tool against a plain call of the same function, in a run, by a client, and by itself.

uv run pytest -m benchmark tests/benchmarks/test_tool_calls.py -s
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import EntryPoint

import pytest
from mcp import Client

import agents.tools.registry as registry
from agents.base.services import AgentServices
from agents.prompting.templates import Prompts
from agents.tools.tool import MCPRoute, tool
from flows.mcp.composed_agents import ComposedAgents
from flows.mcp.functions import as_published
from flows.mcp.permits import Permits
from flows.mcp.server import make_server
from tests.agents.agent_calls import ScriptedModels
from tests.mcp.test_boundary import OneTool
from tests.support.running import Lab
from tests.support.tools import calls_turn, final_turn, tool_user_flow

SECONDS, ROUNDS, PER_ROUND = 0.1, 10, 4
CALLS = ROUNDS * PER_ROUND
TARGET = 2.0
"""For a tool of a tenth of a second, which is less than what a search or a page takes."""


@MCPRoute()
@tool
async def look_up(number: int) -> int:
    """Takes as long as a short request.

    Args:
        number: Any number.
    """
    await asyncio.sleep(SECONDS)
    return number


async def _seconds(call: Callable[[int], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for number in range(CALLS):
        await call(number)
    return (time.perf_counter() - started) / CALLS


def _write_conversation(lab: Lab) -> None:
    """A model that calls the tool in each round, with other arguments each time, and then answers."""
    lab.write(
        "flows/tiny.yaml", tool_user_flow("look_up", parameters=f"model: x, max_rounds: {ROUNDS}, max_calls: {CALLS}")
    )
    lines = [{"match": "No further call is possible", "reply": final_turn("Done.")}]
    for done in range(CALLS - PER_ROUND, -1, -PER_ROUND):
        calls = [("look_up", {"number": number}) for number in range(done, done + PER_ROUND)]
        match = f"At most {CALLS - done} more calls" if done else "hello"
        lines.append({"match": match, "reply": calls_turn(*calls)})
    lab.write_model("x", {"match": "nothing to call", "reply": final_turn("Done.")}, *lines)


@pytest.mark.benchmark
@pytest.mark.timeout(300)
async def test_a_tool_call_beside_a_plain_call(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("look_up", f"{__name__}:look_up", registry.ENTRY_POINT_GROUP)
    for module in ("agents.tools.registry", "flows.check.tools"):
        monkeypatch.setattr(f"{module}.installed_tools", lambda: {"look_up": entry})
    _write_conversation(lab)
    services = AgentServices(models=ScriptedModels(lambda _: ""), prompts=Prompts([]))
    plain = await _seconds(look_up.function)
    checked = await _seconds(lambda number: look_up.call({"number": number}, services))
    async with Client(make_server(OneTool(as_published(look_up, ComposedAgents(None), Permits())))) as client:
        # Not measured while it imports its libraries.
        await client.call_tool("look_up", {"number": 0})
        by_client = await _seconds(lambda number: client.call_tool("look_up", {"number": number}))
    # The same run without a call is what a run takes anyway.
    await lab.run("text=nothing to call")
    empty = await lab.run("text=nothing to call, once more")
    ran = await lab.run("text=hello")
    assert len(ran.rows("find")[0].tools) == CALLS and ran.lost_task_runs == 0
    assert [run.state_name for run in ran.server.cells].count("Completed") >= 1
    in_run = (ran.seconds - empty.seconds) / CALLS
    print(f"\n{CALLS} calls, one after another, of a function that takes {SECONDS} s")
    for name, seconds in {
        "plain function": plain,
        "Tool.call, arguments checked": checked,
        "MCP client, in this process": by_client,
        "task run of a run, kept": in_run,
    }.items():
        print(f"  {name:<30}{seconds * 1000:8.1f} ms{seconds / plain:8.2f} x")
    assert max(in_run, by_client) / plain <= TARGET
