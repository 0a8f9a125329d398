"""Reads parts of Jinja expressions: how a chain of names is written, and which field a filter takes."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

_FILTERS_BY_FIELD = frozenset({"groupby", "selectattr", "rejectattr"})
"""Filters whose first argument is a field of each item. In others it is named: `map(attribute='reason')`."""
_OPTIONAL_FILTERS = frozenset({"default", "d"})
_OPTIONAL_TESTS = frozenset({"defined", "undefined"})


def written(node: nodes.Node) -> str:
    """The expression as it stands, for a reader: `answers[0].verdict`, `(answers | first).verdict`."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Const():
            return repr(node.value)
        case nodes.Getattr():
            return f"{written(node.node)}.{node.attr}"
        case nodes.Getitem():
            return f"{written(node.node)}{_written_part(node.arg)}"
        case nodes.Filter() if node.node is not None:
            named = field_of_filter(node)
            return written(named) if named else f"({written(node.node)} | {node.name})"
        case _:
            return "(…)"


def _written_part(part: nodes.Node) -> str:
    if isinstance(part, nodes.Const):
        return f".{part.value}" if isinstance(part.value, str) else f"[{part.value}]"
    return "[:]" if isinstance(part, nodes.Slice) else f"[{written(part)}]"


def dotted(node: nodes.Node) -> str | None:
    """`a.b.c`, also for `a['b'].c`; None for what is no chain of names."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        before = dotted(node.node)
        return before and f"{before}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before = dotted(node.node)
        return before and f"{before}.{node.arg.value}"
    return None


def optional_names(tree: nodes.Node) -> Iterator[str]:
    """The chains of which the expressions say that they may lack a value: `is defined`, `| default`."""
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        optional = _OPTIONAL_TESTS if isinstance(node, nodes.Test) else _OPTIONAL_FILTERS
        if node.name in optional and node.node is not None:
            yield written(node.node)


def field_of_filter(node: nodes.Filter) -> nodes.Getattr | None:
    """`x | attr('name')` as `x.name`; None for all other filters."""
    [name, *_] = [*node.args, None]
    if node.name != "attr" or node.node is None or not isinstance(name, nodes.Const) or not isinstance(name.value, str):
        return None
    return nodes.Getattr(node.node, name.value, "load", lineno=node.lineno)


def field_of_items(node: nodes.Filter) -> str | None:
    """The field, dotted, that a filter needs of each item of a list: by its name or as the first argument."""
    named = [one.value for one in node.kwargs if one.key == "attribute"]
    if any(one.key == "default" for one in node.kwargs):
        return None
    first, tests = (node.args[:1], node.args[1:2]) if node.name in _FILTERS_BY_FIELD else ([], [])
    if any(isinstance(test, nodes.Const) and test.value in _OPTIONAL_TESTS for test in tests):
        return None
    [value, *_] = [*named, *first, None]
    return value.value if isinstance(value, nodes.Const) and isinstance(value.value, str) else None
