"""What a person answers in the Prefect UI, in a real Chromium, after the process that asked was killed.

    uv run --group browser pytest -m browser tests/browser/test_gates.py

BUTTERMILK_SCREENSHOTS names a folder for the screenshots.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_deployments import OperatorBrowser, is_served
from tests.deploy.operator import doc_block, operator
from tests.support.browser import browser, why_no_browser
from tests.support.commands import run_folders, wait_until
from tests.support.services import fake_service
from tests.support.waiting_study import write_waiting_study

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(why_no_browser() is not None, reason=why_no_browser() or ""),
]
COMMAND = "uv run python -m flows +flows=[asked] --config-dir study"
_BY = "(//textarea)[3]"
"""Who answers the first question, below its value and its comment."""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[OperatorBrowser]:
    """A server, a process that serves the flow with the gate, and a browser."""
    folder = tmp_path_factory.mktemp("gates")
    screenshots = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", folder / "pictures"))
    screenshots.mkdir(parents=True, exist_ok=True)
    with fake_service(latency=0) as service, operator(folder / "operator") as one:
        write_waiting_study(one.cli.working_folder / "study", service, 2)
        one.shell(doc_block("transcript").splitlines()[0])
        wait_until(one.is_up, "the server", 120, pause=0.2)
        one.cli.extra_variables["PREFECT_API_URL"] = one.api
        with browser(folder / "profile") as driver:
            yield OperatorBrowser(one, driver, service, screenshots)


def _paused(ui: OperatorBrowser) -> list[Any]:
    return ui.operator.get("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}})


def _has_form(ui: OperatorBrowser, run: str) -> bool:
    found = ui.operator.get(f"/flow_runs/{run}/input/filter", {"prefix": "", "limit": 20, "exclude_keys": []})
    return any(one["key"].endswith("-schema") for one in found)


def _fill_in(ui: OperatorBrowser, run: str, name: str) -> None:
    """Approves the first record and rejects the second, as a person does it."""
    wait_until(lambda: _has_form(ui, run), "the form", 60, pause=0.3)
    ui.open_page(f"/runs/flow-run/{run}", "Resume")
    ui.press("Resume")
    ui.wait_for("May it go out?", "Decision", "Submit")
    ui.screenshot(f"{name}-form")
    for number, decision in enumerate(("approve", "reject")):
        options = ui.driver.find_elements("xpath", f"//option[normalize-space()='{decision}']")
        assert len(options) == 2, ui.text()
        options[number].click()
    ui.driver.find_element("xpath", _BY).send_keys("Ana")
    ui.screenshot(f"{name}-filled-in")
    ui.press("Submit")


def _answers(ui: OperatorBrowser) -> dict[str, Any]:
    lines = (run_folders(ui.operator.cli, "asked")[-1] / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["record_id"]: row["answer"] for line in lines if (row := json.loads(line))["step"] == "consent"}


def test_a_form_is_filled_in_after_its_process_was_killed(ui: OperatorBrowser) -> None:
    ui.operator.shell(f"{COMMAND} &")
    command = ui.operator.background.pop()
    wait_until(lambda: bool(_paused(ui)), lambda: f"the pause: {command.stderr}", 120, pause=0.3)
    run = _paused(ui)[0]["id"]
    wait_until(lambda: _has_form(ui, run), "the form", 60, pause=0.3)
    command.kill()
    _fill_in(ui, run, "killed")
    wait_until(lambda: not _paused(ui), "the answer", 60, pause=0.3)
    ui.operator.shell_ok(COMMAND)
    answers = _answers(ui)
    assert (answers["p0"]["decision"], answers["p0"]["by"], answers["p0"]["via"]) == ("approve", "Ana", "form")
    assert answers["p1"]["decision"] == "reject"
    assert ui.service.calls() == 5


def test_a_deployed_run_is_suspended_and_goes_on_from_the_form(ui: OperatorBrowser) -> None:
    # Other texts, so that other questions are asked.
    posts = ui.operator.cli.working_folder / "study/posts.jsonl"
    posts.write_text(posts.read_text(encoding="utf-8").replace("Post", "Letter"), encoding="utf-8")
    before = ui.service.calls()
    ui.operator.shell("uv run python -m flows serve --config-dir study +flows=[asked] &")
    wait_until(lambda: is_served(ui.operator, "asked"), "the flow to be served", 120, pause=0.3)
    deployment = ui.operator.get("/deployments/name/asked/served")["id"]
    run = ui.operator.get(f"/deployments/{deployment}/create_flow_run", {})["id"]
    wait_until(
        lambda: ui.operator.get(f"/flow_runs/{run}")["state_name"] == "Suspended",
        lambda: str(ui.operator.get(f"/flow_runs/{run}")["state"]), 180, pause=0.3,
    )  # fmt: skip
    ui.operator.background.pop().kill()
    ui.operator.shell("uv run python -m flows serve --config-dir study +flows=[asked] &")
    wait_until(lambda: is_served(ui.operator, "asked"), "the flow to be served", 120, pause=0.3)
    _fill_in(ui, run, "suspended")
    ended = ui.operator.wait_for_run(run, 240)
    assert ended["state_name"] == "Completed", ended["state"]
    answers = _answers(ui)
    assert (answers["p0"]["decision"], answers["p0"]["by"], answers["p0"]["via"]) == ("approve", "Ana", "form")
    assert answers["p1"]["decision"] == "reject"
    assert ui.service.calls() - before == 5
