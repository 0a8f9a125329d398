"""The demonstration model that comes with the package: it quotes and compares, and needs no key and no network.

In: the material of a `ModelRequest`. Out: a `ModelReply` of demonstration quality. Read `model` first. Each task has a
file of its own: `research`, `synthesis`, `judging`, `verdicts`, `step_choice`. The other files analyse texts.
"""
