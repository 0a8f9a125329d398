"""`python -m flows <verb> …`"""

from flows.cli.main import main
from flows.server.interrupt import leave

leave(main)
