"""Flows: a study written in YAML becomes Prefect flows. The only package that knows Prefect and Hydra.

The modules here are entry points: `flows.osb`, `flows.tox`, `flows.trans`, `flows.vaw` and `flows.judger` for one
flow each, and `python -m flows` for all of them. Everything else is in rooms, each a package; a room imports only
rooms below it. From top to bottom: cli, deploy, run, plan, shards, run_folder, engine, report, measures, compose,
check, corpus, storage, tables, accounting, spec, config, results, files, server. `docs/architecture.md` has the map.
"""
