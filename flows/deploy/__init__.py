"""Flows as Prefect deployments: for forms in the Prefect UI, schedules, workers and `prefect deployment run`.

In: the name of a flow in a study's folder. Out: an importable Prefect flow that composes its study anew for each run.
Read `declared` first.
"""
