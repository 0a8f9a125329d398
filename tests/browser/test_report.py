"""A study's report in a real Chromium, on a desk and on a phone.

    uv run --group browser pytest -m browser tests/browser/test_report.py

BUTTERMILK_SCREENSHOTS names a folder to keep the pictures in.
"""

from __future__ import annotations

import os
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
class Seen:
    """A browser that shows a report."""

    driver: Any
    folder: Path
    pictures: Path

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

    def picture(self, name: str) -> None:
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def wait(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.05)

    def quiet(self) -> None:
        """Nothing failed in the page, and nothing but the page itself was asked for."""
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
def seen(driver: Any, tmp_path: Path) -> Seen:
    pictures = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", tmp_path / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    driver.get_log("browser")
    return Seen(driver, tmp_path, pictures)


def test_filters_and_order(seen: Seen) -> None:
    made = seen.report()
    assert "36 records" in seen.text("#counted")
    assert seen.count("#grid tbody tr") == 36
    assert seen.count("#grid button.cell") == len(made.rows)
    seen.check("only where verdicts part")
    parted = {row.record_id for row in made.rows if len(_said(made, row.record_id, row.criteria)) > 1}
    assert seen.count("#grid tbody tr") == len(parted) > 0
    seen.click("#filters button")
    seen.choose("Criterion", "Plain courtesy")
    seen.choose("Model", "gpt-mini")
    seen.choose("Verdict", "violates")
    found = [row for row in made.rows if (row.criteria, row.model, row.verdict) == ("courtesy", "gpt-mini", "violates")]
    assert seen.count("#grid tbody tr") == seen.count("#grid button.cell") == len(found) > 0
    seen.click("#filters button")
    seen.check("differs from people")
    mistaken = {row.record_id for row in made.rows if row.truth and row.verdict and row.truth != row.verdict}
    assert seen.count("#grid tbody tr") == len(mistaken) > 0
    seen.click("#filters button")
    seen.choose("year", "1925")
    assert seen.count("#grid tbody tr") == sum(record.metadata["year"] == 1925 for record in made.records)
    seen.click("#filters button")
    seen.choose("Order", "by disagreement")
    assert seen.text("#grid tbody th").split("\n")[0] in parted
    seen.quiet()


def _said(made: SampleRun, record: str, criteria: str) -> set[str]:
    rows = [row for row in made.rows if (row.record_id, row.criteria) == (record, criteria)]
    return {row.verdict for row in rows if row.verdict}


def test_search_looks_into_the_texts(seen: Seen) -> None:
    made = seen.report()
    seen.search("NO BETTER than")
    expected = sum("no better than" in record.text for record in made.records)
    seen.wait(lambda: seen.count("#grid tbody tr") == expected)
    seen.search("zebra")
    seen.wait(lambda: "No record fits" in seen.text("#grid"))


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_cell_opens_on_its_reasons_and_highlights_its_quotations(seen: Seen, size: tuple[int, int]) -> None:
    compass = Record(record_id="compass", title="A compass", text=f"\U0001f9ed Lost. {_RUDE} \U0001f9ed So there.")
    seen.report(Sample(records=4, extra=(compass,), failures=False), size)
    seen.click("#grid tr[data-place='0'] button.cell")
    assert seen.run("return document.getElementById('panel').open")
    assert seen.text("#panel-title") == "A compass"
    assert seen.run("return document.querySelector('#panel mark').lastChild.data") == _RUDE
    assert f"“{_RUDE}”" in seen.text("#panel button.quote")
    assert "synthesise" in seen.text("#panel .others")
    seen.click("#panel button.quote")
    assert seen.count("#panel mark.here") == 1
    seen.click("#panel .tabs button:nth-child(2)")
    assert seen.run("return document.querySelectorAll('#panel .tabs button')[1].ariaPressed") == "true"
    assert seen.run("const p = document.getElementById('panel'); return p.scrollWidth <= p.clientWidth")
    seen.keys("Escape")
    assert not seen.run("return document.getElementById('panel').open")
    seen.quiet()


