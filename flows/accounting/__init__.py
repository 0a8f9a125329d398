"""What happened in a run and what it cost: totals, costs, the log, the audit trail, calls under way.

In: each cell as it ends, each call as it begins. Out: `answers.jsonl`, `log.jsonl`, lines of the audit trail, and
tables of costs in Prefect. Read `ledger` first.
"""
