"""A study's report in a real Chromium, on a desk and on a phone.

    uv run --group browser pytest -m browser tests/browser/test_report.py

BUTTERMILK_SCREENSHOTS names a folder for the screenshots.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.record import Record
from flows.report.write_report import write_report
from tests.report.sample_run import Sample, SampleRun, write_sample
from tests.report.test_page import HOSTILE
from tests.support.browser import browser, why_no_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(why_no_browser() is not None, reason=why_no_browser() or ""),
]
DESK, PHONE = (1280, 900), (390, 844)
_RUDE = "They are no better than geese."


@dataclass
class ReportBrowser:
    """A browser that shows a report."""

    driver: Any
    folder: Path
    screenshots: Path

    def report(self, sample: Sample | None = None, size: tuple[int, int] = DESK) -> SampleRun:
        """Makes a sample's report and opens it."""
        made = write_sample(self.folder / f"run-{time.monotonic_ns()}", sample)
        write_report(made.data, made.rows, made.measured)
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500},
        )
        self.driver.get((made.data.folder / "report.html").as_uri())
        return made

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def count(self, selector: str) -> int:
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def choose(self, label: str, words: str) -> None:
        """Sets the filter of that name."""
        self.run(
            """
            const label = [...document.querySelectorAll('#filters label')].find(
              (one) => one.firstElementChild.textContent === arguments[0]);
            const select = label.querySelector('select');
            select.value = [...select.options].find((one) => one.text === arguments[1]).value;
            select.dispatchEvent(new Event('change'));
            """,
            label,
            words,
        )

    def check(self, words: str) -> None:
        """Ticks the box of that name."""
        boxes = "[...document.querySelectorAll('#filters label.check')]"
        self.run(f"{boxes}.find((one) => one.innerText.includes(arguments[0])).click()", words)

    def search(self, words: str) -> None:
        field = "const field = document.querySelector('#filters input[type=search]');"
        self.run(f"{field} field.value = arguments[0]; field.dispatchEvent(new Event('input'))", words)

    def keys(self, *names: str) -> None:
        """Presses keys where the focus is."""
        for name in names:
            for kind in ("keyDown", "keyUp"):
                event = {"type": kind, "key": name, "code": name, **_CODES[name]}
                self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)

    def focused(self) -> str:
        return self.run("return document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")

    def screenshot(self, name: str) -> None:
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def wait(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.05)

    def check_quiet(self) -> None:
        """Fails unless the page reported no error, loaded nothing but itself and fits its window."""
        assert self.driver.get_log("browser") == []
        assert self.run("return performance.getEntriesByType('resource').map((one) => one.name)") == []
        assert self.run("return document.documentElement.scrollWidth <= window.innerWidth")


