"""Composes a study's files and the command line into checked studies.

In: names of flows, settings and a config folder. Out: `Study` objects, or a `StudyError` with every mistake. Read
`compose` first.
"""
