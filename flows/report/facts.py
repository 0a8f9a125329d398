"""The facts of a report: what was asked, of which models, by which criteria, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flows.report.report_data import MissingOutput

LabelledValues = list[tuple[str, str]]


@dataclass(frozen=True)
class VariableFact:
    """A variable of a codebook, in words."""

    name: str
    """In tables: `framing.tone`."""
    title: str
    """`Framing: tone`."""
    kind: str
    description: str
    options: tuple[tuple[str, str], ...]
    """Each with its meaning, which may be empty."""
    in_words: bool
    answers: tuple[str, ...]
    """What an answer is one of; empty where it is a number, words or several options."""


@dataclass(frozen=True)
class CriterionFact:
    """A criterion as a document."""

    name: str
    title: str
    about: LabelledValues
    text: str
    sha256: str
    verdicts: tuple[str, ...]
    variables: tuple[VariableFact, ...] = ()
    """Those of its codebook."""

    @property
    def citation(self) -> str:
        """Author, source and date of retrieval in one line."""
        known = {name.lower(): value for name, value in self.about}
        retrieved = known.get("retrieved", "")
        retrieved = f"retrieved {retrieved}" if retrieved[:1].isdecimal() else retrieved
        return "; ".join(part.rstrip(".") for part in (known.get("author"), known.get("source"), retrieved) if part)


@dataclass(frozen=True)
class PromptFact:
    """A prompt and the steps that use it."""

    steps: tuple[str, ...]
    template: str
    sha256: str
    text: str


@dataclass(frozen=True)
class ModelFact:
    """A model, its settings, and the versions and dates of its answers."""

    name: str
    provider_and_model: str
    """Provider, and the provider's name for the model."""
    settings: str
    versions: tuple[str, ...]
    dates: str
    calls: int
    cost: str
    demonstration: bool


@dataclass(frozen=True)
class StepFact:
    """How the cells of one step ended."""

    name: str
    agent: str
    description: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class ShareFact:
    """The verdicts of one model by one criterion."""

    criteria: str
    model: str
    verdicts: tuple[tuple[str, int], ...]
    with_verdict: int
    without_verdict: int
    """Cells that gave no verdict."""


@dataclass(frozen=True)
class Facts:
    """All that a report shows beside the matrix and the measures."""

    flow: str
    run: str
    folder: str
    description: str
    warning: str
    started: str | None
    ended: str | None
    dates: str
    request: LabelledValues
    criteria: tuple[CriterionFact, ...]
    prompts: tuple[PromptFact, ...]
    models: tuple[ModelFact, ...]
    steps: tuple[StepFact, ...]
    states: tuple[str, ...]
    """The states that occur."""
    missing_outputs: tuple[MissingOutput, ...]
    shares: tuple[ShareFact, ...]
    usage_and_cost: LabelledValues
    sources: tuple[tuple[str, str, str], ...]
    """Name, size and digest of each."""
    data: LabelledValues
    software: LabelledValues
    demonstration: bool
    records: int
    """Records that were judged."""
    judgements: int
    judgements_with_verdict: int
    """Judgements that came to a verdict."""
    judgements_without_verdict: Mapping[str, int]
    """State -> judgements without a verdict."""
    repeats: int
    rounds: int
    """Rounds of the loop that the judges are in; 0 outside loops."""
    quotations: int
    """Quotations in the judgements, each checked against its record."""
    quotations_not_found: int
    """Quotations that are not in the record."""
    gold: str = ""
    """The gold set that models are compared with, its version and digest; empty where there is none."""
    gold_decisions: int = 0
    """How many records and criteria are decided in it."""
    gold_corrections: int = 0
    """How many of these decisions are corrections of a model's verdict."""
    gold_open: int = 0
    """On how many records and criteria its coders differ, and nobody has decided."""
    gold_inclusion: str = ""
    """How the coded records were drawn, with their inclusion probabilities; empty where that is not known."""

    @property
    def titles(self) -> dict[str, str]:
        """Criterion's name -> its title."""
        titles = {criterion.name: criterion.title for criterion in self.criteria}
        for variable in (one for criterion in self.criteria for one in criterion.variables):
            titles[variable.name] = variable.title
            # Of several choices, each option is measured too.
            titles |= {f"{variable.name}: {option}": f"{variable.title}: {option}" for option, _ in variable.options}
        return titles

    @property
    def answers(self) -> dict[str, tuple[str, ...] | None]:
        """Variable of a codebook -> what may be answered; nothing for words, which are not corrected, and None where
        only the answers that were given are known."""
        variables = [one for criterion in self.criteria for one in criterion.variables]
        return {one.name: one.answers if one.answers or one.in_words else None for one in variables}

    def title(self, name: str) -> str:
        """A criterion's title; its name where it has none."""
        return self.titles.get(name, name)
