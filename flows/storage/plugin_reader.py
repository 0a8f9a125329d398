"""Reads records with the reader of an installed package: a typed function that yields one mapping for each row.

    [project.entry-points."buttermilk.storages"]
    letters = "my_package.archive:read_letters"

    def read_letters(folder: str, since: int = 1700) -> Iterator[dict[str, object]]: ...

The function's parameters are what a storage's `settings` may hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agents.base.entry_points import offers
from contract.errors import StorageError
from contract.storage import PluginStorage
from flows.config.plugins import READER_ENTRY_POINTS
from flows.storage.names import source_name
from flows.storage.rows import MAX_RAW_CHARACTERS, Reject, Row, Rows

Reader: TypeAlias = Callable[..., Iterable[Mapping[str, object]]]
"""The function of a package; keyword arguments are a storage's settings."""


def plugin_rows(storage: PluginStorage) -> Rows:
    """Every row that the reader yields, counted from 1; what is no mapping of columns is a Reject.

    Raises StorageError when there is no such reader, when its settings do not fit, and when it fails.
    """
    reader, name = load_reader(storage.reader), source_name(storage)
    try:
        settings = settings_model(storage.reader, reader).model_validate(storage.settings)
    except ValidationError as error:
        raise StorageError(f"{name}: its settings do not fit: {error.errors()[0]['msg']}") from None
    given: dict[str, Any] = {key: getattr(settings, key) for key in type(settings).model_fields}
    try:
        for line, values in enumerate(reader(**given), 1):
            yield _row(line, values, name)
    except StorageError:
        raise
    except Exception as error:  # another package's code may fail in any way
        raise StorageError(f"{name} failed: {type(error).__name__}: {error}") from error


def _row(line: int, values: object, source: str) -> Row | Reject:
    columns = cast("Mapping[Any, Any]", values) if isinstance(values, Mapping) else None
    if columns is not None and all(isinstance(column, str) for column in columns):
        return Row(line, dict(columns), source)
    return Reject(
        line, "the reader yields no mapping of columns here", repr(cast("object", values))[:MAX_RAW_CHARACTERS], source
    )


def load_reader(name: str) -> Reader:
    """The reader of that name. Raises StorageError when no package brings it, or when it cannot be imported."""
    found = offers(READER_ENTRY_POINTS).get(name)
    if not found:
        raise StorageError(f"no installed package brings a reader '{name}'")
    try:
        loaded: Any = found[0].entry.load()
    except Exception as error:  # importing another package may fail in any way
        raise StorageError(
            f"the reader '{name}' of {found[0].from_package} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(loaded):
        raise StorageError(f"'{found[0].entry.value}' of {found[0].from_package} is no function")
    return cast("Reader", loaded)


def settings_model(name: str, reader: Reader) -> type[BaseModel]:
    """What the reader's `settings` may hold, from its signature; a parameter without a type takes anything."""
    hints = get_type_hints(reader)
    fields: dict[str, Any] = {
        parameter.name: (
            hints.get(parameter.name, Any),
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(reader).parameters.values()
        if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    }
    return create_model(f"{name}_settings", __config__=ConfigDict(extra="forbid"), **fields)
