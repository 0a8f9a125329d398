"""report.html: every verdict once, nothing of a record as markup, the same bytes each time, every gap explained."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from contract.record import Locator, Record
from flows.files.run_data import RunData
from flows.measures.compute import compute_measures
from flows.report.estimates import confusion_matrices, estimate_tables
from flows.report.verdict_marks import verdict_marks
from flows.report.verdict_matrix import MAX_FIELD_CHARACTERS, script_json
from flows.report.write_report import write_report
from flows.tables.verdicts import verdict_rows
from tests.report.sample_run import Sample, SampleRun, write_sample
from tests.support.traces import finished_run

HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(1)> \u202egnp.exe\u202c & <!-- \u2028 \u2029 "
    "{{ 7 * 7 }} \x1b[31m \U0001f9ed after the compass " + "w" * 200
)


class ParsedPage(HTMLParser):
    """What a browser would find: tags with attributes, and the text of each script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self.inside = list[tuple[str, dict[str, str | None], list[str]]]()
        self._open = list[tuple[str, list[str]]]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append((tag, dict(attrs), []))
            self._open.append((tag, self.inside[-1][2]))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][1].append(data)

    def of(self, tag: str, **attributes: str) -> list[str]:
        return [
            "".join(texts)
            for name, found, texts in self.inside
            if name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    @property
    def index(self) -> dict[str, Any]:
        (text,) = self.of("script", id="index")
        return json.loads(text)

    @property
    def details(self) -> list[dict[str, Any]]:
        return [record for piece in self.of("script", class_="piece") for record in json.loads(piece)]


def report(made: SampleRun) -> str:
    write_report(made.data, made.rows, made.measured)
    return (made.data.folder / "report.html").read_text(encoding="utf-8")


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html.partition("<main>")[2].partition("</main>")[0]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    return write_sample(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="module")
def html(made: SampleRun) -> str:
    return report(made)


def test_every_record_and_verdict_is_in_the_page_once(made: SampleRun, html: str) -> None:
    index = ParsedPage(html).index
    assert sorted(record["i"] for record in index["records"]) == sorted(record.record_id for record in made.records)
    there = Counter(
        (record["i"], index["criteria"][cell[0]]["name"], index["models"][cell[1]], cell[2], verdict_name(index, cell))
        for record in index["records"]
        for cell in record["c"]
    )
    assert there == Counter((row.record_id, row.criteria, row.model, row.repeat, row.verdict) for row in made.rows)


def verdict_name(index: dict[str, Any], cell: list[int]) -> str | None:
    return index["verdicts"][cell[3]]["name"] if cell[3] >= 0 else None


def test_mistakes_and_answers_of_people_are_marked(made: SampleRun, html: str) -> None:
    index = ParsedPage(html).index
    marked = sum(cell[6] > 0 for record in index["records"] for cell in record["c"])
    assert marked == sum(row.truth is not None and row.verdict not in (None, row.truth) for row in made.rows)
    truths = {
        record["i"]: index["verdicts"][cell[7]]["name"]
        for record in index["records"]
        for cell in record["c"]
        if cell[7] >= 0
    }
    assert truths == {row.record_id: row.truth for row in made.rows if row.truth is not None}


def test_the_details_are_those_of_the_cells(made: SampleRun, html: str) -> None:
    page = ParsedPage(html)
    conclusions = {
        str(trace.value["conclusion"]) for trace in made.data.traces() if trace.step == "judge" and trace.value
    }
    cells = [cell for record in page.details for cell in record["c"]]
    assert len(cells) == len(made.rows)
    assert {cell["k"] for cell in cells if "k" in cell} == conclusions
    assert {cell["n"] for cell in cells if "n" in cell} == {"the model declined to answer"}
    assert {cell["e"] for cell in cells if "e" in cell} == {"Timeout: no answer within 120 seconds"}
    steps = Counter(other["p"] for record in page.details for other in record["o"])
    assert steps["synthesise"] == len(made.records) * 2
    assert all(len(other["a"]) == 1 for record in page.details for other in record["o"])


def quotes(page: ParsedPage) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    for record in page.details:
        for cell in record["c"]:
            for reason in cell.get("r", []):
                yield from ((record, quote) for quote in reason[3])


def test_quotations_are_offsets_into_the_text_as_a_browser_counts(tmp_path: Path) -> None:
    compass = Record(record_id="compass", text="\U0001f9ed\U0001f9ed They are no better than geese.\r\nEnd")
    page = ParsedPage(report(write_sample(tmp_path, Sample(records=0, extra=(compass,), failures=False))))
    found = [(record, quote) for record, quote in quotes(page) if isinstance(quote[0], int)]
    assert found
    for record, (field, start, end) in found:
        units = record["f"][field][1].encode("utf-16-le")
        assert units[2 * start : 2 * end].decode("utf-16-le") == "They are no better than geese."


def test_quotations_name_their_page(tmp_path: Path) -> None:
    pages = (Locator(start=0, name="p. 103"),)
    paged = Record(record_id="paged", text="They are no better than geese.", locators=pages)
    long = Record(record_id="long", text=f"{'x ' * MAX_FIELD_CHARACTERS}They are no better than geese.", locators=pages)
    page = ParsedPage(report(write_sample(tmp_path, Sample(records=0, extra=(paged, long), failures=False))))
    found = {len(quote): quote[-1] for _, quote in quotes(page) if "geese" in str(quote[0]) or quote[0] == 0}
    assert found == {4: "p. 103", 5: "p. 103"}, "within the part that is shown, and after it"


def test_nothing_of_a_record_becomes_markup(tmp_path: Path) -> None:
    name = "".join(filter(str.isprintable, f"<b>{HOSTILE}"))[:400]
    record = Record(
        record_id=name, title=HOSTILE, text=HOSTILE, sections={HOSTILE: HOSTILE},
        metadata={HOSTILE: HOSTILE, "year": HOSTILE}, uri="javascript:alert(1)",
    )  # fmt: skip
    sample = Sample(records=2, extra=(record,), models=("<i>one", "two"), criteria=("<u>rule",))
    page = ParsedPage(report(write_sample(tmp_path, sample)))
    assert {tag for tag, _ in page.tags}.isdisjoint({"img", "b", "i", "u", "iframe", "object", "link", "base", "form"})
    assert len(page.of("script")) == 1 + 1 + len(page.of("script", class_="piece"))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert not [value for _, attributes in page.tags for value in attributes.values() if "javascript:" in (value or "")]
    assert not any("u" in record for record in page.details)
    text = next(field for field in page.details[0]["f"] + page.details[-1]["f"] if field[0] == "text")[1]
    assert "after the compass" in text


def test_json_in_a_script_element_cannot_end_it() -> None:
    text = "</script><!--&\u2028\u2029"
    written = script_json({text: text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: text}


def test_the_policy_allows_this_style_and_this_script_and_no_network(html: str) -> None:
    page = ParsedPage(html)
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = {name: value for name, _, value in (rule.strip().partition(" ") for rule in policy.split(";"))}
    (style,) = page.of("style")
    script = page.of("script")[-1]
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == f"'{sha256(style)}'"
    assert rules["script-src"] == f"'{sha256(script)}'"
    assert not [attributes for _, attributes in page.tags if "style" in attributes or "src" in attributes]
    assert "innerHTML" not in script


def sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_ids_are_not_used_twice(html: str) -> None:
    ids = Counter(attributes["id"] for _, attributes in ParsedPage(html).tags if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []


def test_the_same_folder_gives_the_same_bytes(made: SampleRun, html: str) -> None:
    markdown = (made.data.folder / "report.md").read_bytes()
    assert report(made) == html
    assert (made.data.folder / "report.md").read_bytes() == markdown


def test_undefined_estimates_are_shown_with_their_reason(html: str) -> None:
    assert "undefined: every rater gave the same verdict to every record" in words(html)


def test_cells_are_counted_and_those_without_output_have_reasons(made: SampleRun, html: str) -> None:
    zero = '<span class="none">0</span>'
    ended = Counter(row.status for row in made.rows)
    assert ended["failed"] and ended["refused"]
    text = words(html)
    assert "Timeout: no answer within 120 seconds" in text
    assert f"{ended['refused']} refused and {ended['failed']} failed" in text
    counts = (ended["completed"], ended["refused"], ended["failed"], 0)
    assert "".join(f'<td class="number">{count or zero}</td>' for count in counts) in html


def test_methods_name_every_model_and_criterion(made: SampleRun, html: str) -> None:
    paragraph = html.partition('id="paragraph">')[2].partition("</blockquote>")[0]
    for name in ("claude-haiku", "gemini-flash", "gpt-mini", "Plain courtesy", "Local relevance", "4 March 2026"):
        assert name in paragraph
    assert "1,000 resamples" in paragraph
    assert str(made.data.manifest["records"]["fingerprint"]) in paragraph


def test_embedded_models_are_called_a_demonstration(tmp_path: Path) -> None:
    assert "Demonstration quality." in words(report(write_sample(tmp_path, Sample(records=2, quality="demonstration"))))


def test_a_demonstration_is_not_claimed_of_real_models(html: str) -> None:
    assert "Demonstration quality." not in words(html)


def test_masked_texts_are_not_in_the_page_before_they_are_asked_for(tmp_path: Path) -> None:
    made = write_sample(tmp_path, Sample(records=6, warning="These letters tease."))
    html = report(made)
    shown = html.partition("<main>")[2].partition("<script")[0]
    assert "These letters tease." in shown
    assert not [record.title for record in made.records if record.title and record.title in shown]
    assert ParsedPage(html).index["warning"] is True
    assert any(record.title in ParsedPage(html).index["veils"] for record in made.records)


def test_long_texts_are_cut_and_quotations_beyond_are_listed(tmp_path: Path) -> None:
    long = Record(record_id="long", text="A line of a long book.\n" * 230_000 + "They are no better than geese.")
    page = ParsedPage(report(write_sample(tmp_path, Sample(records=0, extra=(long,), failures=False, steps=False))))
    ((name, text, whole),) = page.details[0]["f"]
    assert (name, len(text), whole) == ("text", MAX_FIELD_CHARACTERS, len(long.text))
    beyond = [quote for _, quote in quotes(page) if isinstance(quote[0], str) and quote[1]]
    assert beyond and beyond[0] == ["They are no better than geese.", True, 0, len(long.text) - 30]


def test_repeats_are_distinguished(tmp_path: Path) -> None:
    index = ParsedPage(report(write_sample(tmp_path, Sample(records=3, repeats=3)))).index
    assert {cell[2] for record in index["records"] for cell in record["c"]} == {0, 1, 2}


def test_an_old_manifest_and_no_measures_are_enough(tmp_path: Path) -> None:
    made = write_sample(tmp_path, Sample(records=2))
    manifest = {name: made.data.manifest[name] for name in ("flow", "flow_spec")}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    data = replace(made.data, manifest=manifest)
    write_report(data, made.rows, None)
    assert "Nothing was measured." in words((tmp_path / "report.html").read_text(encoding="utf-8"))
    write_report(data, (), None)
    assert "No verdicts were given" in words((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_verdicts_have_letters_of_their_own(made: SampleRun) -> None:
    first = made.rows[0]
    names = ["violates", "void", "v", "", "4", "12", "نعم"]
    marks = verdict_marks([replace(first, verdict=name, truth=None) for name in names], made.data.spec.measures)
    assert len({mark.letters for mark in marks.values()}) == len(names)
    assert next(iter(marks)) == "violates"


def test_a_run_with_real_measures(tmp_path: Path) -> None:
    data = RunData.open(finished_run(tmp_path, records=8, repeats=2, by=("source",), resamples=20))
    rows = verdict_rows(data)
    measured = compute_measures(rows, data.spec.measures) if data.spec.measures else None
    write_report(data, rows, measured)
    text = words((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert measured and measured.method.split(";")[0] in text
    for caption in ("Each model with what people said, by source", "Each model with itself, asked again"):
        assert caption in text
    tables = {table.kind: table for table in estimate_tables(measured) if not table.by}
    assert [row.label for row in tables["truth"].rows] == ["alpha", "beta", "gamma"] * 2
    confused = [confusion for table in tables.values() for confusion in confusion_matrices(table, ["violates"])]
    assert sum(sum(counts) for one in confused for _, counts in one.rows) == sum(
        row.comparison.records for row in tables["truth"].rows
    )
