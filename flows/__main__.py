"""`python -m flows <verb> …`"""

from flows.cli import main

raise SystemExit(main())
