"""Reads records, and saves a finished run: files, Hugging Face, Cloud Storage and BigQuery.

In: a storage as the study declares it (`contract.storage`). Out: one `Record` or one `Reject` for each row. Start
with `reader`. `factory` chooses by the kind of storage what reads and what saves. `file` chooses the reader of a file
by its suffix, and each format has a file of its own.
"""
