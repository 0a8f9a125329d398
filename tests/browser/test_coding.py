"""Two people code at once in two browsers, with a kill of the server in between; and the page looked at by axe-core."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score  # type: ignore[reportMissingTypeStubs,reportUnknownVariableType]

from flows.coding.answer_log import read_answers
from flows.files.gold_set import read_gold
from tests.e2e.test_coding import links
from tests.support.browser import browser, why_no_browser
from tests.support.commands import CommandLine, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser()))]
BEGIN = ("code", "coders=[ana,ben]", "sample=30", "criteria=[ordinary]")
AXE = os.environ.get("AXE_CORE", "")


@pytest.fixture
def browsers(tmp_path: Path) -> Generator[tuple[Any, Any]]:
    """Two browsers that know nothing of each other."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(browser(tmp_path / "profile-a")),
            stack.enter_context(browser(tmp_path / "profile-b")),
        )


def press(driver: Any, keys: str) -> None:
    """Presses keys on the page."""
    chains: Any = import_module("selenium.webdriver.common.action_chains")
    chains.ActionChains(driver).send_keys(keys).perform()


def place(driver: Any) -> str:
    return str(driver.current_url).rpartition("/")[2]


def code_by_key(driver: Any, verdict: str) -> None:
    """Chooses a verdict by its digit and saves with Enter, as one does who has only a keyboard."""
    before = place(driver)
    press(driver, verdict)
    press(driver, "\ue007")
    wait_until(lambda: place(driver) != before, f"the page after {before}")


def select_words(driver: Any, words: str) -> None:
    driver.execute_script(
        """
        const node = document.querySelector("#words .text bdi").firstChild;
        const at = node.textContent.indexOf(arguments[0]);
        const range = document.createRange();
        range.setStart(node, at); range.setEnd(node, at + arguments[0].length);
        document.getSelection().removeAllRanges(); document.getSelection().addRange(range);
        """,
        words,
    )


def test_two_people_code_at_once_and_a_kill_loses_nothing(tmp_path: Path, browsers: tuple[Any, Any]) -> None:
    cli = CommandLine(tmp_path)
    server = cli.start("flows.tox", *BEGIN)
    found = links(server)
    by_name = dict(zip(("ana", "ben"), browsers, strict=True))
    for name, driver in by_name.items():
        driver.get(f"{found[name]}/next")
    for number in range(30):
        if number == 13:
            server.kill()
            press(by_name["ana"], "1")
            press(by_name["ana"], "\ue007")
            server = cli.start("flows", "code")
            assert links(server) == found
            for name, driver in by_name.items():
                driver.get(f"{found[name]}/next")
                assert "13 of 30 answered" in driver.page_source
        for name, driver in by_name.items():
            masked = driver.execute_script("const m = document.getElementById('masked'); return m !== null && !m.open")
            assert masked
            press(driver, "s")
            if number == 0:
                words = driver.execute_script("return document.querySelector('#words .text').textContent").split()
                select_words(driver, " ".join(words[:3]))
                press(driver, "q")
            code_by_key(driver, "2" if (number + (name == "ben")) % 4 else "1")
    assert all(place(driver) == "answers" for driver in browsers)
    server.interrupt()
    assert server.wait().exit_code == 0
    folder = cli.working_folder / "coding" / "tox"
    lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert len(lines) == 60 and len({(one["coder"], one["record_id"]) for one in lines}) == 60
    answers = read_answers(folder)
    assert {name: len(answers.of(name).current) for name in by_name} == {"ana": 30, "ben": 30}
    assert all(one.timed == "active" and one.seconds for one in answers)
    assert [len(answers.of(name).history[0].quotes) for name in by_name] == [1, 1]
    gold, kappa = adjudicate(cli, browsers[0]), agreement(folder)
    decided = read_gold(gold)
    assert len(decided.entries) == 30 and not any(one.how == "open" for one in decided.entries.values())
    ran = cli.start("flows.tox", "truth=gold/tox.jsonl", "sample=30", "criteria=[ordinary]").wait(400)
    assert ran.exit_code == 0, ran.transcript
    run = next((cli.working_folder / "runs" / "tox").glob("2*"))
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["gold"]["digest"] == decided.digest and manifest["gold"]["version"] == decided.version
    measured = (run / "measures.csv").read_text()
    [value] = re.findall(r"^people,ordinary,,,ana × ben,30,0,0,cohen_kappa,([^,]+),", measured, re.MULTILINE)
    assert abs(float(value) - kappa) < 1e-9


def agreement(folder: Path) -> float:
    """Cohen's kappa of the two, by scikit-learn, from the file of answers alone."""
    answers = read_answers(folder)
    ana, ben = ({key: one.verdict_text for key, one in answers.of(name).current.items()} for name in ("ana", "ben"))
    return float(cohen_kappa_score([ana[key] for key in sorted(ana)], [ben[key] for key in sorted(ana)]))


def adjudicate(cli: CommandLine, driver: Any) -> Path:
    """Decides every dispute in the browser; returns the gold set."""
    server = cli.start("flows", "code", "adjudicate", "by=carla")
    wait_until(lambda: "Ctrl-C" in server.stdout or not server.running, lambda: f"the link: {server.stderr}")
    [link] = re.findall(r"carla: (http\S+)", server.stdout)
    driver.get(link)
    total = int(re.findall(r"of (\d+) decided", driver.page_source)[0])
    for number in range(1, total + 1):
        driver.get(f"{link}/{number}")
        driver.find_element("css selector", "input[value=violates]").click()
        driver.find_element("id", "reason").send_keys("By the first rule.")
        driver.find_element("css selector", "button.go").click()
    wait_until(lambda: "Everything is decided" in driver.page_source, "the last decision")
    server.interrupt()
    ended = server.wait()
    assert "0 left to decide" in ended.stdout, ended.transcript
    return cli.working_folder / "gold" / "tox.jsonl"


@pytest.mark.skipif(not Path(AXE).is_file(), reason="AXE_CORE names no axe.min.js: npm install axe-core")
def test_no_page_has_a_serious_finding_of_axe(tmp_path: Path, browsers: tuple[Any, Any]) -> None:
    cli = CommandLine(tmp_path)
    server = cli.start("flows.tox", *BEGIN)
    link, driver = links(server)["ana"], browsers[0]
    for width in (390, 1280):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        for path in ("", "/1", "/answers"):
            driver.get(link + path)
            assert serious_findings(driver) == [], (width, path)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    server.kill()


def serious_findings(driver: Any) -> list[str]:
    """What axe-core finds, as far as it is serious or critical."""
    driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    driver.refresh()
    driver.execute_script(Path(AXE).read_text(encoding="utf-8"))
    found = driver.execute_async_script("axe.run(document).then(arguments[0])")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
