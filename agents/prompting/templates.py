"""Prompt templates: sandboxed Jinja with named roles, in which an undefined name is an error.

A template is a text with role headers, each alone on a line:

    system:
    You answer from the passages only.
    user:
    {{ question }}
    {% for passage in passages %}{{ passage.text | fence("passage " ~ passage.label) }}{% endfor %}

Roles are split off *before* anything is filled in, so no text from a record can start a message of its own; `fence`
encloses data in marks that the data cannot contain, and disables the control tokens of chat models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateAssertionError, TemplateNotFound, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError

from agents.prompting.front_matter import check_front_matter_ends
from agents.prompting.roles import has_front_matter, mistaken_headers, split_roles
from agents.prompting.template_environment import (
    GIVEN_AS_TEXT,
    LeadsOut,
    error_message,
    make_environment,
    parse,
    syntax_message,
    template_line,
)
from agents.safety.free_names import free_names
from agents.safety.jinja_sandbox import Sandbox
from agents.safety.paths import is_inside, is_there, paths_below, text_file_problem
from agents.safety.template_budget import template_budget
from contract.base import JsonValue
from contract.calls import Message, Role, TextPart
from contract.errors import PromptError

FILE_SUFFIXES = (".md", ".txt", ".j2", ".jinja2")
_MOST_FILLED = 32
_NAME = re.compile(r"[\w-]+(/[\w-]+)*(\.\w+)?")


@dataclass(frozen=True)
class Template:
    """One template. `Prompts.get` makes it, and raises PromptError when its syntax is wrong."""

    name: str
    source: str
    path: Path | None
    environment: Sandbox = field(repr=False, compare=False)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Every name that the template, or one that it includes, needs filled."""
        return frozenset(name for part in self.parts for name in free_names(part.tree))

    @cached_property
    def parts(self) -> tuple[TemplatePart, ...]:
        """The template and those that it includes, parsed. Raises PromptError for an include that cannot be read."""
        parts, seen = list[TemplatePart](), set[str]()
        sources = [(self.source, self.path)]
        while sources:
            source, path = sources.pop()
            tree = parse(self.environment, source, path)
            parts.append(TemplatePart(path, tree, self.environment.take_unknown_names(tree)))
            for included in meta.find_referenced_templates(tree):
                if included and included not in seen:
                    seen.add(included)
                    sources.append(self._included_source(included))
        return tuple(parts)

    def render(self, values: Mapping[str, JsonValue]) -> tuple[Message, ...]:
        """Returns the messages, with the roles that the template's author wrote.

        Raises PromptError when a name is not filled, when filling fails otherwise, and when no text results.
        """
        # Several models are asked the same, one after the other, and filling is half of the work of planning them.
        key = repr(values)
        messages = self._filled.get(key)
        if messages is None:
            if len(self._filled) >= _MOST_FILLED:
                self._filled.clear()
            # Not read back: another thread may clear them.
            messages = self._filled[key] = self._fill(values)
        return messages

    def _fill(self, values: Mapping[str, JsonValue]) -> tuple[Message, ...]:
        try:
            with template_budget():
                filled: list[tuple[Role, str]] = [
                    (role, template.render(values).strip()) for role, template in self._compiled
                ]
        except Exception as error:  # a template is a program, and may fail in any way
            line = f":{found}" if self.path and (found := template_line(error)) else ""
            raise PromptError(f"{self.where}{line}: {error_message(error)}") from error
        messages = tuple(Message(role=role, parts=(TextPart(text=text),)) for role, text in filled if text)
        if not messages:
            raise PromptError(f"{self.where}: the filled template is empty")
        return messages

    @cached_property
    def _filled(self) -> dict[str, tuple[Message, ...]]:
        """Values, as Python writes them -> the messages."""
        return {}

    def compile(self) -> None:
        """Raises PromptError for what Jinja finds only when it compiles, such as a block that two roles share."""
        try:
            _ = self._compiled
        except TemplateAssertionError as error:
            where = f"{self.path}:{error.lineno}" if self.path else self.where
            raise PromptError(f"{where}: {error.message}") from error
        except (TemplateSyntaxError, SyntaxError) as error:
            where = f"{self.path}:{error.lineno}" if self.path else self.where
            message = error.msg if isinstance(error, SyntaxError) else error.message or ""
            raise PromptError(f"{where}: {syntax_message(message)}") from error
        except (SecurityError, RecursionError, MemoryError) as error:
            raise PromptError(f"{self.where}: {error}") from None

    def unknown_names(self) -> Iterator[PromptError]:
        """The filters and tests that there are not, in the template and in those that it includes, one error each."""
        for part in self.parts:
            for line, message in part.unknown_names:
                yield PromptError(f"{f'{part.path}:{line}' if part.path else GIVEN_AS_TEXT}: {message}")

    @cached_property
    def _compiled(self) -> list[tuple[Role, JinjaTemplate]]:
        return [(role, self.environment.from_string(text)) for role, text in split_roles(self.source)]

    @property
    def mistaken_headers(self) -> list[tuple[int, str]]:
        """Lines, by number, that look like role headers but are taken as text: `System:`, ` user:`, `usr:`."""
        return list(mistaken_headers(self.source))

    @property
    def where(self) -> str:
        """The file, or the first words of a template given as text."""
        return str(self.path) if self.path else f"the template '{self.source[:40]}…'"

    def _included_source(self, name: str) -> tuple[str, Path | None]:
        if self.environment.loader is None:
            raise PromptError(f"{self.where}: includes '{name}', but there is no folder to look in")
        try:
            source, path, _ = self.environment.loader.get_source(self.environment, name)
        except TemplateNotFound as error:
            line = self.source[: self.source.index(name)].count("\n") + 1 if name in self.source else 1
            leads_out = isinstance(error, LeadsOut)
            what = error.message if leads_out else f"includes '{name}', which is not in prompts/"
            raise PromptError(f"{self.where}{f':{line}' if self.path else ''}: {what}") from None
        except UnicodeDecodeError:
            raise PromptError(f"{self.where}: includes '{name}', which is not in UTF-8") from None
        return source, Path(path) if path else None


