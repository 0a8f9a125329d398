"""Composition: what a study's folder and the command line say, as checked studies ready to run.

    [study] = compose(["osb"], ["query=When is a slur protected?", "llms=lite"], Path("my_study"))

Files are merged by Hydra; everything that is wrong is found in one pass, before any model is asked, and raised
together as a StudyError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from contract.base import JsonValue
from flows.arguments import Arguments, sort_arguments
from flows.check import Surroundings, check_flow
from flows.documents import Document, read_folders
from flows.findings import SECRET, Findings, argument_text, listed, nearest
from flows.folders import LISTED, choices, find, groups, package_conf, search_folders, shown
from flows.provenance import masked
from flows.registry import InstalledAgents, Registry
from flows.request import applied, tell_missing, tell_unknown, typed_request, understood
from flows.settings import models_of, run_of, section, storages_of
from flows.shape import ShapedFlow, shaped_flow
from flows.study import Study

_TOP_LEVEL = frozenset({"bm", "hydra", "defaults"})


@dataclass(frozen=True)
class Composed:
    """The merged configuration as plain JSON, and which flows of it were asked for."""

    config: dict[str, JsonValue]
    flows: tuple[str, ...]
    folders: tuple[Path, ...]
    request: dict[str, str]
    complete: bool
    """False when a flow that was asked for could not be read at all."""
    words: frozenset[str]
    """The configuration's own names: groups and sections."""


def compose(
    flow_names: Sequence[str],
    overrides: Sequence[str],
    config_dir: Path | None = None,
    *,
    registry: Registry | None = None,
    require_request: bool = True,
) -> list[Study]:
    """The studies that the flow names and the arguments `overrides` ask for, in that order.

    `registry` is for tests; otherwise the installed agents are used. Without `require_request`, required parameters
    may be absent and are listed in `Study.missing_parameters`. Raises StudyError with every mistake found.
    """
    findings = Findings()
    agents: Registry = registry if registry is not None else InstalledAgents()
    composed = compose_config(flow_names, overrides, config_dir, findings)
    shaped = [found for name in composed.flows if (found := _shaped(name, composed, findings))]
    if shaped and len(shaped) == len(composed.flows) and composed.complete:
        known = set[str]().union(*(understood(flow.spec, flow.path, agents) for flow in shaped))
        tell_unknown(composed.request, known, set(composed.words), findings)
    models = models_of(composed.config.get("models"), findings)
    storage = storages_of(composed.config.get("storage"), findings)
    run = run_of(composed.config.get("run"), findings)
    around = Surroundings(composed.folders, agents, models, storage, findings)
    public = cast("dict[str, JsonValue]", masked(composed.config, SECRET))
    studies: list[Study] = []
    for flow in shaped:
        request = typed_request(flow, composed.request, findings)
        if require_request:
            tell_missing(flow, request, composed.request, findings)
        spec = applied(flow, request, composed.request, agents, findings)
        used = check_flow(ShapedFlow(spec, flow.path, flow.incomplete, flow.dropped), around)
        studies.append(
            Study(
                flow=spec,
                request=request.values,
                models=models,
                used_models=used,
                storage=storage,
                run=run,
                folders=composed.folders,
                config=public,
                provenance=findings.provenance,
                missing_parameters=request.missing,
            )
        )
    findings.raise_if_any()
    notices = tuple(findings.notices)
    return [_with_notices(study, notices) for study in studies]


