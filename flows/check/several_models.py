"""Flows that compare what several models answer, where only one is asked: it is no mistake, and has to be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contract.flow import FlowSpec, Step
from contract.models import ModelConfig
from flows.config.diagnostics import Diagnostics
from flows.spec.nodes import steps_of

_WITHOUT_OTHERS = {
    "resolver": "nothing is debated, and the answer is that model's alone",
    "majority": "no vote is taken among models, and the verdict is that model's alone",
    "synthesiser": "nothing is merged, and the answer is that model's alone",
}
"""Agent -> what it comes to where there is one model."""


def note_single_models(spec: FlowSpec, models: Mapping[str, ModelConfig], diagnostics: Diagnostics) -> None:
    """Adds a notice for each step whose answers are to be compared between models, and that asks one only."""
    compares = next(_comparing(spec), None)
    if compares is None:
        return
    for name, step in steps_of(spec).items():
        asked = step.variants.get("model")
        if step.agent in _WITHOUT_OTHERS or not asked or (step.repeats or 1) > 1:
            continue
        named = [str(one) for one in asked]
        # Two names of one model are one model.
        different = {repr(models.get(one, one)) for one in named}
        if len(different) == 1:
            what = f"'{name}' asks only one model ({', '.join(named)}), so {_WITHOUT_OTHERS[compares]}"
            diagnostics.add_result_notice(f"{what}; name two or more different models to compare them")


def _comparing(spec: FlowSpec) -> Iterator[str]:
    for step in steps_of(spec).values():
        if step.agent in _WITHOUT_OTHERS and (step.agent != "synthesiser" or _has_models(step)):
            yield step.agent


def _has_models(step: Step) -> bool:
    """Whether it is a layer of several models; else it merges answers only where there are several."""
    return "model" in step.variants
