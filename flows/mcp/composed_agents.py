"""Composed calls of agents, kept for as long as the configuration does not change: composing takes seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from contract.base import JsonValue, digest
from flows.config.folders import search_folders
from flows.config.own_config import user_config_folder
from flows.spec.agent_registry import AgentRegistry

if TYPE_CHECKING:
    from flows.compose.one_agent import AgentCall

_MAX_KEPT = 100


class ComposedAgents:
    """Composes a call once, also when many ask for the same at once."""

    def __init__(self, config_dir: Path | None, registry: AgentRegistry | None = None) -> None:
        self._config_dir = config_dir
        self._registry = registry
        self._kept: OrderedDict[str, AgentCall] = OrderedDict()
        self._lock = asyncio.Lock()

    async def get(self, name: str, settings: Mapping[str, JsonValue], budget: Decimal | None, tool: str) -> AgentCall:
        """Returns the call, composed and checked. Raises StudyError with every mistake in it, as one of `tool`."""
        async with self._lock:
            return await asyncio.to_thread(self._get, name, settings, budget, tool)

    def _get(self, name: str, settings: Mapping[str, JsonValue], budget: Decimal | None, tool: str) -> AgentCall:
        from flows.compose.one_agent import compose_agent

        key = digest([name, dict(settings), str(budget), list(self._state())])
        if key not in self._kept:
            self._kept[key] = compose_agent(name, settings, self._config_dir, self._registry, budget, tool)
        self._kept.move_to_end(key)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _state(self) -> Iterator[JsonValue]:
        """Name, size and time of every file that a composition can depend on."""
        for folder in (*search_folders(self._config_dir), user_config_folder()):
            for path in sorted(folder.glob("**/*")):
                if path.is_file():
                    stat = path.stat()
                    yield [str(path), stat.st_size, stat.st_mtime_ns]
