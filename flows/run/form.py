"""Form: the parameters of a flow, with types and descriptions.

Prefect makes two things of it: the form in its UI, and the schema by which its API refuses a run before it starts.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field

from contract.base import JsonValue
from contract.errors import COMMAND_LINE, Problem, StudyError
from contract.flow import FlowParameter, FlowSpec
from flows.compose.shorthands import SHORTHAND_TYPES, shorthands_of
from flows.config.diagnostics import closest_name, display_argument, there_are
from flows.spec.nodes import steps_of

_TYPES: Mapping[str, type] = {"text": str, "integer": int, "number": float, "yes_no": bool}
_SHORTHAND_FIELDS: Mapping[str, tuple[Any, str]] = {
    "records": (
        str,
        "Your own records: a file or folder that the worker can read, a dataset as `hf:owner/name`, or the name of a "
        "storage. Empty: `{records}`.",
    ),
    "where": (
        dict[str, str],
        'Which documents are searched, by their metadata, for example `{{"year": ">=2020"}}`. Empty: as configured.',
    ),
    "columns": (dict[str, str], 'Which column is what, for example `{{"text": "body"}}`. Empty: columns of our names.'),
    "labels": (
        dict[str, str],
        'What people\'s answers mean as verdicts, for example `{{"yes": "violates"}}`. Empty: as configured.',
    ),
    "truth": (
        str,
        "The field of people's answers, or a gold set, a file that ends in `.jsonl`. Empty: as configured.",
    ),
    "sheet": (str, "The sheet of a workbook. Empty: the first."),
    "encoding": (
        str,
        "How the letters of a file are written, for example `cp1252`. Empty: UTF-8, or the likely one.",
    ),
    "header": (str, "The row with the names of the columns, or `none`. Empty: guessed, mostly the first."),
    "delimiter": (str, "The sign between the cells of a table of text, or `tab`. Empty: guessed."),
    "quoting": (str, "`none` where quotation marks are letters like others. Empty: as in CSV."),
    "rows": (
        str,
        "`answers` where each row is what one person answered; or the list in each row whose items are the records, as "
        "in `paragraphs.qas`. Empty: each row is a record.",
    ),
    "files": (str, "For a folder of tables: which of its files are read, for example `*.csv`. Empty: texts."),
    "labels_from": (
        dict[str, str],
        'For a folder of texts: the table with their labels, for example `{{"path": "labels.csv", "by": "file"}}`.',
    ),
    "split": (str, "The sign between several answers of people in one cell. Empty: one answer a cell."),
    "sample": (Annotated[int, Field(ge=0)], "How many records to take, drawn at random. 0: all of them."),
    "seed": (int, "Which sample: the same number draws the same records. 0: as configured."),
    "budget": (
        Annotated[float, Field(ge=0)],
        "US dollars that this run may pay; no call begins that could take it past that. None: as configured.",
    ),
    "again": (
        str,
        "Kept answers that are asked once more: `refused` for those that a model or its provider's filter declined. "
        "Empty: as configured.",
    ),
    "answers": (
        str,
        "A file with people's answers that the worker can read: YAML, CSV or XLSX. Empty: the form of the run asks.",
    ),
    "shards": (
        Annotated[int, Field(ge=0, le=200)],
        "Into how many child runs the records are split, for as many workers. 0: as configured.",
    ),
    "shard": (str, "Which part of the records to take, for example `3/8`; a run with shards says so to its children."),
}
"""Shorthand -> the type and the description of its field."""
AS_CONFIGURED = "as configured"
_EMPTY_VALUES: Mapping[Any, JsonValue] = {str: "", int: 0, dict: {}, list: []}
"""Type -> the value of a field that was left blank. With None as that value, the UI first asks `number or None?`.
A budget still needs None, because 0 dollars are an answer."""


@dataclass(frozen=True)
class FormChoices:
    """The choices of a form's fields, in addition to those of the flow's own parameters."""

    llms: Sequence[str]
    """Names of the files in the config group `llms`, each of which assigns models to roles."""
    values: Mapping[str, Sequence[str]]
    """Dimension -> all its possible values, such as `model` -> the names of all models."""


@dataclass(frozen=True)
class _FormField:
    name: str
    type: Any
    description: str
    default: Any
    is_flow_parameter: bool = False
    """True for the flow's own parameter: its default is an answer, not a blank."""


