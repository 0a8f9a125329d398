"""Keeps which tools an outside server had, so that kept results are found where the server cannot be reached."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from contract.tools import AgentToolDefinition
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.store import ResultStore

_LIST: TypeAdapter[list[AgentToolDefinition]] = TypeAdapter(list[AgentToolDefinition])


def _path(key: str) -> str:
    return f"tool_lists/{key}"


def kept_tool_list(store: ResultStore, key: str) -> list[AgentToolDefinition] | None:
    """The tools that are kept under `key`; None where there are none, or where the file was changed."""
    try:
        return _LIST.validate_json(from_kept(key, store.read(_path(key))))
    except (OSError, AlteredFile, ValidationError):
        return None


async def keep_tool_list(store: ResultStore, key: str, definitions: Sequence[AgentToolDefinition]) -> None:
    """Keeps the tools. Raises OSError."""
    await store.awrite_path(_path(key), to_kept(key, _LIST.dump_json([*definitions])))
