"""`python -m flows <verb> …`"""

from flows.cli.entry import run_command

run_command("flows")
