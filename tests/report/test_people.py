"""The section on people: who coded what, how far they agree, where they part, and where a criterion was unclear."""

from __future__ import annotations

import re
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


def test_answers_of_a_person_stand_in_three_columns_however_many_there_are(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "run", Sample(records=12, criteria=("courtesy",), failures=False))
    ids = [record.record_id for record in sample.records]
    rows = [replace(row, people={"ana": str(ids.index(row.record_id)), "ben": "violates"}) for row in sample.rows]
    write_report(sample.data, rows, compute_measures(rows, spec(resamples=0)))
    page = (sample.data.folder / "report.html").read_text(encoding="utf-8")
    table = page[page.index('<table class="coded">') :]
    table = table[: table.index("</table>")].replace("<bdi>", "").replace("</bdi>", "")
    assert table[: table.index("</thead>")].count("<th ") == 3
    ana, ben = table.split("<tr>")[3:]
    assert ana.count('class="count"') == 8 and "and 4 more" in ana and ">12<" in ana
    assert ben.count('class="count"') == 1 and "100" in ben and "chip" in ben


def test_the_model_of_errors_shows_what_each_person_says_for_what_is_probably_true(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "run", Sample(records=12, criteria=("courtesy",), failures=False))
    ids = [record.record_id for record in sample.records]

    def said(place: int) -> dict[str, str]:
        true = "violates" if place < 8 else "complies"
        return {"ana": true, "ben": true, "cleo": "violates" if place < 9 else "complies"}

    rows = [replace(row, people=said(ids.index(row.record_id))) for row in sample.rows]
    measured = compute_measures(rows, spec(truth=("ana", "ben", "cleo"), resamples=0))
    [cleo] = [one for one in measured.comparisons if one.kind == "dawid_skene" and one.raters == ("cleo",)]
    assert cleo.rates is not None and abs(cleo.rates["complies"]["violates"] - 0.25) < 1e-6
    write_report(sample.data, rows, measured)
    page = (sample.data.folder / "report.html").read_text(encoding="utf-8")
    section = page[page.index("What each person says for what is probably true") : page.index("Where people part")]
    section = section.replace("<bdi>", "").replace("</bdi>", "")
    assert "no gold" in section and section.count('<table class="confusion">') == 3
    of_cleo = section[section.index("<caption>cleo") :]
    assert '<th scope="row">complies</th>' in of_cleo and ">0.25</td>" in of_cleo and ">0.75</td>" in of_cleo


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


def test_the_number_below_the_first_tick_is_drawn_whole(tmp_path: Path) -> None:
    """Cut at the picture's edge, −0.5 would be read as 0.5."""
    page = with_people(write_sample(tmp_path / "run", Sample(records=8, criteria=("courtesy",), failures=False)))
    negative = re.findall(r'<text x="([\d.]+)"[^>]*font-size="([\d.]+)px" text-anchor="middle"[^>]*>(−[\d.]+)<', page)
    assert negative
    for place, size, number in negative:
        # The widest of the fonts named has signs and digits of 0.6 of their height.
        assert float(place) >= float(size) * 0.6 * len(number) / 2, (size, place, number)
