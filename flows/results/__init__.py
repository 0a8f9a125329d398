"""Keeps paid results, so that nothing is paid for twice: model replies and cells, in a folder or a bucket.

In: a key and the bytes under it. Out: the same bytes, in any later run. Read `store` first: it has
the methods of every storage of results. `locks` keeps two processes from asking for the same reply.
"""
