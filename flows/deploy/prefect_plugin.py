"""Plugin that gives Prefect programs in this folder a server. Prefect loads it.

A fresh Prefect profile names no server, so a deployment or a worker would find none. An address in `pyproject.toml`
would help, but Prefect ranks it above the user's profile: users who are logged in to Prefect Cloud, or have set a
server of their own, would be sent to another one without notice. A plugin can first look at what is configured.

`prefect` commands get the address of this machine's server, whether or not it runs, so that an operator who forgot to
start it reads so. Other programs, such as a script with a flow of one's own, get it while it runs; else Prefect starts
a server for the program, and gets the time for it that a slow machine needs.

`pyproject.toml` switches the plugin on, for programs that are run in its folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from prefect.plugins import HookContext, SetupResult, register_hook

from flows.server.choose_server import API_URL_VARIABLE, is_usable, local_api
from flows.server.private_server import SERVER_START_SECONDS
from flows.server.staying_server import StayingServer, end_unused_server

_PROMPT_VARIABLE = "PREFECT_CLI_PROMPT"
_PLUGINS_VARIABLE = "PREFECT_PLUGINS_ENABLED"
_START_TIME_VARIABLE = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"


@register_hook
def setup_environment(*, ctx: HookContext) -> SetupResult | None:
    """Sets the address of the server of this machine, unless one is configured."""
    if not _is_prefect_command():
        return _for_program(ctx)
    command = sys.argv[1:3]
    if command == ["server", "start"]:
        # An operator's server takes the place of one that a command has left.
        end_unused_server()
        # The command would ask in which profile to write its address; started with `&`, the shell would then stop it.
        return None if _PROMPT_VARIABLE in os.environ else SetupResult(env={_PROMPT_VARIABLE: "false"})
    # What a worker starts has the worker's address already; Prefect could not start plugins in all of its processes.
    env = {_PLUGINS_VARIABLE: "false"} if command == ["worker", "start"] else dict[str, str]()
    if not (ctx.api_url or API_URL_VARIABLE in os.environ or _is_configuration_command(command)):
        env[API_URL_VARIABLE] = _staying_api() or local_api()
    return SetupResult(env=env) if env else None


def _for_program(ctx: HookContext) -> SetupResult | None:
    if ctx.api_url or API_URL_VARIABLE in os.environ:
        return None
    if api_url := _staying_api() or (local_api() if is_usable(local_api()) else None):
        return SetupResult(env={API_URL_VARIABLE: api_url})
    if _START_TIME_VARIABLE in os.environ:
        return None
    return SetupResult(env={_START_TIME_VARIABLE: f"{SERVER_START_SECONDS:.0f}"})


def _staying_api() -> str | None:
    staying = StayingServer.find()
    if staying is None:
        return None
    # Each request counts as a use, so a worker keeps the server.
    staying.stop()
    return staying.api_url


def _is_prefect_command() -> bool:
    """Whether this process is the command `prefect`, also as `python -m prefect`."""
    name = Path(sys.argv[0]).name
    if name == "-m":
        # So it reads while Python looks for the module.
        name = next(iter(sys.orig_argv[sys.orig_argv.index("-m") + 1 :]), "")
    return name.removesuffix(".exe").partition(".")[0] == "prefect"


def _is_configuration_command(command: Sequence[str]) -> bool:
    """Whether the command shows or changes the configuration, and would take our default for the user's setting."""
    return command[:1] in (["cloud"], ["profile"]) or list(command) in (["config", "set"], ["config", "unset"])
