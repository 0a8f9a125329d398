"""Shorthands: names by which a request sets a study's records and cost without the form of storages in YAML.

queries=my_questions.csv
records=my_posts.csv columns.text=body columns.ground_truth.violating=label labels.yes=violates sample=100 seed=7
budget=5.00 shards=8 again=refused

In a flow that declares a parameter of such a name, the name means the parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from agents.safety.paths import expanded
from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.measures import MOST_SPLIT_CHARACTERS
from contract.run import RunSettings
from contract.storage import FileStorage, RecordStorage, StorageConfig
from flows.check.sources import source_of
from flows.compose.corpus_shorthand import CORPUS_STORAGE, corpus_named
from flows.compose.queries import QUERIES_STORAGE, queries_source, with_queries
from flows.compose.records_shorthand import argument_location, changed_source, nearby_sources, new_source
from flows.compose.truth_shorthand import Truth, truth_named
from flows.compose.where_shorthand import conditions_of
from flows.config.arguments import DOTTED_NAMES
from flows.config.diagnostics import Diagnostics, display_argument
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow, validate_data
from flows.gates.asked_at import questions_of
from flows.spec.search_steps import searches

_FORMAT_SHORTHANDS = ("sheet", "encoding", "header", "delimiter", "quoting", "rows", "files", "labels_from")
_RECORD_SHORTHANDS = ("records", "columns", *_FORMAT_SHORTHANDS, "sample", "seed", "shards", "shard")
_RUN_SHORTHANDS = ("sample", "seed", "shards", "shard", "budget", "again", "answers")
SHORTHAND_TYPES: Mapping[str, Any] = {
    "records": str | None,
    "queries": str | None,
    "corpus": str | None,
    "where": dict[str, str] | None,
    "columns": dict[str, str] | None,
    "labels": dict[str, str] | None,
    "sheet": str | None,
    "encoding": str | None,
    "header": str | None,
    "delimiter": str | None,
    "quoting": str | None,
    "rows": str | None,
    "files": str | None,
    "labels_from": dict[str, str] | None,
    "split": str | None,
    "truth": str | None,
    "sample": int | None,
    "seed": int | None,
    "budget": float | None,
    "again": str | None,
    "answers": str | None,
    "shards": int | None,
    "shard": str | None,
}
"""Shorthand -> the type that a form asks for."""


@dataclass
class AppliedShorthands:
    """The records and run settings of a flow, after the request's shorthands."""

    records: str
    """The name of the storage of the records: the one that the flow names, or another."""
    storage: Mapping[str, StorageConfig]
    run: RunSettings
    corpus: str | None = None
    """The name of the storage that is searched, where another than the flow's was given."""
    queries: str | None = None
    """The name of the storage of the questions, where a file of them was given."""
    labels: dict[str, str] = field(default_factory=dict[str, str])
    """People's answer -> the verdict that it means, added to the labels of the flow."""
    split: str | None = None
    """The sign between several answers of people in one cell."""
    truth: Truth | None = None
    """The field or fields of people's answers, also by criterion, or the gold set, in place of the flow's."""
    where: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Which documents the flow's steps search, beside what they say themselves."""
    values: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The shorthands that were given, with typed values: a part of the study's request."""
    other_values: dict[str, str] = field(default_factory=dict[str, str])
    """The values of the request that are not shorthands for this flow."""

    def apply_to(self, flow: FlowSpec) -> FlowSpec:
        """The flow with these records and labels."""
        if self.corpus is not None:
            flow = flow.model_copy(update={"corpus": self.corpus})
        if self.queries is not None:
            return with_queries(flow, self.queries)
        change: dict[str, Any] = {"records": self.records}
        if flow.measures:
            split = {} if self.split is None else {"split": self.split}
            labels = {"labels": {**flow.measures.labels, **self.labels}} if self.labels else {}
            truth = {} if self.truth is None else {"truth": self.truth}
            change["measures"] = flow.measures.model_copy(update={**labels, **split, **truth})
        return flow.model_copy(update=change)


