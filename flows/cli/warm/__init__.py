"""A process that keeps the imports of a command, and runs the next commands of the same user, version and environment.

Importing Prefect and all that a run needs takes longer than most answers. `client` hands a command over, `process` is
the process that stays, `identity` says when the two belong together. Nothing here imports more than the standard
library, except in the process that stays. Read `client` first.
"""