def compose_config(
    flow_names: Sequence[str], overrides: Sequence[str], config_dir: Path | None, findings: Findings
) -> Composed:
    """The merged configuration. What is wrong with files and arguments is put into `findings`."""
    from flows.hydra_layers import Sources, declared_choices, merge
    from flows.resolve import resolved

    folders = _folders(config_dir, findings)
    documents = read_folders(folders)
    words = groups(folders)
    arguments = sort_arguments(overrides, words, _top_level(documents), findings)
    primary = documents.get(found) if (found := find(folders, "config")) else None
    sources = Sources(folders, documents, {})
    for group in LISTED:
        sources.listed[group] = arguments.chosen(group, declared_choices(primary, group))
    sources.listed["flows"] = list(dict.fromkeys([*flow_names, *sources.listed["flows"]]))
    for group in ("models", "storage"):
        sources.listed[group] = sources.listed[group] or choices(folders, group)
    _stand_in_for_broken(sources, findings)
    _drop_unknown(sources.listed, arguments, folders, findings)
    if not sources.listed["flows"] and not findings.problems:
        there = listed(choices(folders, "flows"))
        findings.say("command line", "no flow is named", todo=f"write +flows=[osb]; there are {there}")
    typed = [*_choice_overrides(arguments, folders, primary, findings), *arguments.overrides]
    merged, layers, kept = merge(sources, typed, findings)
    provenance = findings.provenance
    for layer in layers:
        document = sources.document(layer.name)
        if document and document.root and layer.name not in sources.stubs:
            provenance.add_file(document.path, document.root, layer.package)
    _tell_documents([layer.name for layer in layers], sources, findings)
    for text in kept:
        key, _, _ = text.partition("=")
        if not key.startswith("~") and "@" not in key and "." in key:
            provenance.add_argument(tuple(key.lstrip("+").split(".")), argument_text(text))
    config = resolved(_with_second_choice(merged, kept, findings), findings)
    asked = tuple(name for name in sources.listed["flows"] if not findings.is_spoilt(("flows", name)))
    complete = len(asked) == len(sources.listed["flows"])
    return Composed(config, asked, folders, arguments.request, complete, words | _TOP_LEVEL)


def _folders(config_dir: Path | None, findings: Findings) -> tuple[Path, ...]:
    if config_dir is not None and not config_dir.expanduser().is_dir():
        there = config_dir.expanduser().exists()
        what = "this is not a folder" if there else "there is no such folder"
        todo = "name the folder that holds your flows/, prompts/ and so on"
        findings.say(f"command line: --config-dir {config_dir}", what, todo=todo)
        return search_folders(None)
    return search_folders(config_dir)


def _top_level(documents: dict[Path, Document]) -> set[str]:
    found = set(_TOP_LEVEL)
    for path, document in documents.items():
        if path.stem in ("config", "local") and document.root:
            found |= {str(key.value) for key, _ in document.root.value}
    return found


def _stand_in_for_broken(sources: Any, findings: Findings) -> None:
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if (document.broken or document.empty) and find(sources.folders, name) == path and name != "config":
            fallback = package_conf() / "llms/embedded.yaml" if name.startswith("llms/") else None
            sources.stubs[name] = fallback.read_text(encoding="utf-8") if fallback else "{}\n"
    del findings


def _drop_unknown(
    chosen: dict[str, list[str]], arguments: Arguments, folders: Sequence[Path], findings: Findings
) -> None:
    for group, names in chosen.items():
        for name in list(names):
            if find(folders, f"{group}/{name}") is None:
                known = choices(folders, group)
                where = f"command line: {argument_text(arguments.text_of(group, name) or name)}"
                what = f"there is no flow '{name}'" if group == "flows" else f"there is no '{name}' in {group}"
                findings.say(where, what, nearest=nearest(name, known), todo=f"there are {listed(known)}")
                names.remove(name)


def _choice_overrides(
    arguments: Arguments, folders: Sequence[Path], primary: Document | None, findings: Findings
) -> list[str]:
    """The choices in groups of one, as Hydra wants them; unknown ones are told and left out."""
    slots = {
        key
        for entry in (primary.value() if primary else {}).get("defaults", [])
        if isinstance(entry, dict)
        for key in cast("dict[str, Any]", entry)
    }
    kept: list[str] = []
    for choice in arguments.choices:
        if choice.group in LISTED and choice.package is None:
            continue
        known = choices(folders, choice.group)
        unknown = [n for n in choice.names if n != "null" and find(folders, f"{choice.group}/{n}") is None]
        for name in unknown:
            findings.say(
                f"command line: {argument_text(choice.text)}",
                f"there is no '{name}' in {choice.group}",
                nearest=nearest(name, known),
                todo=f"there are {listed(known)}",
            )
        if not unknown:
            key = choice.text.partition("=")[0]
            kept.append(choice.text.lstrip("+") if key.lstrip("+") in slots else choice.text)
    return kept


