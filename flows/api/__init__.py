"""Python: studies and agents for notebooks, scripts and programs, without a command line.

In: a flow's name and its settings as Python values. Out: objects with data frames and typed answers. `study` is the
first to read; `from flows import study` imports it when it is first used.
"""
