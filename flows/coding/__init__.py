"""People code records: a local page for each coder, answers kept as lines, adjudication, spreadsheets.

In: a study, of whose records a sample is drawn. Out: `answers.jsonl` in the folder of the coding, tables of it, and the
gold set. Start with `task` (what is coded) and `answer_log` (what was answered); `app` serves the pages.
"""
