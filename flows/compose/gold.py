"""Finds the gold set that a flow's `truth` names, and whether it is about this flow's criteria."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.safety.paths import expanded, is_file, is_inside
from contract.errors import StorageError
from contract.flow import FlowSpec
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.folders import is_of_package
from flows.config.provenance import KeyPath
from flows.files.gold_set import read_gold
from flows.files.half_line import half_lines_note
from flows.tables.coded_variables import judged_criteria


def with_gold_file(flow: FlowSpec, path: KeyPath, folders: Sequence[Path], diagnostics: Diagnostics) -> FlowSpec:
    """The flow with the place of its gold set: in the current folder, else in the study's own."""
    measures = flow.measures
    if measures is None or measures.gold is None:
        return flow
    own = [folder for folder in folders if not is_of_package(folder)]
    places = [(folder / expanded(Path(measures.gold))).absolute() for folder in (Path.cwd(), *own)]
    found = next((place for place in places if is_file(place)), None)
    at = (*path, "measures", "truth")
    if found is None:
        # Of other folders a study is shown no names.
        seen = places[0].parent if is_inside(places[0].parent, [Path.cwd(), *own]) else Path.cwd()
        near = closest_name(places[0].name, [file.name for file in seen.glob("*.jsonl")])
        todo = "`code adjudicate` makes one of what people coded"
        diagnostics.add_at(at, f"there is no gold set {measures.gold}", nearest=near, todo=todo)
        diagnostics.mark_reported(at)
        return flow
    return flow.model_copy(update={"measures": measures.model_copy(update={"truth": str(found)})})


def check_gold(flow: FlowSpec, path: KeyPath, diagnostics: Diagnostics) -> None:
    """Reports a gold set that cannot be read, or that is about none of the criteria."""
    measures, at = flow.measures, (*path, "measures", "truth")
    if measures is None or measures.gold is None or diagnostics.is_reported(at):
        return
    try:
        gold = read_gold(Path(measures.gold))
    except StorageError as error:
        diagnostics.add_at(at, str(error))
        return
    if note := half_lines_note(Path(measures.gold), gold.torn_lines):
        diagnostics.add_result_notice(note)
    known, judged = gold.criteria(), set(judged_criteria(flow, measures))
    # A decision on a variable of a codebook names it behind its criterion: `framing.tone`.
    known |= {name.rpartition(".")[0] for name in known if "." in name}
    if not judged & known:
        what = f"its decisions are about {join_names(known) if known else 'nothing yet'}, and this flow judges by"
        diagnostics.add_at(at, f"{what} {join_names(judged)}", todo="name the gold set of these criteria")
