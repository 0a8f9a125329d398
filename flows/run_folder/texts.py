"""Texts: the prompt and criterion files that a study uses, as they were when it was run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import meta

from agents.base.registry import load_agent
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts, Template
from contract.flow import Step
from flows.spec.nodes import steps_of
from flows.spec.study import Study


@dataclass(frozen=True)
class TextFile:
    """One file, named below its config folder, for example `prompts/judge.md`."""

    name: str
    path: Path
    text: str

    @property
    def sha256(self) -> str:
        """The digest of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def texts_of(study: Study) -> list[TextFile]:
    """Every prompt and criterion file that the study's steps name, and every file that those include, by name."""
    prompts, criteria = Prompts(study.folders), Criteria(study.folders)
    paths = set[Path]()
    for step in steps_of(study.flow).values():
        for value in parameter_values(step, "template"):
            paths |= set(_template_files(prompts.get(value)))
        for value in parameter_values(step, "criteria"):
            if path := criteria.path(value):
                paths.add(path)
    found = [
        TextFile(_relative_name(path, study.folders), path, path.read_text(encoding="utf-8-sig")) for path in paths
    ]
    return sorted(found, key=lambda text: text.name)


def parameter_values(step: Step, parameter: str) -> list[str]:
    """Every text that the step's agent can get for that parameter: its variants, its value, or its default."""
    if parameter in step.variants:
        return [str(value) for value in step.variants[parameter]]
    if parameter in step.parameters:
        return [str(step.parameters[parameter])]
    declared = load_agent(step.agent).Parameters.model_fields.get(parameter)
    return [declared.default] if declared and isinstance(declared.default, str) else []


def _template_files(template: Template) -> Iterator[Path]:
    if template.path:
        yield template.path
    waiting, seen = [template.source], set[str]()
    while waiting:
        for name in meta.find_referenced_templates(template.environment.parse(waiting.pop())):
            if name and name not in seen and template.environment.loader:
                seen.add(name)
                source, file, _ = template.environment.loader.get_source(template.environment, name)
                waiting.append(source)
                yield Path(str(file))


def _relative_name(path: Path, folders: tuple[Path, ...]) -> str:
    home = next(folder for folder in folders if path.is_relative_to(folder))
    return path.relative_to(home).as_posix()
