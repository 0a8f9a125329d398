"""The types that all packages share: Pydantic models and errors, without I/O. Imports no other package of the project.

Read `messages` first (AgentInput, AgentOutput, AgentTrace), then `flow` (a study's declaration) and `errors`.
"""
