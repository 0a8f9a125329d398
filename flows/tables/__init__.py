"""Writes the tidy tables of a run: `cells.csv`, `cells.parquet`, `verdicts.csv` and `timings.csv`.

In: a run's folder as data (`flows.files.run_data`). Out: tables that are the same to the byte for the same answers,
except for `timings.csv`. Start with `cells` and `verdicts`.
"""
