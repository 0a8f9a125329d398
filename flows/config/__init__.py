"""YAML and Hydra to plain data, of which every value still knows its file and line.

In: config folders and command-line overrides. Out: a mapping, its provenance, and findings. Read `merge` first, then
`provenance` and `findings`.
"""
