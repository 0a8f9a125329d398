"""Plan: the steps of a flow, their models, the least and most calls, and their price, before the flow runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.llms.prices import price_of
from contract.models import HostedModel, ModelConfig
from flows.config.diagnostics import join_names
from flows.plan.planned_steps import PlannedStep, planned_steps
from flows.results.store import GCS_SCHEME
from flows.spec.study import Study

if TYPE_CHECKING:
    from contract.record import Record
    from flows.plan.dry_run import Forecast
    from flows.plan.pages import PlannedPages
    from flows.storage.rows import Reject

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English prose; only the estimate of cost is based on it."""
ASSUMED_OUTPUT_TOKENS = 2048
_MOST_CELLS_COUNTED = 5_000
"""A run of more cells begins without looking up each of them: that takes about two milliseconds for one."""


@dataclass(frozen=True)
class PlannedCells:
    """The cells of one step with one model, after `plan` has looked for kept ones."""

    step: str
    model: str
    kept: int
    to_run: int
    undecided: int
    """The largest number of cells that depend on others which have yet to run."""
    skipped: int
    why: Mapping[str, int]
    """Reason to run -> cells."""
    input_tokens: int
    cost_usd: tuple[Decimal, Decimal] | None
    """Least and most for the cells to run, in US dollars; None when the model's price is not known."""
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    """The version of the model, as its service names it -> kept cells of it."""


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what their model calls can cost."""

    flow: str
    records: int
    steps: tuple[PlannedStep, ...]
    cost_usd: tuple[Decimal, Decimal] | None
    """Least and most, in US dollars; None when the price of a model is not known. The sum of the forecasts' where they
    cover all cells, else by a rule of thumb."""
    demonstration: bool
    """True when only embedded models are asked."""
    pages: PlannedPages | None = None
    """The pages of the web that records stand for; None where none may be fetched."""
    forecasts: tuple[PlannedCells, ...] = ()
    """Kept cells and cells to run, by step and model; empty when they were not looked up."""
    left_out: tuple[Reject, ...] = ()
    """Rows that are no records, where the plan has looked up its cells."""

    @property
    def is_counted(self) -> bool:
        """Whether the forecasts cover every cell, so that the cost is counted call by call."""
        return bool(self.forecasts) and not any(cells.undecided for cells in self.forecasts)

    @property
    def version_notes(self) -> list[str]:
        """Which versions of a model kept answers are of, where those of this run may be of another."""
        return [
            note
            for model in dict.fromkeys(cells.model for cells in self.forecasts)
            if (note := _version_note(model, [cells for cells in self.forecasts if cells.model == model]))
        ]

    @property
    def model_calls(self) -> tuple[int, int]:
        """Least and most model calls."""
        asking = [step for step in self.steps if step.asks_model]
        return sum(step.least for step in asking), sum(step.most * step.requests for step in asking)


def make_plan(study: Study, records: int = 1) -> Plan:
    """The plan of a study over that many records. Runs nothing and reads no corpus.

    Raises StorageError where records may be pages of the web and their source cannot be read.
    """
    from flows.plan.pages import planned_pages

    steps = planned_steps(study.flow, study.request, records)
    kinds = {study.models[name].kind for name in study.used_models}
    return Plan(
        flow=study.flow.name,
        records=records,
        steps=steps,
        cost_usd=_cost(study, steps),
        demonstration=bool(kinds) and kinds <= {"embedded"},
        pages=planned_pages(study, _records(study)),
    )


def count_records(study: Study, on_reject: Callable[[Reject], None] = lambda _: None) -> int:
    """The number of records that the study takes. Raises StorageError when their source cannot be read."""
    return 1 if study.missing_parameters else sum(1 for _ in _records(study, on_reject))


def _records(study: Study, on_reject: Callable[[Reject], None] = lambda _: None) -> Iterator[Record]:
    from flows.engine.records import records_of

    yield from records_of(study, on_reject)


def plan_with_kept_cells(study: Study) -> Plan:
    """The plan, with every cell looked up in the kept results. Reads the records and the results, asks no model.

    For a flow that searches a corpus, no cell is looked up: the passages that it finds decide what it asks.
    """
    from flows.plan.dry_run import dry_run
    from flows.plan.pages import with_kept_pages

    left_out: list[Reject] = []
    if study.flow.corpus or study.missing_parameters:
        plan = make_plan(study, count_records(study, left_out.append))
        return replace(plan, left_out=tuple(left_out))
    records = list(with_kept_pages(study, _records(study, left_out.append)))
    cells_per_record = {step.name: step.most // max(len(step.models), 1) for step in make_plan(study).steps}
    found = dry_run(study, records, lambda step, _: cells_per_record[step])
    cells = tuple(
        _planned_cells(step, model, forecast, study.models.get(model)) for (step, model), forecast in found.items()
    )
    plan = replace(make_plan(study, len(records)), forecasts=cells, left_out=tuple(left_out))
    return replace(plan, cost_usd=_summed_cost(cells)) if plan.is_counted else plan


def with_counted_cost(study: Study, plan: Plan) -> Plan:
    """What a run says before it begins: the plan with kept cells, where looking them up is worth its time.

    It is where calls cost money, unless the cells are very many, or are kept in a bucket, which is slow to look into.
    """
    is_free = plan.cost_usd is not None and not plan.cost_usd[1]
    is_far = (study.run.results or "").startswith(GCS_SCHEME)
    if is_free or is_far or sum(step.most for step in plan.steps) > _MOST_CELLS_COUNTED:
        return plan
    return plan_with_kept_cells(study)


def _version_note(model: str, forecasts: list[PlannedCells]) -> str | None:
    versions = Counter[str]()
    for cells in forecasts:
        versions.update(cells.versions)
    asked = sum(cells.to_run + cells.undecided for cells in forecasts)
    if not versions or (len(versions) == 1 and not asked):
        return None
    named = join_names(f"{version} ({count:,})" for version, count in versions.most_common())
    now = "; the version that answers now may be another" if asked else ""
    return f"the kept answers of '{model}' are of {'version' if len(versions) == 1 else 'versions'} {named}{now}"


def _summed_cost(cells: Iterable[PlannedCells]) -> tuple[Decimal, Decimal] | None:
    least, most = Decimal(0), Decimal(0)
    for one in cells:
        if one.cost_usd is None:
            return None
        least, most = least + one.cost_usd[0], most + one.cost_usd[1]
    return least, most


def _planned_cells(step: str, model: str, forecast: Forecast, config: ModelConfig | None) -> PlannedCells:
    # A service that is asked for one version by its name has no other under it.
    is_pinned = isinstance(config, HostedModel) and set(forecast.versions) == {config.model_id}
    return PlannedCells(
        step=step,
        model=model,
        kept=forecast.kept,
        to_run=forecast.to_run,
        undecided=forecast.undecided,
        skipped=forecast.skipped,
        why=dict(forecast.why.most_common()),
        input_tokens=forecast.input_tokens,
        cost_usd=None if forecast.unpriced else (forecast.low_usd, forecast.high_usd),
        versions={} if is_pinned else dict(forecast.versions.most_common()),
    )


def _cost(study: Study, steps: tuple[PlannedStep, ...]) -> tuple[Decimal, Decimal] | None:
    least, most = Decimal(0), Decimal(0)
    for step in steps:
        for model in step.models if step.asks_model else ():
            config = study.models[model]
            if not isinstance(config, HostedModel):
                continue
            price = price_of(config)
            if price is None:
                return None
            ceiling = (
                _input_tokens(study) * price.input_per_mtok + ASSUMED_OUTPUT_TOKENS * price.output_per_mtok
            ) / 1_000_000
            most += ceiling * step.most * step.requests / len(step.models)
    return least, most


def _input_tokens(study: Study) -> int:
    corpus = study.storage.get(study.flow.corpus or "")
    characters = getattr(corpus, "chunk_characters", 1200) * 12 + 3000
    return characters // CHARACTERS_PER_TOKEN
