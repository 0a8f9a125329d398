"""What an operator does in the Prefect UI, in a real Chromium: fills in the form of a run, and retries a failed one.

    uv run --group browser pytest -m browser

BUTTERMILK_SCREENSHOTS names a folder to keep the pictures in.
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
class Seen:
    """An operator whose flows are served, and a browser beside."""

    operator: Operator
    driver: Any
    service: FakeService
    pictures: Path

    def opens(self, path: str, *words: str) -> None:
        """Goes to a page and waits until all `words` are on it."""
        self.driver.get(f"http://127.0.0.1:{self.operator.port}{path}")
        self.shows(*words)

    def shows(self, *words: str) -> None:
        """Waits until all `words` are on the page."""
        wait_until(
            lambda: all(word in self.text() for word in words), lambda: f"{words} in {self.text()}", 90, pause=0.2
        )

    def text(self) -> str:
        """What can be read on the page now."""
        return self.driver.execute_script("return document.body.innerText")

    def field(self, name: str, kind: str) -> Any:
        """The control of that kind in the form's field of that name."""
        return self.driver.find_element("xpath", f"({_FIELD.format(name=name)}//{kind})[1]")

    def writes(self, name: str, text: str, kind: str = "input") -> None:
        """Puts a text into a field of the form, in place of what is there."""
        control = self.field(name, kind)
        control.clear()
        control.send_keys(text)

    def chooses(self, name: str, option: str) -> None:
        """Takes one of the options of a list."""
        self.field(name, f"option[@value='{option}']").click()

    def presses(self, words: str, within: str = "") -> None:
        """Presses the button with those words, on the page or in what of it is named."""
        self.clicks(f"{within}//button[normalize-space()='{words}']")

    def clicks(self, where: str) -> None:
        """Clicks on what is there as soon as there is something."""
        wait_until(lambda: bool(self.driver.find_elements("xpath", where)), where, 30, pause=0.2)
        self.driver.execute_script("arguments[0].click()", self.driver.find_element("xpath", where))

    def states(self, run: str) -> Counter[str]:
        """How many task runs of a run the server holds in each state."""
        found = self.operator.get("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        return Counter(one["state_name"] for one in found)

    def picture(self, name: str) -> None:
        """A screenshot."""
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Generator[Seen]:
    """A server, two processes that serve flows, and a browser."""
    folder = tmp_path_factory.mktemp("deployed")
    pictures = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", folder / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    with fake_service(latency=0) as service, operator(folder / "operator") as one:
        write_study(one.place.working_folder / "study", service.url, make_posts(4))
        one.shell(doc_block("transcript").splitlines()[0])
        wait_until(one.is_up, "the server", 120, pause=0.2)
        one.shell("uv run python -m flows serve +flows=[tox] &")
        one.shell("uv run python -m flows serve --config-dir study +flows=[judged] &")
        wait_until(
            lambda: all(served(one, name) for name in ("tox", "judged")), "the flows to be served", 120, pause=0.3
        )
        with browser(folder / "profile") as driver:
            yield Seen(one, driver, service, pictures)


def served(one: Operator, flow: str) -> bool:
    found = one.get("/deployments/filter", {"flows": {"name": {"any_": [flow]}}})
    return bool(found) and found[0]["status"] == "READY"


def _form(seen: Seen, flow: str) -> None:
    deployment = seen.operator.get(f"/deployments/name/{flow}/served")["id"]
    seen.opens(f"/deployments/deployment/{deployment}/run", "Parameters", "Submit")


def test_a_run_is_asked_for_with_the_form(seen: Seen) -> None:
    _form(seen, "tox")
    seen.shows("How many records to take, drawn at random.", "Which models play which role.", "criteria (Optional)")
    seen.writes("sample", "5")
    seen.chooses("llms", "embedded")
    seen.chooses("criteria", "ordinary")
    seen.driver.set_window_size(WIDTH, 1750)
    seen.picture("form")
    seen.driver.set_window_size(WIDTH, 1000)
    seen.presses("Submit")
    wait_until(lambda: bool(seen.operator.runs("tox")), "the run", 30, pause=0.2)
    run = seen.operator.wait_for_run(seen.operator.runs("tox")[0]["id"], 180)
    assert run["state_name"] == "Completed", run["state"]
    said = {name: run["parameters"][name] for name in ("sample", "llms", "criteria", "records")}
    assert said == {"sample": 5, "llms": "embedded", "criteria": ["ordinary"], "records": ""}


def test_a_value_that_does_not_fit_is_refused_beside_its_field(seen: Seen) -> None:
    before = len(seen.operator.runs("tox"))
    _form(seen, "tox")
    seen.writes("sample", "-3")
    seen.presses("Submit")
    seen.shows("-3 is less than the minimum of 0")
    seen.picture("refused")
    assert len(seen.operator.runs("tox")) == before


def test_a_failed_run_is_retried_with_the_button_and_pays_for_the_holes_only(seen: Seen) -> None:
    seen.service.script([{"kind": "status", "status": 400, "match": "Post number 2"}])
    _form(seen, "judged")
    seen.presses("Submit")
    wait_until(lambda: bool(seen.operator.runs("judged")), "the run", 30, pause=0.2)
    run = seen.operator.wait_for_run(seen.operator.runs("judged")[0]["id"])
    assert run["state_name"] == "Incomplete"
    before = seen.service.calls()
    seen.service.script([])
    seen.opens(f"/runs/flow-run/{run['id']}", "Incomplete", "Retry")
    seen.picture("incomplete")
    seen.presses("Retry")
    # And again where one is asked whether one is sure.
    seen.presses("Retry", within="//*[@role='dialog']")
    wait_until(
        lambda: seen.operator.get(f"/flow_runs/{run['id']}")["run_count"] == 2, "the second attempt", 60, pause=0.3
    )
    assert seen.operator.wait_for_run(run["id"])["state_name"] == "Completed"
    assert seen.service.calls() - before == 6
    # Each attempt has task runs of its own.
    both = {"Completed": 18 + 6, "Failed": 6, "Cached": 18}
    wait_until(lambda: seen.states(run["id"]) == both, lambda: f"{both} in {seen.states(run['id'])}", 30, pause=0.2)
    seen.opens(f"/runs/flow-run/{run['id']}", "Completed", "48 Task runs")
    seen.picture("retried")
