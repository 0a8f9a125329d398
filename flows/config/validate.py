"""Validates plain data against the contract's models, and reports each invalid value at its line.

An invalid value is reported once and then left out, so that the rest of the flow can still be checked in the same pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from contract.base import JsonValue
from contract.flow import FlowParameter, FlowSpec, Gate, GateField, Loop, Step
from contract.measures import Measures
from flows.config.commented_values import comment_in_place
from flows.config.diagnostics import Diagnostics, closest_name, is_secret_setting, join_names, may_hold_secret
from flows.config.error_locations import data_path
from flows.config.nested_data import Data, delete_at, is_value_at, names_within, put_value, value_at
from flows.config.plain_words import (
    FILE_ENDINGS,
    allowed_words,
    display_kind,
    explained,
    holder_of,
    list_advice,
    mapping_advice,
    plain_message,
)
from flows.config.provenance import KeyPath
from flows.config.truth_values import numbers_from_truth
from flows.config.written_numbers import restore_words

ModelAt: TypeAlias = Callable[[KeyPath], "type[BaseModel] | None"]
T = TypeVar("T")
_MAX_ATTEMPTS = 30
_MEANT = 0.8
"""Likeness (0 to 1) from which a misspelt field counts as the one that was meant, so that what it holds is checked."""
_FIELDS_OF_WORDS = ("labels", "missing", "positive", "order")
"""Fields of measures that hold verdicts and answers of people."""
_PLACEHOLDERS: dict[str, JsonValue] = {"max_rounds": 1}
"""Replaces a required field that is missing or invalid, so that the node with it can still be checked."""


@dataclass
class ValidatedFlow:
    """A flow whose data fits the contract, after invalid values were left out."""

    spec: FlowSpec
    path: KeyPath
    incomplete: set[KeyPath] = field(default_factory=set[KeyPath])
    """Nodes from which a value was left out: what they lack is not reported again."""
    dropped: set[str] = field(default_factory=set[str])
    """Names of steps that were left out completely."""


def validate_flow(name: str, data: Mapping[str, JsonValue], diagnostics: Diagnostics) -> ValidatedFlow | None:
    """The flow that `data` describes; None when too little of it fits."""
    path = ("flows", name)
    content: Data = copy.deepcopy(dict(data))
    content.setdefault("name", name)
    if isinstance(content.get("measures"), dict):
        numbers = diagnostics.provenance.numbers
        content["measures"] = restore_words(content["measures"], (*path, "measures"), _FIELDS_OF_WORDS, numbers)
    validator = _Validator(path, content, diagnostics, lambda at: _flow_model_at(at, content))
    if isinstance(content.get("steps"), dict):
        _drop_non_mappings(cast("Data", content["steps"]), (*path, "steps"), validator)
    spec = validator.validate(TypeAdapter(FlowSpec))
    return ValidatedFlow(spec, path, validator.incomplete, validator.dropped) if spec else None


def validate_data(
    adapter: TypeAdapter[T], data: Mapping[str, JsonValue], path: KeyPath, model_at: ModelAt, diagnostics: Diagnostics
) -> T | None:
    """`data` as the adapter's type; None, with every invalid value reported, when it does not fit."""
    validator = _Validator(path, copy.deepcopy(dict(data)), diagnostics, model_at)
    value = validator.validate(adapter)
    return None if validator.incomplete else value


