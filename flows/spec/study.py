"""Study: a composed and checked flow, with everything that it needs to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.models import ModelConfig
from contract.run import RunSettings
from contract.storage import StorageConfig
from contract.tool_servers import MCPServer
from flows.config.provenance import Provenance


@dataclass(frozen=True)
class ToolServer:
    """A server of tools that the user allows, with the values of the environment variables that it gets."""

    config: MCPServer
    environment: Mapping[str, SecretStr]


@dataclass(frozen=True)
class Study:
    """One flow, ready to be planned and run. Nothing in it changes, and nothing in `config` is secret."""

    flow: FlowSpec
    """The flow with the request's values already in its steps' parameters and variants."""
    request: Mapping[str, JsonValue]
    """The flow's parameters by name, defaults applied; one that was not given and has no default is null.

    Beside them the shorthands that were given, such as `records` and `sample`."""
    models: Mapping[str, ModelConfig]
    """Every model that the configuration defines, by name."""
    used_models: frozenset[str]
    """Names of the models that the flow's steps use."""
    storage: Mapping[str, StorageConfig]
    """Every storage by name, its paths absolute."""
    run: RunSettings
    folders: tuple[Path, ...]
    """The config folders in the order in which they are searched: for prompts and criteria."""
    config: Mapping[str, JsonValue]
    """The whole composed configuration, interpolations resolved, secrets masked."""
    provenance: Provenance
    notices: tuple[str, ...] = ()
    """Messages that the user should see but that stop nothing, one sentence each."""
    result_notices: tuple[str, ...] = ()
    """Those of them that readers of the results need, too."""
    tool_servers: Mapping[str, ToolServer] = field(default_factory=dict[str, ToolServer])
    """The outside servers of tools that the flow uses, by name."""
    missing_parameters: tuple[str, ...] = field(default=())
    """Required parameters that were not given; only with `compose(..., require_request=False)`."""
