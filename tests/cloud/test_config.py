"""Storages as a study declares them: the factory's configuration, and the mistakes that are found without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StorageError, StudyError
from contract.storage import BigQueryStorage, BucketPlace, CorpusStorage, FileStorage, GCSStorage
from flows.compose.compose import compose
from flows.storage.factory import STORAGE_TYPES, StorageFactory
from tests.compose.tiny_study import write_study
from tests.support.own_config import use_own_config

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
warehouse: {type: bigquery, project: my-project, dataset: studies, table: cells, study: ours}
bucket: {type: gcs, bucket: my-bucket, path: runs/}
"""


@pytest.fixture(autouse=True)
def _allowed_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    places = ["gs://my-bucket", "bigquery://my-project"]
    use_own_config(monkeypatch, tmp_path_factory.mktemp("user"), allowed={"places": places})


def test_data_becomes_the_storage_of_its_type() -> None:
    assert StorageFactory.create_config(TABLE) == BigQueryStorage(project="my-project", dataset="posts", table="march")
    made = StorageFactory.create_config({"type": "gcs", "bucket": "my-bucket", "path": "a/"})
    assert made == GCSStorage(bucket="my-bucket", path="a/")
    assert StorageFactory.create_config({"type": "file", "path": "x.csv"}) == FileStorage(path=Path("x.csv"))
    corpus = {"type": "corpus", "source": {"type": "file", "path": "x.csv"}, "label": "Mine"}
    vector = {**corpus, "type": "vector", "path": "gs://my-bucket/collections"}
    reader = {"type": "plugin", "reader": "letters", "settings": {"since": 1700}}
    made = {StorageFactory.create_config(one).type for one in (corpus, vector, reader)}
    assert made | {"file", "huggingface", "gcs", "bigquery", "zotero"} == set(STORAGE_TYPES)


@pytest.mark.parametrize(
    ("data", "message"),
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
def test_data_that_does_not_fit_is_refused_in_plain_words(data: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError) as caught:
        StorageFactory.create_config(data)
    assert message in str(caught.value)


def test_nothing_can_be_saved_to_a_file_storage() -> None:
    with pytest.raises(StorageError, match="nothing can be saved to a storage of type file"):
        StorageFactory.saver(FileStorage(path=Path("x")))


def test_a_study_in_the_cloud_composes_without_a_network(tmp_path: Path) -> None:
    # A folder with the dataset's name must not be taken for the dataset.
    (tmp_path / "posts").mkdir()
    write_study(tmp_path, {"flows/mine.yaml": FLOW, "storage/cloud.yaml": STORAGE})
    [study] = compose(["mine"], [], tmp_path)
    assert study.storage["source"] == BigQueryStorage(
        project="my-project", dataset="posts", table="march", columns={"text": "body"}
    )
    assert study.storage["bucket"] == GCSStorage(bucket="my-bucket", path="runs/")
    assert study.flow.save == ("warehouse", "bucket")


CORPUS = """\
name: asks
parameters: {query: {required: true, description: The question.}}
records: parameters.query
corpus: papers
steps:
  find: {agent: search, inputs: {queries: [parameters.query]}}
result: find
"""
PAPERS = """\
papers:
  type: corpus
  label: Papers
  source: {path: papers.jsonl}
  kept_in: gs://my-bucket/indexes/papers
"""


def test_a_corpus_names_where_its_index_is_kept(tmp_path: Path) -> None:
    write_study(tmp_path, {"flows/asks.yaml": CORPUS, "storage/papers.yaml": PAPERS})
    [study] = compose(["asks"], ["query=Why?"], tmp_path)
    papers = study.storage["papers"]
    assert isinstance(papers, CorpusStorage)
    assert papers.kept_in == BucketPlace(bucket="my-bucket", path="indexes/papers")
    assert papers == CorpusStorage.model_validate(papers.model_dump(mode="json")), "a deployed run gets it as data"
    elsewhere = PAPERS.replace("{path: papers.jsonl}", "{type: gcs, bucket: my-bucket, path: texts/}")
    write_study(tmp_path, {"storage/papers.yaml": elsewhere})
    [study] = compose(["asks"], ["query=Why?"], tmp_path)
    assert study.storage["papers"].model_dump()["source"]["path"] == "texts/"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kept_in", "keptin", "storage/papers.yaml:5: 'papers' has no field 'keptin'; did you mean 'kept_in'?"),
        (
            "gs://my-bucket",
            "s3://my-bucket",
            "storage/papers.yaml:5: `kept_in` is 's3://my-bucket/indexes/papers', but it should be a bucket and a "
            "prefix, such as gs://my-bucket/indexes",
        ),
        ("gs://my-bucket", "gs://My_Bucket!", "storage/papers.yaml:5: `kept_in` is 'gs://My_Bucket!/indexes/papers'"),
        ("gs://my-bucket/indexes/papers", "{bucket: b1x}", "storage/papers.yaml:5: 'kept_in' lacks `path`"),
        ("{path: papers.jsonl}", "{type: gcs, bucket: x}", "storage/papers.yaml:4: `bucket` is 'x', but"),
        ("{path: papers.jsonl}", "{type: gsc, path: x}", "storage/papers.yaml:4: `type` is 'gsc'; did you mean 'gcs'?"),
    ],
)
def test_mistakes_in_a_corpus_are_reported_with_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    write_study(tmp_path, {"flows/asks.yaml": CORPUS, "storage/papers.yaml": PAPERS.replace(old, new)})
    with pytest.raises(StudyError) as caught:
        compose(["asks"], ["query=Why?"], tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("flow", "storage", "message"),
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
def test_mistakes_are_reported_with_their_line(tmp_path: Path, flow: str, storage: str, message: str) -> None:
    write_study(tmp_path, {"flows/mine.yaml": FLOW.replace("[warehouse, bucket]", flow), "storage/cloud.yaml": storage})
    with pytest.raises(StudyError) as caught:
        compose(["mine"], [], tmp_path)
    assert message in str(caught.value)


def test_a_table_that_is_saved_to_names_its_study(tmp_path: Path) -> None:
    write_study(tmp_path, {"flows/mine.yaml": FLOW, "storage/all.yaml": STORAGE.replace(", study: ours", "")})
    with pytest.raises(StudyError) as caught:
        compose(["mine"], [], tmp_path)
    assert "mine.yaml:4: " in str(caught.value) and "which study its rows belong to" in str(caught.value)
