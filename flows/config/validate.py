"""Shape: plain data against the contract's models, each misfit told at its line.

A misfit is told once and then left out, so that the rest of the flow can still be checked in the same pass.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from contract.base import JsonValue
from contract.flow import FlowParameter, FlowSpec, Gate, GateField, Loop, Step
from flows.config.diagnostics import SECRET, Findings, listed, nearest
from flows.config.provenance import KeyPath

Data: TypeAlias = dict[str, Any]
ModelAt: TypeAlias = Callable[[KeyPath], "type[BaseModel] | None"]
T = TypeVar("T")
_ATTEMPTS = 30
_LOGIN = re.compile(r"//[^/@]*@")
_FILLERS: dict[str, JsonValue] = {"max_rounds": 1}
"""What stands in for a required field that is wrong, so that what it belongs to can still be checked."""


@dataclass
class ShapedFlow:
    """A flow whose data fits the contract, after what did not fit was left out."""

    spec: FlowSpec
    path: KeyPath
    incomplete: set[KeyPath] = field(default_factory=set[KeyPath])
    """Nodes from which something was left out: what they lack is not told again."""
    dropped: set[str] = field(default_factory=set[str])
    """Names of steps that were left out altogether."""


def shaped_flow(name: str, data: Mapping[str, JsonValue], findings: Findings) -> ShapedFlow | None:
    """The flow that `data` describes; None when too little of it fits."""
    path = ("flows", name)
    content: Data = copy.deepcopy(dict(data))
    content.setdefault("name", name)
    validator = _Shape(path, content, findings, lambda at: _flow_model(at, content))
    if isinstance(content.get("steps"), dict):
        _drop_non_mappings(cast("Data", content["steps"]), (*path, "steps"), validator)
    spec = validator.fitted(TypeAdapter(FlowSpec))
    return ShapedFlow(spec, path, validator.incomplete, validator.dropped) if spec else None


def fitted(
    kind: TypeAdapter[T], data: Mapping[str, JsonValue], path: KeyPath, model_at: ModelAt, findings: Findings
) -> T | None:
    """`data` as that type; None, with all misfits told, when it does not fit."""
    validator = _Shape(path, copy.deepcopy(dict(data)), findings, model_at)
    value = validator.fitted(kind)
    return None if validator.incomplete else value


@dataclass
class _Shape:
    path: KeyPath
    data: Data
    findings: Findings
    model_at: ModelAt
    incomplete: set[KeyPath] = field(default_factory=set[KeyPath])
    dropped: set[str] = field(default_factory=set[str])
    told: set[KeyPath] = field(default_factory=set[KeyPath])

    def fitted(self, kind: TypeAdapter[T]) -> T | None:
        for _ in range(_ATTEMPTS):
            try:
                return kind.validate_python(self.data)
            except ValidationError as error:
                misfits = error.errors(include_url=False, include_context=True)
            repaired = [self._told_and_left_out(misfit) for misfit in misfits]
            if not any(repaired):
                return None
        return None

    def _told_and_left_out(self, misfit: Mapping[str, Any]) -> bool:
        loc = self._loc(misfit["loc"])
        error_type: str = misfit["type"]
        holder = loc if error_type in ("missing", "union_tag_not_found") else loc[:-1]
        self.incomplete.add(self.path + self._node(holder))
        if error_type == "missing":
            return self._missing(loc, str(misfit["loc"][-1]))
        if error_type == "union_tag_invalid":
            self._tell_tag(loc, misfit)
            return _delete(self.data, loc) if loc else False
        if not loc or error_type == "union_tag_not_found":
            # A whole that lacks what was just left out of it is no second mistake.
            if not any(path[:-1] == loc for path in self.told):
                self.findings.at(self.path + loc, _plain_message(misfit))
            return self._drop_node(loc)
        if error_type == "extra_forbidden":
            self._tell_extra(loc)
        else:
            self._tell_wrong(loc, misfit)
        self.told.add(loc)
        return _delete(self.data, loc)

    def _loc(self, loc: tuple[Any, ...]) -> KeyPath:
        """Pydantic's location without the names of union members: what is there in the data."""
        found: list[str] = []
        at: Any = self.data
        for word in _without_tags(loc):
            if isinstance(at, dict) and word in at:
                at = cast("Data", at)[word]
                found.append(str(word))
            elif isinstance(at, list | tuple) and isinstance(word, int) and word < len(cast("list[Any]", at)):
                at = cast("list[Any]", at)[word]
                found.append(str(word))
        return tuple(found)

    def _node(self, loc: KeyPath) -> KeyPath:
        """The step, loop, gate or parameter that holds `loc`."""
        for length in range(len(loc), 0, -1):
            if length > 1 and loc[length - 2] in ("steps", "loop", "parameters"):
                return loc[:length]
        return ()

    def _missing(self, holder: KeyPath, name: str) -> bool:
        if (*holder, name) not in self.told:
            self._tell_missing(holder, name)
        if name in _FILLERS:
            return _put(self.data, (*holder, name), _FILLERS[name])
        return self._drop_node(holder)

    def _tell_missing(self, holder: KeyPath, name: str) -> None:
        model = self.model_at(holder)
        about = model.model_fields[name].description if model and name in model.model_fields else None
        explained = f" ({' '.join(about.split()).rstrip('.')})" if about else ""
        what = f"{_called(holder, self.path)} lacks `{name}`"
        self.findings.at(self.path + holder, what, todo=f"add `{name}: …`{explained}")

    def _tell_extra(self, loc: KeyPath) -> None:
        model = self.model_at(loc[:-1])
        names = list(model.model_fields) if model else []
        what = f"{_called(loc[:-1], self.path)} has no field '{loc[-1]}'"
        todo = f"its fields are {listed(names)}" if names else None
        self.findings.at(self.path + loc, what, nearest=nearest(loc[-1], names), todo=todo)

    def _tell_wrong(self, loc: KeyPath, misfit: Mapping[str, Any]) -> None:
        path, value = self.path + loc, misfit.get("input")
        if misfit["loc"] and misfit["loc"][-1] == "[key]":
            todo = "use lower-case letters, digits and underscores, a letter first"
            self.findings.at(path, f"'{loc[-1]}' cannot be a name", todo=todo)
            self.dropped |= {loc[-1], *_names_within(_get(self.data, loc))}
            return
        shown = "" if SECRET.search(loc[-1]) or isinstance(value, dict | list | tuple) else f" is {_shown(value)}, but"
        if value is None:
            shown = " is null, but"
        self.findings.at(path, f"`{loc[-1]}`{shown} {_plain_message(misfit)}")

    def _tell_tag(self, loc: KeyPath, misfit: Mapping[str, Any]) -> None:
        context = misfit["ctx"]
        tags = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        key = str(context["discriminator"]).strip("'")
        what, near = f"`{key}` is '{context['tag']}'", nearest(str(context["tag"]), tags)
        self.findings.at((*self.path, *loc, key), what, nearest=near, todo=f"write one of {listed(tags)}")

    def _drop_node(self, loc: KeyPath) -> bool:
        node = self._node(loc)
        if not node:
            return False
        self.dropped |= {node[-1], *_names_within(_get(self.data, node))}
        return _delete(self.data, node)


