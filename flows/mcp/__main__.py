"""`python -m flows.mcp`: the MCP server, on standard input and output or over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path

from contract.errors import StudyError
from flows.compose.prefect_permission import check_folder_settings
from flows.mcp.published import ALLOWABLE, TOKEN_VARIABLE
from flows.server.choose_server import profile_value
from flows.server.folder_settings import keep_own_settings

_MIN_TOKEN = 16
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until the client's side closes or the process is interrupted. Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if problem := _problem(options):
        parser.error(problem)
    if options.config_dir is not None:
        options.config_dir = options.config_dir.expanduser().absolute()
    if options.folder is not None:
        os.chdir(options.folder.expanduser())
    keep_own_settings(Path.cwd(), os.environ, profile_value)
    try:
        notes = check_folder_settings(Path.cwd())
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if options.print_config:
        print(json.dumps(_client_configuration(options), indent=2))
        return 0
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s: %(message)s")
    with suppress(KeyboardInterrupt):
        return asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> int:
    from contract.errors import RunError
    from flows.mcp.catalogue import Catalogue, ServerSettings

    token = None if options.http is None else os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(32)
    settings = ServerSettings(options.config_dir, options.budget, options.keep_runs, tuple(options.allow), token)
    async with aclosing(Catalogue(settings)) as catalogue:
        if token is None or options.http is None:
            from flows.mcp.stdio import serve_stdio

            await serve_stdio(catalogue)
            return 0
        from flows.mcp.http import PATH, serve_http
        from flows.server.listen import listen

        try:
            bound = listen(options.host, options.http)
        except RunError as error:
            print(error, file=sys.stderr)
            return 3
        host = f"[{options.host}]" if ":" in options.host else options.host
        print(f"Listening on http://{host}:{bound.getsockname()[1]}{PATH}", file=sys.stderr)
        shown = f"the one in {TOKEN_VARIABLE}" if TOKEN_VARIABLE in os.environ else token
        print(f"Token: {shown}", file=sys.stderr, flush=True)
        await serve_http(catalogue, bound, token, options.allow_host)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.mcp",
        description="Offers agents, flows and corpora to clients of the Model Context Protocol.",
        epilog=f"The token of --http is taken from {TOKEN_VARIABLE}, or made anew and printed.",
    )
    parser.add_argument("--http", type=int, metavar="PORT", help="serve over HTTP on this port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; this machine's own by default")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="a name by which other machines may reach the server; needed for any other --host",
    )  # fmt: skip
    parser.add_argument(
        "--folder", type=Path, help="where runs go and records come from; the current folder by default"
    )
    parser.add_argument("--print-config", action="store_true", help="print how a chat starts this server, and stop")
    parser.add_argument("--config-dir", type=Path, help="your study's folder, searched before the package's own")
    parser.add_argument("--budget", type=_dollars, metavar="USD", help="what all calls and runs together may cost")
    parser.add_argument(
        "--allow", action="append", default=[], choices=ALLOWABLE,
        help="what tools of installed packages may do, which are refused else; can be given for each",
    )  # fmt: skip
    parser.add_argument("--keep-runs", action="store_true", help="let started runs go on when the server ends")
    return parser


def _client_configuration(options: argparse.Namespace) -> dict[str, object]:
    """What a client that knows neither this folder nor this Python needs, to start the server as it was asked for."""
    arguments = ["-m", "flows.mcp", "--folder", str(Path.cwd())]
    if options.config_dir is not None:
        arguments += ["--config-dir", str(options.config_dir)]
    if options.budget is not None:
        arguments += ["--budget", str(options.budget)]
    for permission in options.allow:
        arguments += ["--allow", permission]
    return {"mcpServers": {"buttermilk": {"command": sys.executable, "args": arguments}}}


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no amount of US dollars; write for example 2.00")
    return amount


def _problem(options: argparse.Namespace) -> str | None:
    token = os.environ.get(TOKEN_VARIABLE)
    for folder in (options.config_dir, options.folder):
        if folder is not None and not folder.expanduser().is_dir():
            return f"there is no folder {folder}"
    if options.http is None:
        return None
    if not 0 <= options.http <= 65535:
        return f"{options.http} is no port; choose one from 1024 to 65535"
    if options.host not in _LOOPBACK and not options.allow_host:
        return f"other machines could reach {options.host}; if they shall, add --allow-host with the name they use"
    if token is not None and len(token) < _MIN_TOKEN:
        return f"the token in {TOKEN_VARIABLE} is shorter than {_MIN_TOKEN} characters; leave it unset to have one made"
    return None


if __name__ == "__main__":
    sys.exit(main())
