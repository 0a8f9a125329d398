"""What a scholar sees in the Prefect UI, in a real Chromium: the run, the agents, the skipped branch, the answer.

    uv run --group browser pytest -m browser

The graph is a canvas, without words that a test could read: the tests check the data that the UI draws
it from, and that anything is drawn. BUTTERMILK_SCREENSHOTS names a folder for the screenshots.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.run_folder.finish import artifact_key
from tests.support.browser import browser, why_no_browser
from tests.support.commands import CommandLine, wait_until, write_files
from tests.support.services import prefect_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(why_no_browser() is not None, reason=why_no_browser() or ""),
]
EMPTY_PNG_BYTES = 8_000
QUESTION = "When does the Board accept a slur in political speech?"
_TWO_MODELS = {
    "models/second.yaml": "second:\n  kind: embedded\n  version: second\n",
    "llms/two.yaml": (
        "general: demo\nhost: demo\nresearchers: [demo, second]\nsynthesisers: [demo]\ndifferences: demo\n"
    ),
}


@dataclass
class UIBrowser:
    """A server's UI, a browser, and two runs: one of two models, one of a single model."""

    url: str
    driver: Any
    two_models_run: str
    one_model_run: str
    screenshots: Path

    def page(self, path: str, *words: str) -> str:
        """The text of a page once all `words` are on it."""
        self.driver.get(f"{self.url}{path}")
        return self.wait_for(*words)

    def wait_for(self, *words: str) -> str:
        """The text of the present page once all `words` are on it."""

        def there() -> bool:
            return all(word in self.text() for word in words)

        wait_until(there, lambda: f"{words} on {self.driver.current_url}: {self.text()}", 60, pause=0.2)
        return self.text()

    def text(self) -> str:
        """The text that the page shows now."""
        return self.driver.execute_script("return document.body.innerText")

    def tab(self, name: str) -> None:
        """Opens a tab of the page."""
        wait_until(lambda: bool(self.driver.execute_script(_CLICK, name)), f"the tab {name}", 30, pause=0.2)

    def graph_is_drawn(self) -> bool:
        """Whether there is more on the canvas than a background, which is very small as a PNG."""
        canvases = self.driver.find_elements("css selector", "canvas")
        return bool(canvases) and len(canvases[0].screenshot_as_png) > EMPTY_PNG_BYTES

    def screenshot(self, name: str) -> Path:
        """Takes a screenshot."""
        path = self.screenshots / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path


_CLICK = """
const named = [...document.querySelectorAll('*')].filter(e => e.innerText?.trim() === arguments[0]).at(-1);
named?.click();
return Boolean(named);
"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[UIBrowser]:
    """Both runs on one server, and a browser."""
    folder = tmp_path_factory.mktemp("ui")
    screenshots = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", folder / "pictures"))
    screenshots.mkdir(parents=True, exist_ok=True)
    with prefect_server(folder / "server") as api_url:
        cli = CommandLine(folder / "place", {"PREFECT_API_URL": api_url})
        write_files(cli.working_folder / "study", _TWO_MODELS)
        two_models_run = _run(cli, "llms=two", "--config-dir", "study")
        one_model_run = _run(cli)
        with browser(folder / "profile") as driver:
            yield UIBrowser(api_url.removesuffix("/api"), driver, two_models_run, one_model_run, screenshots)


def _run(cli: CommandLine, *arguments: str) -> str:
    done = cli.run("flows.osb", f"query={QUESTION}", "--json", *arguments)
    assert done.exit_code == 0, done.transcript
    return json.loads(done.stdout)["flow_run_id"]


def _graph(ui: UIBrowser, run: str) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{ui.url}/api/flow_runs/{run}/graph-v2", timeout=30) as answer:
        nodes = json.loads(answer.read())["nodes"]
    # A child run is labelled `flow / run`; the run's own name distinguishes them.
    return {node["label"].split(" / ")[-1]: node for _, node in nodes}


def _step(label: str) -> str:
    return re.split("[,:]", label)[0]


def _edges(graph: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    labels = {node["id"]: _step(label) for label, node in graph.items()}
    return {(labels[child["id"]], _step(label)) for label, node in graph.items() for child in node["parents"]}


def test_the_run_and_its_graph(ui: UIBrowser) -> None:
    ui.page(f"/runs/flow-run/{ui.two_models_run}", QUESTION, "Completed")
    wait_until(ui.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    ui.wait_for("Answer, of demonstration quality: ", "under Artifacts", "US$ 0", "1 record; models: demo, second")
    ui.screenshot("run")
    graph = _graph(ui, ui.two_models_run)
    assert {_step(label) for label in graph} == {
        "follow_up", "pages", "rounds", "synthesise", "differences", "support", "answer",
    }  # fmt: skip
    assert _edges(graph) == {
        ("follow_up", "rounds"), ("follow_up", "synthesise"), ("follow_up", "differences"), ("follow_up", "answer"),
        ("pages", "rounds"), ("pages", "synthesise"), ("pages", "support"), ("pages", "answer"),
        ("rounds", "synthesise"), ("rounds", "differences"), ("rounds", "support"), ("rounds", "answer"),
        ("synthesise", "support"), ("synthesise", "answer"), ("differences", "answer"), ("support", "answer"),
    }  # fmt: skip


def test_a_round_shows_each_agent_with_its_model_and_the_edges(ui: UIBrowser) -> None:
    rounds = next(node for label, node in _graph(ui, ui.two_models_run).items() if label.startswith("rounds"))["id"]
    ui.page(f"/runs/flow-run/{rounds}", "round 1", "Task Runs")
    wait_until(ui.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    ui.tab("Task Runs")
    ui.wait_for("llm_host, ", "search, ", "researcher, demo, ", "researcher, second, ", "citation_checker, ")
    ui.screenshot("round")
    assert _edges(_graph(ui, rounds)) == {
        ("llm_host", "search"), ("search", "researcher"), ("researcher", "citation_checker"),
        ("search", "citation_checker"),
    } | {("llm_host", "researcher"), ("llm_host", "citation_checker")}  # fmt: skip


def test_a_skipped_branch_is_shown_with_its_reason(ui: UIBrowser) -> None:
    ui.page(f"/runs/flow-run/{ui.one_model_run}", QUESTION, "Subflow Runs")
    ui.tab("Subflow Runs")
    ui.wait_for("synthesise: not needed, one answer", "Skipped")
    wait_until(ui.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    ui.screenshot("skipped")


def test_the_answer_is_an_artifact_of_the_run(ui: UIBrowser) -> None:
    ui.page(f"/runs/flow-run/{ui.two_models_run}", "Artifacts")
    ui.tab("Artifacts")
    ui.wait_for("MARKDOWN")
    # The costs are artifacts, too, and their random ids decide which comes first.
    name = artifact_key("osb", QUESTION)
    assert name.startswith("osb-when-does-the-board-accept-a-slur")
    ui.wait_for(name)
    link = ui.driver.find_element("xpath", f"//a[contains(@href, '/artifacts/')][contains(., '{name}')]")
    path = link.get_attribute("href").removeprefix(ui.url)
    ui.page(path, QUESTION, "verified quotations", "reasons", "Demonstration quality")
    ui.screenshot("answer")
