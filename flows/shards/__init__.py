"""One run over many workers: its records are split among child runs of the same deployment.

In: a study with `run.shards` and its records. Out: the answers of all shards, merged as those of a single run. Read
`supervisor` first: it starts, watches and restarts the child runs. `shard_result` stores and merges their answers.
"""
