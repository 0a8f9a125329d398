"""What a reader sees at a terminal of 80 columns: nothing cut, one message for one trouble, links, an early end."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from contract.findings import Citation, CitedAnswer, JudgedClaim
from contract.messages import CellError
from flows.accounting.ledger import Totals
from flows.cli.console import show_answer
from flows.cli.plan_text import show_plan
from flows.cli.progress import RunProgress
from flows.files.folder import link_latest, new_run_folder
from flows.plan.plan import Plan
from flows.plan.planned_steps import PlannedLoop, PlannedStep
from flows.spec.condition_words import condition_words
from tests.support.traces import cell, record

VARIANT = {"criteria": "ordinary", "model": "alpha"}
URL = "https://example.org/decisions/FB-1"


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def narrow(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=terminal, legacy_windows=False, _environ={})


def plan_text(*steps: PlannedStep) -> str:
    show_plan(console := narrow(), Plan("f", 3, steps, None, True))
    assert "…" not in printed(console) and max(map(len, printed(console).splitlines())) <= 80
    return printed(console)


def test_a_plan_is_never_cut() -> None:
    models = ("demo_average_of_a_long_name", "another_model_of_a_long_name", "m" * 90)
    step = PlannedStep(
        "synthesise_them_all" * 3, "verdict_synthesiser", models, 0, 12345, "answers | length >= 2", True
    )
    letters = "".join(plan_text(step).split())
    assert (
        all(model in letters for model in models[:2]) and letters.count("m" * 30) and "0 to 12,345" in plan_text(step)
    )


def test_a_plan_is_in_words() -> None:
    loop = PlannedLoop("rounds", "Searches until nothing is missing.", 3, "check.sufficient")
    bare = PlannedLoop("again", "", 2, "check.sufficient or not check.answers")
    steps = (
        PlannedStep("host", "llm_host", ("demo",), 1, 3, None, True, description="Chooses", loops=(loop,)),
        PlannedStep("judge", "judge", (), 1, 2, "parameters.fetch", False, loops=(bare,)),
        PlannedStep("odd", "verdict_synthesiser", (), 1, 1, "owl | selectattr('raised') | list", False),
    )
    text = " ".join(plan_text(*steps).split())
    assert "rounds Searches until nothing is missing. At most 3 rounds:" in text
    assert "host 1 to 3 Chooses. Asks demo." in text
    assert "At most 2 rounds, until there is ‘check.sufficient’ or there is no ‘check.answers’:" in text
    assert "judge 1 to 2 Judge. Only if ‘fetch’ is set." in text
    assert "odd 1 Verdict synthesiser. Only if owl | selectattr('raised') | list." in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("answers | length >= 2", "there are at least 2 answers"),
        ("not (a and not parameters.b)", "there is no ‘a’ or ‘b’ is set"),
        ("a | count < 3 and b.c", "there are fewer than 3 a and there is ‘b.c’"),
        ("1 < a < 3", "1 < a < 3"),
        ("not a | length == 2", "not a | length == 2"),
        ("a ==", "a =="),
    ],
)
def test_conditions_in_words_say_the_same(text: str, words: str) -> None:
    assert condition_words(text) == words


def test_the_times_of_a_run_are_named_and_never_cut() -> None:
    with RunProgress(console := narrow(terminal=True), quiet=False) as progress:
        progress.set_expected(10_000)
        totals = Totals()
        totals.cells.update(completed=9_000, failed=120, refused=130, truncated=140, missing_input=150)
        progress.on_cell(cell(record(1), VARIANT), totals)
    text = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", printed(console))
    assert "0 s so far" in text and "150 missing_input" in " ".join(text.split()) and "…" not in text


def answer(uri: str | None) -> CitedAnswer:
    citation = Citation(
        quote="It was a threat.", passage_id="p", record_id="FB-1", title="A decision", section="facts", uri=uri,
        status="found",
    )  # fmt: skip
    claim = JudgedClaim(text="It was a threat.", citations=(citation,))
    return CitedAnswer(question="Was it?", claims=(claim,), abstained=False, summary="One sentence.")


def test_a_citation_links_to_its_document_where_the_terminal_can() -> None:
    show_answer(console := narrow(terminal=True), answer(URL))
    assert "\x1b]8;" in printed(console) and URL in printed(console)
    show_answer(console := narrow(), answer(URL))
    assert "\x1b" not in printed(console) and "A decision (FB-1), facts" in printed(console)


@pytest.mark.parametrize("uri", [None, "javascript:alert(1)", "file:///etc/passwd", f"{URL}\x1b]0;title\x07"])
def test_no_other_address_becomes_a_link(uri: str | None) -> None:
    show_answer(console := narrow(terminal=True), answer(uri))
    assert "\x1b]8;" not in printed(console) and "\x1b]0" not in printed(console)


def test_one_trouble_is_told_once_and_counted() -> None:
    progress, totals = RunProgress(console := narrow(), quiet=False), Totals()
    for number in range(5):
        error = CellError(kind="ServiceDown", message="the service is down" if number else "another reason")
        progress.on_cell(cell(record(number), VARIANT, status="failed", error=error), totals)
    assert printed(console).count("the service is down") == 1 and "r1" in printed(console)
    progress.print_repeated()
    assert "3 more cells failed for the same reason: the service is down" in " ".join(printed(console).split())
    assert printed(console).count("another reason") == 1


def test_an_interrupted_run_says_what_was_done_and_spent() -> None:
    progress, totals = RunProgress(console := narrow(), quiet=False), Totals()
    progress.set_expected(60)
    totals.cells["completed"] += 12
    totals.running, totals.calls_paid = 40, 12
    progress.on_cell(cell(record(1), VARIANT), totals)
    totals.running, totals.calls_unanswered, totals.cost_unanswered_usd = 0, 2, Decimal("0.01")
    progress.on_stop(totals)
    progress.print_interrupted()
    text = " ".join(printed(console).split())
    assert "Done: 12 of at most 60 cells. Model calls: 12 new" in text
    assert (
        "2 calls that were never answered may have been billed, at most $0.0100. Kept: every reply that came." in text
    )
    # Cells that wait for their turn have sent nothing.
    assert "40" not in text


def test_latest_is_the_latest_finished_run(tmp_path: Path) -> None:
    first, second, third = (new_run_folder(tmp_path, "osb") for _ in range(3))
    latest = tmp_path / "osb" / "latest"
    assert not latest.is_symlink()
    link_latest(first)
    assert latest.resolve() == first
    link_latest(third)
    link_latest(second)
    assert latest.resolve() == third
