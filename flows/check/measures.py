"""The check of `measures:`: whether what it names is what judges may say, and which verdict is the positive one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from contract.flow import FlowSpec
from contract.measures import MISSING, Measures, TruthSource
from flows.check.ground_truth import GroundTruthCheck
from flows.check.judged import Judged, judged_by, verdicts_by_criterion
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.provenance import KeyPath
from flows.spec.agent_registry import AgentClass, AgentRegistry
from flows.spec.nodes import steps_of
from flows.tables.answers import number_of, overlapping_cuts, spelling

_AFFIRMATIVE = frozenset({"true", "yes", "1"})


def check_measures(
    flow: FlowSpec,
    path: KeyPath,
    agents: Mapping[str, AgentClass],
    folders: tuple[Path, ...],
    diagnostics: Diagnostics,
) -> GroundTruthCheck | None:
    """Reports verdicts that the measures name and no judge may give; returns the check of people's answers, if any."""
    measures = flow.measures
    if measures is None:
        return None
    judge = agents.get(measures.verdicts)
    path = (*path, "measures")
    verdicts = frozenset[str]().union(*verdicts_by_criterion(flow, judge, folders).values())
    ground_truth = GroundTruthCheck.for_flow(flow, judge, folders)
    if measures.level == "ordinal" or measures.order:
        _check_order(measures.order, verdicts, path, diagnostics)
    if (
        measures.level not in ("nominal", "ordinal")
        and verdicts
        and not any(number_of(verdict) is not None for verdict in verdicts)
    ):
        what = f"`level: {measures.level}` needs verdicts that are numbers; the verdicts are {join_names(verdicts)}"
        diagnostics.add_at((*path, "level"), what, todo="write `level: nominal`, or `level: ordinal` with `order:`")
    _check_settings_of_verdicts(flow, judged_by(flow, judge, folders), path, diagnostics)
    if ground_truth and _labels_are_swapped(measures.labels, ground_truth.possible_verdicts):
        right = ", ".join(f"'{answer}': {verdict}" for verdict, answer in measures.labels.items())
        what = "`labels` is written the other way round: the answer of people comes first, then the verdict"
        diagnostics.add_at((*path, "labels"), what, todo=f"write labels: {{{right}}}")
        diagnostics.mark_reported((*path, "labels"))
    for at, verdict, possible in _named_verdicts(measures, verdicts, ground_truth, path):
        if possible and verdict not in possible and not diagnostics.is_reported(at):
            what, todo = f"no judge here may give '{verdict}'", f"the verdicts are {join_names(possible)}"
            diagnostics.add_at(at, what, nearest=closest_name(verdict, possible), todo=todo)
    if overlap := overlapping_cuts(measures.labels):
        what = f"the labels '{overlap[0]}' and '{overlap[1]}' overlap, and mean different verdicts"
        diagnostics.add_at((*path, "labels", overlap[1]), what, todo="let one end where the other begins")
    if ground_truth:
        _check_truth_names(ground_truth, measures, path, diagnostics)
        for text in ground_truth.criteria_without_truth():
            diagnostics.add_people_notice(text)
    return ground_truth


def _labels_are_swapped(labels: Mapping[str, str], possible: frozenset[str]) -> bool:
    """Whether each label is a verdict, and none stands for one."""
    return bool(labels) and labels.keys() <= possible and not any(one in possible for one in labels.values())


def _check_truth_names(check: GroundTruthCheck, measures: Measures, path: KeyPath, diagnostics: Diagnostics) -> None:
    """Reports criteria and variables that `truth` names and that there are none of, and the verdicts of its labels."""
    named = measures.truth if isinstance(measures.truth, Mapping) else {}
    for wrong in check.judged.misnamed(list(named)):
        diagnostics.add_at((*check.path, wrong.name), wrong.what, nearest=wrong.nearest, todo=wrong.todo)
    for criterion, source in named.items():
        possible = check.truth.reader(criterion).possible if criterion in check.truth.fields else frozenset[str]()
        for label, verdict in source.labels.items() if isinstance(source, TruthSource) and possible else ():
            if verdict not in (*possible, MISSING):
                what, near = f"by '{criterion}' no judge here may give '{verdict}'", closest_name(verdict, possible)
                at = (*path, "truth", criterion, "labels", label)
                diagnostics.add_at(at, what, nearest=near, todo=f"the verdicts are {join_names(possible)}")


