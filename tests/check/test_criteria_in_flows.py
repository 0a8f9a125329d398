"""Criteria named by a flow's steps: as names, as text, and misspelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.base.agent import Agent, NoInputs
from agents.base.services import AgentServices
from contract.base import Frozen
from contract.errors import StudyError
from contract.judgements import Reasons
from contract.messages import AgentInput, AgentOutput
from flows.compose.compose import compose
from tests.compose.tiny_study import write_study

FLOW = """\
parameters:
  text: {required: true}
records: parameters.text
steps:
  judge:
    agent: judge
    variants:
      criteria: [ordinary, rule]
  again:
    agent: judge
    group_by: [criteria]
    parameters: {criteria: "Do no harm, ever."}
result: again
"""


class JudgeParameters(Frozen):
    """The parameters of a judge."""

    criteria: str
    """A criterion's name, or its text."""


class Judge(Agent[NoInputs, JudgeParameters]):
    """Stands in for a judge; never run here."""

    Parameters = JudgeParameters
    Output = Reasons

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        raise NotImplementedError


def test_criteria_are_names_or_text(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {"flows/judged.yaml": FLOW, "criteria/rule.md": "Do no harm."})
    [study] = compose(["judged"], ["text=x"], folder, registry={"judge": Judge})
    assert study.request == {"text": "x"}


def test_an_unknown_criterion_and_a_bad_one_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = FLOW.replace("[ordinary, rule]", "[ordinery, rule]")
    write_study(tmp_path / "my_study", {"flows/judged.yaml": flow, "criteria/rule.md": "---\ntitle: [\n---\nx"})
    with pytest.raises(StudyError) as caught:
        compose(["judged"], ["text=x"], Path("my_study"), registry={"judge": Judge})
    bad, unknown = caught.value.problems
    assert (bad.where, bad.what) == (
        "my_study/criteria/rule.md:2",
        "the bracket [ opens on this line and is not closed",
    )
    assert (unknown.where, unknown.nearest) == ("my_study/flows/judged.yaml:8", "ordinary")


def test_a_request_replaces_a_dimension(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {"flows/judged.yaml": FLOW, "criteria/rule.md": "Do no harm."})
    [study] = compose(["judged"], ["text=x", "criteria=Do no harm, please."], folder, registry={"judge": Judge})
    assert study.flow.steps["judge"].variants == {"criteria": ("Do no harm, please.",)}  # type: ignore[union-attr]
    assert study.provenance.where(("flows", "judged", "steps", "judge", "variants", "criteria", "0")) == (
        "command line: criteria=Do no harm, please."
    )


def test_a_criterion_whose_file_has_a_blank_in_its_name_is_no_text(tmp_path: Path) -> None:
    flow = FLOW.replace("[ordinary, rule]", '[ordinary, "my rule"]')
    folder = write_study(tmp_path, {"flows/judged.yaml": flow, "criteria/my rule.md": "Do no harm."})
    with pytest.raises(StudyError) as caught:
        compose(["judged"], ["text=x"], folder, registry={"judge": Judge})
    [problem] = caught.value.problems
    assert problem.where.endswith("flows/judged.yaml:8")
    assert problem.todo == "rename 'my rule' to 'my_rule', and write criteria: my_rule"
