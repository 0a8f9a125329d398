"""Shorthands: what a request may say of a study's records and cost without knowing how storages are written.

records=my_posts.csv columns.text=body columns.ground_truth.violating=label labels.yes=violates sample=100 seed=7
budget=5.00 shards=8

A flow that declares a parameter of such a name keeps it for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.run import RunSettings
from contract.storage import FileStorage, HuggingFaceStorage, RecordStorage, StorageConfig
from flows.check.sources import source_of
from flows.config.arguments import PARTED
from flows.config.diagnostics import Findings, argument_text, listed, nearest
from flows.config.provenance import KeyPath
from flows.config.validate import ShapedFlow, fitted
from flows.storage.names import name_of

_OF_RECORDS = ("records", "columns", "sheet", "encoding", "sample", "seed", "shards", "shard")
_OF_RUN = ("sample", "seed", "shards", "shard", "budget")
TYPES: Mapping[str, Any] = {
    "records": str | None,
    "columns": dict[str, str] | None,
    "labels": dict[str, str] | None,
    "sheet": str | None,
    "encoding": str | None,
    "sample": int | None,
    "seed": int | None,
    "budget": float | None,
    "shards": int | None,
    "shard": str | None,
}
"""Shorthand -> the type that a form asks for."""
_HUB = "hf:"


@dataclass
class Shortened:
    """What a request makes of a flow's records and run."""

    records: str
    """The flow's `records`, perhaps another storage than the one it names."""
    storage: Mapping[str, StorageConfig]
    run: RunSettings
    labels: dict[str, str] = field(default_factory=dict[str, str])
    """What people's answers mean, beside what the flow says of it."""
    given: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The shorthands that were given, typed: a part of the study's request."""
    rest: dict[str, str] = field(default_factory=dict[str, str])
    """What of the request is not a shorthand here."""

    def laid_over(self, flow: FlowSpec) -> FlowSpec:
        """The flow with these records and labels."""
        change: dict[str, Any] = {"records": self.records}
        if flow.measures and self.labels:
            change["measures"] = flow.measures.model_copy(update={"labels": {**flow.measures.labels, **self.labels}})
        return flow.model_copy(update=change)


def offered(flow: FlowSpec) -> list[str]:
    """The shorthands that a request to this flow may give."""
    reads = flow.records.partition(".")[0] != "parameters"
    absent = {*flow.parameters, *(() if reads else _OF_RECORDS)}
    compares = flow.measures is not None and flow.measures.truth is not None
    return [name for name in TYPES if name not in absent and (compares or name != "labels")]


def as_arguments(request: Mapping[str, JsonValue]) -> list[str]:
    """A study's request as one would type it: `compose` makes the same study of it."""
    typed = list[str]()
    for name, value in request.items():
        if name in PARTED and isinstance(value, dict):
            typed += [f"{name}.{part}={part_value}" for part, part_value in value.items()]
        elif isinstance(value, list):
            # A single one is written as it is, so that it may be a text with commas.
            several = f"[{', '.join(map(str, value))}]"
            typed.append(f"{name}={value[0] if len(value) == 1 else several}")
        elif value is not None:
            typed.append(f"{name}={str(value).lower() if isinstance(value, bool) else value}")
    return typed


def shortened(
    shaped: ShapedFlow,
    raw: Mapping[str, str],
    storage: Mapping[str, StorageConfig],
    run: RunSettings,
    findings: Findings,
) -> Shortened:
    """The flow's records and run as the request wants them; what does not fit is told."""
    names = offered(shaped.spec)
    typed = {name: text for name, text in raw.items() if name.partition(".")[0] in names}
    rest = {name: text for name, text in raw.items() if name not in typed}
    applied = Shortened(shaped.spec.records, storage, run, rest=rest)
    _run(applied, typed, findings)
    _labels(applied, typed, shaped.path, findings)
    _records(applied, typed, findings)
    return applied


def _where(name: str, text: str) -> str:
    return f"command line: {argument_text(f'{name}={text}')}"


def _run(made: Shortened, mine: Mapping[str, str], findings: Findings) -> None:
    for name in _OF_RUN:
        if name not in mine:
            continue
        findings.provenance.add_argument(("run", name), argument_text(f"{name}={mine[name]}"))
        data = {**made.run.model_dump(mode="json"), name: mine[name]}
        found = fitted(TypeAdapter(RunSettings), data, ("run",), lambda loc: None if loc else RunSettings, findings)
        if found:
            made.run = found
            value: Any = getattr(found, name)
            made.given[name] = float(value) if isinstance(value, Decimal) else value


