"""Where a study may read and write: in its own folder, beside it, and below the current one; else by permission only.

A study can come from anyone. It may not make records of a file of the user's that is none of its own, nor send what is
read or paid for to somebody's bucket. Whoever types a command may name any place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agents.safety.paths import expanded, is_folder, real_path
from contract.flow import FlowSpec
from contract.models import ModelConfig, ScriptedModel
from contract.run import RunSettings
from contract.secrets import is_loopback_host
from contract.storage import (
    BUCKET_URL_PREFIX,
    BigQueryStorage,
    BucketPlace,
    CorpusStorage,
    FileStorage,
    HuggingFaceStorage,
    PluginStorage,
    RecordStorage,
    SearchableStorage,
    StorageConfig,
    VectorStorage,
    ZoteroStorage,
)
from flows.config.compose_config import ComposedConfig
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path, is_of_package
from flows.config.own_config import how_to_allow
from flows.config.provenance import KeyPath

_AUDIT_SUFFIX = ".jsonl"
_EXAMPLES = {"folder": "runs", "results": "kept", "audit": "audit.jsonl"}


class PlaceCheck:
    """Reports the places that a study's files name and may not. Values of the command line are the user's own."""

    def __init__(self, composed: ComposedConfig, diagnostics: Diagnostics) -> None:
        self._study = [folder for folder in composed.folders if not is_of_package(folder)]
        self._places = composed.allowed.places
        self._diagnostics = diagnostics

    def check_storages(self, flow: FlowSpec, storage: Mapping[str, StorageConfig]) -> None:
        """Checks the storages that the flow reads from and saves to."""
        for name in sorted({flow.records, flow.corpus or flow.records, *flow.save}):
            if config := storage.get(name):
                refused = set[str]()
                for key, place in _places_of(config):
                    path = ("storage", name, *key)
                    if place not in refused and self._check(path, place, inside=self._study, beside=True):
                        refused.add(place)

    def check_gold(self, flow: FlowSpec) -> None:
        """Checks the gold set that the flow's verdicts are compared with."""
        if flow.measures and flow.measures.gold:
            path = ("flows", flow.name, "measures", "truth")
            self._check(path, flow.measures.gold, inside=[*self._study, Path.cwd()])

    def check_models(self, models: Mapping[str, ModelConfig], own: Collection[str]) -> None:
        """Checks the scripts from which scripted models take their replies."""
        for name, config in models.items():
            if isinstance(config, ScriptedModel) and config.path and name not in own:
                self._check(("models", name, "path"), str(config.path), inside=self._study)

    def check_run(self, run: RunSettings) -> None:
        """Checks where runs, results and the audit trail go."""
        audit = None if run.audit is None else str(run.audit)
        for key, value in (("folder", str(run.folder)), ("results", run.results), ("audit", audit)):
            if value is None or self._check(("run", key), value, inside=[*self._study, Path.cwd()], writes=True):
                continue
            if "://" not in value and (blocker := _file_above(Path(value).parent if key == "audit" else Path(value))):
                what = f"`{key}` names {value}, but {display_path(blocker)} is a file and no folder"
                self._diagnostics.add_at(("run", key), what, todo=f"write run.{key}={_EXAMPLES[key]}, or another place")

    def _check(
        self, path: KeyPath, place: str, *, inside: list[Path], writes: bool = False, beside: bool = False
    ) -> bool:
        """Whether the place is refused, which it reports."""
        location = self._diagnostics.provenance.location(path)
        if location is None or not location.file or not any(location.file.is_relative_to(f) for f in self._study):
            return False
        if self._is_allowed(place) or self._diagnostics.is_reported(path):
            return False
        if "://" in place:
            what = f"`{path[-1]}` names {place}, which a study may not choose by itself"
            todo = f"if it is yours, {how_to_allow('places', f'- {place}')}"
        else:
            if beside and any(_stands_beside(Path(place), folder) for folder in inside):
                self._diagnostics.add_notice(
                    f"'{path[1]}' reads {display_path(Path(place))}, which is beside the study"
                )
                return False
            problem = _file_problem(Path(place), inside, is_hidden=writes, suffix=path[-1] == "audit")
            if problem is None:
                return False
            what = f"`{path[-1]}` names {place}, which {problem}"
            todo = "put the file itself into the study's folder, or name it on the command line; if it is to be used, "
            todo += how_to_allow("places", f"- {real_path(expanded(Path(place)))}")
        self._diagnostics.add_at(path, what, todo=todo)
        self._diagnostics.mark_reported(path)
        return True

    def _is_allowed(self, place: str) -> bool:
        for allowed in self._places:
            if "://" in allowed or "://" in place:
                is_below = place.startswith(allowed.rstrip("/") + "/") and not _has_dots(place)
                if place == allowed or is_below:
                    return True
            elif real_path(expanded(Path(place))).is_relative_to(real_path(expanded(Path(allowed)))):
                return True
        return False


