"""The Prefect server that a command talks to: found, or started for the length of the run.

In: the environment and Prefect's settings. Out: the address of an API that answers. Read `choose_server` first.
`private_server` is the server that we start, `drain` waits until it has recorded everything, `interrupt` ends a run in
bounded time, `errors` makes sentences of Prefect's errors, `current_flow_run` finds the flow run of the code.
"""
