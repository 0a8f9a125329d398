"""All that the server publishes. It is read in a thread while the transport answers already."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import StudyError
from contract.tools import Permission
from flows.config.folders import search_folders
from flows.mcp.published import Material

if TYPE_CHECKING:
    from flows.mcp.agent_tools import AgentTools
    from flows.mcp.published import PublishedTool
    from flows.mcp.started_runs import StartedRuns
    from flows.spec.agent_registry import AgentRegistry

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerSettings:
    """How a server was started."""

    config_dir: Path | None = None
    budget: Decimal | None = None
    """US dollars for all calls and runs of this server's token together."""
    keep_runs: bool = False
    """Whether started runs go on when the server ends."""
    allow: tuple[Permission, ...] = ()
    """What published functions of packages may do beyond reading and spending."""
    token: str | None = field(default=None, repr=False)
    """Who may reach it over HTTP; None over standard input and output."""


class Catalogue:
    """Tools, resources and prompts of one server. Must be closed."""

    def __init__(self, settings: ServerSettings, registry: AgentRegistry | None = None) -> None:
        self._settings = settings
        self._registry = registry
        self._folders = search_folders(settings.config_dir)
        self._runs: StartedRuns | None = None
        self._agents: AgentTools | None = None
        self._reading: asyncio.Task[dict[str, PublishedTool]] | None = None

    def begin_reading(self) -> asyncio.Task[dict[str, PublishedTool]]:
        """Reads the tools in a thread; the first request that needs them waits for it."""
        failed = self._reading and self._reading.done() and (self._reading.cancelled() or self._reading.exception())
        if self._reading is None or failed:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        return self._reading

    async def tools(self) -> dict[str, PublishedTool]:
        """Every tool by its name."""
        # Shielded: a client that gives up must not take it from the others.
        return await asyncio.shield(self.begin_reading())

    async def reports(self) -> list[Material]:
        """The reports of finished runs, the latest first."""
        from flows.mcp.materials import reports

        return await asyncio.to_thread(reports)

    def templates(self) -> list[Material]:
        """How the addresses of resources are made."""
        return [
            Material("run://{run_id}/report", "report", description="The answer or the findings of a finished run."),
            Material(
                "corpus://{storage}/{record}#{passage}",
                "passage",
                description="A passage of a corpus by its id, as in citations, for example corpus://osb/<record>#<…>.",
            ),
        ]

    async def read(self, uri: str) -> Material | None:
        """The resource at that address, or None."""
        from flows.mcp.materials import read_material

        await self.tools()
        return await read_material(uri, self._runs, self._settings.config_dir)

    async def criteria(self) -> dict[str, str]:
        """The title of each criterion, by name."""
        from flows.mcp.materials import criterion_titles

        return await asyncio.to_thread(criterion_titles, self._folders)

    async def criterion(self, name: str, text: str | None) -> Material | None:
        """A criterion as a prompt; with a text, the request to judge it. None where there is no such criterion."""
        from flows.mcp.materials import criterion_prompt

        return await asyncio.to_thread(criterion_prompt, self._folders, name, text)

    async def aclose(self) -> None:
        """Ends calls, and runs that shall not outlive the server."""
        if self._reading:
            await asyncio.wait({self._reading})
        if self._agents:
            await self._agents.aclose()
        if self._runs:
            await self._runs.aclose()

    def _read(self) -> dict[str, PublishedTool]:
        from flows.api.server import quieten_prefect

        quieten_prefect()
        from flows.config.listing import list_all
        from flows.config.plugin_names import plugin_problems
        from flows.mcp.agent_tools import AgentTools
        from flows.mcp.flow_schema import flow_definitions
        from flows.mcp.flow_tools import FlowTools
        from flows.mcp.functions import marked_functions, published_functions
        from flows.mcp.permits import Permits
        from flows.mcp.run_owner import RunOwner
        from flows.mcp.spending import Spending
        from flows.mcp.started_runs import StartedRuns

        if problems := plugin_problems():
            for problem in problems:
                _LOG.error("%s", problem)
            raise StudyError(problems)
        settings, spending = self._settings, Spending(self._settings.budget)
        self._runs = StartedRuns(
            settings.config_dir, RunOwner(settings.token), outlive_server=settings.keep_runs, shared=spending.shared
        )
        self._agents = AgentTools(settings.config_dir, spending, self._registry)
        models = ", ".join(one.name for one in list_all(settings.config_dir) if one.kind == "model")
        flows = flow_definitions(self._folders, settings.config_dir)
        functions = marked_functions()
        found: list[Any] = [
            *self._agents.tools(models, functions),
            *FlowTools(settings.config_dir, spending, self._runs).tools(flows),
            *published_functions(functions, settings.config_dir, Permits(spending, frozenset(settings.allow))),
        ]
        return {tool.definition.name: tool for tool in found}
