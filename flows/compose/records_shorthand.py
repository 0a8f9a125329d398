"""The records that a request names: `records=my_posts.csv columns.text=body`, `records=hf:owner/name`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from agents.safety.paths import expanded, is_folder, is_link, is_there
from contract.base import JsonValue
from contract.storage import FileStorage, HuggingFaceStorage, RecordStorage, StorageConfig
from flows.config.diagnostics import Diagnostics, closest_name, display_argument, there_are
from flows.config.provenance import KeyPath
from flows.config.validate import validate_data
from flows.storage.factory import model_at
from flows.storage.names import source_name

_HUB_PREFIX = "hf:"


def argument_location(name: str, text: str) -> str:
    """Where a shorthand was typed, as mistakes name it."""
    return f"command line: {display_argument(f'{name}={text}')}"


def new_source(text: str, storage: Mapping[str, StorageConfig], diagnostics: Diagnostics) -> RecordStorage | None:
    """The source that `records=` names: a file, a folder, a data set; None, and a mistake, where it is none of them."""
    where = argument_location("records", text)
    if text.startswith(_HUB_PREFIX) and (named := text.removeprefix(_HUB_PREFIX).strip()):
        folder = (Path.cwd() / expanded(Path(named))).absolute()
        local = is_folder(folder) or named.startswith((".", "/", "~"))
        if local and not is_folder(folder):
            diagnostics.add(where, f"there is no folder '{named}'", todo="name one that was written by save_to_disk")
            return None
        return HuggingFaceStorage(dataset=str(folder) if local else named)
    path = (Path.cwd() / expanded(Path(text))).absolute()
    if text and not text.startswith(_HUB_PREFIX) and is_there(path):
        return FileStorage(path=path)
    if diagnostics.is_reported(("storage", text)):
        return None
    if problem := _dead_link(path) or _mistaken_source(text):
        diagnostics.add(where, problem[0], todo=problem[1])
        return None
    nearby = nearby_sources(text, path)
    todo = f"name a file, a folder of texts, hf:owner/name, or a storage; {there_are([*nearby, *storage])}"
    what = f"there is neither a file nor a storage '{text}'" if text.strip() else "a file or storage is missing"
    diagnostics.add(where, what, nearest=closest_name(text, [*nearby, *storage]), todo=todo)
    return None


def _dead_link(path: Path) -> tuple[str, str] | None:
    """What is wrong, and what to do, where the source is a link that leads nowhere, or in a circle."""
    if not is_link(path) or is_there(path):
        return None
    return "this is a link that leads nowhere", "name the file or folder itself"


def _mistaken_source(text: str) -> tuple[str, str] | None:
    """What is wrong, and what to do, where a source is an address, several sources, or two settings in one."""
    if re.match(r"https?://", text):
        return "records are not read from an address", "download the file, and name it here"
    if text.startswith("[") and "," in text:
        todo = "name their folder, and which of its files: records=my_folder files='part_*.csv'"
        return "it names several sources", todo
    if found := re.search(r"[\s,]+([a-z_]+(?:\.\w+)?=.*)", text):
        first, second = text[: found.start()], found[1]
        return "two settings stand in one pair of quotation marks", f"write records={first} {second}"
    return None


def nearby_sources(text: str, path: Path) -> list[str]:
    """Readable files in the folder of `path`, spelled as a user would type them."""
    from flows.storage.file import READABLE_SUFFIXES

    try:
        files = [file for file in path.parent.iterdir() if file.suffix.lower() in READABLE_SUFFIXES]
    except OSError:
        return []
    return sorted(str(Path(text).parent / file.name) for file in files) if text else []


def changed_source(
    source: RecordStorage,
    changes: Mapping[str, str],
    path: KeyPath,
    values: dict[str, JsonValue],
    diagnostics: Diagnostics,
) -> RecordStorage:
    """The source with those settings in place of its own, and the settings with typed values added to `values`.

    What does not fit is reported, and the source stays as it is.
    """
    columns = dict(source.columns)
    typed_columns: dict[str, JsonValue] = {}
    labels: dict[str, JsonValue] = {}
    update: dict[str, Any] = {}
    for name, text in changes.items():
        first, _, part = name.partition(".")
        argument = display_argument(f"{name}={text}")
        if first == "columns":
            if not part or not text.strip():
                todo = "write for example columns.text=body: a record's field, and the column that it comes from"
                diagnostics.add(argument_location(name, text), "this names no field and column", todo=todo)
                continue
            columns[part] = typed_columns[part] = text.strip()
            diagnostics.provenance.add_argument((*path, "columns", part), argument)
        elif first == "labels_from" and isinstance(source, FileStorage):
            labels[part] = str((Path.cwd() / expanded(Path(text))).absolute()) if part == "path" else text
            diagnostics.provenance.add_argument((*path, first, part), argument)
        elif first not in type(source).model_fields:
            diagnostics.add(argument_location(name, text), f"{source_name(source)} has no {first}", todo="leave it out")
        else:
            update[first] = values[first] = text
            diagnostics.provenance.add_argument((*path, first), argument)
    if typed_columns:
        values["columns"] = cast("JsonValue", typed_columns)
    if labels:
        labels_before: Any = source.model_dump(mode="json", exclude_unset=True).get("labels_from")
        update["labels_from"] = {**(labels_before or {}), **labels}
        values["labels_from"] = cast("JsonValue", labels)
    # What nobody has set stays so: an encoding that is not set is found by reading.
    before = source.model_dump(mode="json", exclude_unset=True)
    data: dict[str, JsonValue] = {**before, "type": source.type, **update, "columns": {**columns}}
    found = validate_data(TypeAdapter(type(source)), data, path, lambda loc: model_at(data, loc), diagnostics)
    if found is None:
        diagnostics.mark_reported(path)
    return found or source