@dataclass
class _Validator:
    path: KeyPath
    data: Data
    diagnostics: Diagnostics
    model_at: ModelAt
    incomplete: set[KeyPath] = field(default_factory=set[KeyPath])
    dropped: set[str] = field(default_factory=set[str])
    reported: set[KeyPath] = field(default_factory=set[KeyPath])
    left_out: set[KeyPath] = field(default_factory=set[KeyPath])
    """Nodes that were left out as a whole."""

    def validate(self, adapter: TypeAdapter[T]) -> T | None:
        for _ in range(_MAX_ATTEMPTS):
            try:
                value = adapter.validate_python(self.data)
                if not self._drop_truth_values(value):
                    return value
                continue
            except ValidationError as error:
                all_details = error.errors(include_url=False, include_context=True)
            # Misspelt fields first: the right name is then not missing. What was left out has no second mistake.
            located = [(details, data_path(self.data, details["loc"])) for details in all_details]
            located.sort(key=lambda one: one[0]["type"] != "extra_forbidden")
            repaired = [
                not is_value_at(self.data, loc) or self._report_and_drop(details, loc) for details, loc in located
            ]
            if not any(repaired):
                return None
        return None

    def _drop_truth_values(self, value: object) -> bool:
        """Reports `yes` in the place of numbers, and leaves it out; returns whether there was any."""
        found = list(numbers_from_truth(self.data, value))
        for loc, error_type in found:
            self._report_and_drop({"type": error_type, "loc": loc, "input": value_at(self.data, loc)}, loc)
        return bool(found)

    def _report_and_drop(self, details: Mapping[str, Any], loc: KeyPath) -> bool:
        error_type: str = details["type"]
        holder = loc if error_type in ("missing", "union_tag_not_found") else loc[:-1]
        self.incomplete.add(self.path + self._node_path(holder))
        if error_type == "missing":
            return self._handle_missing(loc, str(details["loc"][-1]))
        if error_type == "union_tag_invalid":
            self._report_unknown_tag(loc, details)
            return delete_at(self.data, loc) if loc else False
        if not loc or error_type == "union_tag_not_found":
            # A mapping that lacks a value just left out of it is no second mistake.
            if not any(path[:-1] == loc for path in self.reported):
                self.diagnostics.add_at(self.path + loc, plain_message(details))
            return self._drop_node(loc)
        if error_type == "extra_forbidden":
            if self._report_extra(loc):
                return True
        elif not self._is_emptied(loc, error_type):
            self._report_invalid(loc, details)
        self.reported.add(loc)
        return delete_at(self.data, loc)

    def _node_path(self, loc: KeyPath) -> KeyPath:
        """The step, loop, gate or parameter that holds `loc`."""
        for length in range(len(loc), 0, -1):
            if length > 1 and loc[length - 2] in ("steps", "loop", "parameters"):
                return loc[:length]
        return ()

    def _handle_missing(self, holder: KeyPath, name: str) -> bool:
        if is_value_at(self.data, (*holder, name)):
            return True
        if (*holder, name) not in self.reported:
            self._report_missing(holder, name)
        if name in _PLACEHOLDERS:
            return put_value(self.data, (*holder, name), _PLACEHOLDERS[name])
        return self._drop_node(holder)

    def _report_missing(self, holder: KeyPath, name: str) -> None:
        model = self.model_at(holder)
        what = f"{_quoted_name(holder, self.path)} lacks `{name}`"
        self.diagnostics.add_at(self.path + holder, what, todo=f"add `{name}: …`{explained(model, name)}")

    def _is_emptied(self, loc: KeyPath, error_type: str) -> bool:
        """Whether what is too short here held something that was left out for a mistake of its own."""
        return error_type == "too_short" and any(path[: len(loc)] == loc for path in self.reported | self.left_out)

    def _report_extra(self, loc: KeyPath) -> bool:
        """Reports the field; returns whether it was taken for the one that it is nearly called."""
        model = self.model_at(loc[:-1])
        names = list(model.model_fields) if model else []
        what = f"{_quoted_name(loc[:-1], self.path)} has no field '{loc[-1]}'"
        todo = f"its fields are {join_names(names)}" if names else None
        begun = [name for name in names if name.startswith(f"{loc[-1].lower()}_")]
        near = begun[0] if len(begun) == 1 else closest_name(loc[-1], names)
        if near is None and {"parameters", "variants"} <= set(names):
            todo = f"a parameter of the agent belongs below `parameters:`, or as a list below `variants:`; {todo}"
        if self.path[:1] == ("storage",) and loc[-1] in Measures.model_fields:
            near, todo = None, "it belongs below `measures:` in the flow, indented"
        elif inner := holder_of(loc[-1], model):
            todo = f"it belongs below `{inner}:`, indented"
        elif near is None and (lacked := self._lacked_instead(loc, model)):
            what, todo = f"{what}, and lacks `{lacked}`", f"write `{lacked}: …`{explained(model, lacked)} in its place"
            self.reported.add((*loc[:-1], lacked))
        self.diagnostics.add_at(self.path + loc, what, nearest=near, todo=todo)
        holder = value_at(self.data, loc[:-1]) if loc[:-1] else self.data
        likeness = SequenceMatcher(None, near or "", loc[-1].lower()).ratio()
        if near is None or near in holder or (likeness < _MEANT and near not in begun):
            return False
        holder[near] = holder.pop(loc[-1])
        self.diagnostics.provenance.copy_below(self.path + loc, (*self.path, *loc[:-1], near), overwrite=True)
        return True

    def _lacked_instead(self, loc: KeyPath, model: type[BaseModel] | None) -> str | None:
        """The one required field that is lacking beside the one unknown field there: both are one mistake."""
        holder: Any = value_at(self.data, loc[:-1]) if loc[:-1] else self.data
        known = model.model_fields if model else {}
        lacked = [name for name, field in known.items() if field.is_required() and name not in holder]
        unknown = [name for name in holder if name not in known]
        return lacked[0] if len(lacked) == 1 and len(unknown) == 1 else None

    def _report_invalid(self, loc: KeyPath, details: Mapping[str, Any]) -> None:
        path, value = self.path + loc, details.get("input")
        if details["loc"] and details["loc"][-1] == "[key]":
            self.left_out.add(loc)
            todo = "use lower-case letters, digits and underscores, a letter first"
            self.diagnostics.add_at(path, f"'{loc[-1]}' cannot be a name", todo=todo)
            self.dropped |= {loc[-1], *names_within(value_at(self.data, loc))}
            return
        if value is None and (comment := comment_in_place(self.diagnostics.provenance.location(path))):
            self.diagnostics.add_at(path, comment[0], todo=comment[1])
            self.diagnostics.mark_reported(path)
            return
        said, name = plain_message(details), self._name_of(loc)
        is_shown = type(value) not in (dict, list, tuple) or said.startswith("it should")
        is_shown = is_shown and not may_hold_secret(name, value) and not is_secret_setting(path, value)
        shown = f" {display_kind(value)}, but" if is_shown else ""
        # An entry of a list has a number and no name.
        of = "" if name == loc[-1] else "an entry of "
        self.diagnostics.add_at(
            path,
            f"{of}`{name}`{shown} {said}",
            nearest=closest_name(str(cast("object", value)), allowed_words(details)),
            todo=list_advice(loc[-1], details) or mapping_advice(loc, details) or self._fields_within(loc, details),
        )
        # What is left out because of this is looked for nowhere, and is missed by no other check.
        self.diagnostics.mark_reported(path)

    def _fields_within(self, loc: KeyPath, details: Mapping[str, Any]) -> str | None:
        """The names of the lines that belong below a name, where one value stands in their place."""
        model = self.model_at(loc) if details["type"] in ("model_type", "model_attributes_type") else None
        return f"its fields are {join_names(model.model_fields)}" if model else None

    def _name_of(self, loc: KeyPath) -> str:
        """The name of the value there; of an entry of a list, that of the list."""
        at = len(loc) - 1
        while at > 0 and isinstance(value_at(self.data, loc[:at]), list | tuple):
            at -= 1
        return loc[at]

    def _report_unknown_tag(self, loc: KeyPath, details: Mapping[str, Any]) -> None:
        context = details["ctx"]
        tags = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        key = str(context["discriminator"]).strip("'")
        tag = str(context["tag"])
        near = "file" if "file" in tags and f".{tag.lower()}" in FILE_ENDINGS else closest_name(tag, tags)
        what = f"`{key}` is '{tag}'"
        self.diagnostics.add_at((*self.path, *loc, key), what, nearest=near, todo=f"write one of {join_names(tags)}")

    def _drop_node(self, loc: KeyPath) -> bool:
        node = self._node_path(loc)
        if not node:
            return False
        self.dropped |= {node[-1], *names_within(value_at(self.data, node))}
        self.left_out.add(node)
        return delete_at(self.data, node)


def _quoted_name(loc: KeyPath, path: KeyPath) -> str:
    return f"'{(loc or path)[-1]}'" if loc or path else "this file"


def _drop_non_mappings(nodes: Data, path: KeyPath, validator: _Validator) -> None:
    for name, node in list(nodes.items()):
        if not isinstance(node, dict):
            what = f"'{name}' is {'empty' if node is None else repr(node)}, but it should be a step"
            validator.diagnostics.add_at((*path, name), what, todo="write at least `agent: …` below it, indented")
            validator.dropped.add(name)
            del nodes[name]
            continue
        loop = cast("Data", node).get("loop")
        if isinstance(loop, dict):
            _drop_non_mappings(cast("Data", loop), (*path, name, "loop"), validator)


def _flow_model_at(loc: KeyPath, data: Data) -> type[BaseModel] | None:
    if not loc:
        return FlowSpec
    if loc == ("measures",):
        return Measures
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
