"""Nested values as columns: nothing is lost, and no two values share a column."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.base import JsonValue
from flows.tables.flatten import flatten
from tests.tables.strategies import scalars

keys = st.sampled_from(("", "a", "b", "a.b", "b.a", ".", '"', '"a"', '"a.b"', "a.", "\\"))
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def leaves(value: JsonValue) -> Iterator[str]:
    """What a table must hold of a value: each scalar, list and empty object, as JSON."""
    if isinstance(value, dict) and value:
        for item in value.values():
            yield from leaves(item)
    elif value is not None:
        yield json.dumps(value)


@settings(max_examples=500, deadline=None)
@given(trees)
def test_every_leaf_has_a_column_of_its_own(value: JsonValue) -> None:
    found = list(flatten("value", value))
    assert len({name for name, _ in found}) == len(found)
    assert sorted(_again(held) for _, held in found) == sorted(_again(json.loads(leaf)) for leaf in leaves(value))


def _again(held: object) -> str:
    return held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)
