"""People: what they said of a study's records, beside what its judges may say.

An answer that no judge can give agrees with none, so agreement would come out as 0 whatever the models said.
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
from flows.config.diagnostics import listed
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import nodes, steps_of
from flows.spec.step_values import values_of
from flows.spec.study import Study
from flows.tables.truth import truth_of

_EXAMPLES = 5


@dataclass
class People:
    """What people said, as verdicts."""

    measures: Measures
    verdicts: frozenset[str]
    """Those that the judges may give; none where only a run can tell, or where they stand on a scale."""
    said: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, flow: FlowSpec, judge: AgentClass | None, folders: tuple[Path, ...]) -> People | None:
        """For a flow whose verdicts come from `judge`; None where it compares with nobody."""
        if flow.measures is None or flow.measures.truth is None:
            return None
        names = flow.measures.level == "nominal"
        verdicts = _verdicts(flow, flow.measures.verdicts, judge, Criteria(folders)) if names else frozenset[str]()
        return cls(flow.measures, verdicts)

    def add(self, record: Record) -> None:
        """Takes in a record."""
        if (truth := truth_of(record, self.measures)) is not None:
            self.said[truth] += 1

    @property
    def strange(self) -> list[str]:
        """What they said that no judge may say."""
        return [answer for answer in self.said if answer not in self.verdicts] if self.verdicts else []

    @property
    def hopeless(self) -> bool:
        """Whether they said nothing that a judge may say."""
        return len(self.strange) == len(self.said) > 0

    @property
    def told(self) -> str:
        """What is strange, in words."""
        names = [f"'{answer}'" for answer in self.strange]
        return f"people's answers are {listed(names, _EXAMPLES)}, which no judge here may give"

    @property
    def todo(self) -> str:
        """What to do about it."""
        settings = " ".join(f"labels.{answer}=…" for answer in self.strange[:_EXAMPLES])
        return f"say what each means: {settings}, or under `labels:`; the verdicts are {listed(self.verdicts)}"


def check_people(study: Study, records: Iterable[Record]) -> None:
    """Raises StudyError where none of the people's answers in the records can be what a judge says.

    Of a part of the records nothing is said: the run that split them has looked at all.
    """
    measures = study.flow.measures if study.run.shard is None else None
    ground_truth = measures and People.of(
        study.flow, load_agent(steps_of(study.flow)[measures.verdicts].agent), study.folders
    )
    if not ground_truth:
        return
    for record in records:
        ground_truth.add(record)
    if ground_truth.hopeless:
        where = study.provenance.where(("flows", study.flow.name, "measures", "truth"))
        raise StudyError([Problem(where, ground_truth.told, todo=ground_truth.todo)])


def _verdicts(flow: FlowSpec, name: str, judge: AgentClass | None, criteria: Criteria) -> frozenset[str]:
    if judge is None or getattr(judge, "Reply", None) is not JudgeReasons:
        return frozenset()
    found = set[str]()
    for flow_node in nodes(flow, ()):
        if flow_node.name == name and isinstance(flow_node.node, Step):
            named = (value for parameter, value, _ in values_of(flow_node, flow_node.node, judge) if parameter == "criteria")
            try:
                found.update(verdict for value in named for verdict in criteria.get(str(value)).verdicts)
            except PromptError:
                return frozenset()
    return frozenset(found)
