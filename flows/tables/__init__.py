"""Tidy tables of a run: `cells.csv`, `verdicts.csv`, `timings.csv`, and the same as Parquet.

In: a run's folder as data (`flows.files.run_data`). Out: tables that are equal to the byte for equal answers. Read
`cells` and `verdicts` first.
"""
