"""Every mistake in a study, found before the first call to a model.

In: a typed flow, models, storages and settings. Out: findings with file, line, the nearest right name and what to do.
Read `flow` first: it calls one file for each subject.
"""
