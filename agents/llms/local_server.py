"""The child process of a local model: llama.cpp's HTTP server on the loopback address, until stdin closes.

Reads one JSON line (path, context_tokens, threads, key) and writes one JSON line (address, or error). It imports
nothing of this project, so that it starts fast and can be run by its path.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Serves until the parent closes stdin; the end of the parent closes it too."""
    config: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        server = _start_server(config)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
        return
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()
    # llama.cpp's own shutdown would wait for the reply that it is writing, and that reply is no longer needed.
    os._exit(0)


def _start_server(config: dict[str, Any]) -> Any:
    llama: Any = import_module("xllamacpp")
    settings = llama.CommonParams()
    settings.model.path = config["path"]
    settings.n_ctx = config["context_tokens"]
    settings.n_parallel = 1
    if config["threads"]:
        settings.cpuparams.n_threads = config["threads"]
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.api_keys = [config["key"]]
    settings.ui = False
    settings.endpoint_slots = False
    settings.verbosity = 0
    return llama.Server(settings)


if __name__ == "__main__":
    main()
