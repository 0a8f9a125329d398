"""Mistakes about the tools of a step are found before the run, with their lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic.errors import PydanticUserError

from flows.check.gate import waiting_notes
from flows.compose.compose import compose
from flows.server.errors import server_errors
from tests.compose.tiny_study import problems_of
from tests.support.commands import write_files
from tests.support.tools import register_tools, tool_user_flow

FLOW = tool_user_flow("fetch", asked="query", parameters="model: demo")
STEP = "find:\n    agent: tool_user\n    tools: [fetch]\n"


@pytest.mark.parametrize(
    ("step", "where", "what", "nearest", "todo"),
    [
        (STEP.replace("[fetch]", "[fetsh]"), 7, "there is no tool 'fetsh'", "fetch", "there are fetch, search"),
        (STEP.replace("[fetch]", "[fetch, fetch]"), 7, "'fetch' stands twice", None, "once"),
        (STEP.replace("[fetch]", "[search]"), 7, "reads a corpus, and the flow names none", None, "add `corpus:`"),
        ("find:\n    agent: tool_user\n", 5, "'find' names no tools", None, "add `tools: [fetch]`"),
        (STEP.replace("tool_user", "llm"), 7, "the agent 'llm' uses no tools", None, "tool_user"),
        (STEP + "    inputs: {approve: record.text}\n", 8, "takes no input 'approve' from", None, "`approve:` of"),
        (STEP + "    approve: [fetsh]\n", 8, "'fetsh' is not among the tools of 'find'", "fetch", "fetch"),
    ],
    ids=["unknown", "twice", "no corpus", "none", "agent without tools", "input", "approve"],
)
def test_a_mistake_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, where: int, what: str, nearest: str | None, todo: str
) -> None:
    monkeypatch.chdir(tmp_path)
    flow = FLOW.replace(STEP, step)
    if "agent: llm\n" in step:
        flow = flow.replace("{model: demo}", "{model: demo, template: 'user: x'}")
    write_files(tmp_path / "my_study", {"flows/mine.yaml": flow})
    problem = problems_of(Path("my_study"))[0]
    assert problem.where == f"my_study/flows/mine.yaml:{where}"
    assert what in problem.what
    assert problem.nearest == nearest
    assert todo in (problem.todo or "")


def test_the_check_says_what_will_wait_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = FLOW.replace(STEP, STEP + "    approve: [fetch]\n")
    write_files(tmp_path / "my_study", {"flows/mine.yaml": flow})
    [study] = compose(["mine"], ["query=x"], Path("my_study"))
    asked, how = waiting_notes(study, has_page=False)
    assert asked == "'find.fetch' waits for a person, for each call: May fetch be called?"
    assert "ends in the state Waiting" in how and "form" not in how
    assert "with a form at the server's page" in list(waiting_notes(study, has_page=True))[1]


BY_HAND = """
import threading
from agents.tools.tool import Tool, tool

async def lock(text: threading.Event) -> int:
    return 1

odd = Tool(lock, "odd", "Locks.")
"""


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (BY_HAND, "TypeError: lock: the argument 'text' has the type Event, which has no JSON"),
        (
            BY_HAND.replace("odd =", 'tool(permissions=("root",))(lock)\nodd ='),
            "TypeError: lock: there is no permission",
        ),
        ("raise SystemExit(7)", "its module ends the program while it is imported"),
    ],
    ids=["cannot be described", "refused when written", "ends the program"],
)
def test_a_tool_that_cannot_work_is_a_mistake_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"odd_{abs(hash(why))}"
    write_files(tmp_path, {f"{name}.py": module, "my_study/flows/mine.yaml": FLOW.replace("[fetch]", "[odd]")})
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    register_tools(monkeypatch, f"{name}:odd")
    [problem] = problems_of(Path("my_study"))
    assert problem.where == "my_study/flows/mine.yaml:7"
    assert "the tool 'odd' cannot be loaded: " in problem.what and why in problem.what


def test_the_server_is_not_blamed_for_a_bug_of_ours() -> None:
    bug = PydanticUserError("Unable to generate a schema", code=None)
    with pytest.raises(PydanticUserError), server_errors():
        raise bug