def _labels(made: Shortened, mine: Mapping[str, str], path: KeyPath, findings: Findings) -> None:
    for name, text in mine.items():
        first, _, answer = name.partition(".")
        if first != "labels":
            continue
        if not answer or not text.strip():
            todo = "write for example labels.yes=violates: what people said, and the verdict that it means"
            findings.say(_where(name, text), "this names no answer and verdict", todo=todo)
            continue
        made.labels[answer] = text.strip()
        findings.provenance.add_argument((*path, "measures", "labels", answer), argument_text(f"{name}={text}"))
    if made.labels:
        made.given["labels"] = cast("JsonValue", dict(made.labels))


def _records(made: Shortened, mine: Mapping[str, str], findings: Findings) -> None:
    changes = {
        name: text for name, text in mine.items() if name.partition(".")[0] not in ("records", "labels", *_OF_RUN)
    }
    source: RecordStorage | None = None
    name = made.records
    if "records" in mine:
        text = mine["records"].strip()
        made.given["records"] = text
        if text in made.storage:
            name = text
        elif (source := _new_source(text, made.storage, findings)) is None:
            return
    if source is None:
        config = made.storage.get(name)
        made.records = name
        if config is None or not changes:
            return
        source = source_of(config)
        name = name if config is source else _free(made.storage)
    else:
        name = _free(made.storage)
        at = "path" if isinstance(source, FileStorage) else "dataset"
        findings.provenance.add_argument(("storage", name, at), argument_text(f"records={mine['records']}"))
    made.records = name
    made.storage = {**made.storage, name: _changed(source, changes, ("storage", name), made, findings)}


def _free(storage: Mapping[str, StorageConfig]) -> str:
    name = "records"
    while name in storage:
        name += "_"
    return name


def _new_source(text: str, storage: Mapping[str, StorageConfig], findings: Findings) -> RecordStorage | None:
    where = _where("records", text)
    if text.startswith(_HUB) and (named := text.removeprefix(_HUB).strip()):
        folder = (Path.cwd() / Path(named).expanduser()).absolute()
        local = folder.is_dir() or named.startswith((".", "/", "~"))
        if local and not folder.is_dir():
            findings.say(where, f"there is no folder '{named}'", todo="name one that was written by save_to_disk")
            return None
        return HuggingFaceStorage(dataset=str(folder) if local else named)
    path = (Path.cwd() / Path(text).expanduser()).absolute()
    if text and not text.startswith(_HUB) and path.exists():
        return FileStorage(path=path)
    nearby = _beside(text, path)
    todo = f"name a file, a folder of texts, hf:owner/name, or a storage; there are {listed([*nearby, *storage])}"
    what = f"there is neither a file nor a storage '{text}'" if text.strip() else "a file or storage is missing"
    findings.say(where, what, nearest=nearest(text, [*nearby, *storage]), todo=todo)
    return None


def _beside(text: str, path: Path) -> list[str]:
    """Sources in the folder in which that one was looked for, as one would type them."""
    from flows.storage.file import KINDS

    try:
        files = [file for file in path.parent.iterdir() if file.suffix.lower() in KINDS]
    except OSError:
        return []
    return sorted(str(Path(text).parent / file.name) for file in files) if text else []


def _changed(
    source: RecordStorage, changes: Mapping[str, str], path: KeyPath, made: Shortened, findings: Findings
) -> RecordStorage:
    columns = dict(source.columns)
    typed_columns: dict[str, JsonValue] = {}
    update: dict[str, Any] = {}
    for name, text in changes.items():
        first, _, part = name.partition(".")
        argument = argument_text(f"{name}={text}")
        if first == "columns":
            if not part or not text.strip():
                todo = "write for example columns.text=body: a record's field, and the column that it comes from"
                findings.say(_where(name, text), "this names no field and column", todo=todo)
                continue
            columns[part] = typed_columns[part] = text.strip()
            findings.provenance.add_argument((*path, "columns", part), argument)
        elif first not in type(source).model_fields:
            findings.say(_where(name, text), f"{name_of(source)} has no {first}", todo="leave it out")
        else:
            update[first] = made.given[first] = text
            findings.provenance.add_argument((*path, first), argument)
    if typed_columns:
        made.given["columns"] = cast("JsonValue", typed_columns)
    return source.model_copy(update={**update, "columns": columns})
