"""Finds what the judge of a flow may say, as far as its criteria can be read, and whether `truth` names those criteria.

A criterion with a mistake in its file is told by another check. What is known of it still counts here, so that the
mistakes of `truth` are told in the same breath, and none is made up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.prompting.codebook import CodebookMistakes
from agents.prompting.criteria import Criteria, Criterion
from contract.codebook import Variable, variable_name
from contract.errors import PromptError
from contract.flow import FlowSpec
from contract.judgements import JudgeReasons
from flows.config.diagnostics import closest_name, join_names
from flows.spec.agent_registry import AgentClass
from flows.tables.coded_variables import JudgedCriterion, judged_criteria, judged_variables

_LITERAL = "literal "
"""How the name in tables of a criterion begins that is given as text."""


@dataclass(frozen=True)
class TruthName:
    """A criterion or variable that `truth` names and that there is none of."""

    name: str
    what: str
    nearest: str | None
    todo: str


@dataclass(frozen=True)
class Judged:
    """What a judge may say by each criterion of a flow."""

    criteria: Mapping[str, JudgedCriterion]
    """Criterion or variable -> what may be said; its verdicts are empty where they are known only in a run."""
    unread: frozenset[str] = frozenset()
    """Those of which nothing but the name is known, because of a mistake in the criterion's file."""
    unlisted: frozenset[str] = frozenset()
    """Criteria of which not even the names of variables can be read."""
    library: Criteria | None = None
    """All criteria of the study; None where those of the judge come from elsewhere."""

    def misnamed(self, named: Sequence[str]) -> Iterator[TruthName]:
        """Those of `named`, the keys of `truth`, that can belong to no criterion, judged by in this run or not."""
        library = self.library
        for name in named if library else ():
            owner = name.rpartition(".")[0]
            if name not in self.criteria and not {name, owner} & self.unlisted and not name.startswith(_LITERAL):
                wrong = library and (self._wrong_variable(name, library) or self._wrong_criterion(name, library))
                if wrong:
                    yield wrong

    def _wrong_variable(self, name: str, library: Criteria) -> TruthName | None:
        if whole := self._variables_of(name, library):
            what = f"`truth` names '{name}', which has a codebook; people's answers belong to one of its variables"
            return TruthName(name, what, None, f"write {', or '.join(whole)}")
        owner, _, variable = name.rpartition(".")
        known = self._variables_of(owner, library)
        if not known or name in known:
            return None
        what = f"`truth` names '{name}', but the codebook of '{owner}' has no variable '{variable}'"
        near = closest_name(variable, [one.rpartition(".")[2] for one in known])
        return TruthName(name, what, near and variable_name(owner, near), f"it has {join_names(known)}")

    def _wrong_criterion(self, name: str, library: Criteria) -> TruthName | None:
        is_text = any(one.startswith(_LITERAL) for one in self.criteria)
        if is_text or _is_there(name.rpartition(".")[0] or name, library):
            return None
        what = f"`truth` names '{name}', and there is no criterion of that name"
        near = closest_name(name, {*self.criteria, *library.names()})
        return TruthName(name, what, near, f"this flow judges by {join_names(self.criteria)}")

    def _variables_of(self, criterion: str, library: Criteria) -> tuple[str, ...]:
        """The names in tables of a criterion's variables, also of one that this run does not judge by."""
        prefix = variable_name(criterion, "")
        if found := tuple(name for name in self.criteria if name.startswith(prefix)):
            return found
        if criterion in self.criteria or not _is_there(criterion, library):
            return ()
        try:
            codebook = library.get(criterion).codebook
        except CodebookMistakes as mistakes:
            return tuple(variable_name(criterion, name) for name in mistakes.named)
        except PromptError:
            return ()
        return tuple(variable_name(criterion, one.name) for one in codebook.variables) if codebook else ()


def _is_there(criterion: str, library: Criteria) -> bool:
    """Whether there is such a criterion, which may be judged by in another run. One that cannot be read counts."""
    try:
        return library.path(criterion) is not None
    except PromptError:
        return True


def judged_by(flow: FlowSpec, judge: AgentClass | None, folders: tuple[Path, ...]) -> Judged:
    """What `judge` may say by the criteria of the flow."""
    if flow.measures is None:
        return Judged({})
    criteria, named = Criteria(folders), judged_criteria(flow, flow.measures)
    if judge is None or getattr(judge, "Reply", None) is not JudgeReasons or named == {"": ""}:
        return Judged({name: JudgedCriterion(value, ()) for name, value in named.items()})
    names_of = {value: name for name, value in named.items()}
    unread, unlisted, in_part = set[str](), set[str](), dict[str, JudgedCriterion]()

    def look_up(value: str) -> tuple[Sequence[str], Sequence[Variable] | None]:
        try:
            found = _named_alone(value, criteria)
        except CodebookMistakes as mistakes:
            lost = [one for one in mistakes.named if one not in {known.name for known in mistakes.variables}]
            in_part.update({variable_name(names_of[value], one): JudgedCriterion(value, ()) for one in lost})
            return (), mistakes.variables
        except PromptError:
            unlisted.add(names_of[value])
            in_part.update(_named_by_truth(flow, names_of[value], value))
            return (), ()
        return found.verdicts, found.codebook.variables if found.codebook else None

    judged = judged_variables(flow, flow.measures, look_up)
    unread.update(in_part)
    return Judged({**judged, **in_part}, frozenset(unread), frozenset(unlisted), criteria)


def _named_alone(value: str, criteria: Criteria) -> Criterion:
    """The criterion. Raises PromptError also for several names in one text, which lack their brackets."""
    if names_without_brackets(value, criteria.names()):
        raise PromptError(f"no criterion '{value}'")
    return criteria.get(value)


def names_without_brackets(value: str, known: Collection[str]) -> list[str]:
    """The names in `a,b` or `a; b`, several known ones in one text; none for any other text."""
    names = [word.strip() for word in re.split("[,;]", value)]
    return names if len(names) > 1 and all(name in known for name in names) else []


def _named_by_truth(flow: FlowSpec, name: str, value: str) -> dict[str, JudgedCriterion]:
    """What `truth` says of a criterion that cannot be read: its variables if it has a codebook, else itself."""
    truth = flow.measures.truth if flow.measures else None
    variables = [key for key in truth if key.startswith(variable_name(name, ""))] if isinstance(truth, Mapping) else []
    return dict.fromkeys(variables or [name], JudgedCriterion(value, ()))


def verdicts_by_criterion(
    flow: FlowSpec, judge: AgentClass | None, folders: tuple[Path, ...]
) -> dict[str, frozenset[str]]:
    """Criterion -> the verdicts that `judge` may give by it; variables of codebooks, which have settings of their own,
    are not in it."""
    judged = judged_by(flow, judge, folders).criteria
    return {name: frozenset(one.verdicts) for name, one in judged.items() if one.variable is None}
