"""Parts of a report: disagreement, numbers and plots."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from contract.record import Record
from flows.measures.results import Comparison, Estimate, MeasureResults
from flows.report.disagreement import entropy, rank_disagreements
from flows.report.estimates import estimate_tables, format_estimate
from flows.report.plots import draw_plots
from flows.report.record_details import record_view
from flows.report.words import display_text, format_decimal, percent
from tests.report.sample_run import write_sample


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
