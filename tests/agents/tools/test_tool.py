"""Functions as tools: what cannot work is refused where it is written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.base.services import AgentServices
from agents.prompting.templates import Prompts
from agents.tools.tool import MCPRoute, Tool, ToolFailed, tool
from tests.agents.agent_calls import ScriptedModels
from tests.support.shipped import CONF
from tests.support.tools import endless, gives_up, hangs, leaves, misfit

SERVICES = AgentServices(models=ScriptedModels(lambda _: ""), prompts=Prompts([CONF]))


async def positional(text: str, /) -> int:
    """Counts."""
    return len(text)


async def unknown(text: Nope) -> int:  # type: ignore[reportUndefinedVariable] # noqa: F821
    """Counts."""
    return 1


async def lock(text: threading.Event) -> int:
    """Counts."""
    return 1


async def lock_back(text: str) -> threading.Event:
    """Counts."""
    return threading.Event()


async def default(count: int = "many") -> int:  # type: ignore[reportArgumentType]
    """Counts."""
    return count


async def count(text: str) -> int:
    """Counts."""
    return len(text)


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (positional, {}, "positional: a tool's arguments are given by name, so 'text' cannot stand before /"),
    (unknown, {}, "unknown: there is no type 'Nope' where the tool stands; define or import it above"),
    (lock, {}, "lock: the argument 'text' has the type Event, which has no JSON"),
    (lock_back, {}, "lock_back: its result has the type Event, which has no JSON"),
    (
        default,
        {},
        "default: the argument 'count': its default does not fit its type: input should be a valid int",
    ),
    (count, {"permissions": ("root",)}, "count: there is no permission 'root'; there are read_corpus, fetch"),
    (count, {"permissions": "fetch"}, "count: write its permissions as a list, ('fetch',)"),
    (count, {"name": "my tool"}, "'my tool' is no name of a tool; it begins with a letter"),
    (count, {"name": ""}, "'' is no name of a tool"),
]


@pytest.mark.parametrize(("function", "settings", "said"), REFUSED)
def test_what_cannot_work_is_refused_where_it_is_written(
    function: Callable[..., Awaitable[Any]], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError) as refused:
        tool(**settings)(function)
    assert said in str(refused.value)
    assert "pydantic" not in str(refused.value).replace("Pydantic's models", "")


def test_a_tool_is_published_whichever_mark_stands_above() -> None:
    above, below = MCPRoute()(tool(name="count")(count)), tool(name="count")(MCPRoute()(count))
    assert isinstance(above, Tool) and above.published and below.published
    with pytest.raises(TypeError, match="nothing between its brackets"):
        MCPRoute("other")


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (leaves, "failed with an error of its own (SystemExit)"),
        (gives_up, "failed with an error of its own (CancelledError)"),
        (misfit, "its result does not fit the type that it declares: input should be a valid integer"),
        (endless, "its result does not fit the type that it declares: it holds a number that is infinite, or none"),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
async def test_a_tool_that_ends_the_program_or_returns_another_type_has_failed(failing: Tool, said: str) -> None:
    with pytest.raises(ToolFailed) as told:
        await failing.call({}, SERVICES)
    assert said in str(told.value)


async def test_a_call_that_is_cancelled_from_outside_is_cancelled() -> None:
    call = asyncio.create_task(hangs.call({}, SERVICES))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