def _check_settings_of_verdicts(flow: FlowSpec, judged: Judged, path: KeyPath, diagnostics: Diagnostics) -> None:
    """Reports settings of verdicts where all criteria have codebooks, whose variables have settings of their own.

    Not where the request chose the criteria and a file, written for others, has the settings.
    """
    variables = [one.variable for one in judged.criteria.values() if one.variable is not None]
    if flow.measures is None or not variables or len(variables) < len(judged.criteria):
        return
    is_typed, step = diagnostics.provenance.is_typed, (*path[:-1], "steps", flow.measures.verdicts)
    chosen = any(is_typed((*step, kind, "criteria", *item)) for kind in _KINDS_OF_VALUES for item in ((), ("0",)))
    for name, value in flow.measures.model_dump(include={*_OWN_SETTINGS}, exclude_unset=True).items():
        at = (*path, name)
        if value in (None, (), "nominal") or (chosen and not is_typed(at)):
            continue
        what = f"`{name}` is for criteria with verdicts, and here are only codebooks, whose variables have their own"
        options = {option for one in variables if one.type == "choice" for option in one.options}
        near = closest_name(str(value), options) if name == "positive" and value not in options else None
        diagnostics.add_at(
            at, what, nearest=near, todo=f"write {_OWN_SETTINGS[name]} in the codebook, below a variable"
        )


_KINDS_OF_VALUES = ("variants", "parameters")
_OWN_SETTINGS = {"positive": "`positive:`", "level": "`ordered: true` or `level:`", "order": "`ordered: true`"}


def _named_verdicts(
    measures: Measures, verdicts: frozenset[str], check: GroundTruthCheck | None, path: KeyPath
) -> Iterator[tuple[KeyPath, str, frozenset[str]]]:
    """Each verdict that the measures name, where, and what it is one of; that is empty where it is not known."""
    if check is not None:
        for label, verdict in measures.labels.items():
            if verdict != MISSING and not (number_of(verdict) is not None and check.has_numbers):
                yield (*path, "labels", label), verdict, check.possible_verdicts
    if measures.positive is not None and "positive" in measures.model_fields_set:
        ordinal = measures.level == "ordinal" and check is not None
        yield (*path, "positive"), measures.positive, frozenset(measures.order) if ordinal else verdicts


def _check_order(order: tuple[str, ...], verdicts: frozenset[str], path: KeyPath, diagnostics: Diagnostics) -> None:
    if not order:
        todo = f"write `order:` with the verdicts from least to most{f' ({join_names(verdicts)})' if verdicts else ''}"
        diagnostics.add_at((*path, "level"), "`level: ordinal` needs `order`", todo=todo)
        return
    unknown = [(number, name) for number, name in enumerate(order if verdicts else ()) if name not in verdicts]
    if unknown:
        number, name = unknown[0]
        at = (*path, "order", str(number)) if len(unknown) == 1 else (*path, "order")
        near = closest_name(name, verdicts) if len(unknown) == 1 else None
        named = ", ".join(f"'{name}'" for _, name in unknown)
        diagnostics.add_at(
            at, f"no judge here may give {named}", nearest=near, todo=f"the verdicts are {join_names(verdicts)}"
        )
        return
    for number, name in enumerate(order):
        if name in order[:number]:
            at, todo = (*path, "order", str(number)), "keep the place that is meant"
            diagnostics.add_at(at, f"'{name}' has two places in `order`", todo=todo)
    if outside := verdicts - set(order):
        diagnostics.add_result_notice(
            f"`order` has no place for {join_names(outside)}: records with such a verdict are left out of the measures"
        )


def with_positive_verdict(
    flow: FlowSpec, agents: AgentRegistry, folders: tuple[Path, ...], diagnostics: Diagnostics
) -> FlowSpec:
    """The flow with a positive verdict that a judge may give; with none, and a note, where it cannot be told which.

    `violates`, the verdict that is taken where a study names none, means nothing among verdicts of its own.
    """
    measures = flow.measures
    if measures is None or "positive" in measures.model_fields_set or measures.level in ("interval", "ratio"):
        return flow
    step = steps_of(flow).get(measures.verdicts)
    judge = agents[step.agent] if step and step.agent in agents else None
    verdicts = frozenset[str]().union(*verdicts_by_criterion(flow, judge, folders).values())
    if not verdicts or measures.positive in verdicts:
        return flow
    answers = {verdict: answer for answer, verdict in measures.labels.items() if spelling(answer) in _AFFIRMATIVE}
    affirmed = verdicts & set(answers)
    positive = min(affirmed) if len(affirmed) == 1 else None
    if measures.truth is not None and positive is None:
        diagnostics.add_result_notice(
            "precision, recall and F1 are left out, since no verdict is named as the positive one; write `positive:` "
            f"under `measures:` with one of {join_names(verdicts)}"
        )
    elif measures.truth is not None and positive is not None:
        diagnostics.add_result_notice(
            f"precision, recall and F1 are about '{positive}', which people's answer '{answers[positive]}' means; "
            "`positive:` under `measures:` names another verdict"
        )
    return flow.model_copy(update={"measures": measures.model_copy(update={"positive": positive})})
