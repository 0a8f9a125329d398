"""Merges the files that make up a configuration, with Hydra.

Plain Hydra looks for the primary config only in its main folder, takes no package in a list of choices, and stops at
the first mistake. So this module completes the defaults list before Hydra sees it. An empty file replaces a file that
cannot be loaded, so that the rest can still be composed and checked in the same pass.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, cast

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.hydra import Hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from flows.config.diagnostics import Diagnostics, closest_name, display_argument, there_are
from flows.config.folders import MULTI_CHOICE_GROUPS, display_path, find_config, group_choices
from flows.config.hydra_source import StudySource, register_study_source
from flows.config.known_fields import fields_at, is_known_field
from flows.config.unknown_names import report_missing_name
from flows.config.yaml_documents import YamlDocument

_MAX_ATTEMPTS = 40
_IN_FILE = re.compile(r"^In '([^']+)': (.*)")
_HYDRA_LOCK = Lock()
"""Hydra has one state for each process, so threads merge one after the other."""


@dataclass(frozen=True)
class Layer:
    """One file of the defaults list, and the package that its content goes to."""

    name: str
    package: tuple[str, ...]


@dataclass
class ConfigSources:
    """What Hydra merges. `stubs` maps the config names that are replaced to the text that replaces them."""

    folders: Sequence[Path]
    documents: Mapping[Path, YamlDocument]
    multi_choices: dict[str, list[str]]
    """Group -> chosen names, for each group of which several may be chosen."""
    stubs: dict[str, str] = field(default_factory=dict[str, str])

    def document(self, name: str) -> YamlDocument | None:
        """The document that a config name stands for."""
        path = find_config(self.folders, name)
        return self.documents.get(path) if path else None


def merge_layers(
    sources: ConfigSources, overrides: list[str], diagnostics: Diagnostics
) -> tuple[DictConfig, list[Layer], list[str]]:
    """The merged configuration, its layers in order, and the overrides that could be applied.

    Adds a problem to `diagnostics` for each that could not. Raises StudyError when nothing can be composed at all.
    """
    overrides = _parseable_overrides(overrides, diagnostics)
    for _ in range(_MAX_ATTEMPTS):
        try:
            return (*_merge_once(sources, overrides), overrides)
        except MissingConfigException as error:
            _stub_missing_config(error, sources, diagnostics)
        except RecursionError:
            diagnostics.add("the defaults lists", "a file brings in itself", todo="leave one of the entries out")
            break
        except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
            failing_overrides = [text for text in overrides if _override_fails(sources, text)]
            if not failing_overrides:
                _report_error(error, sources, diagnostics)
                break
            known = _known_fields(failing_overrides, sources)
            for text in failing_overrides:
                if text not in known:
                    _report_override(text, sources, diagnostics)
            overrides = [
                f"++{text}" if text in known else text
                for text in overrides
                if text in known or text not in failing_overrides
            ]
    diagnostics.raise_if_any()
    raise AssertionError("Hydra could not compose and nothing was found wrong")


def _merge_once(sources: ConfigSources, overrides: list[str]) -> tuple[DictConfig, list[Layer]]:
    register_study_source()
    with TemporaryDirectory(prefix="buttermilk-") as folder, _own_hydra():
        _write_overlay(Path(folder), sources)
        rest = ",".join(_quoted(f"{StudySource.scheme()}://{path}") for path in sources.folders if path.is_dir())
        every = [f"hydra.searchpath=[{rest}]", *overrides]
        with initialize_config_dir(folder, version_base="1.3"):
            loader = _RecordingLoader(GlobalHydra.instance().config_loader().get_search_path())
            cast("Hydra", GlobalHydra.instance().hydra).config_loader = loader
            config = hydra_compose("config", every)
    layers = [
        Layer(result.config_path, tuple(filter(None, (result.package or "").split("."))))
        for result in loader.merged
        if result.config_path and not result.config_path.startswith("hydra/")
    ]
    return config, layers


class _RecordingLoader(ConfigLoaderImpl):
    """Hydra's loader, which keeps the list of the files that it merges: asking for it merges them all again."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self.merged: list[ResultDefault] = []

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        self.merged = defaults
        return super()._compose_config_from_defaults_list(defaults, repo)


@contextmanager
def _own_hydra() -> Generator[None]:
    """Hydra's state for us alone; a program that itself is configured with Hydra has its own back afterwards."""
    with _HYDRA_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = GlobalHydra.instance()
        theirs, instance.hydra = instance.hydra, None
        try:
            yield
        finally:
            GlobalHydra.instance().hydra = theirs


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write_overlay(folder: Path, sources: ConfigSources) -> None:
    primary = sources.document("config")
    content = primary.value() if primary and not primary.broken else {"defaults": ["_self_"]}
    content["defaults"] = complete_defaults(content.get("defaults") or ["_self_"], sources.multi_choices)
    files = {"config": yaml.safe_dump(content, sort_keys=False, allow_unicode=True), **sources.stubs}
    if not sources.document("local"):
        files.setdefault("local", "{}\n")
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def complete_defaults(defaults: Sequence[Any], chosen: Mapping[str, Sequence[str]]) -> list[Any]:
    """The defaults list with the choices of each multi-choice group in its place; each flow gets its own package."""
    completed: list[Any] = []
    remaining = dict(chosen)
    for entry in defaults:
        group = next((key for key in MULTI_CHOICE_GROUPS if isinstance(entry, dict) and key in entry), None)
        completed += _defaults_entries(group, remaining.pop(group, ())) if group else [entry]
    for group, names in remaining.items():
        at = completed.index("local") if "local" in completed else len(completed)
        completed[at:at] = _defaults_entries(group, names)
    return completed


