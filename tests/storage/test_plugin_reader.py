"""Readers of installed packages: what they yield, how their settings are checked, and who may use them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from agents.base.entry_points import offers
from contract.errors import StorageError, StudyError
from contract.record import Record
from contract.storage import PluginStorage
from flows.compose.compose import compose
from flows.config.listing import list_all
from flows.config.own_config import USER_CONFIG_VARIABLE
from flows.spec.study import Study
from flows.storage.reader import read_source
from flows.storage.rows import Reject
from tests.support.commands import write_files
from tests.support.plugins import write_metadata

READERS = """
from collections.abc import Iterator

def read_lines(file: str, skip: int = 0) -> Iterator[dict[str, object]]:
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if number > skip:
                yield {"n": number, "body": line.strip()}

def broken(file: str) -> Iterator[object]:
    yield {"text": "one"}
    yield "no mapping"
    raise RuntimeError("the archive is closed")
"""
FLOW = (
    "description: x\nrecords: sermons\nsteps: {judge: {agent: judge, parameters: {criteria: ordinary, model: demo}}}\n"
    "result: judge\n"
)
STORAGE = (
    "sermons:\n  type: plugin\n  reader: {reader}\n  settings: {settings}\n  columns: {{record_id: n, text: body}}\n"
)


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A package with two readers, installed for the length of a test; the user allows nothing."""
    site = write_files(tmp_path / "site", {"sermon_kit.py": READERS})
    entries = {"sermon_lines": "sermon_kit:read_lines", "sermon_broken": "sermon_kit:broken"}
    write_metadata(site, "sermon-kit", "1.2", {"buttermilk.storages": entries})
    monkeypatch.syspath_prepend(str(site))  # type: ignore[reportUnknownMemberType]
    monkeypatch.setenv(USER_CONFIG_VARIABLE, str(tmp_path / "user"))
    offers.cache_clear()
    yield
    offers.cache_clear()


@pytest.fixture
def sermons(tmp_path: Path) -> Path:
    """A file of two lines, and one above them."""
    return write_files(tmp_path, {"sermons.txt": "SERMONS\nOn sloth.\nOn pride.\n"}) / "sermons.txt"


def study(folder: Path, reader: str, settings: str) -> Study:
    """Composes a study whose records the reader reads."""
    storage = STORAGE.format(reader=reader, settings=settings)
    write_files(folder / "study", {"flows/mine.yaml": FLOW, "storage/sermons.yaml": storage})
    return compose(["mine"], [], folder / "study")[0]


def allow(folder: Path, line: str) -> None:
    """Writes the user's own `allowed.yaml`."""
    write_files(folder / "user", {"allowed.yaml": f"places: [{line}]\n"})


def test_what_a_reader_yields_becomes_records(sermons: Path) -> None:
    storage = PluginStorage(
        reader="sermon_lines", settings={"file": str(sermons), "skip": 1}, columns={"record_id": "n", "text": "body"}
    )
    records = [record for record in read_source(storage) if isinstance(record, Record)]
    assert [(record.record_id, record.text) for record in records] == [("2", "On sloth."), ("3", "On pride.")]
    assert ("reader", "sermon_lines", "sermon-kit 1.2") in {(one.kind, one.name, one.package) for one in list_all()}


def test_what_is_no_row_is_put_aside_and_a_failure_is_reported() -> None:
    rows = read_source(PluginStorage(reader="sermon_broken", settings={"file": "x"}))
    assert isinstance(next(rows), Record)
    bad = next(rows)
    assert isinstance(bad, Reject) and bad.raw == "'no mapping'" and "no mapping of columns" in str(bad)
    with pytest.raises(StorageError, match="the reader sermon_broken failed: RuntimeError: the archive is closed"):
        next(rows)


def test_a_study_uses_a_reader_when_its_user_allows_it(tmp_path: Path, sermons: Path) -> None:
    with pytest.raises(StudyError) as caught:
        study(tmp_path, "sermon_lines", f"{{file: {sermons}}}")
    [problem] = caught.value.problems
    assert "plugin://sermon_lines, which a study may not choose by itself" in problem.what
    assert problem.todo and "add `- plugin://sermon_lines` below `places:`" in problem.todo
    allow(tmp_path, "'plugin://sermon_lines'")
    assert isinstance(study(tmp_path, "sermon_lines", f"{{file: {sermons}}}").storage["sermons"], PluginStorage)


@pytest.mark.parametrize(
    ("reader", "settings", "line", "words"),
    [
        ("sermon_line", "{file: x}", 3, "no installed package brings a reader 'sermon_line'; did you mean"),
        ("sermon_lines", "{file: x, skipp: 2}", 4, "'skipp'"),
        ("sermon_lines", "{file: x, skip: many}", 4, "should be a whole number"),
        ("sermon_lines", "{skip: 1}", 4, "lacks `file`"),
    ],
)
def test_a_check_compares_the_settings_with_the_function(
    tmp_path: Path, reader: str, settings: str, line: int, words: str
) -> None:
    allow(tmp_path, f"'plugin://{reader}'")
    with pytest.raises(StudyError) as caught:
        study(tmp_path, reader, settings)
    [problem] = caught.value.problems
    assert problem.where.endswith(f"storage/sermons.yaml:{line}")
    assert words.partition("; ")[0] in problem.what
    assert ("did you mean" in words) == (problem.nearest is not None) or problem.nearest == "skip"