def _file_above(folder: Path) -> Path | None:
    """The file, if there is one, that stands where the folder or one above it has to be."""
    path = expanded(folder).absolute()
    there = next(one for one in (path, *path.parents) if one.exists())
    return None if there.is_dir() else there


def _has_dots(address: str) -> bool:
    """Whether a part of the address is `..` or `.`, which some libraries take out, so that it leads elsewhere."""
    return any(part in (".", "..") for part in re.split(r"[/\\]", unquote(address)))


def _stands_beside(path: Path, folder: Path) -> bool:
    """Whether data is beside the study's folder, as in a project that holds both; no link may lead there.

    What is beside a study in the user's home itself belongs to no project. Nothing hidden is data.
    """
    project = folder.absolute().parent
    if Path.home().resolve().is_relative_to(project.resolve()):
        return False
    written = Path(os.path.normpath(expanded(path).absolute()))
    if not written.is_relative_to(project) or written.is_relative_to(folder.absolute()):
        return False
    within = written.relative_to(project)
    return project.resolve() / within == real_path(expanded(path)) and not any(
        part.startswith(".") for part in within.parts
    )


def _file_problem(path: Path, inside: list[Path], *, is_hidden: bool, suffix: bool) -> str | None:
    path = expanded(path).absolute()
    real = real_path(path)
    folder = next((folder.resolve() for folder in inside if real.is_relative_to(folder.resolve())), None)
    if folder is None:
        is_link = any(path.is_relative_to(folder.absolute()) for folder in inside) and ".." not in path.parts
        return "is a link that leads out of the study's folder" if is_link else "is outside the study's folder"
    if is_hidden and any(part.startswith(".") for part in real.relative_to(folder).parts):
        return "is hidden"
    return f"does not end in {_AUDIT_SUFFIX}" if suffix and real.suffix != _AUDIT_SUFFIX else None


def _places_of(config: StorageConfig) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(config, SearchableStorage):
        yield from ((("source", *key), place) for key, place in _places_of(config.source))
        yield from _index_places(config)
    else:
        yield from _source_places(config)


def _source_places(config: RecordStorage) -> Iterator[tuple[KeyPath, str]]:
    match config:
        case FileStorage():
            yield from _files(config)
        case HuggingFaceStorage():
            if is_folder(Path(config.dataset)):
                yield ("dataset",), config.dataset
        case BigQueryStorage():
            yield from _each(("project", "dataset", "table"), f"bigquery://{config.project}", config.endpoint)
        case ZoteroStorage():
            yield from _library_places(config)
        case PluginStorage():
            # The reader may reach whatever its package can, so a study may not choose its settings either.
            for key in (("reader",), *(("settings", name) for name in config.settings)):
                yield key, f"plugin://{config.reader}"
        case _:
            yield from _bucket(config, "bucket", "path")


def _files(config: FileStorage) -> Iterator[tuple[KeyPath, str]]:
    yield ("path",), str(config.path)
    if config.labels_from is not None:
        yield ("labels_from", "path"), str(config.labels_from.path)


def _library_places(config: ZoteroStorage) -> Iterator[tuple[KeyPath, str]]:
    if config.path is not None:
        yield ("path",), str(config.path)
    elif config.library is not None:
        # One's own library is nothing that a study of somebody else may read, though it is on this machine.
        for key in ("library", "collection", "endpoint", "api_key_env"):
            yield (key,), f"zotero://{config.library}" if config.endpoint is None else config.origin
    if config.attachments is not None:
        yield ("attachments",), str(config.attachments)


def _index_places(config: SearchableStorage) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(config, CorpusStorage) and config.kept_in:
        yield from _bucket(config.kept_in, "kept_in")
    elif isinstance(config, VectorStorage) and config.path.startswith(BUCKET_URL_PREFIX):
        yield from _remote("path", config.path, config.endpoint)
    elif isinstance(config, VectorStorage):
        yield ("path",), config.path


def _bucket(place: BucketPlace, *keys: str) -> Iterator[tuple[KeyPath, str]]:
    yield from _each(keys, f"{BUCKET_URL_PREFIX}{place.bucket}/{place.path}".rstrip("/"), place.endpoint)


def _each(keys: Iterable[str], place: str, endpoint: str | None) -> Iterator[tuple[KeyPath, str]]:
    """The place for each part of it: a study's file may change one part of what a package names."""
    for key in keys:
        yield from _remote(key, place, endpoint)


def _remote(key: str, place: str, endpoint: str | None) -> Iterator[tuple[KeyPath, str]]:
    """The place; where it is kept at another address than Google's, that address. This machine may always be asked."""
    if endpoint is None:
        yield (key,), place
    elif not is_loopback_host(urlsplit(endpoint).hostname or ""):
        yield (key,), endpoint
