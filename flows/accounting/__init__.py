"""What happened in a run and what it cost: totals, costs, the log, the audit trail, calls under way.

In: each cell as it ends, each call as it begins. Out: `answers.jsonl`, `log.jsonl`, `costs.json` and their sums. Read
`ledger` first.
"""