@dataclass(frozen=True)
class TemplatePart:
    """A template, or one that it includes, as Jinja parsed it."""

    path: Path | None
    tree: nodes.Template
    unknown_names: tuple[tuple[int, str], ...] = ()
    """Filters and tests that there are not: the line, and what is wrong. Others stand for them in the tree."""


class Prompts:
    """The templates of a study: `<folder>/prompts/*` of each config folder, the study's own first, the package's last.

    Each is read once, so that an edit during a run does not change the question for half of the cells.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder / "prompts" for folder in folders]
        self._environment = make_environment(self._folders)
        self._cache: dict[str, Template] = {}

    def names(self) -> list[str]:
        """Returns the names of all templates, without file endings. A link shows no names of files outside."""
        found = {
            path.relative_to(folder).with_suffix("").as_posix()
            for folder in self._folders
            for path in paths_below(folder)
            if path.suffix in FILE_SUFFIXES and is_inside(path, [folder.parent])
        }
        return sorted(found)

    def get(self, name_or_text: str) -> Template:
        """Returns the template of that name, or the text itself as a template; text without white space is a name.

        Raises PromptError when no such file exists, it cannot be read, its syntax is wrong, or it cannot be compiled.
        """
        template = self.read(name_or_text)
        template.compile()
        return template

    def read(self, name_or_text: str) -> Template:
        """Returns that template as it was read; it may use filters that there are not.

        Raises PromptError when no such file exists, it cannot be read, or its syntax is wrong.
        """
        if name_or_text not in self._cache:
            self._cache[name_or_text] = self._load(name_or_text)
        return self._cache[name_or_text]

    def _load(self, name_or_text: str) -> Template:
        if any(letter.isspace() for letter in name_or_text):
            return self._parse(name_or_text, "given as text", None)
        path = self._path(name_or_text) if _NAME.fullmatch(name_or_text) else None
        if path is None:
            raise PromptError(f"no template '{name_or_text}'")
        try:
            source = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise PromptError(f"{path}: cannot be read: {error}") from error
        if not source.strip():
            raise PromptError(f"{path}: the file is empty")
        if not has_front_matter(source):
            check_front_matter_ends(source, path)
        return self._parse(source, name_or_text, path)

    def _path(self, name: str) -> Path | None:
        for folder in self._folders:
            for path in (folder / f"{name}{ending}" for ending in ("", *FILE_SUFFIXES)):
                if not is_there(path) or path.is_dir():
                    continue
                if problem := text_file_problem(path, folder.parent):
                    raise PromptError(f"{path}: {problem}")
                return path
        return None

    def _parse(self, source: str, name: str, path: Path | None) -> Template:
        parse(self._environment, source, path)
        return Template(name=name, source=source, path=path, environment=self._environment)
