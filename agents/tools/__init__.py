"""Tools: functions that an agent, a host or an MCP client may call, and what they need.

In: a typed async function with a docstring. Out: a `Tool` with its definition, whose calls are checked against it.
Read `tool` first; `web` fetches pages.
"""
