"""What a run prints of cells without an output."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from contract.messages import AgentTrace, CellError, CellStatus
from flows.accounting.ledger import Totals
from flows.cli.progress import RunProgress, cost_line
from tests.support.traces import cell, record


def printed(*traces: AgentTrace, quiet: bool = False) -> list[str]:
    out = io.StringIO()
    progress = RunProgress(Console(file=out, width=200), quiet=quiet)
    for one in traces:
        progress.on_cell(one, Totals())
    return out.getvalue().splitlines()


def ended(status: CellStatus, note: str | None = None, error: CellError | None = None, number: int = 0) -> AgentTrace:
    made = cell(record(number), {}, status=status)
    return made.model_copy(update={"note": note, "error": error})


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (ended("refused", "the provider's filter declined"),
         "judge refused, r0: the provider's filter declined; `again=refused` asks it once more"),
        (ended("truncated", "it was cut; raise max_tokens"), "judge truncated, r0: it was cut; raise max_tokens"),
        (ended("failed", error=CellError(kind="OutputInvalid", message="no reply [bold]fits[/bold] \x1b[31m")),
         "judge failed, r0: no reply [bold]fits[/bold] ␛[31m"),
    ],
)  # fmt: skip
def test_a_cell_without_an_output_is_told_with_what_to_do(of: AgentTrace, line: str) -> None:
    assert printed(of) == [line]
    assert printed(of, quiet=True) == []


def test_a_cell_of_several_models_names_its_own() -> None:
    made = cell(record(0), {"model": "alpha"}, status="truncated").model_copy(update={"note": "it was cut"})
    assert printed(made) == ["judge truncated, r0 by alpha: it was cut"]


def test_cells_that_ended_well_or_were_skipped_are_not_told() -> None:
    assert printed(ended("completed"), ended("skipped", "not needed")) == []


def test_equal_reasons_are_told_once_and_twenty_in_all() -> None:
    assert len(printed(*(ended("refused", "declined", number=number) for number in range(30)))) == 1
    lines = printed(*(ended("refused", f"declined by rule {number}", number=number) for number in range(30)))
    assert len(lines) == 21
    assert lines[-1].startswith("further ones are only counted")


def test_what_lost_replies_cost_is_told_as_what_it_may_be_and_of_this_run_too() -> None:
    totals = Totals(calls_paid=3, calls_repeated=2, cost_repeated_usd=Decimal("0.001"))
    line = cost_line(totals)
    assert "2 calls that had to be made again" in line and "may have cost $0.0010 more" in line
    assert "before, whose" not in line
