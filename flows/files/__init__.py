"""Files that are whole or not there at all, checksums, and a run's folder as data.

In: paths and text. Out: files that a killed process never leaves half written. Read `atomic` first.
"""
