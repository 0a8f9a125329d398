"""Plugin that gives every `prefect` command in this folder a default server. Prefect loads it.

A fresh Prefect profile names no server, so a deployment or a worker would find none. An address in `pyproject.toml`
would help, but Prefect ranks it above the user's profile: users who are logged in to Prefect Cloud, or have set a
server of their own, would be sent to another one without notice. A plugin can first look at what is configured.

`pyproject.toml` switches it on, for commands that are run in its folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from prefect.plugins import HookContext, SetupResult, register_hook

from flows.server.choose_server import API_URL_VARIABLE, local_api
from flows.server.staying_server import StayingServer, end_unused_server

_PROMPT_VARIABLE = "PREFECT_CLI_PROMPT"


@register_hook
def setup_environment(*, ctx: HookContext) -> SetupResult | None:
    """Sets the address of the server of this machine, unless one is configured."""
    command = sys.argv[1:3]
    if command == ["server", "start"]:
        # An operator's server takes the place of one that a command has left.
        end_unused_server()
        # The command would ask in which profile to write its address; started with `&`, the shell would then stop it.
        return None if _PROMPT_VARIABLE in os.environ else SetupResult(env={_PROMPT_VARIABLE: "false"})
    if ctx.api_url or API_URL_VARIABLE in os.environ or _is_configuration_command(command):
        return None
    staying = StayingServer.find()
    if staying:
        # Each request counts as a use, so a worker keeps the server.
        staying.stop()
    return SetupResult(env={API_URL_VARIABLE: staying.api_url if staying else local_api()})


def _is_configuration_command(command: Sequence[str]) -> bool:
    """Whether the command shows or changes the configuration, and would take our default for the user's setting."""
    return command[:1] in (["cloud"], ["profile"]) or list(command) in (["config", "set"], ["config", "unset"])
