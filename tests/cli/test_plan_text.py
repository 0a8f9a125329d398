"""What the plan says at the terminal."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from flows.cli.plan_text import show_plan
from flows.plan.plan import Plan, PlannedStep


@pytest.mark.parametrize("demonstration", [False, True])
def test_the_plan_names_what_it_does_not_count(demonstration: bool) -> None:
    step = PlannedStep(name="judge", agent="judge", models=("ann",), least=3, most=3, condition=None, asks_model=True)
    plan = Plan("f", 3, (step,), (Decimal(1), Decimal(2)), demonstration)
    show_plan(Console(file=(out := StringIO()), width=120), plan)
    assert "\n3 model calls" in out.getvalue()
    assert ("asked again, at most twice" in out.getvalue()) != demonstration
