"""A coding of a few records, and its pages as a browser would ask for them."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from starlette.testclient import TestClient

from contract.record import Record
from flows.coding.access import Access
from flows.coding.answer_log import AnswerLog
from flows.coding.app import CoderPages, make_app
from flows.coding.desk import CodingDesk
from flows.coding.draw import Design, draw
from flows.coding.task import CodedCriterion, CodingTask, read_task, write_task

PORT = 8765
CRITERION = CodedCriterion(
    name="rude", title="Rude", text="A text is rude when it insults.", verdicts=("rude", "polite"), sha256="c" * 64
)
RECORDS = [Record(record_id=f"r{n}", text=f"This is the text number {n}, which says something.") for n in range(1, 6)]


def make_coding(
    folder: Path, records: Sequence[Record] = RECORDS, coders: Sequence[str] = ("ana", "ben"), warning: str = ""
) -> None:
    """Begins a coding in the folder."""
    drawn = draw(records, Design(None))
    task = CodingTask(
        flow="study", criteria=(CRITERION,), coders=tuple(coders), population=len(records), content_warning=warning
    )
    write_task(folder, task, drawn)


class Coder:
    """A browser without JavaScript in the hands of one coder."""

    def __init__(self, client: TestClient, base: str) -> None:
        self.client = client
        self.base = base

    def get(self, path: str = "") -> str:
        """The page there."""
        return self.client.get(f"{self.base}{path}").text

    def answer(self, place: int, verdict: str, status: int = 200, **fields: str) -> str:
        """Opens the page of that place, fills in its form and sends it; returns the page that follows."""
        form = form_fields(self.get(f"/{place}"))
        done = self.client.post(f"{self.base}/{place}", data={**form, "verdict": verdict, **fields})
        assert done.status_code == status, done.text
        return done.text


def form_fields(page: str) -> dict[str, str]:
    """The hidden fields of the form of an answer."""
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


@contextmanager
def coding_pages(folder: Path) -> Generator[tuple[CodingDesk, Access, TestClient]]:
    """The pages of the coding in the folder, served in this process."""
    found = read_task(folder)
    assert found is not None
    task, records = found
    access = Access.read(folder)
    access.add(task.coders)
    access.write(PORT)
    with AnswerLog(folder) as log:
        desk = CodingDesk(folder, task, records, log)
        app = make_app(CoderPages(desk).routes(access), PORT)
        with TestClient(app, base_url=f"http://127.0.0.1:{PORT}") as client:
            yield desk, access, client


def coder_of(access: Access, client: TestClient, name: str) -> Coder:
    """The coder with that name."""
    return Coder(client, f"/c/{access.tokens[name]}")
