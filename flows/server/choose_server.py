"""Chooses the Prefect server of a command: the configured one, one that runs on this machine, or one that it starts.

These functions have to be called before Prefect is imported, because Prefect then reads its settings.
"""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request

from contract.errors import RunError
from contract.server_policy import DEFAULT_STAY, ServerPolicy, parse_server_policy
from flows.server.command_name import command_text
from flows.server.listener_owner import is_another_users
from flows.server.local_requests import IDENTITY_HEADER
from flows.server.private_server import NO_PROXY_OPENER, PrivateServer
from flows.server.staying_server import USUAL_PORT, StayingServer
from flows.server.staying_state import StateFolder, can_stay

API_URL_VARIABLE = "PREFECT_API_URL"
"""The environment variable that names a server's API, for all of Prefect's threads and the processes it starts."""
POLICY_VARIABLE = "BUTTERMILK_SERVER"
"""The environment variable for what `run.server` says, where a study and a command say nothing."""
_AUTOMATED = ("CI", "TF_BUILD", "JENKINS_URL", "PYTEST_CURRENT_TEST")
"""Set in automated builds and in tests, which leave nothing behind."""
_FIRST_PROCESS = 1

StartedServer = PrivateServer | StayingServer


def configured_api() -> str | None:
    """The API that the environment or the active Prefect profile names, or None. Does not import Prefect."""
    return os.environ.get(API_URL_VARIABLE) or profile_value(API_URL_VARIABLE)


def profile_value(variable: str) -> str | None:
    """The value of an environment variable in the user's active Prefect profile, or None. Does not import Prefect."""
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")).expanduser()
    if not profiles.is_file():
        return None
    import tomllib

    known = tomllib.loads(profiles.read_text(encoding="utf-8"))
    active = os.environ.get("PREFECT_PROFILE") or known.get("active", "")
    return known.get("profiles", {}).get(active, {}).get(variable)


def local_api() -> str:
    """The address of the API that `prefect server start` serves on this machine."""
    return f"http://127.0.0.1:{os.environ.get('PREFECT_SERVER_API_PORT') or USUAL_PORT}/api"


def server_policy(setting: str | None) -> ServerPolicy:
    """What a run does where no server answers: what `run.server` says, else the environment, else what is usual here.

    Raises RunError when the environment variable cannot be read.
    """
    if setting is not None:
        return parse_server_policy(setting)
    if named := os.environ.get(POLICY_VARIABLE):
        try:
            return parse_server_policy(named)
        except ValueError as error:
            raise RunError(f"the environment variable {POLICY_VARIABLE}={named} cannot be read: {error}") from None
    # The first process of a container takes all others with it when it ends.
    is_automated = any(os.environ.get(name, "false").lower() not in ("false", "0", "") for name in _AUTOMATED)
    if is_automated or not can_stay() or os.getpid() == _FIRST_PROCESS:
        return ServerPolicy("with_run")
    return parse_server_policy(DEFAULT_STAY)


def use_running_server() -> bool:
    """Whether there is a server to use. One that runs on this machine becomes the configured one, if there was none."""
    # Our plugin would set the same address again, and Prefect takes half a second to look for plugins.
    os.environ.setdefault("PREFECT_PLUGINS_ENABLED", "false")
    if configured_api():
        return True
    # A server that stays is held, not only used, so that it does not end meanwhile.
    if not StateFolder().lives() and is_usable(api := local_api()):
        os.environ[API_URL_VARIABLE] = api
        return True
    return False


def is_usable(api_url: str) -> bool:
    """Whether a Prefect server of the installed version answers there, accepts our password, and is no other user's.

    A server that stays is found by its state instead: here it could be one of another version, or with other data.
    """
    request = Request(f"{api_url}/admin/version")  # noqa: S310 - our own address
    if password := os.environ.get("PREFECT_API_AUTH_STRING"):
        request.add_header("Authorization", f"Basic {b64encode(password.encode()).decode()}")
    try:
        with NO_PROXY_OPENER.open(request, timeout=2) as response:
            is_ours = response.read(100).decode() == f'"{version("prefect")}"' and not response.headers[IDENTITY_HEADER]
    except (OSError, HTTPException, UnicodeDecodeError):
        return False
    return is_ours and not is_another_users(api_url)


def start_server(policy: ServerPolicy) -> StartedServer:
    """Starts a server, or holds the one that stays. Raises RunError when none runs and the policy allows none."""
    if policy.kind == "none":
        if running := StayingServer.find():
            return running
        raise RunError(
            f"no Prefect server answers at {local_api()}, and run.server is none; "
            f"start `{command_text('server', 'start')}`, or leave run.server out"
        )
    server = StayingServer.open(policy.idle_seconds) if policy.kind == "stay" else None
    if server is None and policy.kind == "stay":
        print("note: this run has a Prefect server of its own, which ends with it", file=sys.stderr)
    return server or PrivateServer()


class CommandServer:
    """The server of one command. It is chosen before the study is known, because its start takes longest."""

    def __init__(self, setting: str | None) -> None:
        self.server: StartedServer | None = None
        """None when the command uses a server that it has not started."""
        self._policy = server_policy(setting)
        self._is_running = use_running_server()
        if not self._is_running and (self._policy.kind != "none" or StateFolder().lives()):
            self._start(self._policy)

    @property
    def idle_seconds(self) -> int:
        """How long what this command leaves may stay without a use; 0 where it leaves nothing.

        A setting for a server of ours says nothing where another is used; then what is usual here counts.
        """
        policy = server_policy(None) if self._is_running else self._policy
        return policy.idle_seconds if policy.kind == "stay" else 0

    def settle(self, setting: str | None) -> None:
        """Changes to another server when the study turns out to ask for one. Raises RunError when it allows none."""
        policy = server_policy(setting)
        if self._is_running or (policy == self._policy and self.server):
            return
        self.stop(is_wrong=True)
        self._start(policy)

    def stop(self, *, is_wrong: bool = False) -> None:
        """Ends the server, or lets go of one that stays; a wrong one does not stay for this command's sake."""
        server, self.server = self.server, None
        if is_wrong and isinstance(server, StayingServer):
            server.end_if_unused()
        elif server:
            server.stop()

    def _start(self, policy: ServerPolicy) -> None:
        self.server, self._policy = start_server(policy), policy
        os.environ[API_URL_VARIABLE] = self.server.api_url


@contextmanager
def command_server(setting: str | None = None) -> Generator[CommandServer]:
    """A server for the length of the block. `setting` is `run.server`, as far as it is known."""
    chosen = CommandServer(setting)
    try:
        yield chosen
    finally:
        chosen.stop()