def test_a_quotation_that_was_not_found_says_so(seen: Seen) -> None:
    seen.report()
    seen.run(
        """
        const button = document.querySelectorAll('#grid button.cell');
        for (const one of button) { one.click(); if (document.querySelector('#panel .lost')) break; }
        """
    )
    assert "not found in the record" in seen.text("#panel .lost")


def test_the_keyboard_is_enough(seen: Seen) -> None:
    seen.report()
    seen.run("document.querySelector('#grid button.cell').focus()")
    seen.keys("ArrowRight", "ArrowDown")
    where = seen.focused()
    assert where.startswith("letter-2, Plain courtesy, gemini-flash")
    seen.keys("Enter")
    assert seen.text("#panel .byline").startswith("letter-2")
    assert seen.run("return document.getElementById('panel').contains(document.activeElement)")
    seen.keys("Escape")
    assert seen.focused() == where


def test_from_the_ranking_into_the_matrix(seen: Seen) -> None:
    seen.report()
    name = seen.text("#parted tbody a")
    seen.click("#parted tbody a")
    assert seen.text("#panel .byline").startswith(name)
    seen.keys("Escape")
    assert seen.text("#grid tr.found th").startswith(name)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_masked_texts_are_shown_one_by_one_or_all(seen: Seen, size: tuple[int, int]) -> None:
    made = seen.report(Sample(warning="These letters tease."), size)
    titles = {str(record.title) for record in made.records}
    assert not [title for title in titles if title in seen.text("body")]
    seen.click("#grid button.cell")
    page = seen.run("return document.querySelector('main').outerHTML + document.getElementById('panel').outerHTML")
    assert not [record.text for record in made.records if record.text[:60] in page]
    assert seen.count("#panel mark") == 0
    seen.picture(f"masked-{size[0]}")
    seen.click("#unveil-one")
    assert made.records[0].text[:60] in seen.text("#panel .source")
    seen.click("#panel .panel-tools button:nth-child(2)")
    assert made.records[1].text[:60] not in seen.text("#panel")
    seen.keys("Escape")
    seen.click("#unveil")
    assert str(made.records[5].title) in seen.text("#grid")
    assert seen.count("main .veil, #panel *") == 0
    seen.click("#unveil")
    assert str(made.records[5].title) not in seen.text("body")
    seen.quiet()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_hostile_records_do_nothing_and_stay_in_their_place(seen: Seen, size: tuple[int, int]) -> None:
    name = "".join(filter(str.isprintable, f"0{HOSTILE}"))[:500]
    hostile = Record(record_id=name, title=HOSTILE, text=HOSTILE, sections={HOSTILE: HOSTILE})
    long = Record(record_id="1long", text="word " * 1_000_000, metadata={"year": "x" * 200})
    seen.report(Sample(records=3, extra=(hostile, long), models=("w" * 200, "two")), size)
    for place in (0, 1):
        seen.click(f"#grid tr[data-place='{place}'] button.cell")
        assert seen.run("const p = document.getElementById('panel'); return p.scrollWidth <= p.clientWidth")
        seen.picture(f"hostile-{place}-{size[0]}")
        seen.keys("Escape")
    seen.click("#grid tr[data-place='1'] button.cell")
    assert "The first 20,000 of 5,000,000 characters are shown." in seen.text("#panel")
    assert seen.run("return [...document.querySelectorAll('img, iframe, .source script')].length") == 0
    seen.quiet()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_pictures(seen: Seen, size: tuple[int, int]) -> None:
    name = "desktop" if size == DESK else "phone"
    seen.report(size=size)
    seen.run("document.querySelector('#matrix h3').scrollIntoView()")
    seen.picture(f"report-{name}")
    seen.run("document.querySelector('#agreement').scrollIntoView()")
    seen.picture(f"agreement-{name}")
    seen.click("#parted tbody tr:nth-child(5) a")
    seen.click("#panel .tabs button:nth-child(2)")
    seen.picture("report-cell" if size == DESK else "cell-phone")
    seen.quiet()
