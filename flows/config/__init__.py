"""Turns YAML files and Hydra overrides into plain data, with the file and line of every value.

In: config folders and command-line overrides. Out: a mapping, its provenance, and diagnostics. Read `compose_config`
first, then `provenance` and `diagnostics`.
"""
