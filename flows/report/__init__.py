"""Writes the report of a run: one HTML page that needs no network, and the same as Markdown.

In: a run's folder as data (`flows.files.run_data`) and its measures. Out: `report.html` and `report.md`. Start with
`write_report`, then `facts`, which collects what both show.
"""