class Form:
    """The parameters of a flow: its own, the shorthands and, with `choices`, the models and dimensions of the study."""

    def __init__(self, spec: FlowSpec, choices: FormChoices | None = None, given: Iterable[str] = ()) -> None:
        """`given` are the names with which a run was started: `check` tells those that are none of this form.

        Prefect's API takes other names, too, and then calls the run crashed, with a traceback.
        """
        self._spec = spec
        self._fields = [
            *_parameter_fields(spec),
            *(_choice_fields(spec, choices) if choices else ()),
            *_shorthand_fields(spec, bool(choices)),
        ]
        self._names = [one.name for one in self._fields]
        self._others = [name for name in given if name.isidentifier() and name not in self._names]

    def apply_signature(self, run: Any) -> None:
        """Gives a function that takes any keywords the name, docstring and signature of this form."""
        run.__name__ = self._spec.name
        # Prefect reads descriptions from a docstring of this form, and nowhere else.
        lines = (f"    {one.name}: {' '.join(one.description.split())}" for one in self._fields if one.description)
        run.__doc__ = "\n".join([self._spec.description or self._spec.name, "", "Args:", *lines])
        run.__signature__ = inspect.Signature(
            [
                inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type)
                for one in self._fields
            ]
            + [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in self._others]
        )

    def check(self, request: Mapping[str, Any]) -> None:
        """Raises StudyError for values of other names than those of this form."""
        problems = [
            Problem(
                f"{COMMAND_LINE}: {display_argument(f'{name}={value}')}",
                "the form has no such field",
                closest_name(name, self._names),
                there_are(self._names),
            )
            for name, value in request.items()
            if name in self._others and value is not None
        ]
        if problems:
            raise StudyError(problems)

    def without_blanks(self, request: Mapping[str, Any]) -> dict[str, JsonValue]:
        """The request without the fields that were left blank in the form."""
        blanks = {one.name: one.default for one in self._fields if not one.is_flow_parameter}
        return {
            name: value
            for name, value in request.items()
            if value is not None and value != "" and (name not in blanks or value != blanks[name])
        }


def _parameter_fields(spec: FlowSpec) -> Iterator[_FormField]:
    """The flow's own parameters, the required ones first."""
    for name, parameter in sorted(spec.parameters.items(), key=lambda item: not item[1].required):
        kind, default = _type_of(parameter), parameter.default
        if parameter.required:
            default = inspect.Parameter.empty
        elif default is None:
            kind = kind | None
        yield _FormField(name, kind, parameter.description, default, is_flow_parameter=True)


def _type_of(parameter: FlowParameter) -> Any:
    if parameter.choices:
        return _literal(parameter.choices)
    if parameter.required and parameter.type == "text":
        return Annotated[str, Field(min_length=1)]
    return _TYPES[parameter.type]


def _literal(choices: Sequence[JsonValue]) -> Any:
    return Literal[tuple(choices)]  # type: ignore[reportInvalidTypeForm] - the choices are known only now


def _choice_fields(spec: FlowSpec, choices: FormChoices) -> Iterator[_FormField]:
    """Fields for the models of each role and for the dimensions of the study."""
    if choices.llms and "llms" not in spec.parameters:
        description = "Which models play which role. Hosted ones need their keys where the worker runs."
        yield _FormField("llms", _literal([AS_CONFIGURED, *choices.llms]), description, AS_CONFIGURED)
    for name, values in _dimensions(spec).items():
        if name not in spec.parameters and (kind := _value_type(values, choices.values.get(name, ()))):
            shown = ", ".join(map(str, values))
            description = f"One or several, each of which is tried with every other dimension. Empty: {shown}."
            yield _FormField(name, list[kind], description, [])


def _dimensions(spec: FlowSpec) -> dict[str, tuple[JsonValue, ...]]:
    found: dict[str, tuple[JsonValue, ...]] = {}
    for step in steps_of(spec).values():
        for name, values in step.variants.items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *values)))
    return found


def _value_type(values: Sequence[JsonValue], choices: Sequence[str]) -> Any:
    """The type of one value of a dimension; None where no form field can hold it."""
    if choices:
        return _literal(list(dict.fromkeys([*choices, *values])))
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and kinds:
        return float if float in kinds else int
    return str if kinds == {str} else None


def _shorthand_fields(spec: FlowSpec, is_ui_form: bool) -> Iterator[_FormField]:
    """Fields for the shorthands. Without a form, their blank is None, so that no blank looks like an answer."""
    for name in shorthands_of(spec):
        if name in ("queries", "corpus") and is_ui_form:
            # The form's own field asks for a question, and a worker's folders are not for whoever fills it in.
            continue
        kind, about = _SHORTHAND_FIELDS.get(name, (SHORTHAND_TYPES[name], ""))
        description = about.format(records=spec.records)
        plain = get_origin(kind) or kind
        blank = _EMPTY_VALUES.get(plain if plain is not Annotated else get_args(kind)[0]) if is_ui_form else None
        yield _FormField(name, kind | None if blank is None else kind, description, blank)
