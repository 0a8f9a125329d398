"""Hugging Face datasets: saved on this machine and read without a network; needs the extra `huggingface`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contract.errors import StorageError
from contract.record import Record
from contract.storage import HuggingFaceStorage
from flows.storage.reader import read_source, read_valid_records
from flows.storage.rows import Reject
from tests.storage.pictures import PNG

ROWS: list[dict[str, Any]] = [
    {"id": "a", "content": {"body": "first"}, "label": 0, "score": 0.5},
    {"id": "b", "content": {"body": "second"}, "label": 1, "score": float("nan")},
    {"id": "c", "content": {"body": None}, "label": 1, "score": 1.0},
]


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library, kept off the network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("datasets")


def _read(**settings: Any) -> tuple[list[Record], list[Reject]]:
    rejects: list[Reject] = []
    storage = HuggingFaceStorage.model_validate(settings)
    return list(read_valid_records(storage, rejects.append)), rejects


def test_a_dataset_on_disk_is_read(datasets: Any, tmp_path: Path) -> None:
    datasets.Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "set"))
    columns = {"text": "content.body", "ground_truth.label": "label", "ground_truth.score": "score"}
    found, rejects = _read(dataset=str(tmp_path / "set"), columns=columns)
    assert [(record.record_id, record.text) for record in found] == [("a", "first"), ("b", "second")]
    assert [dict(record.ground_truth or {}) for record in found] == [
        {"label": 0, "score": 0.5},
        {"label": 1, "score": None},
    ]
    assert [(reject.line, "empty" in reject.reason) for reject in rejects] == [(3, True)]


def test_a_split_is_chosen_and_a_wrong_one_refused(datasets: Any, tmp_path: Path) -> None:
    one = datasets.Dataset.from_list([{"id": "x", "text": "in the test split"}])
    datasets.DatasetDict({"test": one}).save_to_disk(str(tmp_path / "sets"))
    found, _ = _read(dataset=str(tmp_path / "sets"), split="test")
    assert [record.text for record in found] == ["in the test split"]
    with pytest.raises(StorageError, match=r"no split 'tset'; did you mean 'test'\?$"):
        _read(dataset=str(tmp_path / "sets"), split="tset")


def test_pictures_stay_as_they_are(datasets: Any, tmp_path: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "image": datasets.Image()})
    rows = [{"text": "a meme", "image": {"bytes": PNG, "path": None}}]
    datasets.Dataset.from_list(rows, features=features).save_to_disk(str(tmp_path / "set"))
    found, _ = _read(dataset=str(tmp_path / "set"), columns={"images": "image"})
    assert found[0].images[0].mime == "image/png"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("no folder here", "a dataset on the hub is named owner/name"), (".", "cannot be read after row 0")],
)
def test_a_path_that_is_no_dataset_is_refused(datasets: Any, dataset: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        _read(dataset=dataset)


def test_a_dataset_on_the_hub_is_streamed_at_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[Any, ...]] = []

    class Streamed(list[dict[str, Any]]):
        features = None

    def load_dataset(*arguments: Any, **settings: Any) -> Streamed:
        loaded.append((*arguments, settings))
        return Streamed([{"id": "1", "text": "x"}])

    library = SimpleNamespace(load_dataset=load_dataset)
    monkeypatch.setitem(sys.modules, "datasets", library)  # type: ignore[reportArgumentType]
    found, _ = _read(dataset="owner/name", config="en", split="test", revision="abc")
    assert [record.text for record in found] == ["x"]
    assert loaded == [("owner/name", "en", {"split": "test", "revision": "abc", "streaming": True})]


def test_a_missing_network_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route\nand more")

    library = SimpleNamespace(load_dataset=load_dataset)
    monkeypatch.setitem(sys.modules, "datasets", library)  # type: ignore[reportArgumentType]
    with pytest.raises(StorageError, match=r"owner/name cannot be read after row 0: no route$"):
        _read(dataset="owner/name")


def test_without_the_library_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(StorageError, match=r"install buttermilk\[huggingface\]"):
        next(read_source(HuggingFaceStorage(dataset="owner/name")))
