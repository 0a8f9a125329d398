"""The check of a flow's result: the step that it names, and the step whose verdicts are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contract.flow import Loop, Step
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.validate import ValidatedFlow
from flows.spec.nodes import FlowNode


@dataclass(frozen=True)
class ResultCheck:
    """Checks the result of one flow."""

    flow: ValidatedFlow
    nodes_by_name: Mapping[str, FlowNode]
    diagnostics: Diagnostics

    def check(self) -> None:
        """Adds every mistake of `result` and of `measures.verdicts` to the diagnostics."""
        result, measures = self.flow.spec.result, self.flow.spec.measures
        path = (*self.flow.path, "result")
        if measures:
            self._check_verdicts(measures.verdicts)
        if result is None:
            # Measures that could not be read are a mistake already.
            if measures is None and not self.diagnostics.is_reported((*self.flow.path, "measures")):
                todo = "add `result: …`, the step whose output the flow gives, or `measures:` with `verdicts: …`"
                self.diagnostics.add_at(self.flow.path, f"'{self.flow.spec.name}' lacks `result`", todo=todo)
            return
        flow_node = self.nodes_by_name.get(result)
        if not self._is_known_step(result):
            near = closest_name(result, self.nodes_by_name)
            what = f"the result '{result}' is no step of this flow"
            self.diagnostics.add_at(path, what, nearest=near, todo=there_are(self.nodes_by_name))
        elif flow_node and isinstance(flow_node.node, Loop):
            inner = join_names(flow_node.node.loop)
            self.diagnostics.add_at(
                path, f"the result '{result}' is a loop, which has no output", todo=f"name one of {inner}"
            )

    def _check_verdicts(self, name: str) -> None:
        flow_node, path = self.nodes_by_name.get(name), (*self.flow.path, "measures", "verdicts")
        steps = [flow_node.name for flow_node in self.nodes_by_name.values() if isinstance(flow_node.node, Step)]
        if not self._is_known_step(name):
            what = f"`verdicts` names '{name}', which is no step of this flow"
            self.diagnostics.add_at(path, what, nearest=closest_name(name, steps), todo=there_are(steps))
        elif flow_node and not isinstance(flow_node.node, Step):
            self.diagnostics.add_at(path, f"'{name}' gives no verdicts", todo=f"name one of {join_names(steps)}")

    def _is_known_step(self, name: str) -> bool:
        return name in self.nodes_by_name or name in self.flow.dropped
