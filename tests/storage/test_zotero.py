"""A library of literature as records, read from a fake Zotero that speaks as the real ones do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from contract.errors import StorageError
from contract.record import Record
from contract.zotero import ZoteroStorage
from flows.storage import reader
from flows.storage.rows import Reject
from tests.storage.test_formats import pdf
from tests.support.fake_zotero import GROUP, KEY, FakeFile, FakeZotero

FERRIES: dict[str, Any] = {
    "type": "article-journal",
    "title": "Ferries of the <i>northern</i> islands",
    "author": [{"family": "Doe", "given": "Jane"}],
    "issued": {"date-parts": [["1931", 5]]},
    "DOI": "10.1000/Ferries.1",
    "abstract": "What became of the ferries.",
}
BOILERS: dict[str, Any] = {"type": "book", "title": "Boilers before winter", "abstract": "On the boilers of ferries."}
PAPER = pdf("The treasurer reported that the ferry had lost money 111", "The council closed it 112")


@pytest.fixture
def zotero(tmp_path: Path) -> Iterator[FakeZotero]:
    with FakeZotero(storage=tmp_path / "Zotero" / "storage") as running:
        running.add("AAAAAAA1", FERRIES, FakeFile("ferries.pdf", PAPER))
        running.add("BBBBBBB2", BOILERS)
        yield running


def _local(zotero: FakeZotero, **settings: object) -> ZoteroStorage:
    given = {"library": "local", "endpoint": zotero.url, "attachments": zotero.storage, **settings}
    return ZoteroStorage.model_validate(given)


def _group(zotero: FakeZotero, **settings: object) -> ZoteroStorage:
    given = {"library": GROUP, "endpoint": zotero.url, "api_key": SecretStr(KEY), **settings}
    return ZoteroStorage.model_validate(given)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _read(storage: ZoteroStorage) -> tuple[dict[str, Record], dict[str, str]]:
    """Records by id, and reasons by the source that was left out."""
    items = list(reader.read_source(storage))
    rejects = {item.source: item.reason for item in items if isinstance(item, Reject)}
    return {item.record_id: item for item in items if isinstance(item, Record)}, rejects


def test_entries_have_their_metadata_and_the_pages_of_their_files(zotero: FakeZotero) -> None:
    records, rejects = _read(_local(zotero))
    paper, book = records["AAAAAAA1"], records["BBBBBBB2"]
    assert (paper.title, paper.uri) == ("Ferries of the northern islands", "https://doi.org/10.1000/Ferries.1")
    assert "the ferry had lost money" in paper.text
    assert [one.name for one in paper.locators] == ["p. 111", "p. 112"]
    assert {name: paper.metadata[name] for name in ("doi", "year", "date", "kind", "authors")} == {
        "doi": "10.1000/ferries.1",
        "year": 1931,
        "date": "1931-05",
        "kind": "article-journal",
        "authors": ("Doe",),
    }
    assert dict(book.sections) == {"abstract": "On the boilers of ferries."}
    assert list(records) == ["AAAAAAA1", "BBBBBBB2"] and rejects == {}


def test_the_service_reads_page_after_page_with_the_key_and_fetches_files_once(zotero: FakeZotero) -> None:
    for number in range(250):
        zotero.add(f"N{number:07}", {"type": "book", "title": f"No. {number}", "abstract": f"On number {number}."})
    zotero.busy = 2
    records, rejects = _read(_group(zotero))
    assert len(records) == 252 and rejects == {}
    assert [one.name for one in records["AAAAAAA1"].locators] == ["p. 111", "p. 112"]
    asked = [path for path, _ in zotero.asked if "/items/top" in path]
    assert sum("start=200" in path for path in asked) == 1
    fetched = [path for path, _ in zotero.asked if path.startswith("/stored/")]
    assert len(fetched) == 1
    assert _read(_group(zotero))[0] == records
    assert [path for path, _ in zotero.asked if path.startswith("/stored/")] == fetched


def test_a_collection_is_read_alone_and_a_mistyped_one_is_told(zotero: FakeZotero) -> None:
    zotero.collections["CCCCCCC3"] = ("Ferries", ["AAAAAAA1"])
    for name in ("Ferries", "CCCCCCC3"):
        assert list(_read(_local(zotero, collection=name))[0]) == ["AAAAAAA1"]
    with pytest.raises(StorageError, match="no collection 'Feries'; did you mean 'Ferries'"):
        _read(_local(zotero, collection="Feries"))


def test_what_keeps_a_library_from_being_read_is_told_with_what_to_do(zotero: FakeZotero) -> None:
    zotero.switched_on = False
    with pytest.raises(StorageError, match="Allow other applications on this computer to communicate with Zotero"):
        _read(_local(zotero))
    with pytest.raises(StorageError, match=r"this library needs a key; make one at .* set ZOTERO_API_KEY"):
        _read(_group(zotero, api_key=None))
    with pytest.raises(StorageError, match="the key may not read this library") as told:
        _read(_group(zotero, api_key=SecretStr("another-key")))
    assert "another-key" not in str(told.value)
    with pytest.raises(StorageError, match="has no library 'groups/78'"):
        _read(_group(zotero, library="groups/78"))
    with pytest.raises(StorageError, match="start Zotero, version 7 or later"):
        _read(_local(zotero, endpoint="http://127.0.0.1:9"))
    with pytest.raises(StorageError, match="does not answer in JSON, as Zotero does"):
        zotero.switched_on = True
        _read(_local(zotero, endpoint=f"{zotero.url}/plain"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "none of"),
        ("file:///etc/secret.txt", "is not on this machine"),
        ("file://elsewhere/share/secret.pdf", "is not on this machine"),
        ("https://evil.example/secret.pdf", "is not on this machine"),
        ("{outside}", "no other place is read"),
        ("{link}", "no other place is read"),
    ],
)
def test_no_file_outside_the_folder_is_read(address: str, reason: str, zotero: FakeZotero, tmp_path: Path) -> None:
    outside, link = tmp_path / "private.pdf", zotero.storage / "link.pdf"
    outside.write_bytes(pdf("A private letter."))
    link.symlink_to(outside)
    place = address.format(outside=outside.as_uri(), link=link.as_uri())
    name = "passwd" if "passwd" in address else "secret.pdf"
    zotero.add("EEEEEEE5", None, FakeFile(name, address=place, link_mode="linked_file"))
    records, rejects = _read(_local(zotero))
    assert reason in rejects[name] and "private letter" not in str(records)


def test_an_unreadable_file_is_replaced_by_what_zotero_read_of_it_and_that_is_told(zotero: FakeZotero) -> None:
    file = FakeFile("scan.pdf", address="file:///nowhere/scan.pdf", link_mode="linked_file", full_text="As read.")
    zotero.add("DDDDDDD4", {"type": "book", "title": "A scan"}, file)
    records, rejects = _read(_local(zotero))
    assert (records["DDDDDDD4"].text, records["DDDDDDD4"].locators) == ("As read.", ())
    assert rejects["A scan"].endswith("Zotero's own reading of the file, without pages is used")


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://127.0.0.1:9/"]
)
def test_a_file_is_fetched_from_the_public_web_alone(place: str, zotero: FakeZotero) -> None:
    zotero.add("FFFFFFF6", None, FakeFile("paper.pdf", PAPER + b"2", moved_to=place))
    records, rejects = _read(_group(zotero))
    assert "cannot be fetched" in rejects["paper.pdf"]
    assert "FFFFFFFX" not in records


def test_another_file_than_the_described_one_is_not_taken(zotero: FakeZotero) -> None:
    zotero.files["AAAAAAAX"].content += b"x"
    zotero.add("GGGGGGG7", None, FakeFile("other.pdf", PAPER, moved_to=f"{zotero.url}/stored/AAAAAAAX"))
    assert "is not the one that Zotero's service describes" in _read(_group(zotero))[1]["other.pdf"]


def _csl_file(folder: Path, *items: dict[str, Any]) -> Path:
    (path := folder / "library.json").write_text(json.dumps(list(items)), encoding="utf-8")
    return path


def test_documents_of_a_folder_find_their_entries_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    path = _csl_file(tmp_path, {**FERRIES, "id": "doe1931"}, {**BOILERS, "id": "smith1932"})
    texts = {
        "a.pdf": "Ferries of the northern islands, by Jane Doe. The ferry had lost money.",
        "b.pdf": "A comment on 10.1000/ferries.1. It is wrong about the ferries.",
        "smith1932.pdf": "Some scanned chapter.",
    }
    for name, text in texts.items():
        (folder / name).write_bytes(pdf(text))
    records, rejects = _read(ZoteroStorage(path=path, attachments=folder))
    assert {name: record.metadata.get("item") for name, record in records.items()} == {
        "doe1931": "doe1931",
        "b": None,
        "smith1932": "smith1932",
    }
    assert rejects == {}
    # Without the folder there are the abstracts.
    records, _ = _read(ZoteroStorage(path=path))
    assert [list(record.sections) for record in records.values()] == [["abstract"], ["abstract"]]


def test_an_export_of_better_bibtex_is_read_from_its_address(zotero: FakeZotero) -> None:
    address = f"{zotero.url}/better-bibtex/export/collection?/0/8CV58ZVD.csljson"
    records, _ = _read(ZoteroStorage(library=address))
    assert list(records) == ["keyAAAAAAA1", "keyBBBBBBB2"]


ODD: list[dict[str, Any]] = [
    {"title": "T", "author": "no list", "issued": {"date-parts": "x"}, "DOI": 7, "URL": "javascript:alert(1)"},
    {"title": ["a"], "author": [1, {"family": ["x"]}], "issued": [], "type": {"a": 1}},
    {"title": "T\u202e\x00\n#", "issued": {"date-parts": [["two", None]]}, "author": [{"literal": "A\x1b[31m"}]},
    {
        "title": "T",
        "issued": {"date-parts": [[2020, 99, 99]]},
        "editor": [{}] * 10_000,
        "DOI": "10.1/" + "x" * 9999,
    },
]


@pytest.mark.parametrize("item", ODD)
def test_odd_entries_are_read_without_what_is_odd(item: dict[str, Any], tmp_path: Path) -> None:
    path = _csl_file(tmp_path, {"id": "odd", "abstract": "Some words.", **item})
    [record] = _read(ZoteroStorage(path=path))[0].values()
    assert record.uri is None
    assert all(character.isprintable() for character in record.title or "")


def test_a_file_that_is_no_csl_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(StorageError, match="is no CSL JSON, which is a list of entries"):
        _read(ZoteroStorage(path=tmp_path / "a.json"))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"library": "my library"},
        {"library": "local", "path": "a.json"},
        {"library": "https://user:pass@host/x.json"},
        {"path": "a.json", "collection": "x"},
        {"library": "local", "endpoint": "ftp://x"},
    ],
)
def test_settings_that_name_no_library_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ZoteroStorage.model_validate(settings)


def test_no_key_is_shown_anywhere(zotero: FakeZotero) -> None:
    assert KEY not in f"{_group(zotero)!r} {_group(zotero).model_dump_json()}"
