"""Methods of texts, lists and mappings that a template may call, with bounds on what they make.

`record.metadata.items` is the column `items` where there is one, and else a method that has to be called: written
down, a method of Python shows its address, which differs from process to process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError

from agents.safety.template_budget import check_characters, check_depth, current_budget, text_size

MAX_WIDTH = 10_000
"""The widest field that a text may be padded to, and the widest tab."""
# fmt: off
_PLAIN_TEXT_METHODS = (
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii",
    "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isspace", "istitle", "isupper", "lower",
    "lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rindex", "rpartition", "rsplit", "rstrip",
    "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper",
)
# fmt: on


def check_width(width: Any) -> None:
    """Raises SecurityError for a field that is too wide."""
    if isinstance(width, int) and width > MAX_WIDTH:
        raise SecurityError(f"a field is too wide: more than {MAX_WIDTH:,} characters")


def check_replaced(text: str, old: str, new: str) -> None:
    """Raises SecurityError when the text would be too long with `new` for every `old`."""
    check_characters(len(text) + text.count(old) * len(new))


def _padded(method: Callable[..., str]) -> Callable[..., str]:
    def call(text: str, width: int, *fill: str) -> str:
        check_width(width)
        return method(text, width, *fill)

    return call


def _expandtabs(text: str, tabsize: int = 8) -> str:
    check_width(tabsize)
    check_characters(len(text) + text.count("\t") * max(tabsize, 0))
    return text.expandtabs(tabsize)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    check_replaced(text, old, new)
    return text.replace(old, new, count)


def _join(separator: str, items: Any) -> str:
    parts = list(items)
    check_characters(text_size(parts) + len(separator) * len(parts))
    return separator.join(parts)


_TEXT_METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(str, name) for name in _PLAIN_TEXT_METHODS},
    **{name: _padded(getattr(str, name)) for name in ("center", "ljust", "rjust", "zfill")},
    "expandtabs": _expandtabs,
    "replace": _replace,
    "join": _join,
}


def _get(mapping: Mapping[str, Any], key: str, default: Any = None) -> Any:
    return mapping.get(key, default)


def _items(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(mapping.items())


def _keys(mapping: Mapping[str, Any]) -> list[str]:
    return list(mapping)


def _values(mapping: Mapping[str, Any]) -> list[Any]:
    return list(mapping.values())


def _count(items: Sequence[Any], value: Any) -> int:
    return items.count(value)


def _index(items: Sequence[Any], value: Any) -> int:
    return items.index(value)


_MAPPING_METHODS: Mapping[str, Callable[..., Any]] = {"get": _get, "items": _items, "keys": _keys, "values": _values}
_LIST_METHODS: Mapping[str, Callable[..., Any]] = {"count": _count, "index": _index}
_NO_METHODS: Mapping[str, Callable[..., Any]] = {}
METHOD_NAMES = frozenset({*_TEXT_METHODS, *_MAPPING_METHODS, *_LIST_METHODS})
"""Names of all methods that a template may call."""


def is_data(value: Any) -> bool:
    """Whether `value` is plain data, whose names come from the data."""
    return value is None or isinstance(value, str | int | float | list | tuple | Mapping)


def find_method(value: Any, name: str) -> Method | None:
    """The method of that name that a template may call on `value`; None if there is none."""
    if isinstance(value, str):
        table = _TEXT_METHODS
    elif isinstance(value, Mapping):
        table = _MAPPING_METHODS
    else:
        table = _LIST_METHODS if isinstance(value, list | tuple) else _NO_METHODS
    return Method(table[name], cast("Any", value), name) if name in table else None


class Method(StrictUndefined):
    """A method that a template names. It can be called, and is undefined for every other use."""

    unsafe_callable = False
    alters_data = False
    jinja_pass_arg = None

    def __init__(self, function: Callable[..., Any], value: Any, name: str) -> None:
        hint = f"there is no field '{name}'; a method is called so, which would be written .{name}()"
        super().__init__(hint=hint, obj=value, name=name)
        self._call = (function, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls it. Raises SecurityError when its result is too long."""
        function, value = self._call
        budget = current_budget()
        budget.take_value(value)
        result = function(value, *args, **kwargs)
        budget.take_value(result)
        check_depth(result)
        return result
