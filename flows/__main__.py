"""`python -m flows <verb> …`"""

from flows.cli.exit import run_and_exit
from flows.cli.main import main

run_and_exit(main)
