"""A command at a terminal, where a person answers."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


class Terminal:
    """`python -m <module> <arguments>` with a terminal for its three streams. Use as a context manager."""

    def __init__(self, module: str, *arguments: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._controller, device = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder, env={**environment, "TERM": "xterm"}, stdin=device, stdout=device, stderr=device,
            start_new_session=True, close_fds=True,
        )  # fmt: skip
        os.close(device)
        self.output = ""
        """All that was shown so far."""
        self._position = 0
        """Where in it the text ends that was waited for last."""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    def expect(self, text: str, seconds: float = 120) -> None:
        """Returns when `text` is shown after what was waited for before."""
        deadline = time.monotonic() + seconds
        while (found := self.output.find(text, self._position)) < 0:
            if time.monotonic() > deadline or not self._read_more():
                raise AssertionError(f"{text!r} was not shown; there was:\n{self.output}")
        self._position = found + len(text)

    def send_line(self, line: str) -> None:
        """Types a line and the Enter key."""
        os.write(self._controller, f"{line}\n".encode())

    def wait(self, seconds: float = 60) -> int:
        """Waits until the command has ended; returns its exit code."""
        while self._read_more():
            pass
        return self._process.wait(seconds)

    def _read_more(self) -> bool:
        ready, _, _ = select.select([self._controller], [], [], 0.5)
        if not ready:
            return self._process.poll() is None
        try:
            data = os.read(self._controller, 65536)
        except OSError:
            return False
        self.output += data.decode(errors="replace")
        return bool(data)
