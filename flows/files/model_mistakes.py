"""What is wrong with a line or a file that is to be one of our models, in words for whoever has written it."""

from __future__ import annotations

from pydantic import ValidationError

_MAX_LISTED = 5


def model_mistakes(error: ValidationError) -> str:
    """The mistakes that were found, each with the name of its field."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    listed = [_mistake(one["type"], ".".join(map(str, one["loc"])), one["msg"]) for one in found[:_MAX_LISTED]]
    more = [f"and {len(found) - _MAX_LISTED:,} more"] if len(found) > _MAX_LISTED else []
    return "; ".join([*listed, *more])


def _mistake(kind: str, name: str, message: str) -> str:
    if kind == "json_invalid":
        return "it is no JSON, perhaps cut off"
    if kind == "missing":
        return f"`{name}` is missing"
    if kind == "extra_forbidden":
        return f"`{name}` is not known here"
    plain = message.removeprefix("Value error, ")
    plain = plain[:1].lower() + plain[1:]
    return f"`{name}`: {plain}" if name else plain
