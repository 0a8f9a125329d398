"""References: what a step's input names. `search.passages`, `record.metadata.year`, `previous.check.missing`.

    reference = parse_reference("check.answers[0].claims")
    reference.resolve({"check": {"answers": [...]}})

The first word names where to look. Everything after it (for `previous`, after the step's name) is JMESPath.
An input may name several places with `or`: `follow_up.question or parameters.query` is the first that has a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from contract.base import JsonValue

Root = Literal["record", "parameters", "previous", "step"]
RESERVED_NAMES = frozenset({"record", "parameters", "previous", "round"})
"""Names that no step may have."""

_OR = re.compile(
    r"""\s+or\s+(?=[A-Za-z_])
    # Not within a text or a bracket of JMESPath: what follows has both ends of each.
    (?=(?:[^'"`\[\]]|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\])*$)""",
    re.VERBOSE,
)
_HEAD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*")


@dataclass(frozen=True)
class Reference:
    """One reference, parsed. `step` is set for roots `step` and `previous`; `path` is JMESPath, or empty."""

    text: str
    root: Root
    step: str | None
    path: str

    def resolve(self, values: Mapping[str, Any]) -> JsonValue:
        """The value of the reference in `values`, which maps `record`, `parameters`, `previous` and step names to JSON.

        Null when the step was skipped or the path finds nothing. Raises ValueError, with a plain message, when a
        JMESPath function gets a value that it cannot take.
        """
        if self.root == "step":
            found = values.get(self.step or "")
        else:
            found = values.get(self.root)
            if self.root == "previous":
                found = cast("Mapping[str, Any]", found or {}).get(self.step or "")
        return _search_path(self.path, _plain_json(found)) if self.path else _plain_json(found)


def alternatives(text: str) -> tuple[str, ...]:
    """The references in `text`, the preferred one first; `or` stands between them."""
    return tuple(part.strip() for part in _OR.split(text))


def reference_texts(references: str | tuple[str, ...]) -> tuple[str, ...]:
    """Every single reference of an input: those of a list, and those between which `or` stands."""
    return tuple(
        part for text in ((references,) if isinstance(references, str) else references) for part in alternatives(text)
    )


def parse_reference(text: str) -> Reference:
    """Parses a reference. Raises ValueError, with a plain message, when `text` is not one."""
    first, rest = _split_word(text, text)
    if first not in ("record", "parameters", "previous"):
        return Reference(text, "step", first, _parse_path(rest, text))
    if first == "previous":
        if not rest.startswith("."):
            raise ValueError(f"'{text}' names no step; write previous.<step>.<field>")
        step, rest = _split_word(rest[1:], text)
        return Reference(text, "previous", step, _parse_path(rest, text))
    return Reference(text, first, None, _parse_path(rest, text))


def _split_word(text: str, whole: str) -> tuple[str, str]:
    found = _HEAD.match(text)
    if not found:
        raise ValueError(f"'{whole}' is not a reference; write a step's name, record, parameters or previous first")
    return found[1], text[found.end() :].strip()


def _parse_path(rest: str, whole: str) -> str:
    if not rest:
        return ""
    if rest[0] not in ".[|":
        raise ValueError(f"'{whole}' is not a reference: a dot or a bracket is missing before '{rest}'")
    path = rest[1:].lstrip() if rest[0] in ".|" else rest
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(path)  # type: ignore[reportUnknownMemberType]
    except RecursionError:
        raise ValueError(f"'{path[:40]}…' is not JMESPath: it is nested too deep") from None
    except JMESPathError as error:
        raise ValueError(f"'{path}' in '{whole}' is not JMESPath: {_first_line(error)}") from None
    return path


def _search_path(path: str, value: JsonValue) -> JsonValue:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(path, value)  # type: ignore[reportUnknownMemberType]
    except JMESPathError as error:
        raise ValueError(f"'{path}' cannot be applied here: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(": ") if str(error).strip() else "it is incomplete"


def _plain_json(value: Any) -> Any:
    """Frozen maps and tuples as the dicts and lists that JMESPath reads."""
    if isinstance(value, Mapping):
        return {key: _plain_json(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain_json(item) for item in cast("list[Any]", value)]
    return value
