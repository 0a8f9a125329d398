"""The table that a study shows at a terminal when it has ended."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from contract.flow import FlowSpec
from flows.cli.study_table import show_study
from flows.files.run_data import RunData
from flows.measures.compute import compute_measures
from flows.run_folder.derive import Derived
from tests.support.verdicts import rows, spec


def table_of(verdicts: Sequence[str | None], truth: Sequence[str | None] | None = None) -> str:
    """The table of one model's verdicts, 80 characters wide; each run of blanks is reduced to one."""
    flow = FlowSpec.model_validate({"name": "letters", "records": "post", "steps": {"judge": {"agent": "judge"}}})
    verdict_rows = rows({"a_model_of_a_long_name": verdicts}, truth)
    derived = Derived(
        RunData(Path(), {}, flow), verdict_rows, compute_measures(verdict_rows, spec(truth="label", resamples=50))
    )
    console = Console(file=io.StringIO(), width=80)
    show_study(console, derived)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_verdicts_are_written_out_however_narrow_the_terminal() -> None:
    verdicts = ["does_not_violate", "violates", "does_not_violate", "violates_in_part"]
    table = table_of(verdicts, verdicts)
    assert "does_not_violate" in table and "violates_in_part" in table and "…" not in table
    assert "accuracy" in table and "1.00" in table


def test_without_answers_of_people_nothing_is_compared_and_the_table_reports_it() -> None:
    table = table_of(["violates", "does_not_violate"])
    assert "Not compared with people" in table
    assert "accuracy" not in table and "undefined" not in table


def test_a_few_records_are_named_as_such() -> None:
    assert "With only 2 records" in table_of(["violates", "does_not_violate"])
    assert "With only" not in table_of(["violates"] * 50)


def test_of_how_many_records_people_judged_the_figures_are_is_said() -> None:
    few = table_of(["violates"] * 60, ["violates", "violates", *[None] * 58])
    assert "people judged 2 records" in few and "accuracy 1.00" in few
    assert "Only 2 records were compared with people: accuracy and kappa say little of the others." in few
    assert "Only" not in table_of(["violates"] * 60, ["violates"] * 60)


def test_in_a_narrow_terminal_no_word_is_broken() -> None:
    verdicts = ["does_not_violate", "violates", "does_not_violate", "violates_in_part"]
    table = table_of(verdicts, verdicts)
    assert "a_model_of_a_long_name" in table
    assert "2 does_not_violate, 1 violates, 1 violates_in_part" in table
