"""What a notebook shows holds every text of records, models and files as text, never as markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from contract.errors import Problem
from contract.findings import Citation, CitedAnswer, JudgedClaim
from flows.api.display import ProblemsView, ReportFrame, answer_html, finding_html

HOSTILE = "<script>steal()</script><img src=x onerror=steal()>\"'&amp;\x1b[2J\u202e"


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = set[str]()
        self.text = ""
        self.attributes = list[tuple[str, str | None]]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def _html_of(shown: Any) -> str:
    return shown._repr_html_()


def _assert_harmless(page: str) -> None:
    found = _Tags(page)
    assert not found.tags & {"script", "img"} and not [name for name, _ in found.attributes if name.startswith("on")]
    assert "steal()" in found.text and "\x1b" not in page and "\u202e" not in page


def test_mistakes() -> None:
    _assert_harmless(_html_of(ProblemsView(HOSTILE, (Problem(HOSTILE, HOSTILE),), (HOSTILE,))))
    _assert_harmless(_html_of(ProblemsView(HOSTILE, ())))


def test_answers() -> None:
    citation = Citation.model_construct(
        quote=HOSTILE, passage_id="p", record_id="r", title=HOSTILE, section=HOSTILE, date=HOSTILE, uri=HOSTILE,
        status="found", found_in=None, nearest=None,
    )  # fmt: skip
    claim = JudgedClaim.model_construct(text=HOSTILE, citations=(citation,), unverified=(), support=None)
    answer = CitedAnswer.model_construct(
        question=HOSTILE, claims=(claim,), abstained=True, summary=HOSTILE, quality="demonstration"
    )
    _assert_harmless(answer_html(answer))


def test_findings() -> None:
    counts = pd.DataFrame(
        {"step": ["judge"], "criteria": [HOSTILE], "model": [HOSTILE], "verdict": [HOSTILE], "records": [2]}
    )
    measures = pd.DataFrame(
        {"criteria": [HOSTILE], "by": [None], "raters": [HOSTILE], "measure": ["accuracy"], "value": [0.123456],
         "low": [0.1], "high": [0.2], "records": [2]}
    )  # fmt: skip
    page = finding_html(measures, counts)
    _assert_harmless(page)
    assert ">0.12<" in page
    assert "0.12" not in finding_html(measures.assign(value=float("nan")), counts)
    assert "no verdicts" in finding_html(measures, counts.iloc[:0])


def test_the_report_stays_inside_its_frame(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert "no report" in _html_of(ReportFrame(report, 500))
    report.write_text(f'<p class="x">{HOSTILE}</p></iframe>"><script>out()</script>', encoding="utf-8")
    found = _Tags(_html_of(ReportFrame(report, 500)))
    attributes = dict(found.attributes)
    assert found.tags == {"iframe"} and attributes["sandbox"] == "allow-scripts"
    assert "out()" in (attributes["srcdoc"] or "")
