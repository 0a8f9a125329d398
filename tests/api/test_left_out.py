"""Rows that a run leaves out are told by study(...) as by the command line, and so is demonstration quality."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flows import study

ROWS = [{"text": "One post.", "record_id": 1}, {"text": "Another.", "record_id": 1}, {"text": None, "record_id": 3}]
REPEATED = ".jsonl:2: the id '1' was there before, on line 1; ids must be unique"


def test_rows_left_out_are_told_before_and_after_a_run(home: Path) -> None:
    judging = study("judger", config_dir=home, records=ROWS, criteria="ordinary")
    found = judging.check()
    assert not found and "of the 3 rows 1 can be read, 2 cannot" in str(found) and REPEATED in str(found)
    said = "2 rows or files could not be read and were left out:"
    assert said in str(judging.plan()) and REPEATED in str(judging.plan()).replace("\n", "")
    with pytest.warns(UserWarning, match=re.escape(said)):
        run = judging.run()
    assert list(run.rejects["line"]) == [2, 3] and "the record is empty" in run.rejects["reason"][1]
    shown: Any = run
    page = shown._repr_html_()
    assert said in page and f"{run.folder}/rejects.csv" in page and "Demonstration quality" in page


def test_a_run_that_leaves_nothing_out_says_nothing(home: Path, recwarn: pytest.WarningsRecorder) -> None:
    run = study("judger", config_dir=home, records=ROWS[:1], criteria="ordinary").run()
    shown: Any = run
    assert run.rejects.empty and list(run.rejects) == ["line", "reason", "raw", "source"]
    assert "left out" not in shown._repr_html_() and not [one for one in recwarn if "left out" in str(one.message)]