def _defaults_entries(group: str, names: Sequence[str]) -> list[dict[str, Any]]:
    if group == "flows":
        return [{f"flows@flows.{name}": name} for name in names]
    return [{group: list(names)}]


def declared_choices(primary: YamlDocument | None, group: str) -> list[str]:
    """The names that the defaults list of the primary config itself chooses in a multi-choice group."""
    defaults: Any = primary.value().get("defaults") if primary and not primary.broken else None
    for entry in defaults if isinstance(defaults, list) else ():  # type: ignore[reportUnknownVariableType]
        if isinstance(entry, dict) and group in entry:
            names = cast("dict[str, Any]", entry)[group]
            return [names] if isinstance(names, str) else [str(name) for name in names or ()]
    return []


def _parseable_overrides(overrides: list[str], diagnostics: Diagnostics) -> list[str]:
    good: list[str] = []
    for text in overrides:
        where = f"command line: {display_argument(text)}"
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException:
            name, _, value = display_argument(text).partition("=")
            shown = value if value and not {"'", '"'} & set(value) else "value"
            todo = f"put the value in two pairs of quotation marks: write {name}='\"{shown}\"'"
            diagnostics.add(where, "the value cannot be read", todo=todo)
            continue
        if override.is_sweep_override():
            diagnostics.add(where, "this gives several values for one setting", todo="write a list as name=[a,b]")
            continue
        good.append(text)
    return good


def _override_fails(sources: ConfigSources, text: str) -> bool:
    try:
        _merge_once(sources, [text])
    except MissingConfigException:
        return False
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError):
        return True
    return False


def _known_fields(overrides: Sequence[str], sources: ConfigSources) -> list[str]:
    """The overrides that set a declared field which no file writes, such as a model's `settings`."""
    config: Any = OmegaConf.to_container(_merge_once(sources, [])[0], resolve=False)
    return [
        text for text in overrides if text[0] not in "+~" and is_known_field(text.partition("=")[0].split("."), config)
    ]


def _report_override(text: str, sources: ConfigSources, diagnostics: Diagnostics) -> None:
    where = f"command line: {display_argument(text)}"
    key = text.partition("=")[0]
    plain = key.lstrip("+~").partition("@")[0]
    config, _ = _merge_once(sources, [])
    with suppress(OmegaConfBaseException):
        if key[0] == "+" and key[1] != "+" and OmegaConf.select(config, plain) is not None:
            diagnostics.add(where, f"'{plain}' is set already, and + adds what is not", todo=f"write {plain}=…")
            return
    plain_config: Any = OmegaConf.to_container(config, resolve=False)
    words = plain.split(".")
    for length, word in enumerate(words):
        at: Any = OmegaConf.select(config, ".".join(words[:length])) if length else config
        if at is None and word in fields_at(words[:length], plain_config):
            continue
        if at is not None and not isinstance(at, DictConfig):
            diagnostics.add(where, f"'{'.'.join(words[:length])}' is a single value and holds nothing called '{word}'")
            return
        if at is None or (word not in at and word not in fields_at(words[:length], plain_config)):
            report_missing_name(words, length, plain_config, diagnostics, where)
            return
    diagnostics.add(where, "this cannot be applied here", todo=f"look at what '{plain}' holds now with --cfg")


def _stub_missing_config(error: MissingConfigException, sources: ConfigSources, diagnostics: Diagnostics) -> None:
    name = (error.missing_cfg_file or "").strip("/")
    message = str(error).splitlines()[0]
    parent = found[1] if (found := _IN_FILE.match(message)) else "config"
    group, _, choice = name.rpartition("/")
    document = _document_naming(choice, sources, parent)
    known = group_choices(sources.folders, group) if group else []
    where = f"{display_path(document.path)}:{document.line_of([choice])}" if document else "the configuration"
    todo = there_are(known) if known else f"put a file {name}.yaml into a config folder"
    diagnostics.add(
        where,
        f"there is no '{choice}' in {group or 'the config folders'}",
        nearest=closest_name(choice, known),
        todo=todo,
    )
    if not name or name in sources.stubs:
        diagnostics.raise_if_any()
    sources.stubs[name] = "{}\n"


def _document_naming(choice: str, sources: ConfigSources, parent: str) -> YamlDocument | None:
    """The document that names `choice`. Hydra reports the one whose default was overridden, not the overriding one."""
    first = sources.document(parent)
    every = [first, *sources.documents.values()]
    return next((found for found in every if found and found.has_scalar(choice)), first)


def _report_error(error: Exception, sources: ConfigSources, diagnostics: Diagnostics) -> None:
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    found = _IN_FILE.match(message)
    document = sources.document(found[1] if found else "config")
    what = found[2] if found else message
    quoted = re.findall(r"'([^']+)'", what)
    where = f"{display_path(document.path)}:{document.line_of(quoted)}" if document else "the configuration"
    diagnostics.add(
        where, f"this cannot be composed: {what.rstrip('.')}", todo="correct the defaults list of this file"
    )
