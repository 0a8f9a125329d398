"""Agents as tools: what their schemas hold, what a call answers, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from agents.tools.tool import MCPRoute, tool
from flows.mcp.agent_tools import AgentTools
from flows.mcp.spending import Spending
from tests.mcp.conftest import Connect, text_of

CALL = {"text": "You people are vermin and should leave.", "criteria": "ordinary", "model": "demo"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_judge_is_listed_and_called_in_both_protocols(connect: Connect, mode: str) -> None:
    async with connect(mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        schema: dict[str, Any] = tools["run_judge"].input_schema
        assert schema["required"] == ["text", "model", "criteria"]
        assert not {"template", "tools", "round"} & set(schema["properties"])
        assert "run_llm_host" not in tools and "run_host" not in tools
        assert tools["run_judge"].meta == {"permissions": ["spend"]}
        assert tools["run_fetch"].meta == tools["run_linked_pages"].meta == {"permissions": ["fetch"]}
        assert tools["run_search"].input_schema["required"] == ["queries", "corpus"]
        result = await client.call_tool("run_judge", CALL)
    assert not result.is_error
    assert result.structured_content and result.structured_content["verdict"] == "violates"


async def test_bad_arguments_are_answered_in_sentences_all_at_once(connect: Connect) -> None:
    async with connect() as client:
        wrong = await client.call_tool("run_judge", {"text": "x", "modle": "demo", "criteria": 5})
        assert wrong.is_error
        text = text_of(wrong)
        assert "there is no argument 'modle'; did you mean 'model'?" in text
        assert (
            "'model' is missing" in text
            and "argument `criteria`: it is 5, but should be text" in text
            and "3 mistakes" in text
        )
        unknown = await client.call_tool("run_judge", {**CALL, "criteria": "ordinery"})
        assert unknown.is_error and "did you mean 'ordinary'?" in text_of(unknown)
        null = await client.call_tool("run_judge", {**CALL, "text": "a\x00b"})
        assert null.is_error and "no text" in text_of(null)
        with pytest.raises(MCPError, match="did you mean 'run_judge'"):
            await client.call_tool("run_jugde", {})


async def test_a_model_that_can_cost_money_asks_for_a_budget(
    connect: Connect, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    async with connect() as client:
        asked = await client.call_tool("run_judge", {**CALL, "model": "gpt-mini"})
        assert asked.is_error and "'gpt-mini' can cost money, and there is no budget" in text_of(asked)
        small = await client.call_tool("run_judge", {**CALL, "model": "gpt-mini", "budget": 0})
        assert small.is_error and "of the budget of $0 is spent" in text_of(small)
    async with connect(budget=0) as client:
        started = await client.call_tool("start_tiny", {"model": ["gpt-mini"]})
        assert started.is_error and "$0.00 of the budget of $0, which the token carries, is left" in text_of(started)


async def test_an_agent_with_tools_is_given_only_tools_that_read_and_narrower_bounds(connect: Connect) -> None:
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        schema: dict[str, Any] = tools["run_tool_user"].input_schema
        properties = schema["properties"]
        assert properties["tools"]["items"]["enum"] == ["fetch", "search"] and "tools" in schema["required"]
        assert properties["max_rounds"]["maximum"] == 5 and properties["max_calls"]["maximum"] == 10
        assert "approve" not in properties
        assert tools["run_tool_user"].meta == {"permissions": ["read_corpus", "fetch", "spend"]}
        asked = {"text": "Did the Board allow a post asking a doctor for Adderall?", "model": "demo"}
        found = await client.call_tool("run_tool_user", {**asked, "tools": ["search"], "corpus": "osb"})
        assert found.structured_content and found.structured_content["calls"] == 1, text_of(found)
        assert "(Asking for Adderall®)" in found.structured_content["answer"]
        beyond = await client.call_tool("run_tool_user", {**asked, "tools": ["start_osb"], "max_calls": 50})
        assert "`max_calls`: it is 50, but should be 10 or less" in text_of(beyond)
        assert '`tools.0`: it is "start_osb"; there are fetch, search' in text_of(beyond)
        nowhere = await client.call_tool("run_tool_user", {**asked, "tools": ["search"]})
        assert nowhere.is_error and "reads a corpus, and the flow names none; give `corpus`" in text_of(nowhere)


async def test_tools_that_spend_write_or_start_are_given_to_no_agent(study: Path) -> None:
    @MCPRoute()
    @tool(permissions=("read_corpus", "start_flow"))
    async def start_more(text: str) -> str:
        """Starts something."""
        return text

    tools = AgentTools(study, Spending()).tools("demo", [start_more])
    assert "run_tool_user" not in {one.definition.name for one in tools}


async def test_an_explorer_that_is_called_alone_asks_for_the_tool_that_searches(connect: Connect) -> None:
    asked = {"question": "What is a veiled threat?", "model": "demo"}
    async with connect() as client:
        first = await client.call_tool("run_explorer", asked)
        request = first.structured_content
        assert request and request["target"] == "search", text_of(first)
        assert request["inputs"] == {"queries": ["What is a veiled threat?"]}
        second = await client.call_tool("run_explorer", {**asked, "previous": request})
    # Had it not counted the round, it would have asked the same again, and ended.
    assert second.structured_content, text_of(second)
    assert second.structured_content["metadata"]["asked"] == ["What is a veiled threat?", "veiled threat"]


async def test_fifty_calls_at_once(connect: Connect) -> None:
    async with connect() as client:
        calls = (client.call_tool("run_judge", {**CALL, "text": f"Text {number}."}) for number in range(50))
        results = await asyncio.gather(*calls)
    assert [result.is_error for result in results] == [False] * 50
