"""Builds the index of a corpus from its source, stores it, and searches it.

In: records of a source, and questions. Out: passages with their place in the record. Start with `index`; `build` keeps
an index up to date with its source; `sqlite_store` and `lancedb_store` implement the protocols in `passage_store`.
"""
