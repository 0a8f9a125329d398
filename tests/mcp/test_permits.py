"""What published tools of packages may do and spend: budgets hold for them, and nothing is left behind unallowed."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from mcp import Client

from agents.tools.tool import MCPRoute, Tool, tool
from contract.tools import Permission
from flows.mcp.composed_agents import ComposedAgents
from flows.mcp.functions import as_published
from flows.mcp.permits import Permits
from flows.mcp.server import make_server
from flows.mcp.spending import Spending
from tests.mcp.conftest import text_of
from tests.mcp.test_boundary import OneTool

_PAID = {"text": "a b", "budget": 0.3}


def _tool(called: list[str], *permissions: Permission) -> Tool:
    @MCPRoute()
    @tool(permissions=permissions)
    async def note(text: str) -> int:
        """Notes a text somewhere."""
        called.append(text)
        return len(called)

    return note


def _server(made: Tool, budget: str | None = None, allowed: tuple[Permission, ...] = ()) -> OneTool:
    permits = Permits(Spending(None if budget is None else Decimal(budget)), frozenset(allowed))
    return OneTool(as_published(made, ComposedAgents(None), permits))


@pytest.mark.usefixtures("study")
async def test_a_tool_that_spends_is_given_a_budget_and_books_it_from_the_tokens() -> None:
    called = list[str]()
    server = _server(_tool(called, "spend"), "0.5")
    async with Client(make_server(server)) as client:
        [listed] = (await client.list_tools()).tools
        assert listed.input_schema["required"] == ["text", "budget"]
        assert listed.description and "It may cost money." in listed.description
        assert listed.annotations and not listed.annotations.read_only_hint
        without = await client.call_tool("note", {"text": "a"})
        assert without.is_error and "'budget' is missing; give the US dollars that this call may pay" in text_of(
            without
        )
        nothing = await client.call_tool("note", {"text": "a", "budget": 0})
        assert nothing.is_error and "it is 0, but should be more than 0" in text_of(nothing)
        assert not called
        assert (await client.call_tool("note", _PAID)).structured_content == {"result": 1}
        beyond = await client.call_tool("note", _PAID)
        assert beyond.is_error and "note: $0.20 of the budget of $0.5, which the token carries" in text_of(beyond)
        assert not (await client.call_tool("note", {"text": "c", "budget": 0.2})).is_error
        spent = await client.call_tool("note", {"text": "d", "budget": 0.01})
        assert spent.is_error and "note: $0.00 of the budget of $0.5" in text_of(spent)
    assert called == ["a b", "c"]


@pytest.mark.usefixtures("study")
async def test_money_that_a_call_under_way_holds_is_told_as_held_and_not_as_spent() -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    @MCPRoute()
    @tool(permissions=("spend",))
    async def wait() -> int:
        """Waits."""
        begun.set()
        await release.wait()
        return 1

    async with Client(make_server(_server(wait, "0.5"))) as client:
        first = asyncio.create_task(client.call_tool("wait", {"budget": 0.5}))
        await begun.wait()
        second = await client.call_tool("wait", {"budget": 0.1})
        assert second.is_error and "$0.50 is held for what is under way" in text_of(second), text_of(second)
        release.set()
        assert not (await first).is_error
        third = await client.call_tool("wait", {"budget": 0.1})
        assert third.is_error and "start the server with a larger one" in text_of(third)


@pytest.mark.usefixtures("study")
async def test_a_tool_that_names_a_budget_itself_is_told_it() -> None:
    @MCPRoute()
    @tool(permissions=("spend",))
    async def pay(budget: float = 1.0) -> float:
        """Pays."""
        return budget

    async with Client(make_server(_server(pay))) as client:
        assert (await client.call_tool("pay", {})).is_error
        assert (await client.call_tool("pay", {"budget": 0.25})).structured_content == {"result": 0.25}


@pytest.mark.parametrize("permission", ["write_files", "start_flow"])
@pytest.mark.usefixtures("study")
async def test_a_tool_that_leaves_something_behind_is_refused_unless_the_server_allows_it(
    permission: Permission,
) -> None:
    called = list[str]()
    async with Client(make_server(_server(_tool(called, permission)))) as client:
        [listed] = (await client.list_tools()).tools
        assert listed.description and "so calls are refused" in listed.description
        assert listed.annotations and listed.annotations.destructive_hint is (permission == "write_files")
        refused = await client.call_tool("note", {"text": "a"})
        assert refused.is_error and f"allow it with --allow {permission}" in text_of(refused) and not called
    async with Client(make_server(_server(_tool(called, permission), allowed=(permission,)))) as client:
        [listed] = (await client.list_tools()).tools
        assert listed.description and "refused" not in listed.description
        assert not (await client.call_tool("note", {"text": "a"})).is_error
    assert called == ["a"]


@pytest.mark.usefixtures("study")
async def test_a_tool_that_only_reads_needs_nothing(study: Path) -> None:
    called = list[str]()
    async with Client(make_server(_server(_tool(called, "fetch"), "0"))) as client:
        [listed] = (await client.list_tools()).tools
        assert listed.description and listed.description.endswith("It may send requests to the internet.")
        assert listed.annotations and listed.annotations.read_only_hint
        assert not (await client.call_tool("note", {"text": "a"})).is_error
