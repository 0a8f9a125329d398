"""Reads rows of a Hugging Face dataset, on disk or on the hub. Needs the extra `huggingface`.

No code of a dataset is ever run: a dataset that only a script can load is not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from agents.safety.paths import expanded, is_folder
from contract.errors import StorageError
from contract.storage import HuggingFaceStorage
from flows.config.diagnostics import closest_name, listed_beside
from flows.storage.parquet import binary_or_json
from flows.storage.rows import Row, Rows
from flows.storage.values import import_optional

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def local_folder(storage: HuggingFaceStorage) -> Path | None:
    """The dataset's folder on this machine; None when there is none."""
    folder = expanded(Path(storage.dataset))
    return folder if is_folder(folder) else None


def dataset_rows(storage: HuggingFaceStorage) -> Rows:
    """Every row of the split; a dataset on the hub is read as a stream. Pictures stay encoded.

    Raises StorageError when there is no such dataset or split, it cannot be read, or `datasets` is not installed.
    """
    datasets = import_optional("datasets", "huggingface", "reading Hugging Face datasets")
    number = 0
    try:
        for number, values in enumerate(_open_dataset(storage, datasets), start=1):
            yield Row(number, {name: binary_or_json(value) for name, value in values.items()}, storage.dataset)
    except StorageError:
        raise
    except Exception as error:  # files, formats and the network behind `datasets` fail in their own ways
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(f"the dataset {storage.dataset} cannot be read after row {number}: {message}") from error


def _open_dataset(storage: HuggingFaceStorage, datasets: Any) -> Iterator[Mapping[str, Any]]:
    folder = local_folder(storage)
    if folder is not None:
        found = datasets.load_from_disk(str(folder))
        if isinstance(found, Mapping):
            found = _select_split(storage, cast("Mapping[str, Any]", found))
    elif _HUB_NAME.fullmatch(storage.dataset):
        found = datasets.load_dataset(
            storage.dataset, storage.config, split=storage.split, revision=storage.revision, streaming=True
        )
    else:
        raise StorageError(f"there is no folder {storage.dataset}, and a dataset on the hub is named owner/name")
    return iter(_without_decoding(found, datasets))


def _select_split(storage: HuggingFaceStorage, splits: Mapping[str, Any]) -> Any:
    if storage.split not in splits:
        near = closest_name(storage.split, splits)
        meant = f"did you mean '{near}'?" if near else None
        advice = "; ".join(filter(None, (meant, listed_beside(near, splits))))
        raise StorageError(f"the dataset {storage.dataset} has no split '{storage.split}'; {advice}")
    return splits[storage.split]


def _without_decoding(dataset: Any, datasets: Any) -> Iterable[Mapping[str, Any]]:
    """The dataset with its pictures and sounds as bytes, which needs no other library and keeps them unchanged."""
    features: Mapping[str, Any] = dataset.features or {}
    for name, feature in features.items():
        if isinstance(feature, datasets.Image | datasets.Audio):
            dataset = dataset.cast_column(name, type(feature)(decode=False))
    return dataset