def shorthands_of(flow: FlowSpec) -> list[str]:
    """The shorthands that a request to this flow may give."""
    asks = flow.records == QUERIES_STORAGE
    reads = flow.records.partition(".")[0] != "parameters" and not asks
    absent = {*flow.parameters, *(("queries",) if reads else _RECORD_SHORTHANDS)}
    absent |= set() if flow.corpus else {"corpus"}
    absent |= set() if searches(flow) else {"where"}
    absent |= set() if flow.measures else {"truth"}
    compares = flow.measures is not None and flow.measures.truth is not None
    absent |= set() if compares else {"labels", "split"}
    absent |= set() if questions_of(flow) else {"answers"}
    return [name for name in SHORTHAND_TYPES if name not in absent]


def as_arguments(request: Mapping[str, JsonValue]) -> list[str]:
    """A study's request as command-line arguments; `compose` makes the same study from them."""
    typed = list[str]()
    for name, value in request.items():
        if name in DOTTED_NAMES and isinstance(value, dict):
            typed += [f"{name}.{part}={part_value}" for part, part_value in value.items()]
        elif isinstance(value, list):
            # A list of one is written without brackets, so that its text may hold commas.
            several = f"[{', '.join(map(str, value))}]"
            typed.append(f"{name}={value[0] if len(value) == 1 else several}")
        elif value is not None:
            typed.append(f"{name}={str(value).lower() if isinstance(value, bool) else value}")
    return typed


def apply_shorthands(
    validated: ValidatedFlow,
    raw: Mapping[str, str],
    storage: Mapping[str, StorageConfig],
    run: RunSettings,
    diagnostics: Diagnostics,
) -> AppliedShorthands:
    """The flow's records and run settings as the request sets them; a value that does not fit is reported."""
    names = shorthands_of(validated.spec)
    typed = {name: text for name, text in raw.items() if name.partition(".")[0] in names}
    rest = {name: text for name, text in raw.items() if name not in typed}
    applied = AppliedShorthands(validated.spec.records, storage, run, other_values=rest)
    _apply_run_settings(applied, typed, diagnostics)
    _apply_labels(applied, typed, validated.path, diagnostics)
    _apply_split(applied, typed, validated.path, diagnostics)
    if truth := typed.get("truth", "").strip():
        applied.truth = truth_named(truth, diagnostics)
        applied.values["truth"] = truth
        argument = display_argument(f"truth={typed['truth']}")
        diagnostics.provenance.add_argument((*validated.path, "measures", "truth"), argument)
    _apply_records(applied, typed, diagnostics)
    if "corpus" in typed:
        _apply_corpus(applied, validated, typed["corpus"].strip(), diagnostics)
    if "queries" in typed:
        _apply_queries(applied, typed["queries"].strip(), raw, diagnostics)
    if given := {name.partition(".")[2]: text for name, text in typed.items() if name.partition(".")[0] == "where"}:
        applied.where = conditions_of(typed, diagnostics)
        applied.values["where"] = cast("JsonValue", given)
    if "records" in typed:
        argument = display_argument(f"records={typed['records']}")
        diagnostics.provenance.add_argument((*validated.path, "records"), argument)
    return applied


def _apply_run_settings(applied: AppliedShorthands, typed: Mapping[str, str], diagnostics: Diagnostics) -> None:
    for name in _RUN_SHORTHANDS:
        if name not in typed:
            continue
        diagnostics.provenance.add_argument(("run", name), display_argument(f"{name}={typed[name]}"))
        data = {**applied.run.model_dump(mode="json"), name: typed[name]}
        found = validate_data(
            TypeAdapter(RunSettings), data, ("run",), lambda loc: None if loc else RunSettings, diagnostics
        )
        if found:
            applied.run = found
            value: Any = getattr(found, name)
            applied.values[name] = _plain(value)


def _apply_labels(
    applied: AppliedShorthands, typed: Mapping[str, str], path: KeyPath, diagnostics: Diagnostics
) -> None:
    for name, text in typed.items():
        first, _, answer = name.partition(".")
        if first != "labels":
            continue
        if not answer or not text.strip():
            todo = "write for example labels.yes=violates: an answer of people, and its verdict, or `missing`"
            diagnostics.add(argument_location(name, text), "this names no answer and verdict", todo=todo)
            diagnostics.mark_reported((*path, "measures", "labels"))
            continue
        applied.labels[answer] = text.strip()
        diagnostics.provenance.add_argument((*path, "measures", "labels", answer), display_argument(f"{name}={text}"))
    if applied.labels:
        applied.values["labels"] = cast("JsonValue", dict(applied.labels))


