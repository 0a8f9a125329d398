"""An address for notifications of Prefect's automations, and what was sent to it."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from prefect.blocks.notifications import CustomWebhookNotificationBlock

from tests.support.commands import ROOT
from tests.support.services import QuietHandler, http_server

AUTOMATIONS = sorted((ROOT / "deployments/automations").glob("*.yaml"))
"""The shipped automations."""
_NOBODY = "00000000-0000-0000-0000-000000000000"
Note = dict[str, str]
"""`subject` and `body` of a notification."""


@contextmanager
def webhook() -> Generator[tuple[str, list[Note]]]:
    """An address for the length of the block, and the notes that are sent to it."""
    found = list[Note]()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            found.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

    with http_server(Handler) as url:
        yield f"{url}/hook", found


def notification_block(url: str) -> CustomWebhookNotificationBlock:
    """A block that sends to that address."""
    return CustomWebhookNotificationBlock(
        name="told", url=url, headers=None, cookies=None, json_data={"subject": "{{subject}}", "body": "{{body}}"}
    )


def with_block(automation: Path, block: object) -> str:
    """The text of a shipped automation, with the id of a notification block filled in."""
    return automation.read_text(encoding="utf-8").replace(_NOBODY, str(block))
