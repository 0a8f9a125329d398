"""The MCP server: agents, flows, tools, reports, passages and criteria for clients of the Model Context Protocol.

In: requests of clients, all of which is untrusted. Out: the answers of agents and runs as structured data, and mistakes
in the sentences of the command line. `server` answers the protocol, `catalogue` knows what there is to call,
`started_runs` follows runs, and `http` and `stdio` are the two transports. Nothing else imports the package `mcp`.
"""