def _apply_split(applied: AppliedShorthands, typed: Mapping[str, str], path: KeyPath, diagnostics: Diagnostics) -> None:
    if (sign := typed.get("split")) is None:
        return
    where = (*path, "measures", "split")
    diagnostics.provenance.add_argument(where, display_argument(f"split={sign}"))
    if 0 < len(sign) <= MOST_SPLIT_CHARACTERS:
        applied.split = sign
        applied.values["split"] = sign
        return
    what = "`split` is empty" if not sign else f"`split` has more than {MOST_SPLIT_CHARACTERS} characters"
    diagnostics.add_at(where, what, todo="write the sign that stands between the answers in a cell, as in split=';'")


def _apply_records(applied: AppliedShorthands, typed: Mapping[str, str], diagnostics: Diagnostics) -> None:
    changes = {
        name: text
        for name, text in typed.items()
        if name.partition(".")[0]
        not in ("records", "queries", "corpus", "where", "labels", "split", "truth", *_RUN_SHORTHANDS)
    }
    source: RecordStorage | None = None
    name = applied.records
    if "records" in typed:
        text = typed["records"].strip()
        applied.values["records"] = text
        if text in applied.storage:
            name = text
        elif (source := new_source(text, applied.storage, diagnostics)) is None:
            return
    if source is None:
        config = applied.storage.get(name)
        applied.records = name
        if config is None or not changes:
            return
        source = source_of(config)
        name = name if config is source else _unused_name(applied.storage)
    else:
        name = _unused_name(applied.storage)
        at = "path" if isinstance(source, FileStorage) else "dataset"
        shown = display_argument(f"records={typed['records']}")
        diagnostics.provenance.add_argument(("storage", name), shown)
        diagnostics.provenance.add_argument(("storage", name, at), shown)
    applied.records = name
    applied.storage = {
        **applied.storage,
        name: changed_source(source, changes, ("storage", name), applied.values, diagnostics),
    }


def _apply_queries(applied: AppliedShorthands, text: str, raw: Mapping[str, str], diagnostics: Diagnostics) -> None:
    where, parameter = argument_location("queries", text), applied.records.partition(".")[2]
    applied.values["queries"] = text
    if parameter in raw:
        todo = f"leave out {parameter}= or queries="
        diagnostics.add(where, f"there is a question in '{parameter}' and a file of questions", todo=todo)
    path = (Path.cwd() / expanded(Path(text))).absolute()
    if source := queries_source(text, path, where, nearby_sources(text, path), diagnostics):
        applied.queries = QUERIES_STORAGE
        applied.storage = {**applied.storage, QUERIES_STORAGE: source}
        diagnostics.provenance.add_argument(("storage", QUERIES_STORAGE), display_argument(f"queries={text}"))


def _apply_corpus(applied: AppliedShorthands, validated: ValidatedFlow, text: str, diagnostics: Diagnostics) -> None:
    applied.values["corpus"] = text
    if text in applied.storage:
        applied.corpus = text
    elif found := corpus_named(text, argument_location("corpus", text), applied.storage, diagnostics):
        applied.corpus = CORPUS_STORAGE
        applied.storage = {**applied.storage, CORPUS_STORAGE: found}
        argument = display_argument(f"corpus={text}")
        for path in (("storage", CORPUS_STORAGE), ("storage", CORPUS_STORAGE, "source"), (*validated.path, "corpus")):
            diagnostics.provenance.add_argument(path, argument)
    else:
        # What was named is a mistake, so the flow's own is not searched, and not missed.
        diagnostics.mark_reported((*validated.path, "corpus"))


def _unused_name(storage: Mapping[str, StorageConfig]) -> str:
    name = "records"
    while name in storage:
        name += "_"
    return name


def _plain(value: Any) -> JsonValue:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, Path) else value
