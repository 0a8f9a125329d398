"""`columns.md`: each variable of a codebook is described as itself."""

from __future__ import annotations

from pathlib import Path

from contract.codebook import Codebook, Variable
from contract.flow import FlowSpec
from flows.files.run_data import RunData
from flows.run_folder.columns import write_columns

TONE = Variable(name="tone", type="choice", options=("harsh", "kind"), ordered=True, description="How does it | speak?")
COUNT = Variable(name="count", type="number", minimum=0)
SPEC = {"name": "letters", "records": "letters", "steps": {"judge": {"agent": "judge"}}, "result": "judge"}


def test_a_variable_is_described_with_its_type_and_its_answers(tmp_path: Path) -> None:
    names = ["record_id", *(f"value.codes.{one}" for one in ("tone.value", "tone.quotes", "count.value"))]
    (tmp_path / "cells.csv").write_text(",".join(names) + "\n", encoding="utf-8")
    codebook = Codebook(variables=(TONE, COUNT)).model_dump(mode="json")
    manifest = {"criteria": {"parl": {"codebook": codebook}, "ordinary": {"verdicts": ["a", "b"]}}}
    write_columns(RunData(tmp_path, manifest, FlowSpec.model_validate(SPEC)))
    rows = [line for line in (tmp_path / "columns.md").read_text(encoding="utf-8").splitlines() if ".codes." in line]
    value, quotes, count = rows
    assert "The answer to `tone` of `parl`, one of several options: `harsh`, `kind`, from least to most." in value
    assert "“How does it \\| speak?”" in value and "Output of `judge`." in value
    assert "The quotations for it, as JSON: `tone` of `parl`" in quotes
    assert "The answer to `count` of `parl`, a number: at least 0." in count
