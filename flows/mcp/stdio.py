"""The transport for a client that starts the server: standard input and output, the protocol's alone."""

from __future__ import annotations

from mcp.server.stdio import stdio_server

from flows.mcp.catalogue import Catalogue
from flows.mcp.server import make_server


async def serve_stdio(catalogue: Catalogue) -> None:
    """Serves one client, until its side closes."""
    server = make_server(catalogue)
    async with stdio_server() as (read, write):
        catalogue.begin_reading()
        await server.run(read, write, server.create_initialization_options())
