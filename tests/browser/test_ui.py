"""What a scholar sees in the Prefect UI, in a real Chromium: the run, the agents, the skipped branch, the answer.

    uv run --group browser pytest -m browser

The graph is a canvas, without words that a test could read: what it draws is checked in the data that the UI draws
it from, that it draws anything on the screen. BUTTERMILK_SCREENSHOTS names a folder to keep the pictures in.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import browser, why_no_browser
from tests.support.commands import CommandLine, wait_until
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
class Seen:
    """A server's UI, a browser, and two runs: one of two models, one of a single model."""

    url: str
    driver: Any
    two: str
    one: str
    pictures: Path

    def page(self, path: str, *words: str) -> str:
        """The text of a page once all `words` are on it."""
        self.driver.get(f"{self.url}{path}")
        return self.shows(*words)

    def shows(self, *words: str) -> str:
        """The text of the present page once all `words` are on it."""

        def there() -> bool:
            return all(word in self.text() for word in words)

        wait_until(there, lambda: f"{words} on {self.driver.current_url}: {self.text()}", 60, pause=0.2)
        return self.text()

    def text(self) -> str:
        """What can be read on the page now."""
        return self.driver.execute_script("return document.body.innerText")

    def tab(self, name: str) -> None:
        """Opens a tab of the page."""
        wait_until(lambda: bool(self.driver.execute_script(_CLICK, name)), f"the tab {name}", 30, pause=0.2)

    def graph_is_drawn(self) -> bool:
        """Whether there is more on the canvas than a background, which takes next to nothing as a PNG."""
        canvases = self.driver.find_elements("css selector", "canvas")
        return bool(canvases) and len(canvases[0].screenshot_as_png) > EMPTY_PNG_BYTES

    def picture(self, name: str) -> Path:
        """A screenshot."""
        path = self.pictures / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path


_CLICK = """
const named = [...document.querySelectorAll('*')].filter(e => e.innerText?.trim() === arguments[0]).at(-1);
named?.click();
return Boolean(named);
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Generator[Seen]:
    """Both runs on one server, and a browser beside it."""
    folder = tmp_path_factory.mktemp("ui")
    pictures = Path(os.environ.get("BUTTERMILK_SCREENSHOTS", folder / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    with prefect_server(folder / "server") as api_url:
        place = CommandLine(folder / "place", {"PREFECT_API_URL": api_url})
        for name, text in _TWO_MODELS.items():
            path = place.working_folder / "study" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        two = _run(place, "llms=two", "--config-dir", "study")
        one = _run(place)
        with browser(folder / "profile") as driver:
            yield Seen(api_url.removesuffix("/api"), driver, two, one, pictures)


def _run(place: CommandLine, *arguments: str) -> str:
    done = place.run("flows.osb", f"query={QUESTION}", "--json", *arguments)
    assert done.exit_code == 0, done.transcript
    return json.loads(done.stdout)["flow_run_id"]


def _graph(seen: Seen, run: str) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{seen.url}/api/flow_runs/{run}/graph-v2", timeout=30) as answer:
        nodes = json.loads(answer.read())["nodes"]
    # A child run is labelled `flow / run`; the run's own name is what tells them apart.
    return {node["label"].split(" / ")[-1]: node for _, node in nodes}


def _edges(graph: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    labels = {node["id"]: label.split(",")[0] for label, node in graph.items()}
    return {(labels[child["id"]], label.split(",")[0]) for label, node in graph.items() for child in node["parents"]}


def test_the_run_and_its_graph(seen: Seen) -> None:
    seen.page(f"/runs/flow-run/{seen.two}", QUESTION, "Completed")
    wait_until(seen.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    seen.picture("run")
    graph = _graph(seen, seen.two)
    assert {label.split(",")[0] for label in graph} == {"rounds", "synthesise", "differences", "answer"}
    assert _edges(graph) == {
        ("rounds", "synthesise"), ("rounds", "differences"), ("rounds", "answer"),
        ("synthesise", "answer"), ("differences", "answer"),
    }  # fmt: skip


def test_a_round_shows_each_agent_with_its_model_and_the_edges(seen: Seen) -> None:
    rounds = next(node for label, node in _graph(seen, seen.two).items() if label.startswith("rounds"))["id"]
    seen.page(f"/runs/flow-run/{rounds}", "round 1", "Task Runs")
    wait_until(seen.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    seen.tab("Task Runs")
    seen.shows("llm_host, ", "search, ", "researcher, demo, ", "researcher, second, ", "citation_checker, ")
    seen.picture("round")
    assert _edges(_graph(seen, rounds)) == {
        ("llm_host", "search"), ("search", "researcher"), ("researcher", "citation_checker"),
        ("search", "citation_checker"),
    } | {("llm_host", "researcher"), ("llm_host", "citation_checker")}  # fmt: skip


def test_a_skipped_branch_says_so_and_why(seen: Seen) -> None:
    seen.page(f"/runs/flow-run/{seen.one}", QUESTION, "Subflow Runs")
    seen.tab("Subflow Runs")
    seen.shows("synthesise, skipped: answers | length >= 2 does not hold: 1 answers", "Skipped")
    wait_until(seen.graph_is_drawn, "the graph to be drawn", 60, pause=0.2)
    seen.picture("skipped")


def test_the_answer_is_an_artifact_of_the_run(seen: Seen) -> None:
    seen.page(f"/runs/flow-run/{seen.two}", "Artifacts")
    seen.tab("Artifacts")
    seen.shows("MARKDOWN")
    # The costs are artifacts, too, and which of them comes first is a matter of their random ids.
    link = seen.driver.find_element("xpath", f"//a[contains(@href, '/artifacts/')][contains(., '{QUESTION}')]")
    path = link.get_attribute("href").removeprefix(seen.url)
    seen.page(path, QUESTION, "verified quotations", "reasons", "Demonstration quality")
    seen.picture("answer")
