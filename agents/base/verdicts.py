"""What judges, owls and synthesisers of verdicts share: the criterion, and which verdicts it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.base.services import Given
from agents.base.structured_agent import ReplyUnfit
from agents.prompting.criteria import Criterion
from contract.base import JsonValue
from contract.calls import schema_of
from contract.errors import MissingInput
from contract.findings import Judgement, JudgeReasons


def criterion_of(given: Given, name_or_text: str) -> Criterion:
    """The criterion that a study names so. Raises PromptError where there is none."""
    if given.criteria is None:
        raise MissingInput("there are no criteria to judge by; put one into criteria/ of your config folder")
    return given.criteria.get(name_or_text)


def common_criterion(given: Given, answers: Sequence[Judgement]) -> Criterion:
    """The one criterion that all the answers are on. Raises MissingInput when they are on several."""
    named = list(dict.fromkeys(answer.criteria for answer in answers))
    if len(named) != 1:
        raise MissingInput(f"the answers are on {len(named)} criteria; write `group_by: [criteria]` in this step")
    return criterion_of(given, named[0])


def shown(criterion: Criterion) -> dict[str, JsonValue]:
    """The criterion as templates see it."""
    return criterion.model_dump(mode="json", include={"title", "text", "verdicts", "examples"})


def verdict_schema(criterion: Criterion) -> dict[str, JsonValue]:
    """The schema of a verdict with reasons, in which the verdict is one of the criterion's."""
    schema: Any = schema_of(JudgeReasons)
    schema["properties"]["verdict"] = {"type": "string", "enum": [*criterion.verdicts]}
    # Small models leave out what they need not write, and then no words carry their reasons.
    reason = schema["$defs"]["CriterionReason"]
    reason["required"] = [*reason["properties"]]
    return schema


def must_be_a_verdict(reply: JudgeReasons, criterion: Criterion) -> None:
    """Raises ReplyUnfit when the criterion knows no such verdict."""
    if reply.verdict not in criterion.verdicts:
        raise ReplyUnfit(f"verdict is '{reply.verdict}', but must be one of {', '.join(criterion.verdicts)}")
