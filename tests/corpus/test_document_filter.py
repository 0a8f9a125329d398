"""`where`: which documents are searched, by their metadata, before anything is ranked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError, StudyError
from contract.storage import CorpusStorage, FileStorage, SearchableStorage, VectorStorage
from flows.compose.compose import compose
from flows.corpus.index import open_corpus
from tests.corpus.fake_embedders import CountingEmbedder

DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"country": "Germany", "year": 2019, "day": "2019-05-01", "topics": ["ferries", "roads"]},
    "b": {"country": "France", "year": 2020, "day": "2020-06-30", "topics": ["ferries"], "court": {"name": "High"}},
    "c": {"country": "germany ", "year": 2021, "day": "2021-12-31", "topics": []},
    "d": {"year": 2022, "day": "2022-01-01", "topics": ["roads"], "court": {"name": "Low"}},
}


def _source(folder: Path) -> FileStorage:
    lines = [
        json.dumps(
            {"record_id": name, "title": name, "text": f"The council of {name} closed the ferry.", "metadata": of}
        )
        for name, of in DOCUMENTS.items()
    ]
    (folder / "documents.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return FileStorage(path=folder / "documents.jsonl")


@pytest.fixture(params=["corpus", "vector"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> SearchableStorage:
    source = _source(tmp_path)
    if request.param == "corpus":
        return CorpusStorage(label="Ferries", source=source, date_field="day")
    pytest.importorskip("lancedb")
    return VectorStorage(label="Ferries", source=source, date_field="day", path=str(tmp_path / "vectors"))


CASES: list[tuple[dict[str, Any], str]] = [
    ({"country": "Germany"}, "ac"),
    ({"country": ["France", "Germany"]}, "abc"),
    ({"country": None}, "d"),
    ({"country": ["France", None]}, "bd"),
    ({"topics": "ferries"}, "ab"),
    ({"topics": None}, "c"),
    ({"year": 2020}, "b"),
    ({"year": "2020"}, "b"),
    ({"year": {"from": "2020", "to": 2021}}, "bc"),
    ({"year": {"before": 2020}}, "a"),
    ({"day": {"from": "2020", "to": "2021"}}, "bc"),
    ({"date": {"to": "2020-06"}}, "ab"),
    ({"court.name": "low"}, "d"),
    ({"country": "Germany", "year": {"from": 2020}}, "c"),
    ({"record_id": ["a", "d"]}, "ad"),
]


async def test_only_the_documents_that_fit_are_found(config: SearchableStorage, tmp_path: Path) -> None:
    index = open_corpus(config, tmp_path / "index", embedder=CountingEmbedder())
    for where, expected in CASES:
        found = await index.search(["the ferry that the council closed"], 12, where)
        assert "".join(sorted({one.record_id for one in found})) == expected, where
        assert (await index.remaining(where)).startswith(f"{len(expected)} of 4 documents are searched: ")
    assert {one.record_id for one in await index.search(["ferry"], 12)} == set(DOCUMENTS)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            {"contry": "Germany"},
            "no document has 'contry' in its metadata; did you mean 'country'?; there are",
        ),
        ({"country": "Germny"}, "did you mean 'Germany'?; its values are France, Germany, germany"),
        ({"country": "France", "year": 2019}, r"fits all the conditions together (alone: country 1, year 1)"),
    ],
)
async def test_what_fits_no_document_is_said_with_what_would(where: dict[str, Any], words: str, tmp_path: Path) -> None:
    index = open_corpus(CorpusStorage(label="F", source=_source(tmp_path)), tmp_path / "i", embedder=CountingEmbedder())
    with pytest.raises(StorageError) as raised:
        await index.search(["ferry"], 12, where)
    assert words in str(raised.value)


def test_the_command_line_sets_what_a_flow_searches() -> None:
    typed = ["where.regions=[Europe,null]", "where.year>=2021", "where.year.to=2022", "where.date.from=2021-03"]
    [study] = compose(["osb"], ["query=Why?", *typed])
    steps: Any = study.flow.steps
    assert steps["rounds"].loop["search"].parameters["where"] == {
        "regions": ["Europe", None], "year": {"from": "2021", "to": "2022"}, "date": {"from": "2021-03"},
    }  # fmt: skip
    assert any("of 36 documents are searched: regions is Europe or" in one for one in study.notices)
    [as_before] = compose(["osb"], ["query=Why?"])
    steps = as_before.flow.steps
    assert "where" not in steps["rounds"].loop["search"].parameters


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("where.region=Europe", "did you mean 'regions'"),
        ("where.outcome=overtuned", "did you mean 'overturned'"),
        ("where.year=>2021", "should be written with >="),
        ("where.year=", "names no field and value"),
        ("where=Europe", "names no field and value"),
    ],
)
def test_mistakes_of_the_command_line_are_found_before_anything_runs(typed: str, words: str) -> None:
    with pytest.raises(StudyError) as raised:
        compose(["osb"], ["query=Why?", typed])
    assert words in str(raised.value)
    assert "command line: where" in str(raised.value)


def test_a_flow_says_in_its_file_which_documents_it_searches(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    steps = (
        "steps:\n  search:\n    agent: search\n    inputs: {queries: parameters.query}\n    parameters:\n      where:\n"
    )
    head = "description: Asks.\nparameters: {query: {required: true}}\nrecords: parameters.query\n"
    head += "corpus: osb\nresult: search\n"
    path = tmp_path / "flows" / "mine.yaml"
    path.write_text(f"{head}{steps}        year: {{from: 2022}}\n        outcome: overturned\n")
    [study] = compose(["mine"], ["query=Why?", "where.outcome=upheld"], tmp_path)
    step: Any = study.flow.steps["search"]
    assert step.parameters["where"] == {"year": {"from": 2022}, "outcome": "upheld"}
    path.write_text(f"{head}{steps}        yaer: 2022\n")
    with pytest.raises(StudyError, match=r"mine.yaml:12: .*'yaer'.*did you mean 'year'"):
        compose(["mine"], ["query=Why?"], tmp_path)


def test_a_date_is_that_of_the_citation_before_the_run_and_in_it(tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    papers.write_text('{"record_id": "a", "text": "The ferry closed.", "metadata": {"date_published": "2022-06-01"}}\n')
    (tmp_path / "storage").mkdir()
    storage = tmp_path / "storage" / "papers.yaml"
    storage.write_text(f"papers:\n  type: corpus\n  label: Papers\n  source: {{type: file, path: {papers}}}\n")
    asked = ["query=Which ferry closed?", "corpus=papers"]
    [study] = compose(["osb"], [*asked, "where.date.from=2022"], tmp_path)
    assert any(note.startswith("1 of 1 document is searched: date from 2022") for note in study.notices)
    with pytest.raises(StudyError, match=r"no document fits 'date from 2023'; its values are 2022-06-01"):
        compose(["osb"], [*asked, "where.date.from=2023"], tmp_path)


def test_what_a_storage_with_a_mistake_declares_is_not_called_unknown_as_well(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    broken = "papers:\n  type: corpus\n  label: Papers\n  source: {type: file, pth: papers.jsonl}\n"
    (tmp_path / "storage" / "papers.yaml").write_text(broken)
    for flow, words in {"osb": ["query=Why?", "corpus=papers"], "tox": ["records=papers"]}.items():
        with pytest.raises(StudyError) as raised:
            compose([flow], words, tmp_path)
        assert "no field 'pth'" in str(raised.value) and "command line" not in str(raised.value)
