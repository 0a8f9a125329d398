"""Language models behind one seam, `model.Model`: hosted, local, embedded and scripted.

In: a `ModelRequest`. Out: a `ModelReply`. Read `model` first, then `factory`, which puts around a model what keeps,
counts and limits its calls.
"""
