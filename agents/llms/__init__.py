"""Language models behind one interface, `model.Model`: hosted, local, embedded and scripted.

In: a `ModelRequest`. Out: a `ModelReply`. Read `model` first, then `factory`, which wraps a model in the parts that
keep, count and limit its calls.
"""
