"""Models behind a provider's API, called over HTTP with pydantic-ai's clients.

In: a `ModelRequest`. Out: a `ModelReply` with usage and cost, or one of `contract.errors`. Read `model` first. Large
runs call through `subprocess_model`, which has a process of its own.
"""
