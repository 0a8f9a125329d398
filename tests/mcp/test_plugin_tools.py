"""Tools of other packages beside ours: none takes the place of one of ours, and a broken one breaks no other."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from tests.support.commands import NO_NETWORK, CommandLine, write_files
from tests.support.plugins import write_metadata

TOOLS = """
from agents.tools.tool import MCPRoute, tool

@MCPRoute()
@tool
async def count(text: str) -> int:
    \"\"\"Counts words.\"\"\"
    return len(text.split())

@tool
async def quiet(text: str) -> int:
    \"\"\"Is not published.\"\"\"
    return 1
"""


def _install(cli: CommandLine, tools: dict[str, str]) -> None:
    site = write_files(cli.folder / "site", {"letters_kit.py": TOOLS})
    write_metadata(site, "letters-kit", "1.0", {"buttermilk.tools": tools})
    cli.extra_variables["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), str(site)])


def _server(cli: CommandLine) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "flows.mcp"], env=cli.environment(), cwd=str(cli.working_folder)
    )


async def test_a_published_tool_with_a_name_of_ours_is_a_mistake_with_both_packages(
    cli: CommandLine, tmp_path: Path
) -> None:
    taken = ("run_judge", "start_anything", "watch_run")
    _install(cli, {**dict.fromkeys(taken, "letters_kit:count"), "run_quietly": "letters_kit:quiet"})
    checked = cli.run("flows", "check", "+flows=[osb]", "query=x")
    listed = cli.run("flows", "list")
    with (tmp_path / "stderr").open("w") as log:
        async with Client(stdio_client(_server(cli), errlog=log)) as client:
            with pytest.raises(MCPError) as told:
                await client.list_tools()
    logged = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert (checked.exit_code, listed.exit_code) == (2, 2), checked.transcript + listed.transcript
    for name in taken:
        for said in (checked.stderr, listed.stderr, str(told.value), logged):
            assert f"letters-kit 1.0 publishes a tool '{name}'" in said and "names of buttermilk" in said, said
    assert "run_quietly" not in checked.stderr and "Traceback" not in checked.stderr + logged


async def test_a_tool_that_cannot_be_loaded_is_left_out_and_the_log_says_why(cli: CommandLine, tmp_path: Path) -> None:
    _install(cli, {"gone": "letters_kit:gone", "count_all": "letters_kit:count"})
    with (tmp_path / "stderr").open("w") as log:
        async with Client(stdio_client(_server(cli), errlog=log)) as client:
            names = {one.name for one in (await client.list_tools()).tools}
    assert {"count_all", "search", "run_judge"} <= names and "gone" not in names
    assert "the tool 'gone' of letters-kit 1.0 cannot be loaded" in (tmp_path / "stderr").read_text(encoding="utf-8")
