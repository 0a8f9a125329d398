"""What a study shows at a terminal when it is over."""

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


def shown(said: Sequence[str | None], truth: Sequence[str | None] | None = None) -> str:
    """The table of one model, 80 characters wide, with its runs of blanks made one."""
    flow = FlowSpec.model_validate({"name": "letters", "records": "post", "steps": {"judge": {"agent": "judge"}}})
    verdicts = rows({"a_model_of_a_long_name": said}, truth)
    derived = Derived(
        RunData(Path(), {}, flow), verdicts, compute_measures(verdicts, spec(truth="label", resamples=50))
    )
    console = Console(file=io.StringIO(), width=80)
    show_study(console, derived)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_verdicts_are_written_out_however_narrow_the_terminal() -> None:
    said = ["does_not_violate", "violates", "does_not_violate", "violates_in_part"]
    table = shown(said, said)
    assert "does_not_violate" in table and "violates_in_part" in table and "…" not in table
    assert "accuracy" in table and "1.00" in table


def test_without_answers_of_people_nothing_is_compared_and_that_is_said() -> None:
    table = shown(["violates", "does_not_violate"])
    assert "Not compared with people" in table
    assert "accuracy" not in table and "undefined" not in table
