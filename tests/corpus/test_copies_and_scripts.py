"""Equal passages take one place, and texts whose script writes no spaces between words are found."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from contract.storage import CorpusStorage, FileStorage, VectorStorage
from tests.corpus.fake_embedders import open_counting

COPY = "The council raised the price of the ferry ticket and then closed the ferry to the island."
ANSWER = "The council closed the ferry because its boiler was broken."


def _corpus(folder: Path, rows: list[dict[str, Any]], kind: str = "corpus") -> CorpusStorage | VectorStorage:
    (folder / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    source = FileStorage(path=folder / "a.jsonl")
    if kind == "corpus":
        return CorpusStorage(source=source, label="Test")
    return VectorStorage.model_validate(
        {"type": "vector", "source": source, "label": "Test", "path": str(folder / "collection")}
    )


@pytest.mark.parametrize("kind", ["corpus", "vector"])
@pytest.mark.parametrize("copies", [40, 450])
async def test_copies_of_a_text_take_one_place_and_name_each_other(kind: str, copies: int, tmp_path: Path) -> None:
    rows = [{"id": f"copy-{number:03}", "title": "Letter", "text": COPY} for number in range(copies)]
    index, _ = open_counting(_corpus(tmp_path, [*rows, {"id": "a", "text": ANSWER}], kind), tmp_path / "cache")
    found = await index.search(["Why did the council close the ferry, and the ticket price?"], 12)
    assert sorted(passage.text for passage in found) == sorted([COPY, ANSWER])
    [copied] = [passage for passage in found if passage.text == COPY]
    assert len({copied.record_id, *copied.also_in}) == copies
    assert "also_in" not in next(passage for passage in found if passage.text == ANSWER).model_dump(mode="json")


_LETTERS = [
    (
        "zh",
        "关于第{n}号提案的信。委员会讨论了该提案，没有作出决定。",
        "灯塔的提案被否决，因为资金不足。",
        "灯塔的提案为什么被否决？",
    ),
    (
        "ja",
        "第{n}号の手紙です。委員会は提案を検討しました。",
        "灯台の提案は資金不足で否決されました。",
        "灯台はなぜ否決された？",
    ),
    ("th", "จดหมายฉบับที่ {n} คณะกรรมการพิจารณาข้อเสนอแล้ว", "ข้อเสนอเรื่องประภาคารถูกปฏิเสธเพราะขาดเงิน", "ประภาคารถูกปฏิเสธทำไม"),
]


@pytest.mark.parametrize(("script", "form", "answer", "question"), _LETTERS)
async def test_texts_without_spaces_are_found(
    script: str, form: str, answer: str, question: str, tmp_path: Path
) -> None:
    rows = [{"id": f"{number:03}", "text": form.format(n=number)} for number in range(200)]
    rows[131]["text"] = answer
    index, _ = open_counting(_corpus(tmp_path, rows), tmp_path / "cache")
    first, *_ = await index.search([question], 12)
    assert first.record_id == "131"


async def test_an_index_made_before_finds_them_without_embedding_anything_again(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": "a", "text": _LETTERS[0][2]}, {"id": "b", "text": "Nothing of that."}]
    config, folder = _corpus(tmp_path, rows), tmp_path / "cache"
    before, _ = open_counting(config, folder)
    [path] = folder.glob("*.sqlite")
    with sqlite3.connect(path) as db:
        db.executescript("DROP TRIGGER grams_removed; DROP TABLE passage_grams;")
        db.execute("DELETE FROM meta WHERE key IN ('grams', 'unspaced')")
    db.close()
    index, embedded = open_counting(config, folder)
    assert embedded == 0 and index.fingerprint == before.fingerprint
    assert (await index.search(["灯"], 1))[0].record_id == "a"


_WITHOUT_PAIRS = {
    ANSWER: "d57e5c27933872d53c29fb2e459bc2b5872a8a95fd17aa0dc6d275176775aa99",
    _LETTERS[0][2]: "3648c674c398779d65e340e42ac37d1856b3329641cfecdd936c541650ecc44a",
}
"""Text -> the fingerprint of an index of it, made before texts were searched by pairs of letters."""


@pytest.mark.parametrize("text", _WITHOUT_PAIRS)
def test_only_an_index_of_such_texts_has_another_fingerprint(text: str, tmp_path: Path) -> None:
    """What was kept of searches in other corpora stays valid."""
    index, _ = open_counting(_corpus(tmp_path, [{"id": "a", "text": text}]), tmp_path / "cache")
    assert (index.fingerprint == _WITHOUT_PAIRS[text]) is (text == ANSWER)
