"""Agreement among judges and with people, and accuracy, each with an interval.

In: verdicts as rows (`flows.tables.verdicts`). Out: `measures.csv` and the estimates of the report. Read `measure`
first; `catalogue` lists the measures, and `libraries` holds the calls to the libraries that compute them.
"""
