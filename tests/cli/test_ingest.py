"""`ingest` builds what a flow searches, embeds nothing twice, and says what it did and what it left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from flows.run import services
from tests.storage.test_formats import pdf
from tests.support.commands import write_files
from tests.support.fake_embeddings import FakeEmbeddings, embedding_service
from tests.support.fake_zotero import FakeFile, FakeZotero

FERRIES = {"id": "doe1931", "type": "book", "title": "Ferries of the islands", "DOI": "10.1000/f.1"}
PAPER = pdf("Ferries of the islands, by nobody. DOI 10.1000/f.1. The ferry had lost money.")


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a paper, its copy and a picture; the reader is beside it."""
    (folder := tmp_path / "papers").mkdir()
    (folder / "a.pdf").write_bytes(PAPER)
    (folder / "copy.pdf").write_bytes(PAPER)
    (folder / "picture.tiff").write_bytes(b"x")
    (folder / "notes.txt").write_text("The council met in spring.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(services, "index_folder", lambda: tmp_path / "indexes")
    return folder


def _ingest(capsys: pytest.CaptureFixture[str], *settings: str, code: int = 0) -> dict[str, Any]:
    assert main(["ingest", "+flows=[zot]", "--json", *settings]) == code
    return json.loads(capsys.readouterr().out)[0] if code == 0 else {"error": capsys.readouterr().err}


def _counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found["built"][name] for name in ("new", "changed", "unchanged", "removed", "embedded"))


def test_a_second_time_nothing_is_embedded_and_copies_are_told(
    papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _ingest(capsys, "storage=papers")
    assert (first["documents"], first["passages"], _counts(first)) == (2, 2, (2, 0, 0, 0, 2))
    reasons = {Path(one["source"]).name: one["reason"] for one in first["left_out"]}
    assert reasons["copy"] == "the same text as 'a', which takes one place for both"
    assert "so it was not read" in reasons["picture.tiff"]
    again = _ingest(capsys, "storage=papers")
    assert (again["documents"], again["passages"], _counts(again)) == (2, 2, (0, 0, 0, 0, 0))
    assert not again["built"]["was_read"] and again["left_out"] == first["left_out"]
    (papers / "notes.txt").write_text("The council met in autumn.")
    (papers / "new.txt").write_text("The boiler was replaced.")
    assert _counts(_ingest(capsys, "storage=papers")) == (1, 1, 1, 0, 2)
    (papers / "new.txt").unlink()
    assert _counts(_ingest(capsys, "storage=papers")) == (0, 0, 2, 1, 0)


def test_the_lines_for_people_say_the_same(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "+flows=[zot]", "corpus=papers"]) == 0
    text = capsys.readouterr().out
    assert "documents: 2 (2 new, 0 changed, 0 as before, 0 removed)" in text and "2 embedded now" in text
    assert "left out: 2" in text and "embedding: all-MiniLM-L6-v2" in text


