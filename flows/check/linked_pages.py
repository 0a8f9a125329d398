"""Notes which addresses in a request a run would fetch, and which it would not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agents.linked_pages import addresses_in
from contract.base import JsonValue
from contract.flow import FlowSpec
from flows.spec.nodes import steps_of

_AGENT = "linked_pages"


def linked_page_notices(flow: FlowSpec, request: Mapping[str, JsonValue]) -> Iterator[str]:
    """A sentence for each parameter that names web pages and is given to a step that can fetch them."""
    for step in steps_of(flow).values():
        name = _parameter(step.inputs.get("question")) if step.agent == _AGENT else None
        addresses = addresses_in(str(request.get(name) or "")) if name else []
        if not addresses:
            continue
        switch = _parameter(step.when)
        if switch and not request.get(switch):
            yield f"no page is fetched, though `{name}` names {addresses[0]}; with {switch}=true it is read as well"
        else:
            yield f"the run will fetch {', '.join(addresses)}, as `{name}` names it; their sites see the request"


def _parameter(reference: object) -> str | None:
    root, _, name = reference.partition(".") if isinstance(reference, str) else ("", "", "")
    return name if root == "parameters" and name.isidentifier() else None