_CODES: dict[str, dict[str, int | str]] = {
    "ArrowDown": {"windowsVirtualKeyCode": 40},
    "ArrowRight": {"windowsVirtualKeyCode": 39},
    "Enter": {"windowsVirtualKeyCode": 13, "text": "\r"},
    "Escape": {"windowsVirtualKeyCode": 27},
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def viewer(driver: Any, tmp_path: Path) -> ReportBrowser:
    screenshots = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", tmp_path / "pictures"))
    screenshots.mkdir(parents=True, exist_ok=True)
    driver.get_log("browser")
    return ReportBrowser(driver, tmp_path, screenshots)


def test_filters_and_order(viewer: ReportBrowser) -> None:
    made = viewer.report()
    assert "36 records" in viewer.text("#counted")
    assert viewer.count("#grid tbody tr") == 36
    assert viewer.count("#grid button.cell") == len(made.rows)
    viewer.check("only where verdicts part")
    parted = {row.record_id for row in made.rows if len(_verdicts(made, row.record_id, row.criteria)) > 1}
    assert viewer.count("#grid tbody tr") == len(parted) > 0
    viewer.click("#filters button")
    viewer.choose("Criterion", "Plain courtesy")
    viewer.choose("Model", "gpt-mini")
    viewer.choose("Verdict", "violates")
    found = [row for row in made.rows if (row.criteria, row.model, row.verdict) == ("courtesy", "gpt-mini", "violates")]
    assert viewer.count("#grid tbody tr") == viewer.count("#grid button.cell") == len(found) > 0
    viewer.click("#filters button")
    viewer.check("differs from people")
    mistaken = {row.record_id for row in made.rows if row.truth and row.verdict and row.truth != row.verdict}
    assert viewer.count("#grid tbody tr") == len(mistaken) > 0
    viewer.click("#filters button")
    viewer.choose("year", "1925")
    assert viewer.count("#grid tbody tr") == sum(record.metadata["year"] == 1925 for record in made.records)
    viewer.click("#filters button")
    viewer.choose("Order", "by disagreement")
    assert viewer.text("#grid tbody th").split("\n")[0] in parted
    viewer.check_quiet()


def _verdicts(made: SampleRun, record: str, criteria: str) -> set[str]:
    rows = [row for row in made.rows if (row.record_id, row.criteria) == (record, criteria)]
    return {row.verdict for row in rows if row.verdict}


def test_search_looks_into_the_texts(viewer: ReportBrowser) -> None:
    made = viewer.report()
    viewer.search("NO BETTER than")
    expected = sum("no better than" in record.text for record in made.records)
    viewer.wait(lambda: viewer.count("#grid tbody tr") == expected)
    viewer.search("zebra")
    viewer.wait(lambda: "No record fits" in viewer.text("#grid"))


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_cell_shows_its_reasons_and_highlights_its_quotations(viewer: ReportBrowser, size: tuple[int, int]) -> None:
    compass = Record(record_id="compass", title="A compass", text=f"\U0001f9ed Lost. {_RUDE} \U0001f9ed So there.")
    viewer.report(Sample(records=4, extra=(compass,), failures=False), size)
    viewer.click("#grid tr[data-place='0'] button.cell")
    assert viewer.run("return document.getElementById('panel').open")
    assert viewer.text("#panel-title") == "A compass"
    assert viewer.run("return document.querySelector('#panel mark').lastChild.data") == _RUDE
    assert f"“{_RUDE}”" in viewer.text("#panel button.quote")
    assert "synthesise" in viewer.text("#panel .others")
    viewer.click("#panel button.quote")
    assert viewer.count("#panel mark.here") == 1
    viewer.click("#panel .tabs button:nth-child(2)")
    assert viewer.run("return document.querySelectorAll('#panel .tabs button')[1].ariaPressed") == "true"
    assert viewer.run("const p = document.getElementById('panel'); return p.scrollWidth <= p.clientWidth")
    viewer.keys("Escape")
    assert not viewer.run("return document.getElementById('panel').open")
    viewer.check_quiet()


def test_no_dialog_shows_a_value_that_is_not_there(viewer: ReportBrowser) -> None:
    bare = Record(record_id="bare", text="Nothing but a text.")
    viewer.report(Sample(records=20, extra=(bare,), steps=False))
    texts: list[str] = viewer.run(
        """
        return [...document.querySelectorAll('#grid button.cell')].map((one) => {
          one.click();
          return document.getElementById('panel').innerText;
        });
        """
    )
    assert len(texts) > 20
    # "false" is what people said by that criterion, and is there.
    others = [text.replace("What people said\ncourtesy\nfalse", "") for text in texts]
    assert others != texts
    missing = {"null", "undefined", "None", "NaN", "false"}
    assert not [text for text in others if set(re.findall(r"\w+", text)) & missing]


def test_a_quotation_that_was_not_found_is_marked(viewer: ReportBrowser) -> None:
    viewer.report()
    viewer.run(
        """
        const button = document.querySelectorAll('#grid button.cell');
        for (const one of button) { one.click(); if (document.querySelector('#panel .lost')) break; }
        """
    )
    assert "not found in the record" in viewer.text("#panel .lost")


def test_the_keyboard_is_enough(viewer: ReportBrowser) -> None:
    viewer.report()
    viewer.run("document.querySelector('#grid button.cell').focus()")
    viewer.keys("ArrowRight", "ArrowDown")
    where = viewer.focused()
    assert where.startswith("letter-2, Plain courtesy, gemini-flash")
    viewer.keys("Enter")
    assert viewer.text("#panel .byline").startswith("letter-2")
    assert viewer.run("return document.getElementById('panel').contains(document.activeElement)")
    viewer.keys("Escape")
    assert viewer.focused() == where


def test_the_ranking_leads_into_the_matrix(viewer: ReportBrowser) -> None:
    viewer.report()
    name = viewer.text("#parted tbody a")
    viewer.click("#parted tbody a")
    assert viewer.text("#panel .byline").startswith(name)
    viewer.keys("Escape")
    assert viewer.text("#grid tr.found th").startswith(name)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_masked_texts_are_shown_one_by_one_or_all(viewer: ReportBrowser, size: tuple[int, int]) -> None:
    made = viewer.report(Sample(warning="These letters tease."), size)
    titles = {str(record.title) for record in made.records}
    assert not [title for title in titles if title in viewer.text("body")]
    viewer.click("#grid button.cell")
    page = viewer.run("return document.querySelector('main').outerHTML + document.getElementById('panel').outerHTML")
    assert not [record.text for record in made.records if record.text[:60] in page]
    assert viewer.count("#panel mark") == 0
    viewer.screenshot(f"masked-{size[0]}")
    viewer.click("#unveil-one")
    assert made.records[0].text[:60] in viewer.text("#panel .source")
    viewer.click("#panel .panel-tools button:nth-child(2)")
    assert made.records[1].text[:60] not in viewer.text("#panel")
    viewer.keys("Escape")
    viewer.click("#unveil")
    assert str(made.records[5].title) in viewer.text("#grid")
    assert viewer.count("main .veil, #panel *") == 0
    viewer.click("#unveil")
    assert str(made.records[5].title) not in viewer.text("body")
    viewer.check_quiet()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_hostile_records_do_nothing_and_stay_in_their_place(viewer: ReportBrowser, size: tuple[int, int]) -> None:
    name = "".join(filter(str.isprintable, f"0{HOSTILE}"))[:500]
    hostile = Record(record_id=name, title=HOSTILE, text=HOSTILE, sections={HOSTILE: HOSTILE})
    long = Record(record_id="1long", text="word " * 1_000_000, metadata={"year": "x" * 200})
    viewer.report(Sample(records=3, extra=(hostile, long), models=("w" * 200, "two")), size)
    for place in (0, 1):
        viewer.click(f"#grid tr[data-place='{place}'] button.cell")
        assert viewer.run("const p = document.getElementById('panel'); return p.scrollWidth <= p.clientWidth")
        viewer.screenshot(f"hostile-{place}-{size[0]}")
        viewer.keys("Escape")
    viewer.click("#grid tr[data-place='1'] button.cell")
    assert "The first 20,000 of 5,000,000 characters are shown." in viewer.text("#panel")
    assert viewer.run("return [...document.querySelectorAll('img, iframe, .source script')].length") == 0
    viewer.check_quiet()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_screenshots_can_be_taken(viewer: ReportBrowser, size: tuple[int, int]) -> None:
    name = "desktop" if size == DESK else "phone"
    viewer.report(size=size)
    viewer.run("document.querySelector('#matrix h3').scrollIntoView()")
    viewer.screenshot(f"report-{name}")
    viewer.run("document.querySelector('#agreement').scrollIntoView()")
    viewer.screenshot(f"agreement-{name}")
    viewer.click("#parted tbody tr:nth-child(5) a")
    viewer.click("#panel .tabs button:nth-child(2)")
    viewer.screenshot("report-cell" if size == DESK else "cell-phone")
    viewer.check_quiet()


def test_the_verdicts_fit_a_phone_and_a_table_that_goes_on_shows_it(viewer: ReportBrowser) -> None:
    viewer.report(size=PHONE)
    box = "document.querySelector('.shares').parentElement"
    ends = "[...document.querySelectorAll('.shares .number')].map((one) => one.getBoundingClientRect().right)"
    assert viewer.run(f"return Math.max(...{ends}) <= {box}.getBoundingClientRect().right")
    assert viewer.run(f"return {box}.scrollWidth > {box}.clientWidth")
    assert "scroll, scroll" in viewer.run(f"return getComputedStyle({box}).backgroundAttachment")
    viewer.check_quiet()
