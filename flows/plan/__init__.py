"""What a run would do, before it does it: cells, calls, costs.

In: a checked study and the results that are kept. Out: a `Plan`, made without a server and without a call. Read `plan`
first; `rehearsal` goes through the steps as a run would.
"""
