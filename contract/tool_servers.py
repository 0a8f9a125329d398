"""Servers of tools that a study names: programs or addresses outside this project that speak MCP."""

from __future__ import annotations

import shlex
from typing import Literal

from pydantic import Field, HttpUrl, model_validator

from contract.base import Frozen, JsonValue, digest
from contract.models import VariableName
from contract.secrets import is_loopback_host


class MCPServer(Frozen):
    """An entry of the `tools:` section: where a server is, and what is used of it."""

    type: Literal["mcp"] = "mcp"
    command: tuple[str, ...] = ()
    """The program that is started, with its arguments; it speaks MCP over its input and output."""
    url: HttpUrl | None = None
    """The address of a server that is already there; https, or http on this machine."""
    token_env: VariableName | None = None
    """The environment variable that holds the token which `url` asks for."""
    env: tuple[VariableName, ...] = ()
    """Environment variables that the command is given; all others but PATH, HOME and the like are kept from it."""
    allow: tuple[str, ...] = Field(min_length=1)
    """The tools that steps may use, as names or with `*`: `get_*`."""
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    """For its start, and for each call."""
    description: str = ""

    @model_validator(mode="after")
    def _names_one_place(self) -> MCPServer:
        if bool(self.command) == (self.url is not None):
            raise ValueError("needs either `command`, a list of the program and its arguments, or `url`")
        if self.token_env and not self.url:
            raise ValueError("`token_env` goes with `url`; a command is given variables by `env`")
        if self.env and not self.command:
            raise ValueError("`env` goes with `command`; a server at a `url` is given a token by `token_env`")
        host = (self.url.host or "").strip("[]") if self.url else ""
        if self.url and self.url.scheme == "http" and not is_loopback_host(host):
            raise ValueError("`url` should begin with https://; only a server on this machine may be http://")
        if self.url and (self.url.username or self.url.password):
            raise ValueError("`url` holds a name or password; put the token into a variable, named by `token_env`")
        return self

    @property
    def place(self) -> str:
        """The command line or the address, as the user allows it."""
        return str(self.url) if self.url else shlex.join(self.command)

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that the server gets."""
        return (*self.env, *([self.token_env] if self.token_env else []))

    @property
    def identity(self) -> JsonValue:
        """What results of its tools depend on beside the tools: no name, no time-out and no secret."""
        return digest(["mcp", self.place])
