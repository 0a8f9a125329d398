"""`python -m flows <verb> …`"""

from flows.cli import main
from flows.leaving import leave

leave(main)
