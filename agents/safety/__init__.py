"""Keeps a study from harming the machine that runs it: a study can come from an untrusted source.

In: templates, YAML and paths from a study's folder. Out: the same, within limits, or an error that names the limit
exceeded. Read `jinja_sandbox` first.
"""
