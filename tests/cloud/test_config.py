"""Storages as a study declares them: the factory's configuration, and the mistakes that are found without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StorageError, StudyError
from contract.storage import BigQueryStorage, FileStorage, GCSStorage
from flows.compose import compose
from flows.storage.factory import KINDS, StorageFactory
from tests.compose.studies import write

TABLE = {"type": "bigquery", "project": "my-project", "dataset": "posts", "table": "march"}
FLOW = """
name: mine
records: source
save: [warehouse, bucket]
steps:
  judge: {agent: judge, variants: {criteria: [ordinary], model: ["${llms.judgers.0}"]}, repeats: 1}
measures: {verdicts: judge}
"""
STORAGE = """
source: {type: bigquery, project: my-project, dataset: posts, table: march, columns: {text: body}}
warehouse: {type: bigquery, project: my-project, dataset: studies, table: cells}
bucket: {type: gcs, bucket: my-bucket, path: runs/}
"""


def test_data_becomes_the_storage_of_its_type() -> None:
    assert StorageFactory.create_config(TABLE) == BigQueryStorage(project="my-project", dataset="posts", table="march")
    made = StorageFactory.create_config({"type": "gcs", "bucket": "my-bucket", "path": "a/"})
    assert made == GCSStorage(bucket="my-bucket", path="a/")
    assert StorageFactory.create_config({"type": "file", "path": "x.csv"}) == FileStorage(path=Path("x.csv"))
    corpus = {"type": "corpus", "source": {"type": "file", "path": "x.csv"}, "label": "Mine"}
    assert {StorageFactory.create_config(corpus).type, "file", "huggingface", "gcs", "bigquery"} == set(KINDS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"type": "bigqury"}, "did you mean 'bigquery'?"),
        ({**TABLE, "tabel": "x"}, "has no field 'tabel'; did you mean 'table'?"),
        ({"type": "gcs", "bucket": "my-bucket"}, "lacks `path`"),
        ({**TABLE, "dataset": "x`; DROP TABLE y"}, "`dataset` is"),
        ({**TABLE, "table": "x` WHERE 1=1 --"}, "`table` is"),
        ({**TABLE, "project": "My Project"}, "`project` is"),
        ({"type": "gcs", "bucket": "../etc", "path": "x"}, "`bucket` is"),
        ({**TABLE, "most_bytes": 0}, "`most_bytes` is 0"),
    ],
)
def test_what_does_not_fit_is_told_in_plain_words(data: dict[str, object], says: str) -> None:
    with pytest.raises(StudyError) as told:
        StorageFactory.create_config(data)
    assert says in str(told.value)


def test_nothing_can_be_saved_to_a_file_storage() -> None:
    with pytest.raises(StorageError, match="nothing can be saved to a storage of type file"):
        StorageFactory.saver(FileStorage(path=Path("x")))


def test_a_study_in_the_cloud_composes_without_a_network(tmp_path: Path) -> None:
    # A folder of that name beside must not be taken for the dataset.
    (tmp_path / "posts").mkdir()
    write(tmp_path, {"flows/mine.yaml": FLOW, "storage/cloud.yaml": STORAGE})
    [study] = compose(["mine"], [], tmp_path)
    assert study.storage["source"] == BigQueryStorage(
        project="my-project", dataset="posts", table="march", columns={"text": "body"}
    )
    assert study.storage["bucket"] == GCSStorage(bucket="my-bucket", path="runs/")
    assert study.flow.save == ("warehouse", "bucket")


@pytest.mark.parametrize(
    ("flow", "storage", "says"),
    [
        ("[warehous]", STORAGE, "flows/mine.yaml:4: there is no storage 'warehous'; did you mean 'warehouse'?"),
        ("[osb]", STORAGE, "flows/mine.yaml:4: the storage 'osb' is a corpus, which nothing can be saved to; name one"),
        ("[bucket]", STORAGE.replace("my-bucket", "My_Bucket!"), "storage/cloud.yaml:4: `bucket` is 'My_Bucket!', but"),
        (
            "[bucket]",
            STORAGE.replace("text: body", "txt: body"),
            "storage/cloud.yaml:2: `columns` names no record field",
        ),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, flow: str, storage: str, says: str) -> None:
    write(tmp_path, {"flows/mine.yaml": FLOW.replace("[warehouse, bucket]", flow), "storage/cloud.yaml": storage})
    with pytest.raises(StudyError) as told:
        compose(["mine"], [], tmp_path)
    assert says in str(told.value)
