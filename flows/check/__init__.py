"""Finds every mistake in a study before the first model call.

In: a typed flow, models, storages and settings. Out: diagnostics with file, line, the nearest right name and what to
do. Read `flow` first: it calls `wiring`, `steps` and `resources` (which calls `sources` and `ground_truth`).
`flows.compose.compose` calls `budget`; a run calls `deployment`, which checks shards, and `ground_truth` again.
"""
