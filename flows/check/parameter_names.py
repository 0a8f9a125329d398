"""The check of names of parameters, in references and in conditions."""

from __future__ import annotations

from flows.config.diagnostics import Diagnostics, closest_name, there_are
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow


def check_parameter_name(flow: ValidatedFlow, diagnostics: Diagnostics, rest: str, path: KeyPath, text: str) -> None:
    """Reports a parameter that the flow does not have. `rest` is what follows `parameters.` in `text`."""
    known = flow.spec.parameters
    name = rest.partition(".")[0].partition("[")[0]
    if name not in known and ("parameters", name) not in {p[-2:] for p in flow.incomplete}:
        near = closest_name(name, known)
        what = f"'{text}' names no parameter of this flow"
        close = f"parameters.{near}" if near else None
        diagnostics.add_at(path, what, nearest=close, todo=there_are(known))
