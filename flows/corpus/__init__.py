"""A corpus as passages: built from its source, kept, and searched.

In: records of a source, and questions. Out: passages with their place in the record. Read `index` first; `build` keeps
an index in step with its source, `passage_store` is what a store must do, `sqlite_store` and `lancedb_store` do it.
"""
