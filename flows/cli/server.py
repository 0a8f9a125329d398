"""The verb `server`: shows, starts and ends the Prefect server of this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict

from contract.errors import Problem, RunError, StudyError
from contract.server_policy import DEFAULT_STAY, ServerPolicy, describe_seconds, parse_server_policy
from flows.config.diagnostics import closest_name
from flows.server.choose_server import configured_api, local_api, server_policy, use_running_server
from flows.server.private_server import is_healthy
from flows.server.staying_server import StayingServer, end_server
from flows.server.staying_state import StateFolder, can_stay

_ACTIONS = ("status", "start", "stop")
_SETTING = "run.server="


def server_command(words: Sequence[str], *, as_json: bool = False) -> int:
    """`server status`, `server start [run.server="stay 1h"]`, `server stop [now]`. Returns the exit code."""
    action, rest = (words[0], list(words[1:])) if words else ("status", [])
    if action not in _ACTIONS:
        near = closest_name(action, _ACTIONS)
        raise StudyError([Problem(f"command line: {action}", "`server` takes no such word", near, _usage())])
    if action == "status" and not rest:
        return _status(as_json)
    if action == "stop" and rest in ([], ["now"]):
        return _stop(now=bool(rest))
    if action == "start" and all(text.startswith(_SETTING) for text in rest):
        return _start(_policy(rest))
    raise StudyError([Problem(f"command line: {rest[0]}", f"`server {action}` takes no such word", todo=_usage())])


def _usage() -> str:
    return 'write server status, server start, server start run.server="stay 1h", server stop or server stop now'


def _policy(settings: Sequence[str]) -> ServerPolicy:
    if not settings:
        usual = server_policy(None)
        return usual if usual.kind == "stay" else parse_server_policy(DEFAULT_STAY)
    text = settings[-1].removeprefix(_SETTING)
    try:
        policy = parse_server_policy(text)
    except ValueError as error:
        raise StudyError([Problem(f"command line: {settings[-1]}", str(error))]) from None
    if policy.kind != "stay":
        raise StudyError([Problem(f"command line: {settings[-1]}", "this is no time to stay", todo=_usage())])
    return policy


def _status(as_json: bool) -> int:
    folder = StateFolder()
    folder.check_owner()
    state = folder.read() if folder.lives() else None
    if as_json:
        found = (
            {**asdict(state), "idle_seconds": folder.read_idle_seconds(), "in_use": _in_use(folder)} if state else None
        )
        print(json.dumps({"configured": configured_api(), "server": found}, indent=2))
        return 0
    if api := configured_api():
        print(f"Commands use the Prefect server that is configured: {api}")
    if state is None:
        print(_without_server())
        return 0
    answers = "answers" if is_healthy(state.api_url) else ("does not answer" if state.ready else "is starting")
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(state.started))
    use = "A run uses it now." if _in_use(folder) else "No run uses it now."
    print(f"The Prefect server of this machine {answers}: {state.api_url.removesuffix('/api')}")
    print(f"Process {state.pid}, since {since}, Prefect {state.prefect}. {use}")
    print(f"It ends after {describe_seconds(folder.read_idle_seconds())} without a use. Its log: {folder.log}")
    print(_kept_imports(), end="")
    return 0


def _kept_imports() -> str:
    if not can_stay():
        return ""
    from flows.cli.warm.place import running_process

    process = running_process()
    return f"Process {process} keeps the imports of commands, so that the next begins at once.\n" if process else ""


def _without_server() -> str:
    if not configured_api() and use_running_server():
        return f"A Prefect server that Buttermilk did not start answers at {local_api()}; commands use it."
    return "Buttermilk keeps no Prefect server here now; the next run starts what it needs."


def _in_use(folder: StateFolder) -> bool:
    lock = folder.lock_use(exclusive=True)
    if lock:
        lock.close()
    return lock is None


def _start(policy: ServerPolicy) -> int:
    if use_running_server():
        print(f"Commands use a Prefect server that Buttermilk did not start: {configured_api()}")
        return 0
    server = StayingServer.open(policy.idle_seconds)
    if server is None:
        raise RunError("no server can stay here; start `prefect server start` instead")
    try:
        server.wait_until_ready()
        print(f"The Prefect server of this machine answers: {server.api_url.removesuffix('/api')}")
        print(f"It ends after {describe_seconds(policy.idle_seconds)} without a use.")
    finally:
        server.stop()
    return 0


def _stop(*, now: bool) -> int:
    ended = end_server(even_in_use=now)
    print(
        f"The Prefect server at {ended.removesuffix('/api')} has ended."
        if ended
        else "Buttermilk keeps no server here."
    )
    if can_stay():
        from flows.cli.warm.place import end_process

        if end_process():
            print("The process that kept the imports of commands has ended.")
    return 0