def _tell_documents(used: Sequence[str], sources: Any, findings: Findings) -> None:
    """Reports broken files that matter here; those that do not are noticed only."""
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if not (document.broken or document.empty) or find(sources.folders, name) != path:
            continue
        group = name.partition("/")[0]
        if name not in (*used, "config"):
            findings.notice(
                f"{shown(path)} is not used here; it has mistakes in it"
                if document.broken
                else f"{shown(path)} is empty"
            )
            continue
        findings.spoil(tuple(name.split("/")) if group == "flows" else (group,))
        for problem in document.problems:
            findings.say(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
        if document.empty and name in ("config", "local"):
            findings.notice(f"{shown(path)} is empty")
        elif document.empty:
            findings.say(f"{shown(path)}:1", "the file is empty", todo="write something in it, or choose another")


def _with_second_choice(merged: Any, kept: Sequence[str], findings: Findings) -> Any:
    """`bm.llms` laid over `llms`; what the command line says of `llms` itself stays."""
    from omegaconf import OmegaConf

    OmegaConf.set_struct(merged, False)
    second: Any = OmegaConf.select(merged, "bm.llms")
    if second:
        typed = {key: merged.llms[key] for text in kept if (key := _llms_key(text)) and key in merged.llms}
        merged.llms = OmegaConf.merge(merged.llms, second, typed)
        findings.provenance.copy_below(("bm", "llms"), ("llms",), over=True)
        for text in kept:
            if key := _llms_key(text):
                findings.provenance.add_argument(("llms", key), argument_text(text))
    return merged


def _llms_key(text: str) -> str | None:
    key = text.partition("=")[0].lstrip("+")
    return key.removeprefix("llms.") if key.startswith("llms.") else None


def _shaped(name: str, composed: Composed, findings: Findings) -> ShapedFlow | None:
    data = section(composed.config, "flows").get(name)
    if not isinstance(data, dict):
        findings.say(f"the flow '{name}'", "its file holds nothing")
        return None
    return shaped_flow(name, _with_fragments(name, data, findings), findings)


def _with_fragments(name: str, flow: dict[str, JsonValue], findings: Findings) -> dict[str, JsonValue]:
    """The flow with the steps brought in by `/agents@agents: …` below its own, which win."""
    brought = flow.get("agents")
    steps = flow.get("steps")
    rest = {key: value for key, value in flow.items() if key != "agents"}
    if not isinstance(brought, dict):
        return rest if brought is None else flow
    path = ("flows", name)
    merged: dict[str, JsonValue] = dict(steps) if isinstance(steps, dict) else {}
    for step, fragment in brought.items():
        holder, at = _holder(merged, step, (*path, "steps"))
        holder[step] = _laid_over(fragment, holder.get(step))
        findings.provenance.copy_below((*path, "agents", step), (*at, step), over=False)
    return {**rest, "steps": merged}


def _holder(
    steps: dict[str, JsonValue], name: str, path: tuple[str, ...]
) -> tuple[dict[str, JsonValue], tuple[str, ...]]:
    """The steps, at the top or in a loop, among which `name` is already; the top if it is in none."""
    if name not in steps:
        for other, node in steps.items():
            inner = node.get("loop") if isinstance(node, dict) else None
            if isinstance(inner, dict):
                found, at = _holder(inner, name, (*path, other, "loop"))
                if name in found:
                    return found, at
    return steps, path


def _laid_over(lower: JsonValue, upper: JsonValue) -> JsonValue:
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {
            key: _laid_over(lower.get(key), upper[key]) if key in upper else lower[key] for key in {**lower, **upper}
        }
    return lower if upper is None else upper


def _with_notices(study: Study, notices: tuple[str, ...]) -> Study:
    from dataclasses import replace

    return replace(study, notices=notices)
