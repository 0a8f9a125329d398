"""The command line: what a person types, and what a terminal shows.

In: the arguments of `python -m flows <verb> …`. Out: text on the terminal, or JSON, and an exit code. Read `main`
first: it parses the arguments and calls what each verb names; `run` runs a study and shows it.
"""
