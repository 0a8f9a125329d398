"""The section on people: who coded what, how far they agree, where they part, and where a criterion was unclear."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flows.measures.compute import compute_measures
from flows.report.people import collect_people
from flows.report.write_report import write_report
from tests.report.sample_run import Sample, SampleRun, write_sample
from tests.support.verdicts import spec


def with_people(sample: SampleRun) -> str:
    """The page of the sample, after two people have coded its records."""
    records = [record.record_id for record in sample.records]
    rows = [
        replace(
            row,
            truth="violates" if records.index(row.record_id) % 2 else None,
            people={"ana": "violates", "ben <b>": "violates" if records.index(row.record_id) % 2 else "complies"},
            unclear={"ana": "Is irony <i>meant</i>?"} if records.index(row.record_id) == 0 else {},
        )
        for row in sample.rows
    ]
    measured = compute_measures(rows, spec(truth="gold/letters.jsonl", resamples=50))
    write_report(sample.data, rows, measured)
    return (sample.data.folder / "report.html").read_text(encoding="utf-8")


def test_people_have_a_section_of_their_own(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "run", Sample(records=8, criteria=("courtesy",), failures=False))
    page = with_people(sample)
    section = page[page.index('<section id="people">') : page.index('<section id="asked">')]
    section = section.replace("<bdi>", "").replace("</bdi>", "")
    for caption in (
        "Who coded what", "Each pair of people", "All people at once", "Each model with each person",
        "Each model with what most people said", "Each person with what was decided", "Where people part",
        "Where a criterion was unclear",
    ):  # fmt: skip
        assert f">{caption}</h3>" in section, caption
    assert "People part on 4 records of a criterion" in section and section.count("a tie, left out") == 4
    assert "ben &lt;b&gt;" in section and "Is irony &lt;i&gt;meant&lt;/i&gt;?" in section
    assert "Brennan–Prediger" in section and page.count("Each pair of people</bdi></h3>") == 1
    assert '<a href="#people">People</a>' in page and "<span>5</span> What was asked" in page


def test_a_note_of_a_coder_is_masked_like_a_text(tmp_path: Path) -> None:
    sample = write_sample(
        tmp_path / "run", Sample(records=8, criteria=("courtesy",), failures=False, warning="Hard to read.")
    )
    page = with_people(sample)
    assert "Is irony" not in page[page.index('<section id="people">') : page.index('<section id="asked">')]


def test_without_people_there_is_no_section(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "run", Sample(records=4))
    write_report(sample.data, sample.rows, sample.measured)
    page = (sample.data.folder / "report.html").read_text(encoding="utf-8")
    assert 'id="people"' not in page and "<span>4</span> What was asked" in page
    assert not collect_people(sample.rows)
