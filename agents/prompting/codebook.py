"""Reads the codebook in the front matter of a criterion: the variables that judges answer, and coded examples.

    codebook:
      tone:
        type: choice
        description: How does it speak of the group?
        options: {hostile: It attacks or belittles., friendly: It speaks well., neutral: Neither.}
      sarcastic: yes_no
    examples:
      - text: What a charming lot they are, as long as they stay away.
        codes: {tone: hostile, sarcastic: yes}

Words are read as they are written, so `yes`, `no` and `010` need no quotation marks here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast, get_args

import yaml

from agents.prompting.front_matter import FrontMatter
from contract.codebook import NONE_OF_THEM, Codebook, CodedExample, Variable, VariableType
from contract.errors import PromptError

TYPES: tuple[str, ...] = get_args(VariableType)
MAX_VARIABLES = 40
_NAME = re.compile(r"[^\W\d]\w{0,39}")
_RESERVED = ("md", "txt", "j2", "jinja2")
"""Endings of files: a variable's name stands behind a dot in tables."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "choice": ("options", "ordered", "positive"),
    "choices": ("options",),
    "number": ("minimum", "maximum", "level"),
}
"""Type -> the keys that it may have beside `type` and `description`."""
_MAX_OPTION = 60


class CodebookMistakes(PromptError):
    """All mistakes of a codebook; the text of the error is the first one.

    `variables` are those without a mistake, and `named` the names of all.
    """

    def __init__(
        self, mistakes: Sequence[PromptError], variables: Sequence[Variable] = (), named: Sequence[str] = ()
    ) -> None:
        super().__init__(str(mistakes[0]))
        self.mistakes = tuple(mistakes)
        self.variables = tuple(variables)
        self.named = tuple(named)


def read_codebook(front: FrontMatter) -> Codebook | None:
    """The codebook of a criterion; None where its front matter has none. Raises CodebookMistakes."""
    node = front.node("codebook")
    if node is None:
        wrong = next((key for key in front.values if get_close_matches(key, ["codebook"], cutoff=0.85)), None)
        if wrong is not None and isinstance(front.values[wrong], dict):
            raise front.error_at(f"'{wrong}' would be read as a remark; did you mean 'codebook'?", wrong)
        return None
    reader = _Reader(front)
    if "verdicts" in front.values:
        todo = "leave them out, or make them a variable of type choice"
        reader.add(front.node("verdicts"), f"a criterion with a codebook has no verdicts beside it; {todo}")
    variables = reader.variables(node)
    reader.named |= dict.fromkeys(str(key.value) for key, _ in _pairs(node))
    examples = reader.examples(front.node("examples"), {one.name: one for one in variables})
    if reader.mistakes:
        raise CodebookMistakes(reader.mistakes, variables, list(reader.named))
    return Codebook(variables=tuple(variables), examples=tuple(examples))


