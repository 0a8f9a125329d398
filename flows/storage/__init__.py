"""Reads records, and saves a finished run: files, Hugging Face, Cloud Storage and BigQuery.

In: a storage as the study declares it (`contract.storage`). Out: one `Record` or one `Reject` for each row. Start
with `reader`, then `factory`, which chooses the reader and the saver; each format has a file of its own.
"""
