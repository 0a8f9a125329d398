"""Models behind a provider's API, asked over HTTP with pydantic-ai's clients.

In: a `ModelRequest`. Out: a `ModelReply` with usage and cost, or one of `contract.errors`. Read `model` first; large
runs ask through `subprocess_model`, a process of its own.
"""
