"""Tools of outside MCP servers: connected to, listed and called within bounds.

In: a command or an address that the user allows. Out: tool definitions and results, all of it text from outside. Read
`client` first. The package `mcp` is imported only when a server is used.
"""
