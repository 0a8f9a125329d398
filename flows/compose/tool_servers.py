"""Which servers of tools are used: those that the user's own configuration allows, with the variables named there.

A study can come from anyone, and a command is run with the user's rights. So each command and address, and each
variable that it gets, stands in `allowed.yaml`; what a command line names was typed by the user.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter

from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.tool_servers import MCPServer
from flows.compose.sections import no_fields
from flows.config.compose_config import ComposedConfig
from flows.config.diagnostics import Diagnostics
from flows.config.own_config import how_to_allow
from flows.config.provenance import KeyPath
from flows.config.validate import validate_data
from flows.spec.study import ToolServer
from flows.spec.tool_registry import server_of, used_tools

_SERVER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_ADAPTER: TypeAdapter[MCPServer] = TypeAdapter(MCPServer)


def tool_servers_of(section: JsonValue, diagnostics: Diagnostics) -> dict[str, MCPServer]:
    """Every server of the `tools:` section."""
    found: dict[str, MCPServer] = {}
    for name, data in section.items() if isinstance(section, dict) else ():
        path = ("tools", name)
        if not isinstance(data, dict):
            diagnostics.add_at(path, no_fields(name, data), todo="write its fields below it, indented")
            diagnostics.mark_reported(path)
        elif not _SERVER_NAME.fullmatch(name):
            diagnostics.add_at(
                path, f"'{name}' cannot stand before a dot in `tools:`", todo="use letters, digits and _"
            )
            diagnostics.mark_reported(path)
        elif server := validate_data(_ADAPTER, data, path, _model_at, diagnostics):
            found[name] = server
        else:
            diagnostics.mark_reported(path)
    return found


def _model_at(loc: KeyPath) -> type[BaseModel] | None:
    return None if loc else MCPServer


def used_tool_servers(
    flow: FlowSpec, servers: Mapping[str, MCPServer], composed: ComposedConfig, diagnostics: Diagnostics
) -> dict[str, ToolServer]:
    """The servers that the flow uses, ready to be started or reached. What is not allowed is reported."""
    names = dict.fromkeys(server for tool in used_tools(flow) if (server := server_of(tool)) in servers)
    found: dict[str, ToolServer] = {}
    for name in names:
        config = servers[name]
        if _report_forbidden(name, config, composed, diagnostics):
            found[name] = ToolServer(config, _environment(name, config, diagnostics))
    return found


def _report_forbidden(name: str, config: MCPServer, composed: ComposedConfig, diagnostics: Diagnostics) -> bool:
    """Whether the user allows the server and its variables; reports it where not."""
    field = "url" if config.url else "command"
    place = diagnostics.provenance.locations.get(("tools", name, field))
    allowed: Mapping[str, Any] = composed.allowed.tools
    is_typed = place is not None and place.file is None and place.label.startswith("command line")
    if config.place not in allowed and not (is_typed and not config.variables):
        does = f"sends what its tools are asked to {config.place}" if config.url else f"runs `{config.place}` here"
        line = f"{config.place}: [{', '.join(config.variables)}]"
        diagnostics.add_at(
            ("tools", name, field),
            f"the tool server '{name}' {does}, which your own configuration does not allow",
            todo=f"if you trust it, {how_to_allow('tools', line)}",
        )
        return False
    withheld = [one for one in config.variables if one not in allowed.get(config.place, ())]
    for variable in withheld:
        line = f"{config.place}: [{', '.join(config.variables)}]"
        diagnostics.add_at(
            ("tools", name, "token_env" if variable == config.token_env else "env"),
            f"the tool server '{name}' would be given the variable {variable}, which your own configuration does not "
            "allow",
            todo=f"if it is to have it, {how_to_allow('tools', line)}",
        )
    return not withheld


def _environment(name: str, config: MCPServer, diagnostics: Diagnostics) -> dict[str, SecretStr]:
    for variable in config.variables:
        if variable not in os.environ:
            path = ("tools", name, "token_env" if variable == config.token_env else "env")
            what = f"the tool server '{name}' needs the environment variable {variable}, which is not set"
            diagnostics.add_at(path, what, todo=f"set {variable}, or take it out")
    return {variable: SecretStr(os.environ.get(variable, "")) for variable in config.variables}
