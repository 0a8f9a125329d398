"""Filters of templates: Jinja's own, bounded, without those that give another result each time.

Before a filter runs, the size of its result is estimated from its arguments, since `center(10 ** 7)` needs few of them.
Generators become lists: written down, a generator shows its address, which differs from process to process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import islice
from typing import Any, cast

from jinja2 import Environment, pass_environment
from jinja2.exceptions import SecurityError

from agents.safety.template_budget import (
    MAX_ITEMS,
    check_characters,
    check_depth,
    check_items,
    current_budget,
    text_size,
)
from agents.safety.template_methods import check_replaced, check_width

NOT_DETERMINISTIC = frozenset({"random", "shuffle"})
"""Filters under which a template would ask another question each time. Jinja has the first, Ansible both."""
_MAX_INDENT = 100
_LINK_CHARACTERS = 60
# fmt: off
_PASSES_VALUES_ON = frozenset({
    "abs", "attr", "batch", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "last", "length", "list", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select",
    "selectattr", "slice", "sort", "sum", "unique",
})
# fmt: on
"""Filters that choose among values, and make no text of them."""
Filter = Callable[..., Any]


def bounded_filters(filters: Mapping[str, Filter]) -> dict[str, Filter]:
    """The filters with bounds, without those that are not deterministic."""
    kept = {name: found for name, found in filters.items() if name not in NOT_DETERMINISTIC} | {"attr": _attribute}
    return {name: bounded_filter(name, found) for name, found in kept.items()}


def bounded_filter(name: str, function: Filter) -> Filter:
    """The filter with bounds. Raises SecurityError, when called, for what exceeds them."""
    # Jinja passes its context or environment to a filter that is marked so; `wraps` copies the mark.
    first = 1 if getattr(function, "jinja_pass_arg", None) else 0
    estimate = _ESTIMATES.get(name)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        budget = current_budget()
        given = args[first:]
        if name not in _PASSES_VALUES_ON:
            budget.take(text_size([*given, *kwargs.values()]))
        elif given:
            budget.take_value(given[0])
        if estimate:
            estimate(*given, **kwargs)
        result = function(*args, **kwargs)
        if isinstance(result, Iterator):
            result = list(islice(cast("Iterator[Any]", result), MAX_ITEMS + 1))
        budget.take_value(result)
        check_depth(result)
        return result

    return call


def check_format(text: str, args: Any) -> None:
    """Raises SecurityError when `text % args` could be too long."""
    values = list(cast("Mapping[str, Any]", args).values()) if isinstance(args, Mapping) else args
    several = cast("list[Any]", values) if isinstance(values, list | tuple) else [values]
    longest = max(map(text_size, several), default=0)
    for width in _field_widths(text):
        check_width(width)
    check_characters(len(text) + text.count("%") * longest)


def _field_widths(text: str) -> Iterator[int]:
    """The widths and precisions in a format. `*` takes one from the values, which may be any."""
    for field in text.split("%")[1:]:
        head = field[: next((at for at, letter in enumerate(field) if letter.isalpha()), len(field))]
        if "*" in head:
            raise SecurityError("a width in the format cannot be *; write a number")
        for digits in "".join(letter if letter.isdecimal() else " " for letter in head).split():
            yield int(digits[:9])


def _check_indent(text: str, width: int | str = 4, *_: Any, **__: Any) -> None:
    check_width(width)
    size = len(width) if isinstance(width, str) else max(width, 0)
    check_characters(len(text) + (len(text.splitlines()) + 1) * size)


def _check_join(value: Any, d: str = "", *_: Any, **__: Any) -> None:
    check_characters(text_size(value) + len(str(d)) * (len(value) if hasattr(value, "__len__") else MAX_ITEMS))


def _check_sum(value: Any, attribute: Any = None, start: Any = 0) -> None:  # noqa: ARG001
    # Adding lists one by one copies all that went before, each time.
    if not isinstance(start, int | float):
        raise SecurityError("`sum` adds numbers alone; join lists with +")


@pass_environment
def _attribute(environment: Environment, value: Any, name: str) -> Any:
    """Jinja's own does not find a name of the data unless Python's type has it too."""
    return environment.getattr(value, name)


def _check_batch(value: Any, linecount: int, fill_with: Any = None) -> None:  # noqa: ARG001
    check_width(linecount)


def _check_slice(value: Any, slices: int, fill_with: Any = None) -> None:  # noqa: ARG001
    check_width(slices)


def _check_center(value: str, width: int = 80) -> None:  # noqa: ARG001
    check_width(width)


def _check_format_filter(value: str, *args: Any, **kwargs: Any) -> None:
    check_format(str(value), kwargs or args)


def _check_replace(text: str, old: str, new: str, count: int | None = None) -> None:  # noqa: ARG001
    check_replaced(str(text), str(old), str(new))


def _check_link_texts(text: str, *args: Any, **kwargs: Any) -> None:
    each = _LINK_CHARACTERS + sum(len(str(one)) for one in (*args, *kwargs.values()))
    check_characters(len(text) + len(text.split()) * each)


def _check_wrap(
    text: str, width: int = 79, _long: Any = True, wrapstring: str | None = None, *_: Any, **__: Any
) -> None:
    check_characters((len(text) + 1) * (1 + len(wrapstring or "")) if width else 0)


def _check_json_indent(value: Any, indent: int | None = None) -> None:
    if indent and indent > _MAX_INDENT:
        raise SecurityError(f"the indent is wider than {_MAX_INDENT} characters")
    check_characters(text_size(value) * (1 + (indent or 0)))


def _check_list(value: Any) -> None:
    check_items(len(value) if hasattr(value, "__len__") else 0)


_ESTIMATES: Mapping[str, Callable[..., None]] = {
    "batch": _check_batch,
    "center": _check_center,
    "format": _check_format_filter,
    "indent": _check_indent,
    "join": _check_join,
    "list": _check_list,
    "replace": _check_replace,
    "slice": _check_slice,
    "sum": _check_sum,
    "tojson": _check_json_indent,
    "urlize": _check_link_texts,
    "wordwrap": _check_wrap,
}
"""Filter -> raises SecurityError when its result would be too large."""
