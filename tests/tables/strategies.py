"""Runs made up by hypothesis: whatever texts, values and ends of cells there may be, in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from contract.base import JsonValue
from contract.messages import AgentTrace, CellStatus
from contract.record import Record
from tests.support.traces import call, cell, record

STATUSES: Sequence[CellStatus] = (
    "completed", "refused", "truncated", "failed", "skipped", "missing_input", "over_budget",
)  # fmt: skip
_AWKWARD = st.sampled_from(
    (
        "=1+1", "+1", "-2", "-x", "@sum", "\ttab", "\rcr", "\nlf", "'quoted", "''", "＝1", "a\r\nb", "a\x00b",
        'say "so"', "a;b,c", "true", "007", "NA", "1e5", "é日本🙂", "\u202eright to left", "\x1b[31m", " ", "",
    )
)  # fmt: skip
_IN_IDS = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp"))
"""What a record's id may consist of: no control characters."""
texts = st.one_of(_AWKWARD, st.text(max_size=12))
names = st.one_of(st.sampled_from(("a", "b.c", 'd"e', "", "verdict", "=x", "Ä")), st.text(max_size=6))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(names, values, max_size=3)
labels = st.one_of(st.none(), st.booleans(), st.sampled_from(("", "violates", "1", 1, 1.0, 0, "=1", " allowed ")))


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Up to four records with different ids."""
    ids = draw(
        st.lists(
            st.one_of(st.sampled_from(("r1", "r10", "r2")), st.text(_IN_IDS, min_size=1, max_size=8)),
            max_size=4,
            unique=True,
        )
    )
    return [
        record(
            number,
            record_id=name,
            metadata=draw(objects),
            ground_truth=draw(st.one_of(st.none(), st.fixed_dictionaries({"label": labels, "more": values}))),
        )
        for number, name in enumerate(ids)
    ]


@st.composite
def traces(draw: st.DrawFn) -> list[AgentTrace]:
    """Some of the cells of a study, each at most once, in any order."""
    criteria = draw(
        st.lists(st.sampled_from(("one", "two.md", "No text may do harm.", "=cmd")), max_size=2, unique=True)
    )
    models = draw(st.lists(st.one_of(st.sampled_from(("alpha", "beta")), names), min_size=1, max_size=2, unique=True))
    found = [
        _cell(draw, of, variant, step, repeat, round_number)
        for of in draw(records())
        for variant in _variants(criteria, models, draw(st.booleans()))
        for step in ("judge", "differences")
        for repeat in range(2)
        for round_number in range(2)
        if draw(st.integers(0, 3))
    ]
    return draw(st.permutations(found))


def _variants(criteria: Sequence[str], models: Sequence[str], tones: bool) -> list[dict[str, JsonValue]]:
    found: list[dict[str, JsonValue]] = [{"model": model} for model in models]
    if criteria:
        found = [{**variant, "criteria": name} for variant in found for name in criteria]
    return [{**variant, "tone": tone} for variant in found for tone in ("calm", 2)] if tones else found


def _cell(
    draw: st.DrawFn, of: Record, variant: dict[str, JsonValue], step: str, repeat: int, round_number: int
) -> AgentTrace:
    status = draw(st.sampled_from(STATUSES))
    value: Any = None
    if status == "completed":
        value = draw(objects) | draw(st.sampled_from(({}, {"verdict": "violates"}, {"verdict": "=1"}, {"verdict": 3})))
    costs = draw(st.lists(st.sampled_from((None, Decimal("0.0012"), Decimal("1E-9"), Decimal(0))), max_size=2))
    calls = [call(f"{place}", cost=cost) for place, cost in enumerate(costs)]
    return cell(
        of,
        variant,
        status=status,
        value=value,
        step=step,
        repeat=repeat,
        round=round_number,
        calls=calls,
        note=draw(texts),
    )
