"""The command line: reads what a person types, and writes to the terminal.

In: the arguments of `python -m flows <verb> …`. Out: text on the terminal, or JSON, and an exit code. Read `main`
first: it parses the arguments and calls the function of each verb. `run` runs studies and shows their results.
"""
