"""What judges and synthesisers share where a criterion has a codebook: the schema of a reply, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from agents.base.structured_agent import InvalidReply
from contract.base import JsonValue
from contract.calls import json_schema_of
from contract.codebook import Codebook, Variable
from contract.judgements import CheckedReason, Code, CodebookReply, CodeDraft, CodeValue, RecordQuote

CheckQuote = Callable[[str], tuple[RecordQuote, ...]]
"""Quotation -> the same with its place, where it stands."""
_UNCERTAINTIES = ("low", "medium", "high")


def codebook_schema(codebook: Codebook) -> dict[str, JsonValue]:
    """Returns the schema of the answers to all variables; each answer can only be what its variable allows."""
    draft: Any = json_schema_of(CodebookReply)["$defs"]
    properties = {one.name: _draft_schema(draft["CodeDraft"], one) for one in codebook.variables}
    codes = _closed_object(properties)
    return {**_closed_object({"codes": codes}), "title": CodebookReply.__name__}


def _draft_schema(draft: Mapping[str, Any], variable: Variable) -> dict[str, Any]:
    properties = deepcopy(draft["properties"])
    if variable.type == "quotation":
        # The answer itself is the words of the record.
        del properties["quotes"]
    # The answer comes last: models write fields in this order, and answer better from words just copied.
    return _closed_object({**properties, "value": _value_schema(variable)})


def _value_schema(variable: Variable) -> dict[str, Any]:
    match variable.type:
        case "choice" | "yes_no":
            return {"type": "string", "enum": [*variable.allowed]}
        case "choices":
            return {"type": "array", "items": {"type": "string", "enum": [*variable.options]}}
        case "number":
            bounds = {"minimum": variable.minimum, "maximum": variable.maximum}
            number = {"type": "number", **{name: value for name, value in bounds.items() if value is not None}}
            return {"anyOf": [number, {"type": "null"}]}
        case "text":
            return {"anyOf": [{"type": "string", "maxLength": 600}, {"type": "null"}]}
        case "quotation":
            return {"type": "array", "items": {"type": "string", "maxLength": 600}, "maxItems": 5}


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def read_codes(reply: CodebookReply, codebook: Codebook, check_quote: CheckQuote) -> dict[str, Code]:
    """Returns the answers in the codebook's order, with their quotations checked.

    Raises InvalidReply for variables that lack an answer or are unknown, and for answers that are not allowed.
    """
    names = {one.name for one in codebook.variables}
    problems = [f"codes has '{name}', which is no variable" for name in reply.codes if name not in names]
    found = dict[str, Code]()
    for variable in codebook.variables:
        draft = reply.codes.get(variable.name)
        if draft is None:
            problems.append(f"codes.{variable.name} is missing")
            continue
        try:
            found[variable.name] = _code(variable, draft, check_quote)
        except ValueError as error:
            problems.append(f"codes.{variable.name}.value: {error}")
    if problems:
        raise InvalidReply("; ".join(problems[:5]))
    return found


def _code(variable: Variable, draft: CodeDraft, check_quote: CheckQuote) -> Code:
    text = variable.text(draft.value)
    given: Any = draft.value if variable.type == "quotation" else draft.quotes
    return Code(
        value=_typed(variable, text, draft.value),
        uncertainty=draft.uncertainty,
        reason=draft.reason,
        quotes=tuple(found for quote in given or () for found in check_quote(str(quote))),
    )


def _typed(variable: Variable, text: str | None, value: JsonValue) -> CodeValue:
    """The answer as it is kept: options in the codebook's order, numbers as numbers."""
    if text is None:
        return () if variable.type == "quotation" else None
    if variable.type == "number":
        return float(text)
    if variable.type == "choices":
        chosen = variable.members(text)
        return tuple(name for name in variable.options if name in chosen)
    if variable.type == "quotation" and isinstance(value, list):
        return tuple(str(one).strip() for one in value)
    return text


def coded_fields(codebook: Codebook, codes: Mapping[str, Code]) -> dict[str, Any]:
    """Returns the fields of a Judgement that follow from its codes, for all who read verdicts and reasons."""
    texts = {one.name: one.text(codes[one.name].value) for one in codebook.variables}
    return {
        "verdict": "; ".join(f"{name}: {_told(text)}" for name, text in texts.items()),
        "uncertainty": max((code.uncertainty for code in codes.values()), key=_UNCERTAINTIES.index),
        "conclusion": "",
        "reasons": tuple(
            CheckedReason(
                rule=f"{name}: {_told(texts[name])}"[:300], applies="yes", reason=code.reason, quotes=code.quotes
            )
            for name, code in codes.items()
        ),
        "codes": dict(codes),
    }


def _told(text: str | None) -> str:
    return "not told" if text is None else text
