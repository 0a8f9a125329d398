"""The folder of a finished run: what is written into it, and what can be made from it again.

In: the answers of a run. Out: manifest, tables, measures, report and checksums in `runs/<flow>/<run>/`. Read `finish`
first. `derive` makes everything that follows from the answers; `replay` and `verify` check a finished folder.
"""
