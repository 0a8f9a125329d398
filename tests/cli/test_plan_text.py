"""What the plan says at the terminal."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from flows.cli.plan_text import show_plan
from flows.plan.plan import Plan, PlannedCells
from flows.plan.planned_steps import PlannedStep


@pytest.mark.parametrize("demonstration", [False, True])
def test_the_plan_names_what_it_does_not_count(demonstration: bool) -> None:
    step = PlannedStep(name="judge", agent="judge", models=("ann",), least=3, most=3, condition=None, asks_model=True)
    plan = Plan("f", 3, (step,), (Decimal(1), Decimal(2)), demonstration)
    show_plan(Console(file=(out := StringIO()), width=120), plan)
    assert "\n3 model calls" in out.getvalue()
    assert ("asked again, at most twice" in out.getvalue()) != demonstration


@pytest.mark.parametrize("model", ["ann", "a_rather_long_model_name_of_ours_2026_10_v3"])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_name_of_a_forecast_breaks(model: str, width: int) -> None:
    step = PlannedStep(name="judge", agent="judge", models=(model,), least=3, most=3, condition=None, asks_model=True)
    why = {f"not in the latest run: model={model}": 3}
    cells = PlannedCells(
        "judge", model, kept=1, to_run=2, undecided=0, skipped=0, input_tokens=1320, cost_usd=None, why=why
    )
    show_plan(Console(file=(out := StringIO()), width=width), Plan("f", 3, (step,), None, False, forecasts=(cells,)))
    shown = out.getvalue().split("Asks ")[1].split(".", 1)[1]
    assert shown.count(model) == 2
    assert "…" not in shown and max(map(len, shown.splitlines())) <= width
