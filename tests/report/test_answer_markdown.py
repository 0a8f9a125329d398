"""report.md: the facts of the page, and no Markdown from a record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from contract.record import Record
from flows.measures.compute import compute_measures
from flows.report.study_markdown import escape_markdown
from flows.report.write_report import write_report
from tests.report.sample_run import Sample, write_sample
from tests.report.test_page import HOSTILE


def markdown(folder: Path, sample: Sample | None = None) -> str:
    made = write_sample(folder, sample)
    write_report(made.data, made.rows, made.measured)
    return (folder / "report.md").read_text(encoding="utf-8")


def test_it_holds_the_facts_of_the_page(tmp_path: Path) -> None:
    text = markdown(tmp_path)
    for words in ("Plain courtesy", "gemini-flash", "6 refused and 4 failed", "0.62 (0.48 to 0.74)", "US$ 0.0864"):
        assert words in text.replace("\\", "")
    assert "undefined: every rater gave the same verdict" in text
    assert "uv run python -m flows replay" in text
    assert "## Where verdicts part" in text


def test_every_table_has_as_many_cells_in_each_row(tmp_path: Path) -> None:
    widths = dict[int, set[int]]()
    block = 0
    for line in markdown(tmp_path).split("\n"):
        if line.startswith("|"):
            widths.setdefault(block, set()).add(line.replace("\\|", "").count("|"))
        else:
            block += 1
    assert len(widths) > 5
    assert all(len(found) == 1 for found in widths.values())


def test_without_answers_of_people_the_report_claims_none(tmp_path: Path) -> None:
    made = write_sample(tmp_path)
    rows = [replace(row, truth=None) for row in made.rows]
    assert made.data.spec.measures
    write_report(made.data, rows, compute_measures(rows, made.data.spec.measures))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Agreement with people is undefined: no record has an answer of people." in text
    assert "No record came with an answer of people (field ‘courtesy’), so none is compared with one." in text
    assert "People’s answers were taken" not in text
    assert "| undefined: no record has an answer of people | – |" in text


def test_records_write_no_markdown(tmp_path: Path) -> None:
    hostile = f"{HOSTILE} | [a](javascript:alert) `code` **bold**\n# heading"
    name = "".join(filter(str.isprintable, hostile))[:500]
    record = Record(record_id=name, title=hostile, text="They are no better than geese.")
    text = markdown(tmp_path, Sample(records=1, extra=(record,)))
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "\n# heading" not in text
    assert "[a](" not in text


def test_a_content_warning_keeps_titles_out(tmp_path: Path) -> None:
    text = markdown(tmp_path, Sample(warning="These letters tease."))
    assert "Content warning." in text
    assert "pigeons on the school roof" not in text


def test_escaping() -> None:
    assert escape_markdown("a|b\n*c* <d> [e](f) ‮g") == "a\\|b \\*c\\* &lt;d&gt; \\[e\\](f) \\[U+202E\\]g"
