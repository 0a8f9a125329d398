"""Measures agreement among judges and with people, and accuracy, each with an interval.

In: verdicts as rows (`flows.tables.verdicts`). Out: `measures.csv` and the estimates of the report. Start with
`compute`; `catalogue` lists the measures, and `libraries` calls the libraries that compute them.
"""
