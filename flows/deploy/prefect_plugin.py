"""What any `prefect` command in this folder takes for granted where nobody has said otherwise. Loaded by Prefect.

A fresh Prefect profile names no server, so a deployment or a worker would find none. An address in `pyproject.toml`
would help, but Prefect ranks it above the user's profile: whoever has logged in to Prefect Cloud, or has set a server
of their own, would unknowingly be sent to another one. A plugin can ask first what is configured.

`pyproject.toml` switches it on, for commands that are run beside it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from prefect.plugins import HookContext, SetupResult, register_hook

from flows.server.choose_server import API_URL_VARIABLE, local_api

_PROMPT_VARIABLE = "PREFECT_CLI_PROMPT"


@register_hook
def setup_environment(*, ctx: HookContext) -> SetupResult | None:
    """Names the server that `prefect server start` starts on this machine, where none is configured."""
    command = sys.argv[1:3]
    if command == ["server", "start"]:
        # It would ask in which profile to write its address, and with `&` the shell stops whoever asks.
        return None if _PROMPT_VARIABLE in os.environ else SetupResult(env={_PROMPT_VARIABLE: "false"})
    if ctx.api_url or API_URL_VARIABLE in os.environ or _is_configuration_command(command):
        return None
    return SetupResult(env={API_URL_VARIABLE: local_api()})


def _is_configuration_command(command: Sequence[str]) -> bool:
    """Whether the command is about what is configured, and would take our word for the user's."""
    return command[:1] in (["cloud"], ["profile"]) or list(command) in (["config", "set"], ["config", "unset"])
