"""Outside servers of tools in a study: nothing runs, and no variable leaves, that the user has not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.errors import Problem
from flows.compose.compose import compose
from tests.compose.tiny_study import problems_of
from tests.support.commands import write_files
from tests.support.own_config import use_own_config
from tests.support.tools import tool_user_flow

FLOW = tool_user_flow("courts.get_case", asked="query", parameters="model: demo")
COMMAND = """\
courts:
  command: [uvx, court-tools]
  env: [COURTS_KEY]
  allow: ["get_*"]
"""
URL = """\
courts:
  url: https://courts.example.org/mcp
  token_env: COURTS_TOKEN
  allow: ["get_*"]
"""
ALLOWED = {"uvx court-tools": ["COURTS_KEY"]}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURTS_KEY", "secret-1")
    monkeypatch.setenv("COURTS_TOKEN", "secret-2")
    monkeypatch.setenv("OPENAI_API_KEY", "secret-3")


def _problems(tools: str, flow: str = FLOW) -> list[Problem]:
    write_files(Path("my_study"), {"flows/mine.yaml": flow, "tools/courts.yaml": tools})
    return problems_of(Path("my_study"))


def _allow(patch: pytest.MonkeyPatch, tools: dict[str, Any]) -> None:
    use_own_config(patch, Path("own"), allowed={"tools": tools})


@pytest.mark.parametrize(
    ("tools", "line", "what", "allow"),
    [
        (COMMAND, 2, "runs `uvx court-tools` here", "`uvx court-tools: [COURTS_KEY]` below `tools:`"),
        (URL, 2, "https://courts.example.org/mcp", "`https://courts.example.org/mcp: [COURTS_TOKEN]` below `tools:`"),
    ],
    ids=["command", "url"],
)
def test_what_the_user_does_not_allow_is_reported_with_the_line_that_allows_it(
    tools: str, line: int, what: str, allow: str
) -> None:
    [problem] = _problems(tools)
    assert problem.where == f"my_study/tools/courts.yaml:{line}"
    assert what in problem.what
    assert allow in (problem.todo or "")


def test_what_the_user_allows_is_ready_and_its_secrets_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _allow(monkeypatch, ALLOWED)
    assert _problems(COMMAND) == []
    [study] = compose(["mine"], ["query=x"], Path("my_study"))
    server = study.tool_servers["courts"]
    assert server.environment["COURTS_KEY"].get_secret_value() == "secret-1"
    assert "secret-1" not in repr(study)


def test_a_server_that_no_step_uses_needs_no_permission() -> None:
    flow = FLOW.replace("courts.get_case", "fetch")
    assert _problems(COMMAND, flow) == []


@pytest.mark.parametrize(
    ("tools", "flow", "where", "what", "nearest"),
    [
        (COMMAND.replace("[COURTS_KEY]", "[COURTS_KEY, OPENAI_API_KEY]"), FLOW, "tools/courts.yaml:3",
         "would be given the variable OPENAI_API_KEY", None),
        (COMMAND, FLOW.replace("courts.get_case", "court.get_case"), "flows/mine.yaml:7", "no tool server 'court'",
         "courts"),
        (COMMAND, FLOW.replace("get_case", "erase_all"), "flows/mine.yaml:7", "and not 'erase_all'", None),
        (COMMAND, FLOW.replace("get_case", "get_*"), "flows/mine.yaml:7", "is no name of a tool", None),
        (COMMAND.replace("allow:", "alow:"), FLOW, "tools/courts.yaml:4", "alow", "allow"),
        (COMMAND + "  token_env: COURTS_TOKEN\n", FLOW, "tools/courts.yaml:1", "token_env", None),
        (URL.replace("https", "http"), FLOW, "tools/courts.yaml:1", "https://", None),
        (COMMAND.replace("uvx", "npx"), FLOW, "tools/courts.yaml:2", "runs `npx court-tools` here", None),
    ],
    ids=["other variable", "unknown server", "not allowed", "glob", "misspelt", "token of a command", "http", "other"],
)  # fmt: skip
def test_a_mistake_is_reported(
    monkeypatch: pytest.MonkeyPatch, tools: str, flow: str, where: str, what: str, nearest: str | None
) -> None:
    _allow(monkeypatch, ALLOWED)
    problem = next(one for one in _problems(tools, flow) if what in one.what)
    assert problem.where == f"my_study/{where}"
    assert problem.nearest == nearest


def test_a_variable_that_is_not_set_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    _allow(monkeypatch, ALLOWED)
    monkeypatch.delenv("COURTS_KEY")
    [problem] = _problems(COMMAND)
    assert "needs the environment variable COURTS_KEY, which is not set" in problem.what
