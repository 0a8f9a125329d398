"""The check of the templates that a flow's steps name: their syntax, their variables, and what they leave out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.prompting.criteria import FILE_SUFFIXES
from agents.prompting.roles import nearest_role
from agents.prompting.templates import Prompts, Template
from contract.errors import PromptError
from contract.judgements import JudgeReasons
from flows.check.metadata import MetadataName
from flows.check.step_types import StepTypes
from flows.check.template_fields import TemplateNames
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.folders import display_path, is_of_package
from flows.config.provenance import KeyPath
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode
from flows.spec.output_types import UNKNOWN_TYPE, is_open

_FILE_AND_LINE = re.compile(r"^(?P<file>/.*?|[A-Za-z]:.*?)(?::(?P<line>\d+))?: (?P<what>.*)$", re.DOTALL)


@dataclass
class TemplateCheck:
    """Checks the templates of one flow."""

    prompts: Prompts
    diagnostics: Diagnostics
    types: StepTypes
    used: dict[str, str] = field(default_factory=dict[str, str])
    """Template -> the first step that uses it."""
    metadata_names: list[MetadataName] = field(default_factory=list[MetadataName])
    """What the templates ask of a record's metadata."""

    def check(self, value: str, path: KeyPath, flow_node: FlowNode, agent: AgentClass) -> None:
        """Reports the mistakes in the template `value` of that step, which is set at `path`."""
        try:
            template = self.prompts.read(value)
            wanted = template.variables
            if not (unusable := list(template.unknown_names())):
                template.compile()
        except PromptError as error:
            self._report_unreadable(error, value, path)
            return
        for mistake in unusable:
            report_file_problem(mistake, path, self.diagnostics)
        self.used.setdefault(value, flow_node.name)
        self._check_headers(template, path)
        known = self._variables(flow_node, agent)
        for name in sorted(wanted - known.keys()):
            where = _line_in(template, name) or self.diagnostics.provenance.where(path)
            what = f"the template '{template.name}' wants '{name}', which '{flow_node.name}' does not give it"
            todo = f"use one of {join_names(known, 20)}, or mark it as optional with `is defined`"
            self.diagnostics.add(where, what, nearest=closest_name(name, known), todo=todo)
        self._check_names(template, known, path)
        if getattr(agent, "Reply", None) is JudgeReasons:
            # Who weighs others' judgements goes by their reasons, and need not see the text again.
            shown = {"criterion", "record"} if "answers" not in agent.Inputs.model_fields else {"criterion"}
            self._check_judge(template, shown - wanted, path, flow_node)

    def report_near_names(self, folders: Sequence[Path]) -> None:
        """Notes files of the study whose names are nearly those of a template in use, which they do not replace."""
        for folder in folders:
            if not is_of_package(folder):
                for path in sorted((folder / "prompts").glob("*")):
                    self._report_near_name(path)

    def _report_near_name(self, path: Path) -> None:
        if path.suffix not in FILE_SUFFIXES or path.stem in self.used or path.name in self.used:
            return
        replaceable = [name for name in self.used if self._is_package_template(name)]
        if near := closest_name(path.stem, replaceable):
            self.diagnostics.add_notice(
                f"{display_path(path)} is used by no step here; if it should replace {near}.md, the template of "
                f"'{self.used[near]}', call it {near}{path.suffix}"
            )

    def _is_package_template(self, name: str) -> bool:
        path = self.prompts.read(name).path
        return path is not None and is_of_package(path)

    def _report_unreadable(self, error: PromptError, value: str, path: KeyPath) -> None:
        if not str(error).startswith("no template"):
            report_file_problem(error, path, self.diagnostics)
            return
        known = self.prompts.names()
        what = f"there is no template '{value}'"
        todo = f"put {value}.md into prompts/ of your config folder; {there_are(known)}"
        self.diagnostics.add_at(path, what, nearest=closest_name(value, known), todo=todo)

    def _check_names(self, template: Template, variables: Mapping[str, Any], path: KeyPath) -> None:
        names = TemplateNames(template.parts)
        for found in names.unknown(variables):
            wrong = found.wrong
            where = f"{display_path(found.path)}:{wrong.line}" if found.path else self._where(path)
            close = wrong.with_name(closest_name(wrong.name, wrong.known))
            todo = there_are(wrong.known) if wrong.known else None
            self.diagnostics.add(where, f"`{wrong.chain}`: {found.why}", nearest=close, todo=todo)
        for one in names.of_metadata():
            where = f"{display_path(one.path)}:{one.line}" if one.path else self._where(path)
            what = f"`{one.before}{one.name}` is no metadata"
            self.metadata_names.append(MetadataName(one.name, where, what, one.before))

    def _check_judge(self, template: Template, missing: Set[str], path: KeyPath, flow_node: FlowNode) -> None:
        where = f"{display_path(template.path)}:1" if template.path else self._where(path)
        for name, what in (("criterion", "its criterion"), ("record", "the text that it judges")):
            if name in missing:
                todo = f"unless you mean that, write {{{{ {name}.text | fence('{name}') }}}} into it"
                self.diagnostics.add_notice(
                    f"{where}: the template of '{flow_node.name}' shows no judge {what}; {todo}"
                )

    def _check_headers(self, template: Template, path: KeyPath) -> None:
        for line, text in template.mistaken_headers:
            location = f"{display_path(template.path)}:{line}" if template.path else self._where(path)
            word = text.rstrip(": ")
            role = nearest_role(word) or word.lower()
            message = (
                f"'{text}' is taken as text; a role is written `{role}:`, in small letters from the line's first column"
            )
            self.diagnostics.add_notice(f"{location}: {message}")

    def _variables(self, flow_node: FlowNode, agent: AgentClass) -> dict[str, Any]:
        """What a template of the step may use: variable -> its type."""
        types: Any = getattr(agent, "template_types", dict[str, Any])()
        names: Any = getattr(agent, "template_variables", frozenset[str])()
        known: dict[str, Any] = dict.fromkeys({*names, "record", *agent.Inputs.model_fields}, UNKNOWN_TYPE) | types
        wired = [name for name in agent.Inputs.model_fields if name in types and is_open(types[name])]
        return known | {name: self.types.wired(flow_node, name) for name in wired}

    def _where(self, path: KeyPath) -> str:
        return self.diagnostics.provenance.where(path)


def report_file_problem(error: PromptError, path: KeyPath, diagnostics: Diagnostics) -> None:
    """Reports a mistake in a prompt's or criterion's file at its line, or at `path` if it names none."""
    found = _FILE_AND_LINE.match(str(error))
    what, _, todo = (found["what"] if found else str(error)).partition("; ")
    if found:
        diagnostics.add(f"{display_path(Path(found['file']))}:{found['line'] or 1}", what, todo=todo or None)
    else:
        diagnostics.add_at(path, what, todo=todo or None)


def _line_in(template: Template, name: str) -> str | None:
    if template.path is None:
        return None
    lines = template.source.splitlines()
    at = next((n for n, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(name)}\b", line) and "{" in line), 1)
    return f"{display_path(template.path)}:{at}"
