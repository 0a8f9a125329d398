"""Says in plain words why a value does not fit, where Pydantic says it in those of a programmer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel

from agents.safety.yaml_mistakes import LONG_DASHES

_NUMBER = "should be a number, with a point and without a unit, such as 0.5"
_WHOLE = "should be a whole number, such as 10"
_LIST = "should be a list, such as [one, two]"
_YES_NO = "should be true or false"
_WEB = "should be an address that begins with http:// or https://, such as http://localhost:8080/v1"
_PLAIN = {
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "bool_parsing": _YES_NO,
    "bool_type": _YES_NO,
    "string_type": "should be text",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": "should have `name: value` lines below it",
    "model_type": "should have `name: value` lines below it",
    "model_attributes_type": "should have `name: value` lines below it",
    "missing": "is missing",
    "url_parsing": _WEB,
    "url_scheme": _WEB,
    "url_syntax_violation": _WEB,
    "path_type": "should be the path of a file or folder",
}
_LIMITS = {
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be {ge} or more",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be {le} or less",
    "string_too_short": "should be at least {min_length} characters long",
    "string_too_long": "should be at most {max_length} characters long",
}
_FORMS = {
    "name": "should be a name of small letters, digits and _, with a letter first",
    "project": "should be the id of a Google Cloud project, such as my-project-123",
    "dataset": "should be the name of a dataset: letters, digits and _",
    "table": "should be the name of a table: letters, digits, _ and -",
    "bucket": "should be the name of a bucket, without gs://",
    "header": "should be none, qualtrics, or the row that holds the names, such as 2 or 1-2",
    "study": "should be of at most 100 characters, with no blank at either end",
    "owner": "should be of at most 100 characters, with no blank at either end",
    "api_key_secret": "should name a secret as projects/my-project/secrets/my-secret",
}
"""Field -> what its text must look like, where Pydantic would show a regular expression."""


_YAML_BOOLEAN = ": without quotation marks, YAML reads yes, no, on and off as true or false"
_URL_CREDENTIALS = re.compile(r"//[^/@]*@")
_URL_QUERY = re.compile(r"(https?://[^?\s']*)\?[^\s']*")
_USUAL_TAGS = {"type": "file", "kind": "hosted"}
"""The value that most storages and models have for the key that says what they are."""


def plain_message(details: Mapping[str, Any]) -> str:
    """Why a value does not fit, as the end of a sentence; `details` is one entry of Pydantic's `errors()`."""
    kind, context = str(details["type"]), _context(details)
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "is empty"
    if kind in _LIMITS:
        return f"it {_LIMITS[kind].format(**context)}"
    if kind == "too_short":
        return "is empty" if context.get("actual_length") == 0 else f"needs at least {context.get('min_length')}"
    if kind == "too_long":
        return f"has more than {context.get('max_length')}"
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected")).replace("'", "")
        why = _YAML_BOOLEAN if isinstance(details.get("input"), bool) else ""
        return f"it should be {expected}{why}" if " or " in expected else f"the only word for it is {expected}{why}"
    if kind == "string_pattern_mismatch":
        field = str(details["loc"][-1]) if details["loc"] else ""
        return f"it {_FORMS.get(field, 'is not written as it should be')}"
    if kind == "string_type" and isinstance(value := details.get("input"), bool | int | float):
        return f"it should be text, in quotation marks{_YAML_BOOLEAN if isinstance(value, bool) else ''}"
    if kind == "union_tag_not_found":
        key = str(context["discriminator"]).strip("'")
        return f"`{key}` is missing here; write for example {key}: {_USUAL_TAGS.get(key, '…')}"
    if kind in _PLAIN:
        said = _PLAIN[kind]
        return f"it {said}" if said.startswith("should") else said
    message = str(details["msg"]).removeprefix("Value error, ").replace("Input should be", "it should be")
    return message[0].lower() + message[1:]


FILE_ENDINGS = frozenset({".csv", ".tsv", ".xlsx", ".excel", ".json", ".jsonl", ".parquet", ".txt", ".pdf", ".folder"})
"""Kinds of files that a person may take for a type of storage; all are of the type `file`."""


def allowed_words(details: Mapping[str, Any]) -> list[str]:
    """The words of which a value must be one; none where it may be another."""
    if details["type"] not in ("literal_error", "enum"):
        return []
    expected = str(_context(details).get("expected", ""))
    return [word.strip(" '") for part in expected.split(" or ") for word in part.split(",")]


def list_advice(name: str, details: Mapping[str, Any]) -> str | None:
    """What to write where one value stands in the place of a list."""
    value = details.get("input")
    if details["type"] not in ("list_type", "tuple_type") or not isinstance(value, str):
        return None
    if value.startswith("$") and not value.startswith("${"):
        return f"write {name}: ${{{value[1:].strip('{}()')}}}"
    if re.fullmatch(r"llms\.\w+", value.strip()):
        return f"write {name}: ${{{value.strip()}}}"
    words = [word.strip() for word in re.split("[,;]", value.lstrip(f"-{LONG_DASHES}").strip("(){}<> "))]
    return f"write {name}: [{', '.join(words)}]"


def mapping_advice(loc: Sequence[str], details: Mapping[str, Any]) -> str | None:
    """What to write where a list, or lines below a name, stand in the place of something else."""
    value = details.get("input")
    if details["type"] in ("dict_type", "model_type", "model_attributes_type") and isinstance(value, list | tuple):
        return "write each on a line of its own, `name: value`, with no dash in front and no square brackets"
    if details["type"] == "string_type" and isinstance(value, dict) and tuple(loc[-2:-1]) == ("columns",):
        parts = cast("dict[Any, Any]", value)
        return "write " + ", ".join(f"{loc[-1]}.{name}: {column}" for name, column in parts.items())
    return None


def holder_of(name: str, model: type[BaseModel] | None) -> str | None:
    """The field of `model` that itself has a field `name`: where a value that stands one level too high belongs."""
    for outer, field in model.model_fields.items() if model else ():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and name in kind.model_fields:
                return outer
    return None


def explained(model: type[BaseModel] | None, name: str) -> str:
    """What a field is for, in brackets; empty where that is not known."""
    about = model.model_fields[name].description if model and name in model.model_fields else None
    return f" ({' '.join(about.split()).rstrip('.')})" if about else ""


def display_kind(value: object) -> str:
    """What the value is, in words; the parts of an address that may hold a key are left out."""
    if value is None:
        return "is empty"
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, dict):
        return "has `name: value` lines below it"
    return "is a list" if isinstance(value, list | tuple) else f"is {_display_value(value)}"


def _display_value(value: object) -> str:
    return _URL_QUERY.sub(r"\1?…", _URL_CREDENTIALS.sub("//…@", repr(value)))


def _context(details: Mapping[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", details.get("ctx") or {})
