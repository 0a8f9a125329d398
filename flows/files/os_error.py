"""Why a file could not be read or written, in words that say what to do."""

from __future__ import annotations

import errno

_FULL = "the disk is full; make room on it, and the same command goes on from what is kept"
_WORDS = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL}


def os_error_text(error: OSError) -> str:
    """What the system's error means; its own words where they are plain."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)
