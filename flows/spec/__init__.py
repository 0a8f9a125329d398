"""The declared study, typed: its steps, references, conditions and graph.

In: a flow's declaration (`contract.flow`). Out: what each step needs, gives and depends on. Read `study` first: it is
what composing gives and everything above works on.
"""
