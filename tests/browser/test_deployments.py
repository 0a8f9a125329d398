"""What an operator does in the Prefect UI, in a real Chromium: fills in the form of a run, and retries a failed one.

    uv run --group browser pytest -m browser

BUTTERMILK_SCREENSHOTS names a folder for the screenshots.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.operator import Operator, doc_block, operator
from tests.support.browser import WIDTH, browser, why_no_browser
from tests.support.commands import wait_until
from tests.support.judging import make_posts, write_study
from tests.support.services import FakeService, fake_service

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(why_no_browser() is not None, reason=why_no_browser() or ""),
]
_FIELD = (
    "//div[contains(@class, 'schema-form-property ') or substring(@class, string-length(@class) - 19)"
    " = 'schema-form-property'][.//span[contains(@class, 'schema-form-property__label')]"
    "[starts-with(normalize-space(), '{name}')]]"
)


@dataclass
class OperatorBrowser:
    """An operator whose flows are served, and a browser."""

    operator: Operator
    driver: Any
    service: FakeService
    screenshots: Path

    def open_page(self, path: str, *words: str) -> None:
        """Goes to a page and waits until all `words` are on it."""
        self.driver.get(f"http://127.0.0.1:{self.operator.port}{path}")
        self.wait_for(*words)

    def wait_for(self, *words: str) -> None:
        """Waits until all `words` are on the page."""
        wait_until(
            lambda: all(word in self.text() for word in words), lambda: f"{words} in {self.text()}", 90, pause=0.2
        )

    def text(self) -> str:
        """The text that the page shows now."""
        return self.driver.execute_script("return document.body.innerText")

    def field(self, name: str, kind: str) -> Any:
        """The control of that kind in the form's field of that name."""
        return self.driver.find_element("xpath", f"({_FIELD.format(name=name)}//{kind})[1]")

    def fill(self, name: str, text: str, kind: str = "input") -> None:
        """Puts a text into a field of the form, in place of its own."""
        control = self.field(name, kind)
        control.clear()
        control.send_keys(text)

    def choose(self, name: str, option: str) -> None:
        """Takes one of the options of a list."""
        self.field(name, f"option[@value='{option}']").click()

    def press(self, words: str, within: str = "") -> None:
        """Presses the button with those words, on the page or in the part of it that `within` names."""
        self.click(f"{within}//button[normalize-space()='{words}']")

    def click(self, where: str) -> None:
        """Clicks on the element at that XPath as soon as there is one."""
        wait_until(lambda: bool(self.driver.find_elements("xpath", where)), where, 30, pause=0.2)
        self.driver.execute_script("arguments[0].click()", self.driver.find_element("xpath", where))

    def states(self, run: str) -> Counter[str]:
        """How many task runs of a run the server holds in each state."""
        found = self.operator.get("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        return Counter(one["state_name"] for one in found)

    def screenshot(self, name: str) -> None:
        """Takes a screenshot."""
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[OperatorBrowser]:
    """A server, two processes that serve flows, and a browser."""
    folder = tmp_path_factory.mktemp("deployed")
    screenshots = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", folder / "pictures"))
    screenshots.mkdir(parents=True, exist_ok=True)
    with fake_service(latency=0) as service, operator(folder / "operator") as one:
        write_study(one.cli.working_folder / "study", service.url, make_posts(4))
        one.shell(doc_block("transcript").splitlines()[0])
        wait_until(one.is_up, "the server", 120, pause=0.2)
        one.shell("uv run python -m flows serve +flows=[tox] &")
        one.shell("uv run python -m flows serve --config-dir study +flows=[judged] &")
        wait_until(
            lambda: all(is_served(one, name) for name in ("tox", "judged")), "the flows to be served", 120, pause=0.3
        )
        with browser(folder / "profile") as driver:
            yield OperatorBrowser(one, driver, service, screenshots)


def is_served(one: Operator, flow: str) -> bool:
    found = one.get("/deployments/filter", {"flows": {"name": {"any_": [flow]}}})
    return bool(found) and found[0]["status"] == "READY"


def _form(ui: OperatorBrowser, flow: str) -> None:
    deployment = ui.operator.get(f"/deployments/name/{flow}/served")["id"]
    ui.open_page(f"/deployments/deployment/{deployment}/run", "Parameters", "Submit")


def test_a_run_is_asked_for_with_the_form(ui: OperatorBrowser) -> None:
    _form(ui, "tox")
    ui.wait_for("How many records to take, drawn at random.", "Which models play which role.", "criteria (Optional)")
    ui.fill("sample", "5")
    ui.choose("llms", "embedded")
    ui.choose("criteria", "ordinary")
    ui.driver.set_window_size(WIDTH, 1750)
    ui.screenshot("form")
    ui.driver.set_window_size(WIDTH, 1000)
    ui.press("Submit")
    wait_until(lambda: bool(ui.operator.runs("tox")), "the run", 30, pause=0.2)
    run = ui.operator.wait_for_run(ui.operator.runs("tox")[0]["id"], 180)
    assert run["state_name"] == "Completed", run["state"]
    parameters = {name: run["parameters"][name] for name in ("sample", "llms", "criteria", "records")}
    assert parameters == {"sample": 5, "llms": "embedded", "criteria": ["ordinary"], "records": ""}


def test_a_value_that_does_not_fit_is_refused_beside_its_field(ui: OperatorBrowser) -> None:
    before = len(ui.operator.runs("tox"))
    _form(ui, "tox")
    ui.fill("sample", "-3")
    ui.press("Submit")
    ui.wait_for("-3 is less than the minimum of 0")
    ui.screenshot("refused")
    assert len(ui.operator.runs("tox")) == before


def test_a_failed_run_is_retried_with_the_button_and_pays_for_the_holes_only(ui: OperatorBrowser) -> None:
    ui.service.script([{"kind": "status", "status": 400, "match": "Post number 2"}])
    _form(ui, "judged")
    ui.press("Submit")
    wait_until(lambda: bool(ui.operator.runs("judged")), "the run", 30, pause=0.2)
    run = ui.operator.wait_for_run(ui.operator.runs("judged")[0]["id"])
    assert run["state_name"] == "Incomplete"
    before = ui.service.calls()
    ui.service.script([])
    ui.open_page(f"/runs/flow-run/{run['id']}", "Incomplete", "Retry")
    ui.screenshot("incomplete")
    ui.press("Retry")
    # And again in the dialog that asks for confirmation.
    ui.press("Retry", within="//*[@role='dialog']")
    wait_until(
        lambda: ui.operator.get(f"/flow_runs/{run['id']}")["run_count"] == 2, "the second attempt", 60, pause=0.3
    )
    assert ui.operator.wait_for_run(run["id"])["state_name"] == "Completed"
    assert ui.service.calls() - before == 6
    # Each attempt has task runs of its own.
    both = {"Completed": 18 + 6, "Failed": 6, "Cached": 18}
    wait_until(lambda: ui.states(run["id"]) == both, lambda: f"{both} in {ui.states(run['id'])}", 30, pause=0.2)
    ui.open_page(f"/runs/flow-run/{run['id']}", "Completed", "48 Task runs")
    ui.screenshot("retried")
