"""Parts of a report: disagreement, numbers and plots."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from contract.record import Record
from flows.files.lines import LineFile
from flows.measures.few_records import FEW_RECORDS
from flows.measures.results import Comparison, Estimate, MeasureResults
from flows.report.build_facts import build_facts
from flows.report.disagreement import entropy, rank_disagreements
from flows.report.estimates import estimate_tables, format_estimate
from flows.report.facts import ShareFact
from flows.report.plots import draw_plots
from flows.report.record_details import record_view
from flows.report.report_data import collect_report_data
from flows.report.summary import summarise
from flows.report.words import display_text, format_decimal, percent
from flows.report.write_report import write_report
from tests.report.sample_run import Sample, write_sample


def test_entropy_of_verdicts() -> None:
    assert entropy([]) == 0
    assert entropy(["a", "a", "a"]) == 0
    assert entropy(["a", "b"]) == 1
    assert entropy(["a", "b", "c"]) > entropy(["a", "a", "b"])


def test_the_most_divided_records_come_first(tmp_path: Path) -> None:
    rows = write_sample(tmp_path).rows
    found = rank_disagreements(rows)
    assert [one.entropy for one in found] == sorted((one.entropy for one in found), reverse=True)
    assert all(len({row.verdict for row in one.rows}) > 1 for one in found)
    divided = {
        (row.record_id, row.criteria)
        for row in rows
        for other in rows
        if (row.record_id, row.criteria) == (other.record_id, other.criteria)
        and None not in (row.verdict, other.verdict)
        if row.verdict != other.verdict
    }
    assert {(one.record_id, one.criteria) for one in found} == divided


def test_entropy_is_shown_only_where_it_can_differ(tmp_path: Path) -> None:
    for models, shown in ((("one", "two"), False), (("one", "two", "three"), True)):
        made = write_sample(tmp_path / str(len(models)), Sample(models=models, failures=False))
        write_report(made.data, made.rows, made.measured)
        for name in ("report.html", "report.md"):
            text = (made.data.folder / name).read_text(encoding="utf-8")
            assert ("Entropy" in text) == shown, (name, models)
        assert ("entropy is left out" in text) is not shown


def _share(model: str, **verdicts: int) -> ShareFact:
    return ShareFact("hate", model, tuple(verdicts.items()), sum(verdicts.values()), 0)


def test_the_summary_never_pools_models(tmp_path: Path) -> None:
    made = write_sample(tmp_path)
    with LineFile(tmp_path) as lines:
        facts = build_facts(made.data, collect_report_data(made.data, made.rows, lines))
    shares = (_share("a", hostile=10), _share("b", hostile=10), _share("c", neutral=10))
    summary = summarise(replace(facts, shares=shares), None)
    assert summary.findings == (
        ("a", "hostile in 100% (10)."), ("b", "hostile in 100% (10)."), ("c", "neutral in 100% (10).")
    )  # fmt: skip
    assert "%" not in summary.asked + summary.rest
    many = (*shares, *(_share(name, hostile=5, neutral=5) for name in "defg"))
    summary = summarise(replace(facts, shares=many), None)
    assert "the 7 models said hostile in 0% to 100% and neutral in 0% to 100%" in summary.rest
    assert not summary.findings


def test_each_finding_says_how_far_the_model_agrees_with_people(tmp_path: Path) -> None:
    made = write_sample(tmp_path)
    with LineFile(tmp_path) as lines:
        facts = build_facts(made.data, collect_report_data(made.data, made.rows, lines))
    summary = summarise(facts, made.measured)
    assert len(summary.findings) == len({share.model for share in facts.shares}) > 1
    assert all("; as people said on " in text for _, text in summary.findings)
    assert "The models said what people said" not in summary.rest
    assert ("With only" in summary.rest) == (facts.records < FEW_RECORDS)


def test_numbers() -> None:
    assert percent(1, 1000) == "<1%"
    assert percent(999, 1000) == ">99%"
    assert percent(0, 3) == "0%"
    assert percent(0, 0) == "–"
    assert format_decimal(-0.123) == "−0.12"
    assert format_decimal(-0.001) == "0.00"


def test_an_undefined_estimate_is_never_a_number() -> None:
    assert format_estimate(Estimate("f1", None, undefined="nobody said so")) == "undefined: nobody said so"
    assert format_estimate(Estimate("f1", 0.5, 0.25, 0.75)) == "0.50 (0.25 to 0.75)"


def test_control_characters_are_shown_letter_for_letter() -> None:
    text = "a\r\nb\rc\x1b[31md\ud800e"
    assert len(display_text(text)) == len(text)
    assert display_text(text) == "a \nb␍c␛[31md\ufffde"


def test_metadata_of_several_levels_reads_as_json() -> None:
    record = Record(record_id="1", text="t", metadata={"place": {"town": "Alençon", "at": [48.4, {"year": 1924}]}})
    [(name, text)] = record_view(record).metadata
    assert (name, json.loads(text)) == ("place", {"town": "Alençon", "at": [48.4, {"year": 1924}]})


def _plots(*names: str, value: float | None = 0.5) -> list[str]:
    estimates = (Estimate("cohen_kappa", value, None if value is None else -0.2, value, "too few"),)
    one = Comparison("models", "<rule>", "", "", names, 9, 0, estimates)
    (table,) = estimate_tables(MeasureResults((one,), ""))
    return draw_plots(table, {})


def test_a_plot_is_text_with_a_title_and_no_styles() -> None:
    (picture,) = _plots("<b>$x_1$", "b & c \u200fعربي")
    root = ElementTree.fromstring(picture)
    assert root.attrib["role"] == "img"
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert "<b>$x_1$ – b & c \u200fعربي" in texts
    assert "0.50 [−0.20, 0.50]" in texts
    assert not re.search(r"\bstyle=|<style|font-family|<metadata", picture)


def test_a_plot_shows_undefined_with_its_reason() -> None:
    (picture,) = _plots("a", "b", value=None)
    assert ">undefined<" in picture
    assert "undefined: too few" in picture


def test_a_record_without_a_title_is_listed_by_its_first_words(tmp_path: Path) -> None:
    made = write_sample(tmp_path)
    first = made.data.folder / "answers.jsonl"
    lines = [json.loads(line) for line in first.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["input"]["record"] |= {"title": None, "text": "Once upon a time there was a very long letter. " * 3}
    first.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with LineFile(tmp_path) as kept:
        titles = collect_report_data(made.data, made.rows, kept).titles
    assert set(titles.values()) == {"Once upon a time there was a very long letter. Once upon a…"}


def test_the_finding_comes_first_and_digests_last(tmp_path: Path) -> None:
    made = write_sample(tmp_path)
    write_report(made.data, made.rows, made.measured)
    page = (made.data.folder / "report.html").read_text(encoding="utf-8").partition("<body>")[2]
    parts = ('id="matrix"', 'id="parted"', 'id="agreement"', 'id="asked"', 'id="appendix"', 'class="digest"')
    order = ['class="findings"', *parts]
    assert sorted(order, key=page.index) == order
