"""Reads the JSON in a model's reply: also inside prose, a code fence or after a model's thoughts, and with its own
spelling of a fixed value.

What is read is never guessed: where two different objects could be meant, or two values are alike, nothing is chosen.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from agents.llms.reply_forms import loosened
from agents.llms.schema_places import resolved_schema
from agents.llms.storable import storable_json
from contract.base import JsonValue

T = TypeVar("T")
_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_THOUGHTS = re.compile(
    r"<(think|thinking|thought|reasoning|analysis|scratchpad)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_OPENS_OBJECT = re.compile(r'\{\s*"')
_SEPARATOR = r"[\s_\-\u2010-\u2015\u2212]"
"""A blank, an underscore or a hyphen, also a long one."""
_SEPARATORS = re.compile(rf"(?<!{_SEPARATOR}){_SEPARATOR}++(?!\d)|(?<=[^\W\d_]){_SEPARATOR}++")
"""Those between words and letters. Between digits, and as the sign of a number, they mean something."""
_HYPHENATED, _SEPARATED = re.compile(r"[\s_]*[\-\u2010-\u2015\u2212][\s_]*"), re.compile(r"[\s_]+")
_AROUND = " \t\r\n\"'`*_.,;:()[]“”„‘’«»"
"""What models write around a word."""
_NUMBER = re.compile(r"[-\u2212]?\d{1,15}(?:\.\d{1,15})?")
_MAX_OBJECTS = 20
"""The most places in a text where an object is looked for. A text with more braces is not a reply with prose around."""
_NOT_JSON = object()


def parse_json(text: str) -> JsonValue:
    """`text` parsed as JSON, or None if it is not JSON. A Markdown fence around the JSON is ignored.

    A text with NaN or an infinity is not JSON, nor one of more than 64 levels. Half characters are replaced.
    """
    fenced = _FENCED.match(text)
    try:
        return storable_json(json.loads(fenced[1] if fenced else text, parse_constant=_reject_constant))
    except (ValueError, RecursionError):
        return None


def read_object(text: str, schema: Mapping[str, Any], validate: Callable[[str], T]) -> T:
    """The one object in `text` that `validate` accepts, after its fixed values are spelled as in `schema`.

    Where none is accepted as it stands, other forms of the same are tried (`reply_forms`). `validate` takes JSON text;
    its ValidationError on the object that fits best is raised if none fits. Raises ValueError if objects fit that are
    not equal, and if one gives two values for one name.
    """
    candidates = _candidates(text)
    for one in candidates:
        _refuse_two_values(one)
    accepted, refused = _read(candidates, schema, validate)
    if not accepted:
        accepted, other = _read([form for one in candidates for form in _other_forms(one, schema)], schema, validate)
        refused += other
    if not accepted:
        raise min(refused, key=lambda error: error.error_count())
    if any(one != accepted[0] for one in accepted):
        raise ValueError(f"the reply holds {len(accepted)} different JSON objects; give one")
    return accepted[0]


def _read(
    texts: Sequence[str], schema: Mapping[str, Any], validate: Callable[[str], T]
) -> tuple[list[T], list[ValidationError]]:
    accepted, refused = list[T](), list[ValidationError]()
    for one in texts:
        try:
            accepted.append(validate(_with_known_values(one, schema)))
        except ValidationError as error:
            refused.append(error)
    return accepted, refused


def _other_forms(text: str, schema: Mapping[str, Any]) -> list[str]:
    value = _parsed(text)
    if value is _NOT_JSON:
        return []
    try:
        return [json.dumps(form) for form in loosened(value, schema, _folded) if form != value]
    except RecursionError:
        return []  # nested deeper than any schema


def without_thoughts(text: str) -> str:
    """`text` without what a model thought aloud between tags before its reply, also where it never ended."""
    return _THOUGHTS.sub("", text).strip()


def _candidates(text: str) -> Sequence[str]:
    value = _parsed(text)
    if isinstance(value, str) and "{" in value:
        # JSON that was written as a text of JSON.
        return _candidates(value)
    if value is not _NOT_JSON:
        return [text]
    return list(dict.fromkeys(_objects(without_thoughts(text)))) or [text]


def _objects(text: str) -> Iterator[str]:
    """The text of each JSON object in `text`. Ends at an object that is broken: what follows may be a part of it."""
    decoder, start = json.JSONDecoder(), text.find("{")
    for _ in range(_MAX_OBJECTS):
        if start < 0:
            return
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if _OPENS_OBJECT.match(text, start):
                return
            end = start + 1
        else:
            yield text[start:end]
        start = text.find("{", end)


def _refuse_two_values(text: str) -> None:
    """Raises ValueError for an object with two different values for one name, of which parsers take the last."""
    try:
        json.loads(text, object_pairs_hook=_object_of)
    except (json.JSONDecodeError, RecursionError):
        return  # its validation says so


def _object_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise ValueError(f"the reply gives '{name[:80]}' twice, with different values; give it once")
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _with_known_values(text: str, schema: Mapping[str, Any]) -> str:
    value = _parsed(text)
    if value is _NOT_JSON:
        return text
    try:
        # Half a character, as where a model was cut in an emoji, is replaced: its validation reads no such JSON.
        known = _known(storable_json(value), schema, schema.get("$defs", {}))
    except (ValueError, RecursionError):
        return text  # nested deeper than any schema; its validation says so
    return text if known == value else json.dumps(known, ensure_ascii=False)


def _known(value: Any, schema: Any, definitions: Mapping[str, Any]) -> Any:
    """`value`, where each text or number that is a fixed value of its schema in another spelling is that value."""
    schema = resolved_schema(schema, definitions)
    if isinstance(value, str):
        return _known_text(value, schema.get("enum", ()))
    if isinstance(value, int | float) and not isinstance(value, bool) and value not in schema.get("enum", (value,)):
        known = _known_text(str(value), schema["enum"])
        return known if known in schema["enum"] else value
    if isinstance(value, list):
        return [_known(item, schema.get("items"), definitions) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: _known(item, properties.get(name), definitions) for name, item in cast("Any", value).items()}
    return value


def _known_text(text: str, allowed: Any) -> str:
    if text in allowed:
        return text
    alike = [one for one in allowed if isinstance(one, str) and _folded(one) == _folded(text)]
    return alike[0] if len(alike) == 1 else text


def _folded(text: str) -> str:
    """What the spellings of one word or number have in common: case, width, what is invisible, separators, marks."""
    visible = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    word = visible.strip(_AROUND) or text
    if _NUMBER.fullmatch(word):
        return repr(float(word.replace("\u2212", "-")))
    return _SEPARATED.sub(" ", _HYPHENATED.sub("-", _SEPARATORS.sub("", word))).casefold()


def _reject_constant(word: str) -> JsonValue:
    raise ValueError(f"{word} is not JSON")
