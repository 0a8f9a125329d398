"""Agents as tools: what their schemas hold, what a call answers, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

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
        assert "'model' is missing" in text and "5 is not of type 'string'" in text and "3 mistakes" in text
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


async def test_fifty_calls_at_once(connect: Connect) -> None:
    async with connect() as client:
        calls = (client.call_tool("run_judge", {**CALL, "text": f"Text {number}."}) for number in range(50))
        results = await asyncio.gather(*calls)
    assert [result.is_error for result in results] == [False] * 50
