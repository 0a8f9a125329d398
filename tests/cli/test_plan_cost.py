"""What a study can cost is one figure: in the plan, in its JSON, and in what a run says before it begins."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

from rich.console import Console

from flows.cli.plan_text import show_plan
from flows.compose.compose import compose
from flows.plan.plan import Plan, make_plan, plan_with_kept_cells, with_counted_cost
from flows.spec.study import Study
from tests.support.judging import CRITERIA, MODELS, make_posts, write_study

RECORDS = 2
CALLS = RECORDS * len(CRITERIA) * len(MODELS)


def judged(folder: Path) -> Study:
    """Two posts by two criteria and three models, of which each call has a price."""
    write_study(folder, "http://127.0.0.1:9", make_posts(RECORDS))
    [study] = compose(["judged"], [f"run.folder={folder / 'runs'}", f"run.results={folder / 'results'}"], folder)
    return study


def shown(plan: Plan) -> str:
    """What the plan says at a terminal."""
    show_plan(Console(file=(out := StringIO()), width=160), plan)
    return out.getvalue()


def test_a_run_says_before_it_begins_what_its_plan_says(tmp_path: Path) -> None:
    study = judged(tmp_path)
    planned, begun = plan_with_kept_cells(study), with_counted_cost(study, make_plan(study, RECORDS))
    assert shown(begun) == shown(planned)
    prices = [cells.cost_usd for cells in planned.forecasts]
    least, most = (sum((price[end] for price in prices if price), Decimal(0)) for end in (0, 1))
    assert 0 < least < most
    assert planned.cost_usd == begun.cost_usd == (least, most)
    assert f"{CALLS} will run; cost: ${least:.4f} to ${most:.4f}" in shown(begun)
    assert "asked again, at most twice" in shown(begun)


def test_a_run_too_large_to_be_counted_names_a_rule_of_thumb(tmp_path: Path) -> None:
    study = judged(tmp_path)
    begun = with_counted_cost(study, make_plan(study, 100_000))
    assert not begun.forecasts
    assert "by a rule of thumb at most about $" in shown(begun)


def test_a_cost_that_hangs_on_other_cells_is_not_summed(tmp_path: Path) -> None:
    planned = plan_with_kept_cells(judged(tmp_path))
    first, *others = planned.forecasts
    waiting = replace(planned, forecasts=(replace(first, undecided=4), *others))
    assert "and at most 4 more that depend on them." in shown(waiting)
    assert "; cost: " not in shown(waiting)
