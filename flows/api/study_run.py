"""StudyRun: a finished run as data frames and typed answers."""

from __future__ import annotations

import html
import json
import warnings
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import RunError
from contract.findings import CitedAnswer
from contract.messages import AgentTrace
from flows.api.display import ReportFrame, answer_html, finding_html, left_out_html, notes_html
from flows.api.frames import verdicts_frame
from flows.files.checksums import FILLED_IN_LATER
from flows.files.folder import read_traces
from flows.report.left_out import left_out_lines
from flows.report.notes_section import notes_of
from flows.storage.rows import Reject

if TYPE_CHECKING:
    import pandas as pd

    from flows.run_folder.outcome import Outcome

_REJECTS = "rejects.csv"


class StudyRun:
    """The folder of a finished run. Frames are read when they are first used; nothing in them is computed anew."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "manifest.json").is_file():
            raise RunError(f"{self.folder} holds no finished run")

    @classmethod
    def of(cls, outcome: Outcome) -> StudyRun:
        """The run with that outcome. Warns of rows that were left out, since nothing else says so in a script."""
        run = cls(outcome.folder.absolute())
        if lines := list(left_out_lines(outcome.rejects, run.folder / _REJECTS)):
            warnings.warn("\n".join(lines), stacklevel=3)
        return run

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was run, with which models, prompts and data, and what it cost."""
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))

    @property
    def notes(self) -> list[str]:
        """What the run said of itself, for example that a bound was reached."""
        return [*notes_of(self.manifest)]

    @property
    def waiting(self) -> Path | None:
        """The file with what waits for a person, to be filled in and given as `answers=…`; None where nothing does."""
        return next((path for name in FILLED_IN_LATER if (path := self.folder / name).is_file()), None)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row for each cell, those without an output included."""
        return self.table("cells")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row for each record, criterion, model and repeat, with the verdict and people's answer, `truth`.

        Where no verdict came, `status` says why. Empty for flows that make none. `table("verdicts")` is the wide table
        of the run folder: a row for each record, a column for each judge.
        """
        return verdicts_frame(self.folder)

    @cached_property
    def verdict_counts(self) -> pd.DataFrame:
        """How often each model gave each verdict by each criterion, one row for each; empty where there are none."""
        if (cells := self.cells).empty or "value.verdict" not in cells:
            return cells.iloc[:0]
        given = cells[cells["value.verdict"].notna()].rename(columns={"value.verdict": "verdict"})
        groups = given.groupby(["step", "criteria", "model", "verdict"], dropna=False)
        return groups.size().rename("records").reset_index()

    @cached_property
    def measures(self) -> pd.DataFrame:
        """One row for each measure of agreement and accuracy, with its interval."""
        return self.table("measures")

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """One row for each row or file that was left out of the records or the corpus, with the reason."""
        import pandas as pd

        if (path := self.folder / _REJECTS).is_file():
            return pd.read_csv(path, keep_default_na=False)
        return pd.DataFrame(columns=[field.name for field in fields(Reject)])

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """What the flow's `result` step gave for each record, as JSON."""
        path = self.folder / "results.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []

    @property
    def answer(self) -> CitedAnswer:
        """The cited answer of a flow that answers one question. Raises RunError when there is none."""
        if answer := self.cited_answer:
            return answer
        raise RunError(f"the run in {self.folder} gave no cited answer; see its `cells`")

    @property
    def cited_answer(self) -> CitedAnswer | None:
        """As `answer`; None where there is none."""
        for result in self.results:
            if isinstance(value := result.get("result"), dict) and "claims" in value:
                return CitedAnswer.model_validate(value)
        return None

    def traces(self) -> list[AgentTrace]:
        """The whole account of every cell: what was asked, what came back, and what it cost."""
        return list(read_traces(self.folder / "answers.jsonl"))

    def report(self, height: int = 700) -> ReportFrame:
        """The report as a frame for a notebook. Scripts in it cannot reach the notebook."""
        return ReportFrame(self.folder / "report.html", height)

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run folder by its name without an ending; empty where the run made none of that name."""
        import pandas as pd

        if (path := self.folder / f"{name}.parquet").is_file():
            return pd.read_parquet(path)
        path = self.folder / f"{name}.csv"
        return pd.read_csv(path) if path.is_file() else pd.DataFrame()

    def __repr__(self) -> str:
        return f"StudyRun({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        try:
            shown = answer_html(self.answer)
        except RunError:
            is_demonstration = "demonstration" in set(self.verdicts["quality"])
            shown = finding_html(self.measures, self.verdict_counts, demonstration=is_demonstration)
        rows: Any = self.rejects.to_dict("records")
        rejects = [Reject(**row) for row in rows]
        shown += left_out_html(rejects, self.folder / _REJECTS) + notes_html(self.notes)
        return f"{shown}<p>Files: <code>{html.escape(str(self.folder))}</code></p>"
