"""Outside servers of tools, over stdio and HTTP: a real server in another process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator

import pytest
from pydantic import SecretStr

from agents.tools.argument_schemas import argument_problems
from agents.tools.mcp.client import ServerUnavailable, connect
from agents.tools.tool import ToolFailed
from contract.tool_servers import MCPServer
from flows.server.private_server import free_port
from tests.support.commands import ROOT, wait_until

pytest.importorskip("mcp")

COMMAND = (sys.executable, "-m", "tests.support.tool_server")
KEYS = {"ZOTERO_KEY": SecretStr("zot")}


def _stdio(**more: object) -> MCPServer:
    return MCPServer.model_validate(
        {"command": COMMAND, "env": ["ZOTERO_KEY"], "allow": ["get_*"], "timeout_seconds": 40, **more}
    )


@pytest.fixture(autouse=True)
def _in_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OTHER_KEY", "not for servers")


async def test_a_command_is_listed_and_called_within_bounds() -> None:
    async with connect("courts", _stdio(), KEYS) as server:
        listed = await server.definitions()
        assert [one.name for one in listed] == ["courts.get_case", "courts.get_slowly", "courts.get_killed"]
        assert argument_problems(listed[0], {"number": "x"}) == ["number: 'x' is not of type 'integer'"]
        found = await server.call("get_case", {"number": 7})
        assert "Case 7" in str(found)
        assert "keys: ZOTERO_KEY" in str(found), "only the variables that are named reach the server"
        with pytest.raises(ToolFailed, match="Error executing tool get_case"):
            await server.call("get_case", {"number": 0})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await server.call("get_slowly", {})
        assert "Case 8" in str(await server.call("get_case", {"number": 8}))
        with pytest.raises(ToolFailed, match="courts"):
            await server.call("get_killed", {})
        with pytest.raises(ToolFailed, match="courts"):
            await server.call("get_case", {"number": 9})


@pytest.mark.parametrize(
    ("command", "reason"),
    [((sys.executable, "-c", "raise SystemExit(1)"), "cannot be started"), (("no-such-program",), "no-such-program")],
)
async def test_a_command_that_does_not_start_is_reported(command: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ServerUnavailable, match=reason):
        async with connect("courts", _stdio(command=command), KEYS):
            pass


@pytest.fixture
def address() -> Generator[str]:
    """A server over HTTP that asks for the token `right`."""
    port = free_port()
    environ = {**os.environ, "TOKEN": "right"}
    process = subprocess.Popen([*COMMAND, "--http", str(port)], cwd=ROOT, env=environ)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, "the server of tools", 60)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_an_address_is_given_the_token_and_a_wrong_one_is_reported(address: str) -> None:
    config = MCPServer.model_validate({"url": address, "token_env": "COURTS_TOKEN", "allow": ["*"]})
    async with connect("courts", config, {"COURTS_TOKEN": SecretStr("right")}) as server:
        assert len(await server.definitions()) == 4
        assert "Case 7" in str(await server.call("get_case", {"number": 7}))
    with pytest.raises(ServerUnavailable) as refused:
        async with connect("courts", config, {"COURTS_TOKEN": SecretStr("wrong")}):
            pass
    assert "courts" in str(refused.value)
    assert "wrong" not in str(refused.value)
