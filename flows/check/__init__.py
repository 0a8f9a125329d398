"""Finds every mistake in a study before the first model call.

In: a typed flow, models, storages and settings. Out: diagnostics with file, line, the nearest right name and what to
do. Read `flow` first: it calls one file for each subject.
"""
