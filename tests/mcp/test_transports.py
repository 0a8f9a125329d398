"""The two transports as processes: what is spoken on them, and who is let in."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from flows.mcp.__main__ import main
from tests.mcp.conftest import text_of
from tests.support.commands import NO_NETWORK, ROOT, CommandLine, RunningCommand, wait_until, write_files
from tests.support.plugins import write_metadata

TOKEN = "a-token-that-is-long-enough"
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
CALL = {"text": "You people are vermin and should leave.", "criteria": "ordinary", "model": "demo"}
BROKEN = """
from agents.tools.tool import MCPRoute, tool

@MCPRoute()
@tool
async def broken(text: str) -> str:
    \"\"\"Has a bug.\"\"\"
    raise ValueError(f"the password is hunter2, and the text was {text}")

@MCPRoute()
@tool
async def half() -> str:
    \"\"\"Returns half a character, which no connection can carry.\"\"\"
    return "half \\ud800"
"""


def _install_broken_tool(cli: CommandLine) -> None:
    """A package whose published tool raises; on the path of every server that is started there."""
    site = write_files(cli.folder / "site", {"broken_kit.py": BROKEN})
    write_metadata(
        site, "broken-kit", "1.0", {"buttermilk.tools": {"broken": "broken_kit:broken", "half": "broken_kit:half"}}
    )
    # In the project's folder Prefect finds our plugin switched on, and cannot start it in the server's loop.
    shutil.copy(ROOT / "pyproject.toml", cli.working_folder)
    cli.extra_variables["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), str(site)])


async def _assert_an_error_stays_inside(client: Client) -> str:
    """Calls the broken tools; returns the id under which the server's log has the error."""
    assert (await client.call_tool("half", {})).structured_content == {"result": "half \ufffd"}
    result = await client.call_tool("broken", {"text": "mine"})
    said = text_of(result)
    assert result.is_error and "hunter2" not in str(result) and "ValueError" not in str(result), said
    return said.split()[-1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over HTTP."""
    cli = CommandLine(tmp_path_factory.mktemp("served"), {"BUTTERMILK_MCP_TOKEN": TOKEN})
    _install_broken_tool(cli)
    command = cli.start("flows.mcp", "--http", "0")
    try:
        yield _address(command)
    finally:
        command.terminate()
        done = command.wait(30)
    assert TOKEN not in done.stderr and "initialize plugins" not in done.stderr and not done.stdout
    assert not cli.leftover_processes() and not cli.blocked_connections


def _address(command: RunningCommand) -> str:
    found = re.compile(r"Listening on (\S+)")
    wait_until(lambda: "Token" in command.stderr or not command.running, "the server's address")
    match = found.search(command.stderr)
    assert match, command.stderr
    return match[1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_are_called_over_http(served: str, mode: Any) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(served, http_client=http), mode=mode) as client,
    ):
        assert "run_judge" in {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("run_judge", CALL)
        assert result.structured_content["verdict"] == "violates", text_of(result)
        results = await asyncio.gather(*(client.call_tool("run_judge", CALL) for _ in range(50)))
        assert not any(one.is_error for one in results)
        await _assert_an_error_stays_inside(client)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "attacker.example"}, 421),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://attacker.example"}, 403),
    ],
)
def test_a_request_without_the_token_or_from_elsewhere_is_refused(
    served: str, headers: dict[str, str], status: int
) -> None:
    accepted = {"Accept": "application/json, text/event-stream"}
    answer = httpx2.post(served, json=LIST, headers={**accepted, **headers}, timeout=30)
    assert answer.status_code == status
    assert "run_judge" not in answer.text


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
async def test_stdout_is_the_protocols_alone(cli: CommandLine, mode: Any, tmp_path: Path) -> None:
    _install_broken_tool(cli)
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "flows.mcp"], env=cli.environment(), cwd=str(cli.working_folder)
    )
    with (tmp_path / "stderr").open("w") as log:
        async with Client(stdio_client(server, errlog=log), mode=mode) as client:
            assert "start_osb" in {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("run_judge", CALL)
            assert result.structured_content["verdict"] == "violates", text_of(result)
            assert "Traceback" not in (tmp_path / "stderr").read_text(encoding="utf-8")
            incident = await _assert_an_error_stays_inside(client)
    log_text = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert f"incident {incident}" in log_text and "hunter2" in log_text
    assert not cli.leftover_processes()


def test_a_token_is_made_and_printed_where_none_is_set(cli: CommandLine) -> None:
    command = cli.start("flows.mcp", "--http", "0")
    _address(command)
    command.interrupt()
    done = command.wait(30)
    assert re.search(r"Token: [\w-]{40,}\n", done.stderr) and done.exit_code in (0, 128 + signal.SIGINT), (
        done.transcript
    )


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["--http", "0", "--host", "0.0.0.0"], None, "add --allow-host"),
        (["--http", "0"], "short", "shorter than 16 characters"),
        (["--http", "99999"], None, "is no port"),
        (["--budget", "much"], None, "is no amount of US dollars"),
        (["--config-dir", "nowhere"], None, "there is no folder nowhere"),
    ],
)
def test_what_would_be_unsafe_or_cannot_be_is_refused(
    arguments: list[str], token: str | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv("BUTTERMILK_MCP_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("BUTTERMILK_MCP_TOKEN", token)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and said in capsys.readouterr().err
