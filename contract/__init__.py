"""The types that everything shares: Pydantic models alone, without any I/O, importing nothing of ours.

Read `messages` first (AgentInput, AgentOutput, AgentTrace), then `flow` (a study's declaration) and `errors`.
"""
