"""One run over many workers: its records are split among child runs of the same deployment.

In: a study with `run.shards` and its records. Out: the answers of all shards as if one run had made them. Read `split`
first; `handover` is how a shard passes on what it made.
"""
