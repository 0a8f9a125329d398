"""Binds the socket of a server of ours."""

from __future__ import annotations

import socket

from contract.errors import RunError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The names by which this machine reaches itself."""
_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound there; port 0 takes a free one. Raises RunError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except socket.gaierror as error:
        bound.close()
        raise RunError(f"cannot listen on {host}: {error.strerror}; name an address of this machine") from None
    except OSError as error:
        bound.close()
        raise RunError(f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from None
    return bound