def _without_tags(loc: tuple[Any, ...]) -> list[Any]:
    """Pydantic names the kind of a node after the node's own name; `loop` would be taken for its field."""
    kept: list[Any] = []
    state = "root"
    for word in loc:
        if state == "tag":
            state = "node"
            continue
        kept.append(word)
        if state == "nodes":
            state = "tag"
        else:
            opens = (state, word) in (("root", "steps"), ("node", "loop"))
            state = "nodes" if opens else "other"
    return kept


def _called(loc: KeyPath, path: KeyPath) -> str:
    return f"'{loc[-1]}'" if loc else f"'{path[-1]}'"


def _shown(value: object) -> str:
    return _LOGIN.sub("//…@", repr(value))


def _plain_message(misfit: Mapping[str, Any]) -> str:
    message = str(misfit["msg"])
    for pydantic_text, plain in (
        ("Input should be", "it should be"),
        ("Value error, ", ""),
        ("Field required", "is missing"),
        ("a valid tuple", "a list"),
        ("a valid dictionary", "a mapping of names"),
        ("a valid string", "text"),
    ):
        message = message.replace(pydantic_text, plain)
    return message[0].lower() + message[1:]


def _get(data: Any, loc: KeyPath) -> Any:
    at = data
    for word in loc:
        at = cast("list[Any]", at)[int(word)] if isinstance(at, list) else cast("Data", at).get(word)
        if at is None:
            return None
    return at


def _put(data: Any, loc: KeyPath, value: JsonValue) -> bool:
    _get(data, loc[:-1])[loc[-1]] = value
    return True


def _names_within(node: Any) -> list[str]:
    inner = cast("Data", node).get("loop") if isinstance(node, dict) else None
    if not isinstance(inner, dict):
        return []
    held = cast("Data", inner)
    return [*held, *(name for below in held.values() for name in _names_within(below))]


def _delete(data: Any, loc: KeyPath) -> bool:
    at = _get(data, loc[:-1])
    if isinstance(at, list):
        items = cast("list[Any]", at)
        if int(loc[-1]) < len(items):
            del items[int(loc[-1])]
            return True
        return False
    return isinstance(at, dict) and cast("Data", at).pop(loc[-1], _ABSENT) is not _ABSENT


_ABSENT = object()


def _drop_non_mappings(nodes: Data, path: KeyPath, shape: _Shape) -> None:
    for name, node in list(nodes.items()):
        if not isinstance(node, dict):
            what = f"'{name}' is {'empty' if node is None else repr(node)}, but it should be a step"
            shape.findings.at((*path, name), what, todo="write at least `agent: …` below it, indented")
            shape.dropped.add(name)
            del nodes[name]
            continue
        loop = cast("Data", node).get("loop")
        if isinstance(loop, dict):
            _drop_non_mappings(cast("Data", loop), (*path, name, "loop"), shape)


def _flow_model(loc: KeyPath, data: Data) -> type[BaseModel] | None:
    if not loc:
        return FlowSpec
    holder = loc[-2] if len(loc) > 1 else ""
    if holder == "parameters" and len(loc) == 2:
        return FlowParameter
    if holder == "fields":
        return GateField
    if holder not in ("steps", "loop"):
        return None
    at: Any = data
    for word in loc:
        at = at[word]
    return Loop if "loop" in at else Gate if "gate" in at else Step
