"""The check of a budget: it can be kept only if every model's price is known."""

from __future__ import annotations

from agents.llms.prices import price_of
from flows.config.diagnostics import Diagnostics
from flows.spec.study import Study


def check_budget(study: Study, diagnostics: Diagnostics) -> None:
    """Reports each model of the study whose price is not known, if the study has a budget."""
    if study.run.budget is None:
        return
    for name in sorted(study.used_models):
        if price_of(study.models[name]) is None:
            diagnostics.add_at(
                ("models", name),
                f"the price of '{name}' is not known, so the budget of ${study.run.budget} cannot be kept",
                todo="add `price: {input_per_mtok: …, output_per_mtok: …}` in US dollars, or leave the budget out",
            )
