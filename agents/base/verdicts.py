"""What judges, owls and synthesisers of verdicts share: the criterion, and the check of a verdict against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.base.codes import CheckQuote, codebook_schema, coded_fields, read_codes
from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply
from agents.prompting.criteria import Criterion
from contract.base import Frozen, JsonValue
from contract.calls import json_schema_of
from contract.errors import MissingInput
from contract.judgements import CheckedReason, CodebookReply, Judgement, JudgeReasons


def get_criterion(services: AgentServices, name_or_text: str) -> Criterion:
    """Returns the criterion of that name, or the text itself as one.

    Raises PromptError where there is none of that name, MissingInput where the study has no criteria.
    """
    if services.criteria is None:
        raise MissingInput("there are no criteria to judge by; put one into criteria/ of your config folder")
    return services.criteria.get(name_or_text)


def common_criterion(services: AgentServices, answers: Sequence[Judgement]) -> Criterion:
    """Returns the one criterion that all the answers are on. Raises MissingInput when they are on several."""
    named = list(dict.fromkeys(answer.criteria for answer in answers))
    if len(named) != 1:
        raise MissingInput(f"the answers are on {len(named)} criteria; write `group_by: [criteria]` in this step")
    return get_criterion(services, named[0])


def criterion_for_template(criterion: Criterion) -> dict[str, JsonValue]:
    """Returns the criterion as templates see it."""
    return criterion.model_dump(mode="json", include={"title", "text", "verdicts", "examples", "codebook"})


def verdict_reply_type(criterion: Criterion) -> type[Frozen]:
    """Returns the type of a judge's reply: a verdict, or the answers to a codebook."""
    return JudgeReasons if criterion.codebook is None else CodebookReply


def verdict_schema(criterion: Criterion) -> dict[str, JsonValue]:
    """Returns the schema of a judge's reply: one of the criterion's verdicts with reasons, or a codebook's answers."""
    if criterion.codebook is not None:
        return codebook_schema(criterion.codebook)
    schema: Any = json_schema_of(JudgeReasons)
    schema["properties"]["verdict"] = {"type": "string", "enum": [*criterion.verdicts]}
    # Small models leave out optional fields, and then no quotations support their reasons.
    reason = schema["$defs"]["CriterionReason"]
    reason["required"] = [*reason["properties"]]
    return schema


def read_verdict(reply: JudgeReasons | CodebookReply, criterion: Criterion, check_quote: CheckQuote) -> dict[str, Any]:
    """Returns the fields of a Judgement that the reply gives, with its quotations checked.

    Raises InvalidReply when an answer is not one of those that the criterion allows.
    """
    if isinstance(reply, CodebookReply):
        if criterion.codebook is None:
            raise InvalidReply("the criterion has no codebook")
        return coded_fields(criterion.codebook, read_codes(reply, criterion.codebook, check_quote))
    check_verdict(reply, criterion)
    reasons = tuple(
        CheckedReason(
            rule=reason.rule,
            applies=reason.applies,
            reason=reason.reason,
            quotes=tuple(found for quote in reason.quotes for found in check_quote(quote)),
        )
        for reason in reply.reasons
    )
    fields = {"verdict": reply.verdict, "uncertainty": reply.uncertainty, "conclusion": reply.conclusion}
    return {**fields, "reasons": reasons}


def check_verdict(reply: JudgeReasons, criterion: Criterion) -> None:
    """Raises InvalidReply when the verdict is not one of the criterion's."""
    if reply.verdict not in criterion.verdicts:
        raise InvalidReply(f"verdict is '{reply.verdict}', but must be one of {', '.join(criterion.verdicts)}")
