"""Agents: each turns an `AgentInput` into an `AgentOutput`. They know neither Prefect nor Hydra.

The modules here are the agents, one file each, found by name through entry points in `pyproject.toml`. What they
share is in rooms, from top to bottom: base, evidence and prompting, llms, safety. Read `base.agent` first, then
`judge`.
"""
