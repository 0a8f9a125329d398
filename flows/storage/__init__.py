"""Records in, and the rows of a finished run out: files, Hugging Face, Cloud Storage and BigQuery.

In: a storage as the study declares it (`contract.storage`). Out: one `Record` or one `Reject` for each row. Read
`reader` first, then `factory`, which chooses what reads and what saves; each format has a file of its own.
"""
