"""`python -m flows <verb> …`"""

from flows.cli.exit import leave
from flows.cli.main import main

leave(main)
