"""What judges, owls and synthesisers of verdicts share: the criterion, and which verdicts it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply
from agents.prompting.criteria import Criterion
from contract.base import JsonValue
from contract.calls import json_schema_of
from contract.errors import MissingInput
from contract.findings import Judgement, JudgeReasons


def get_criterion(services: AgentServices, name_or_text: str) -> Criterion:
    """The criterion that a study names so. Raises PromptError where there is none."""
    if services.criteria is None:
        raise MissingInput("there are no criteria to judge by; put one into criteria/ of your config folder")
    return services.criteria.get(name_or_text)


def common_criterion(services: AgentServices, answers: Sequence[Judgement]) -> Criterion:
    """The one criterion that all the answers are on. Raises MissingInput when they are on several."""
    named = list(dict.fromkeys(answer.criteria for answer in answers))
    if len(named) != 1:
        raise MissingInput(f"the answers are on {len(named)} criteria; write `group_by: [criteria]` in this step")
    return get_criterion(services, named[0])


def criterion_for_template(criterion: Criterion) -> dict[str, JsonValue]:
    """The criterion as templates see it."""
    return criterion.model_dump(mode="json", include={"title", "text", "verdicts", "examples"})


def verdict_schema(criterion: Criterion) -> dict[str, JsonValue]:
    """The schema of a verdict with reasons, in which the verdict is one of the criterion's."""
    schema: Any = json_schema_of(JudgeReasons)
    schema["properties"]["verdict"] = {"type": "string", "enum": [*criterion.verdicts]}
    # Small models leave out what they need not write, and then no words carry their reasons.
    reason = schema["$defs"]["CriterionReason"]
    reason["required"] = [*reason["properties"]]
    return schema


def check_verdict(reply: JudgeReasons, criterion: Criterion) -> None:
    """Raises ReplyUnfit when the criterion knows no such verdict."""
    if reply.verdict not in criterion.verdicts:
        raise InvalidReply(f"verdict is '{reply.verdict}', but must be one of {', '.join(criterion.verdicts)}")
