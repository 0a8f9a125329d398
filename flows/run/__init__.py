"""One run of a study, from its records to its run folder.

In: a checked study (`flows.spec.study.Study`). Out: the finished run folder, and an `Outcome`. Read `runner` first:
`make_flow` makes the Prefect flow. `form` holds its parameters, `services` opens what it needs, and `audit_run` and
`events` report how it ended.
"""
