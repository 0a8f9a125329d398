"""Writes files that are there whole or not at all; checksums; a run's folder as data.

In: paths and text. Out: files that a killed process never leaves half written. Read `atomic` first.
"""
