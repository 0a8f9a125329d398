"""The steps of a flow as Prefect task runs and child flow runs.

In: a flow's declaration and a batch of records. Out: one `AgentTrace` for each cell, in the ledger. Read `executor`
first, then `cell`, the one Prefect task.
"""
