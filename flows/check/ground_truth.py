"""Compares people's answers about a study's records with the verdicts that its judges may give.

An answer that no judge can give agrees with none, so agreement would be 0 whatever the models answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agents.base.registry import load_agent
from agents.prompting.criteria import Criteria
from contract.errors import Problem, PromptError, StudyError
from contract.findings import JudgeReasons
from contract.flow import FlowSpec, Measures, Step
from contract.record import Record
from flows.config.diagnostics import join_names
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import steps_of, walk_nodes
from flows.spec.step_values import all_parameter_values
from flows.spec.study import Study
from flows.tables.ground_truth import truth_verdict

_MAX_EXAMPLES = 5


@dataclass
class GroundTruthCheck:
    """Counts people's answers, as verdicts, and finds those that no judge may give."""

    measures: Measures
    possible_verdicts: frozenset[str]
    """Those that the judges may give; empty if they are known only in a run, or are numbers on a scale."""
    counts: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def for_flow(cls, flow: FlowSpec, judge: AgentClass | None, folders: tuple[Path, ...]) -> GroundTruthCheck | None:
        """The check of a flow whose verdicts come from `judge`; None if it compares with no ground truth."""
        if flow.measures is None or flow.measures.truth is None:
            return None
        names = flow.measures.level == "nominal"
        verdicts = (
            _possible_verdicts(flow, flow.measures.verdicts, judge, Criteria(folders)) if names else frozenset[str]()
        )
        return cls(flow.measures, verdicts)

    def add(self, record: Record) -> None:
        """Counts the answer of a record."""
        if (truth := truth_verdict(record, self.measures)) is not None:
            self.counts[truth] += 1

    @property
    def unmatched(self) -> list[str]:
        """People's answers that no judge may give."""
        return (
            [answer for answer in self.counts if answer not in self.possible_verdicts] if self.possible_verdicts else []
        )

    @property
    def none_match(self) -> bool:
        """Whether there are answers, and no judge may give any of them."""
        return len(self.unmatched) == len(self.counts) > 0

    @property
    def message(self) -> str:
        """The mistake, in words."""
        names = [f"'{answer}'" for answer in self.unmatched]
        return f"people's answers are {join_names(names, _MAX_EXAMPLES)}, which no judge here may give"

    @property
    def todo(self) -> str:
        """What the user should do about it, in words."""
        settings = " ".join(f"labels.{answer}=…" for answer in self.unmatched[:_MAX_EXAMPLES])
        verdicts = join_names(self.possible_verdicts)
        return f"write what each means: {settings}, or under `labels:`; the verdicts are {verdicts}"


def check_ground_truth(study: Study, records: Iterable[Record]) -> None:
    """Raises StudyError if the records hold people's answers and no judge may give any of them.

    A shard is not checked: the run that split the records has checked all of them.
    """
    measures = study.flow.measures if study.run.shard is None else None
    ground_truth = measures and GroundTruthCheck.for_flow(
        study.flow, load_agent(steps_of(study.flow)[measures.verdicts].agent), study.folders
    )
    if not ground_truth:
        return
    for record in records:
        ground_truth.add(record)
    if ground_truth.none_match:
        where = study.provenance.where(("flows", study.flow.name, "measures", "truth"))
        raise StudyError([Problem(where, ground_truth.message, todo=ground_truth.todo)])


def _possible_verdicts(flow: FlowSpec, name: str, judge: AgentClass | None, criteria: Criteria) -> frozenset[str]:
    if judge is None or getattr(judge, "Reply", None) is not JudgeReasons:
        return frozenset()
    found = set[str]()
    for flow_node in walk_nodes(flow, ()):
        if flow_node.name == name and isinstance(flow_node.node, Step):
            named = (
                value
                for parameter, value, _ in all_parameter_values(flow_node, flow_node.node, judge)
                if parameter == "criteria"
            )
            try:
                found.update(verdict for value in named for verdict in criteria.get(str(value)).verdicts)
            except PromptError:
                return frozenset()
    return frozenset(found)
