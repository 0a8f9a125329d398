"""Finds ids that a spreadsheet has rounded: it keeps 15 digits of a number and writes zeros for the rest."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

KEPT_DIGITS = 15
"""Digits of a number that a spreadsheet keeps."""
_FEWEST_OF_A_SEQUENCE = 3
_LEAST_DIGITS = 3
"""Before the zeros. Numbers such as 1000000000000000000 are chosen by people."""
_CHANCE = 0.01
"""What is as probable as this without a spreadsheet is not called rounded."""
_GAPS = 100
"""Numbers that a sequence may leave out for each that it has."""
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d){2}(\d{2,3}|\d{6})")
"""A date and time to parts of a second; those to the second end in zeros."""


def rounded_ids(long_ids: Sequence[str]) -> list[str]:
    """The ids that were rounded, of ids that are numbers of more digits than are kept.

    Ids may be round for a good reason: as numbers of a sequence, as dates, or by chance where there are many.
    """
    beginnings = Counter((one[:KEPT_DIGITS], len(one)) for one in set(long_ids))
    ends = [one for one in long_ids if not one[KEPT_DIGITS:].strip("0") and not _DATE.fullmatch(one)]
    found = [one for one in ends if beginnings[(one[:KEPT_DIGITS], len(one))] == 1 and _digits(one) >= _LEAST_DIGITS]
    all_round = len(found) == len(long_ids)
    if _is_sequence(long_ids, all_round=all_round):
        return []
    by_chance = sum(10.0 ** (KEPT_DIGITS - len(one)) for one in long_ids)
    if (all_round and len(found) > 1) or by_chance < _CHANCE * len(found):
        return found
    return [one for one in found if len(long_ids) * 10.0 ** (_digits(one) - len(one)) < _CHANCE]


def _digits(number: str) -> int:
    """How many digits stand before its last zeros."""
    return len(number.rstrip("0"))


def _is_sequence(long_ids: Sequence[str], *, all_round: bool) -> bool:
    """Whether the ids were counted up in equal steps. Rounded ones lie on round places, so they may leave no gaps."""
    numbers = sorted({int(one) for one in long_ids})
    steps = [after - before for before, after in pairwise(numbers)]
    if len(numbers) < _FEWEST_OF_A_SEQUENCE:
        return False
    if all_round:
        return len(set(steps)) == 1
    return (numbers[-1] - numbers[0]) // math.gcd(*steps) <= _GAPS * len(numbers)
