"""The demonstration model that comes with the package: it quotes and compares, and needs no key and no network.

In: the material of a `ModelRequest`. Out: a `ModelReply` of demonstration quality. Read `model` first; each kind of
reply has a file of its own.
"""
