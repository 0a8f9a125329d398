"""What agents are built on: the base classes, the services of a run, and the registry of agents.

In: an `AgentInput` and `AgentServices`. Out: an `AgentOutput`. Read `agent` first; `structured_agent` is the base of
all that ask a model.
"""
