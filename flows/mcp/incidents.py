"""Unexpected errors: the client is given an id, and the log the traceback, since its text may hold anything."""

from __future__ import annotations

import logging
import secrets

_LOG = logging.getLogger("flows.mcp")


def report_incident(what: str) -> str:
    """Logs the exception that is being handled, and returns the sentence for the client."""
    incident = secrets.token_hex(4)
    _LOG.exception("incident %s in %s", incident, what)
    return f"an error inside the server; its log names it as incident {incident}"
