"""What a run would do: its cells, calls and costs, before it starts.

In: a checked study and the results that are kept. Out: a `Plan`, made without a server and without a call. Read `plan`
first; `dry_run` goes through the steps as a run would, `earlier_run` explains why a cell has to run again.
"""