def test_two_entries_with_one_doi_take_one_place_and_files_of_one_entry_do_not(
    papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeZotero(storage=papers.parent / "storage") as zotero:
        zotero.add("AAAAAAA1", FERRIES, FakeFile("one.pdf", PAPER), FakeFile("supplement.pdf", pdf("A supplement.")))
        zotero.add("BBBBBBB2", {**FERRIES, "title": "The same again", "abstract": "Of ferries."})
        settings = [f"{name}={value}" for name, value in {
            "storage.literature.source.endpoint": zotero.url,
            "+storage.literature.source.attachments": zotero.storage,
        }.items()]  # fmt: skip
        settings[0] = f"+{settings[0]}"
        found = _ingest(capsys, *settings)
    assert found["documents"] == 2
    assert [one["reason"] for one in found["left_out"]] == [
        "the same DOI (10.1000/f.1) as 'AAAAAAA1', which takes one place for both"
    ]


def test_a_library_that_cannot_be_read_ends_in_words(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeZotero(switched_on=False) as zotero:
        found = _ingest(capsys, f"+storage.literature.source.endpoint={zotero.url}", code=3)
    assert "Allow other applications on this computer to communicate with Zotero" in found["error"]


STORED = "{name}: {{type: corpus, label: Mine, source: {{type: file, path: ../papers}}}}\n"


@pytest.mark.parametrize("name", ["mine", "another"])
@pytest.mark.parametrize("typed", ["storage=mine", "storage=[mine]"])
def test_a_storage_of_a_study_is_named_by_its_file(
    name: str, typed: str, papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(papers.parent / "study", {"storage/mine.yaml": STORED.format(name=name)})
    found = _ingest(capsys, "--config-dir", "study", typed)
    assert (found["corpus"], found["label"], found["documents"]) == (name, "Mine", 3)


def test_a_storage_that_cannot_be_searched_is_the_one_that_is_accused(
    papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posts = {"storage/mine.yaml": "mine: {type: file, path: ../papers/notes.txt}\n"}
    write_files(papers.parent / "study", posts)
    said = _ingest(capsys, "--config-dir", "study", "storage=mine", code=2)["error"]
    assert "the storage 'mine' is a file, which cannot be searched" in said and "literature" not in said
    assert main(["check", "--config-dir", "study", "+flows=tox", "storage=mine"]) == 0
    assert "notes.txt: of the 1 row 1 can be read" in capsys.readouterr().out


def test_what_is_no_literature_is_a_mistake(papers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _ingest(capsys, "corpus=paper", code=2)
    assert "there is neither a folder nor a library nor a storage 'paper'" in found["error"]


@pytest.fixture
def service() -> Iterator[FakeEmbeddings]:
    with embedding_service() as running:
        yield running


def _embedding_study(folder: Path, service: FakeEmbeddings, model: str) -> Path:
    study = folder / "study"
    for name in ("models", "storage"):
        (study / name).mkdir(parents=True, exist_ok=True)
    (study / "models" / "vectors.yaml").write_text(
        f"vectors: {{kind: hosted, provider: openai-compatible, model_id: {model}, base_url: '{service.url}'}}\n"
    )
    (study / "storage" / "literature.yaml").write_text(
        "literature:\n  type: corpus\n  label: Papers\n  duplicates: one\n  source: {path: ../papers}\n"
        "  embedding: {model: vectors, query_prefix: 'query: ', passage_prefix: 'passage: '}\n"
    )
    return study


def test_another_embedding_model_is_an_error_until_it_is_asked_for(
    papers: Path, service: FakeEmbeddings, capsys: pytest.CaptureFixture[str]
) -> None:
    study = ["--config-dir", str(_embedding_study(papers.parent, service, "small"))]
    service.busy = 2
    found = _ingest(capsys, *study)
    assert (found["embedding"], _counts(found)) == ("small (openai-compatible)", (2, 0, 0, 0, 2))
    assert {text.partition(":")[0] for text in service.texts} == {"passage"}
    _embedding_study(papers.parent, service, "large")
    told = _ingest(capsys, *study, code=3)["error"]
    assert "was made with the embedding model small (openai-compatible), and now large (openai-compatible)" in told
    assert "ingest reembed=true" in told
    assert _counts(_ingest(capsys, *study, "reembed=true"))[-1] == 2
    assert main(["explain", "+flows=[zot]", *study, "query=What did the ferry lose?"]) == 0
    assert service.texts[-1] == "query: What did the ferry lose?"


def test_a_model_that_makes_no_vectors_is_a_mistake(
    papers: Path, service: FakeEmbeddings, capsys: pytest.CaptureFixture[str]
) -> None:
    study = _embedding_study(papers.parent, service, "small")
    file = study / "storage" / "literature.yaml"
    file.write_text(file.read_text().replace("model: vectors", "model: demo"))
    assert "the model 'demo' makes no vectors" in _ingest(capsys, "--config-dir", str(study), code=2)["error"]
    file.write_text(file.read_text().replace("model: demo", "model: vektors"))
    assert (
        "there is no model 'vektors'; did you mean 'vectors'?"
        in _ingest(capsys, "--config-dir", str(study), code=2)["error"]
    )
    shutil.rmtree(study)


def test_an_answer_of_the_service_that_lacks_a_vector_is_no_index(
    papers: Path, service: FakeEmbeddings, capsys: pytest.CaptureFixture[str]
) -> None:
    service.fewer = True
    study = ["--config-dir", str(_embedding_study(papers.parent, service, "small"))]
    assert "gave 1 vectors for 2" in _ingest(capsys, *study, code=3)["error"]
    service.fewer = False
    assert _counts(_ingest(capsys, *study))[-1] == 2


def test_only_the_mistakes_of_the_chosen_storage_are_told(
    papers: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = STORED.format(name="mine").replace("label: Mine", "lable: Mine")
    write_files(tmp_path, {"storage/mine.yaml": broken})
    said = _ingest(capsys, "--config-dir", str(tmp_path), "storage=mine", code=2)["error"]
    assert "storage/mine.yaml:1: " in said and "label" in said
    assert "there is no storage" not in said and "neither a folder" not in said
