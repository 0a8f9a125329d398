"""A connection to one outside MCP server, in a task of its own: when the server ends, only its calls fail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from agents.tools.argument_schemas import BadSchema, argument_schema
from agents.tools.tool import ToolFailed
from contract.base import JsonValue, canonical_json, thawed
from contract.tool_servers import MCPServer
from contract.tools import AgentToolDefinition

if TYPE_CHECKING:
    from mcp import Client

_MAX_TOOLS = 200
_MAX_DESCRIPTION = 2_000
_MAX_SCHEMA_BYTES = 50_000
_MAX_ERROR = 1_000
_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class ServerUnavailable(Exception):
    """A server cannot be started or reached, or does not answer in time. The text is written for the scholar."""


class MCPConnection:
    """A server that has answered."""

    def __init__(self, name: str, config: MCPServer, client: Client, ended: asyncio.Task[None]) -> None:
        self._name, self._config, self._client, self._ended = name, config, client, ended

    async def definitions(self) -> list[AgentToolDefinition]:
        """Returns the tools that the study allows, those that cannot be described to a model left out.

        Their descriptions are text from outside, cut to a length. Raises ServerUnavailable.
        """
        found, cursor = list[Any](), None
        while len(found) < _MAX_TOOLS:
            try:
                async with asyncio.timeout(self._config.timeout_seconds):
                    page: Any = await self._client.list_tools(cursor=cursor)
            except Exception as error:
                raise ServerUnavailable(f"'{self._name}' does not list its tools: {_reason(error)}") from None
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        usable = (self._definition(tool) for tool in found[:_MAX_TOOLS] if is_allowed(self._config, tool.name))
        return [one for one in usable if one]

    def _definition(self, tool: Any) -> AgentToolDefinition | None:
        if not _TOOL_NAME.fullmatch(tool.name) or len(canonical_json(tool.input_schema)) > _MAX_SCHEMA_BYTES:
            return None
        definition = AgentToolDefinition(
            name=f"{self._name}.{tool.name}",
            description=(tool.description or "")[:_MAX_DESCRIPTION],
            input_schema=tool.input_schema,
            permissions=("fetch",) if self._config.url else ("fetch", "write_files"),
        )
        try:
            argument_schema(definition)
        except BadSchema:
            return None
        return definition

    async def call(self, tool: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        """Returns what the tool returned: its structured content, else its text. Raises ToolFailed."""
        call = asyncio.ensure_future(self._client.call_tool(tool, thawed(arguments)))
        try:
            await asyncio.wait({call, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise ToolFailed(f"the server '{self._name}' has ended")
            result: Any = call.result()
        except ToolFailed:
            raise
        except Exception as error:
            raise ToolFailed(f"the server '{self._name}' answers with an error: {_reason(error)}") from None
        finally:
            call.cancel()
        text = "\n".join(_text(block) for block in result.content)
        if result.is_error:
            raise ToolFailed(text[:_MAX_ERROR] or "the tool failed and does not say why")
        return result.structured_content if result.structured_content is not None else text


def is_allowed(config: MCPServer, tool: str) -> bool:
    """Whether the study allows the tool of that name."""
    return any(fnmatchcase(tool, pattern) for pattern in config.allow)


@asynccontextmanager
async def connect(name: str, config: MCPServer, environment: Mapping[str, SecretStr]) -> AsyncGenerator[MCPConnection]:
    """Starts or reaches the server for the length of the block. Raises ServerUnavailable."""
    ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
    closing = asyncio.Event()
    task = asyncio.create_task(_serve(config, environment, ready, closing))
    try:
        async with asyncio.timeout(config.timeout_seconds):
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            raise ServerUnavailable(f"'{name}' cannot be {'reached' if config.url else 'started'}: {_ending(task)}")
        yield MCPConnection(name, config, ready.result(), task)
    except TimeoutError:
        raise ServerUnavailable(
            f"'{name}' does not answer within {config.timeout_seconds:g} seconds (timeout_seconds)"
        ) from None
    finally:
        closing.set()
        _, running = await asyncio.wait({task}, timeout=5)
        for one in running:
            one.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve(
    config: MCPServer, environment: Mapping[str, SecretStr], ready: asyncio.Future[Client], closing: asyncio.Event
) -> None:
    from mcp import Client

    async with AsyncExitStack() as stack:
        transport = await _transport(config, environment, stack)
        client = await stack.enter_async_context(Client(transport, read_timeout_seconds=config.timeout_seconds))
        # Not by a schema of the server's own: a pattern in it could take for ever to match.
        client.session.validate_tool_result = _accept  # type: ignore[method-assign]
        ready.set_result(client)
        await closing.wait()


async def _accept(*_: Any) -> None:
    pass


async def _transport(config: MCPServer, environment: Mapping[str, SecretStr], stack: AsyncExitStack) -> Any:
    values = {name: value.get_secret_value() for name, value in environment.items()}
    if config.url is None:
        from mcp import StdioServerParameters
        from mcp.client.stdio import get_default_environment

        program, *arguments = config.command
        return StdioServerParameters(
            command=program,
            args=arguments,
            env={**get_default_environment(), **values},
            encoding_error_handler="replace",
        )
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    headers = {"Authorization": f"Bearer {values[config.token_env]}"} if config.token_env else None
    client = await stack.enter_async_context(create_mcp_http_client(headers))
    return streamable_http_client(str(config.url), http_client=client)


def _text(block: Any) -> str:
    text = getattr(block, "text", None)
    return text if isinstance(text, str) else f"[{getattr(block, 'type', 'something')} is left out: only text is read]"


def _ending(task: asyncio.Task[None]) -> str:
    error = None if task.cancelled() else task.exception()
    return _reason(error) if error else "it has ended"


def _reason(error: Any) -> str:
    """The first error in a group, in one line: the library wraps errors in groups of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("Any", error).exceptions[0]
    return " ".join(str(error).split())[:300] or type(error).__name__
