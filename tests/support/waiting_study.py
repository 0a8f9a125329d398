"""A study with a gate between two calls of a model, for tests of runs that wait: two calls for each record in all."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.commands import CommandLine, wait_until, write_files
from tests.support.services import FakeService

GATE_ALONE = """\
description: Tiny.
records: posts
steps:
  consent: {gate: Fit?, decide: [approve, reject], inputs: {text: record.text}}
result: consent
"""
"""A flow that asks a person about each record, and does nothing else."""
_MODEL = """\
paid:
  kind: hosted
  provider: openai-compatible
  model_id: paid
  base_url: {url}/v1
  price: {{input_per_mtok: 1, output_per_mtok: 2}}
"""
_FLOW = """\
description: Drafts that a person lets through.
records: posts
steps:
  draft: {agent: llm, parameters: {model: paid, template: "user:\\nDraft {{ record.text }}"}}
  consent:
    gate: May it go out?
    decide: [approve, reject, edit]
    value: draft
    inputs: {draft: draft.text}
  beside: {agent: llm, parameters: {model: paid, template: "user:\\nBeside {{ record.text }}"}}
  last:
    agent: llm
    inputs: {material: consent.value}
    parameters: {model: paid, template: "user:\\nLast {{ record.text }} {{ material }}"}
result: last
"""
_OTHER = """\
description: No gate.
records: posts
steps:
  draft: {agent: llm, parameters: {model: paid, template: "user:\\nOther {{ record.text }}"}}
result: draft
"""


def write_waiting_study(folder: Path, service: FakeService, records: int) -> Path:
    """Writes the flows `asked` and `other`, with that many records."""
    posts = [{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(records)]
    return write_files(
        folder,
        {
            "models/paid.yaml": _MODEL.format(url=service.url),
            "flows/asked.yaml": _FLOW,
            "flows/other.yaml": _OTHER,
            "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
            "posts.jsonl": "".join(json.dumps(one) + "\n" for one in posts),
        },
    )


class TerminalCommand:
    """A command at a terminal of its own, at which a person types."""

    def __init__(self, cli: CommandLine, module: str, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=cli.working_folder, env=cli.environment(TERM="dumb"),
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while text := os.read(self._ours, 65536):
                self._shown += text.decode(errors="replace")
        except OSError:
            return

    @property
    def shown(self) -> str:
        """What the terminal has shown so far."""
        return self._shown

    def wait_for(self, words: str, times: int = 1) -> None:
        """Waits until the terminal has shown the words that often."""

        def has_shown() -> bool:
            assert self._process.poll() is None or self._shown.count(words) >= times, self._shown
            return self._shown.count(words) >= times

        wait_until(has_shown, lambda: f"{words} in {self._shown}", 120)

    def type(self, line: str) -> None:
        """Types a line."""
        os.write(self._ours, f"{line}\n".encode())

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self) -> int:
        """Waits until it has ended; returns its exit code."""
        code = self._process.wait(180)
        self._reader.join(10)
        return code
