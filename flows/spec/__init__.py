"""The declared study, typed: its steps, references, conditions and graph.

In: a flow's declaration (`contract.flow`). Out: what each step needs, produces and depends on. Read `study` first:
composing returns it, and every room above works on it.
"""
