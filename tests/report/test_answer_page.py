"""`answer.html`: quotations stand in their passages, and no text of an answer becomes markup or a link to elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from contract.findings import Citation, CitedAnswer, JudgedClaim
from contract.messages import AgentTrace
from flows.report.answer_page import AnswerPage

HOSTILE = "<script>alert(1)</script>"
PASSAGE = "Before. The minutes were lost in a fire. After <b>that</b>."


def citation(uri: str) -> Citation:
    return Citation(
        quote="The minutes were lost in a fire.", passage_id="d1#text:0-60", record_id="d1", title=f"Letters {HOSTILE}",
        section="text", uri=uri, status="found",
    )  # fmt: skip


def page_of(folder: Path, uri: str) -> str:
    claim = JudgedClaim(text=f"They were burnt {HOSTILE}.", citations=(citation(uri),))
    answer = CitedAnswer(
        question=f"Why {HOSTILE}?", summary="A fire.", claims=(claim,), abstained=False, quality="full"
    )
    result = [{"record_id": "1", "result": answer.model_dump(mode="json")}]
    (folder / "results.json").write_text(json.dumps(result), encoding="utf-8")
    page = AnswerPage(folder)
    passages: Any = {
        "passages": [{"passage_id": "d1#text:0-60", "text": PASSAGE}, {"passage_id": "x", "text": "not cited"}]
    }
    page.add(cast("AgentTrace", SimpleNamespace(value=passages)))
    page.write()
    return (folder / "answer.html").read_text(encoding="utf-8")


def test_a_quotation_stands_marked_in_its_passage_and_links_to_its_document(tmp_path: Path) -> None:
    page = page_of(tmp_path, "https://example.org/letters")
    assert "<mark><bdi>The minutes were lost in a fire.</bdi></mark>" in page
    assert 'href="https://example.org/letters"' in page
    assert "not cited" not in page
    assert "max-width" in page and "width=device-width" in page


def test_no_text_becomes_markup_or_another_link(tmp_path: Path) -> None:
    page = page_of(tmp_path, "javascript:alert(1)")
    assert "<script" not in page and "<b>that" not in page
    assert "href=" not in page
    assert "default-src &#39;none&#39;" in page


def test_a_run_without_cited_answers_has_no_page(tmp_path: Path) -> None:
    AnswerPage(tmp_path).write()
    assert not (tmp_path / "answer.html").exists()