@dataclass
class _Reader:
    front: FrontMatter
    mistakes: list[PromptError] = field(default_factory=list[PromptError])
    named: dict[str, None] = field(default_factory=dict[str, None])
    """Every name in the codebook, also of variables with mistakes, whose examples are not looked at."""

    def add(self, node: yaml.Node | None, what: str) -> None:
        self.mistakes.append(self.front.error_on(node, what))

    def variables(self, node: yaml.Node) -> list[Variable]:
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self.add(node, "a codebook consists of `name: type` lines, or of a name with `type:` and more below it")
            return []
        pairs = list(_pairs(node))
        if len(pairs) > MAX_VARIABLES:
            self.add(node, f"a codebook has at most {MAX_VARIABLES} variables, and here are {len(pairs)}")
        found = dict[str, Variable]()
        for key, value in pairs:
            name = str(key.value)
            if not _NAME.fullmatch(name) or name in _RESERVED:
                todo = "begin with a letter, and use letters, digits and _"
                self.add(key, f"'{name}' cannot be the name of a variable; {todo}")
            elif name in found:
                self.add(key, f"there are two variables '{name}'; give one another name")
            elif (variable := self._variable(name, key, value)) is not None:
                found[name] = variable
        return list(found.values())

    def _variable(self, name: str, key: yaml.Node, node: yaml.Node) -> Variable | None:
        before = len(self.mistakes)
        if isinstance(node, yaml.ScalarNode):
            node, fields = key, {"type": node}
        else:
            fields = {str(one.value): value for one, value in _pairs(node)}
        kind = _text(fields.get("type"))
        if kind not in TYPES:
            self._unknown_type(name, fields.get("type") or node, kind)
            return None
        for other, value in fields.items():
            known = ("type", "description", *_KEYS.get(kind, ()))
            if other not in known:
                self.add(value, f"a variable of type {kind} has no '{other}'{_near(other, known)}; it has {_or(known)}")
        options, definitions = self._options(kind, fields.get("options"), node)
        values: dict[str, Any] = {
            "name": name, "type": kind, "description": _text(fields.get("description")), "options": options,
            "definitions": definitions, **(self._of_choice(fields, options) if kind == "choice" else {}),
            **(self._of_number(fields) if kind == "number" else {}),
        }  # fmt: skip
        return Variable.model_validate(values) if len(self.mistakes) == before else None

    def _unknown_type(self, name: str, node: yaml.Node, kind: str) -> None:
        what = f"the type '{kind}' of '{name}' is unknown{_near(kind, TYPES)}" if kind else f"'{name}' has no type"
        self.add(node, f"{what}; write type: with one of {', '.join(TYPES)}")

    def _options(self, kind: str, node: yaml.Node | None, at: yaml.Node) -> tuple[list[str], dict[str, str]]:
        if "options" not in _KEYS.get(kind, ()):
            return [], {}
        if isinstance(node, yaml.MappingNode):
            definitions = {str(key.value).strip(): _text(value) for key, value in _pairs(node)}
            words = [str(key.value).strip() for key, _ in _pairs(node)]
        else:
            definitions, words = dict[str, str](), [_text(one) for one in _items(node)]
        least = 2 if kind == "choice" else 1
        if len(words) < least or not all(words):
            todo = "write options: [hostile, friendly], or each with its meaning"
            self.add(node or at, f"a variable of type {kind} needs {least} options or more; {todo}")
        for word in dict.fromkeys(words):
            if words.count(word) > 1:
                self.add(node, f"the option '{word}' is there twice; leave one out")
            elif len(word) > _MAX_OPTION or any(sign in word for sign in ";|\n"):
                self.add(node, f"the option '{word[:_MAX_OPTION]}' is too long, or has ; or | in it; shorten it")
            elif kind == "choices" and word == NONE_OF_THEM:
                self.add(node, f"'{word}' is no option of choices: who chooses none has said so; leave it out")
        return words, {name: text for name, text in definitions.items() if text}

    def _of_choice(self, fields: Mapping[str, yaml.Node], options: Sequence[str]) -> dict[str, Any]:
        found = dict[str, Any]()
        if (node := fields.get("ordered")) is not None:
            if (text := _text(node).lower()) not in ("true", "false", "yes", "no"):
                self.add(node, f"ordered is true or false, not '{text}'")
            found["ordered"] = text in ("true", "yes")
        if (node := fields.get("positive")) is not None:
            if not isinstance(node, yaml.ScalarNode):
                self.add(node, f"positive is one of the options, not several; use {_or(options)}")
            elif (text := _text(node)) not in options:
                self.add(node, f"positive is '{text}', which is no option{_near(text, options)}; use {_or(options)}")
            found["positive"] = _text(node)
        return found

    def _of_number(self, fields: Mapping[str, yaml.Node]) -> dict[str, Any]:
        found = dict[str, Any]()
        for name in ("minimum", "maximum"):
            if (node := fields.get(name)) is not None:
                try:
                    found[name] = float(_text(node))
                except ValueError:
                    self.add(node, f"{name} is a number, not '{_text(node)}'")
        if found.get("minimum", 0) > found.get("maximum", found.get("minimum", 0)):
            self.add(fields["maximum"], "maximum is less than minimum; exchange them")
        if (node := fields.get("level")) is not None:
            if (text := _text(node)) not in ("interval", "ratio"):
                self.add(node, f"the level of a number is interval or ratio, not '{text}'")
            found["level"] = text
        return found

    def examples(self, node: yaml.Node | None, variables: Mapping[str, Variable]) -> list[CodedExample]:
        if node is not None and not isinstance(node, yaml.SequenceNode):
            self.add(node, "examples should be a list of `- text: …` with `codes: {…}`")
        return [one for item in _items(node) if (one := self._example(item, variables)) is not None]

    def _example(self, node: yaml.Node, variables: Mapping[str, Variable]) -> CodedExample | None:
        fields = {str(key.value): value for key, value in _pairs(node)}
        before = len(self.mistakes)
        known = ("text", "codes", "reason")
        for name, value in fields.items():
            if name not in known:
                self.add(value, f"an example has no '{name}'{_near(name, known)}; it has {_or(known)}")
        text, reason = _text(fields.get("text")), _text(fields.get("reason"))
        if not 0 < len(text) <= 2000 or len(reason) > 600:
            self.add(node, "an example needs `text` of at most 2,000 characters, and a reason has at most 600")
        codes = dict[str, Any]()
        for key, value in _pairs(fields.get("codes")):
            name = str(key.value)
            if name in variables:
                codes[name] = self._code(variables[name], value)
            elif name not in self.named:
                self.add(key, f"the codebook has no variable '{name}'{_near(name, sorted(self.named))}")
        if not list(_pairs(fields.get("codes"))) and len(self.mistakes) == before:
            self.add(node, "an example needs `codes`, with a variable of the codebook and its answer")
        return CodedExample(text=text, codes=codes, reason=reason) if len(self.mistakes) == before else None

    def _code(self, variable: Variable, node: yaml.Node) -> str | None:
        listed = [_text(one) for one in _items(node)] if isinstance(node, yaml.SequenceNode) else None
        try:
            return variable.text(variable.read(_text(node)) if listed is None else cast("Any", listed))
        except ValueError as error:
            near = _near(_text(node), variable.allowed) if listed is None else ""
            self.add(node, f"the answer to '{variable.name}': {error}{near}")
            return None


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return cast("list[yaml.Node]", node.value) if isinstance(node, yaml.SequenceNode) else []


def _text(node: yaml.Node | None) -> str:
    """A scalar as it is written; empty for null and for anything else."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        return ""
    return str(node.value).strip()


def _near(name: str, known: Any) -> str:
    near = get_close_matches(name.strip("“”„‘’\"'"), list(known), n=1) if name else []
    return f"; did you mean '{near[0]}'?" if near else ""


def _or(names: Sequence[str]) -> str:
    return ", ".join(names)
