"""Few records: the caveat that goes with the figures of a small study."""

from __future__ import annotations

FEW_RECORDS = 50
"""Below this number of records, a share of one half has a 95% interval that is wider than 0.27 (by the normal
approximation, 2 x 1.96 x sqrt(0.25 / n))."""


def few_records_text(records: int) -> str:
    """The caveat, as a sentence; empty where there are enough records."""
    if records >= FEW_RECORDS:
        return ""
    noun = "record" if records == 1 else "records"
    return f"With only {records:,} {noun}, these figures say little of other texts: one more may change them much."


def few_compared_text(compared: int) -> str:
    """The caveat where people judged few of the records; empty where they judged enough, or none at all."""
    if not 0 < compared < FEW_RECORDS:
        return ""
    noun = "record was" if compared == 1 else "records were"
    return f"Only {compared:,} {noun} compared with people: accuracy and kappa say little of the others."
