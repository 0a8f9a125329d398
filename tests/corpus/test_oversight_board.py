"""The shipped corpus: its converter, and its content."""

from __future__ import annotations

import json
from pathlib import Path

import conf
from contract.record import Record
from contract.storage import FileStorage
from flows.corpus.oversight_board import convert_cases, main
from flows.storage.reader import read_source

CORPUS = Path(conf.__path__[0]) / "corpora" / "osb.jsonl"


def _case(**changes: object) -> dict[str, object]:
    return {
        "id": "fb-1", "title": "T", "url": "https://example.org/fb-1", "date_published": "2022-09-15", "year": 2022,
        "decision_type": "standard", "outcome": "overturned", "board_split": "majority",
        "posts": [{"meta_action": "left_up", "content_after_decision": "down"}], "platforms": ["Facebook"],
        "locations": ["A", "B"], "regions": [], "standards": ["Hate speech"], "standards_source": "page label",
        "topics": ["Politics"], "key_facts": "F.", "reason": "R.", "recommendation_gist": None,
        "case_numbers": [{"number": "2022-001", "verified_in": "x"}], "cites": {"fb-1": 2}, "fulltext_words": 1,
        "source": {}, **changes,
    }  # fmt: skip


def test_fields_become_sentences() -> None:
    record = convert_cases([json.dumps(_case())])[0]
    assert dict(record.sections) == {
        "facts": "F.",
        "reasons": "R.",
        "summary": "The Board overturned Meta's decision to leave the content up. The Board was not unanimous: it "
        "decided by a majority. After the decision the content is down. The case concerned one post on Facebook; its "
        "location is given as A and B. It was decided under the Hate speech standard; its topics are Politics. The "
        "decision was published on 15 September 2022. The case number is 2022-001.",
        "citations": "The decision cites 'T'.",
    }
    undecided = _case(outcome="not_decided", posts=[{"meta_action": "removed", "content_after_decision": None}])
    assert "The Board made no ruling" in str(convert_cases([json.dumps(undecided)])[0].sections["summary"])


def test_the_converter_writes_a_file_of_records(tmp_path: Path) -> None:
    source, target = tmp_path / "cases.jsonl", tmp_path / "osb.jsonl"
    source.write_text(json.dumps(_case()) + "\n")
    main([str(source), str(target)])
    assert [item.record_id for item in read_source(FileStorage(path=target)) if isinstance(item, Record)] == ["fb-1"]


def test_the_shipped_corpus_is_whole() -> None:
    items = list(read_source(FileStorage(path=CORPUS)))
    found = [item for item in items if isinstance(item, Record)]
    assert len(found) == len(items) == 36
    for record in found:
        assert {"facts", "reasons", "summary"} <= set(record.sections)
        assert str(record.uri).startswith("https://www.oversightboard.com/decision/")
        assert record.metadata["source"]
    assert "not the Board's own words" in " ".join((CORPUS.parent / "README.md").read_text().split()).replace("**", "")
