"""Corrections: a verdict of a model that a person marks as wrong; gold for the next run, and no change of this one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from contract.base import Frozen
from contract.errors import RunError, StorageError
from contract.gold import GoldEntry
from flows.coding.access import Access
from flows.coding.answer_log import CANNOT_DECIDE, MAX_TEXT_CHARACTERS
from flows.coding.app import for_person, read_body
from flows.coding.text_file import read_text_file
from flows.config.diagnostics import closest_name, there_are
from flows.files.gold_set import GoldSet, add_to_gold, read_gold
from flows.files.model_mistakes import model_mistakes
from flows.files.run_data import RunData
from flows.server.command_name import command_text
from flows.tables.coded_variables import JudgedCriterion, judged_in_run
from flows.tables.verdicts import verdict_rows

_POLICY = "default-src &#39;none&#39;;"
_SAVING_POLICY = f"{_POLICY} connect-src &#39;self&#39;;"
_META = '<meta name="referrer" content="no-referrer">'


class Correction(Frozen):
    """One verdict of a model that a person finds wrong."""

    record_id: str
    criterion: str
    model: str = ""
    given: str = ""
    """The model's verdict."""
    verdict: str
    reason: str = ""
    run: str = ""

    @classmethod
    def read(cls, text: str | bytes) -> Correction | str:
        """The correction that the JSON says, or why it says none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            return f"this is no correction: {model_mistakes(error)}"


class RunToCorrect:
    """A finished run: its records and what may be said of them."""

    def __init__(self, folder: Path) -> None:
        """Raises RunError where the folder holds no finished run of a study."""
        self.folder = folder
        self.data = RunData.open(folder)
        spec, measures = self.data.spec, self.data.spec.measures
        if measures is None:
            raise RunError(f"{folder} is no run of a study: no verdicts are compared there")
        self._judged = judged_in_run(spec, measures, self.data.manifest)
        self._words = {trace.record_id: trace.input.record.content_sha256 for trace in self.data.traces()}
        self._said = defaultdict[tuple[str, str], dict[str, set[str]]](dict)
        """Record and criterion -> model -> its verdicts, several where it was asked repeatedly."""
        for row in verdict_rows(self.data):
            given = self._said[row.record_id, row.criteria].setdefault(row.model, set())
            given.update([row.verdict] if row.verdict else [])

    @property
    def name(self) -> str:
        """Flow and run."""
        return f"{self.data.spec.name}/{self.data.manifest.get('run')}"

    def problem(self, correction: Correction) -> str:
        """Why it cannot be taken; empty where it can."""
        if correction.run not in ("", self.name):
            return f"it is about the run {correction.run}, and this is {self.name}"
        if correction.record_id not in self._words:
            return _unknown("the run has no record", correction.record_id, self._words)
        judged = self._judged.get(correction.criterion)
        if judged is None:
            return _unknown("the run judges by no criterion", correction.criterion, self._judged)
        if not correction.reason.strip():
            return "say why: others will go by it"
        if len(correction.reason) > MAX_TEXT_CHARACTERS:
            return f"the reason is too long: at most {MAX_TEXT_CHARACTERS:,} characters"
        if judged.variable is not None and judged.variable.is_in_words:
            return "answers in words are not corrected"
        try:
            verdict = _verdict(correction.verdict, judged)
        except ValueError as error:
            return str(error)
        return self._unsaid(correction, verdict)

    def _unsaid(self, correction: Correction, verdict: str) -> str:
        """Why the model's verdict is not the one that the correction is about; empty where it is."""
        by_model = self._said[correction.record_id, correction.criterion]
        if correction.model and correction.model not in by_model:
            what = f"no verdict by {correction.criterion} on {correction.record_id} is of"
            return _unknown(what, correction.model, by_model)
        who = correction.model or "any model"
        said = by_model[correction.model] if correction.model else set[str]().union(*by_model.values())
        if not said:
            return (
                f"{correction.record_id} has no verdict of {who} by {correction.criterion}, so there is none to correct"
            )
        if correction.given and correction.given not in said:
            return f"'{correction.given}' is not what {who} said of {correction.record_id}: {', '.join(sorted(said))}"
        if said == {verdict} or correction.given == verdict:
            return f"'{verdict}' is what {correction.model or 'every model'} said, so nothing is corrected"
        return ""

    def entry(self, correction: Correction, by: str, gold: GoldSet) -> GoldEntry:
        """The decision that it is; what people had said before stays with it."""
        judged = self._judged[correction.criterion]
        known: Any = self.data.manifest.get("criteria") or {}
        criterion: Any = known.get(judged.named) or {}
        before = gold.of(correction.record_id).get(correction.criterion)
        votes = dict(before.votes) if before else {}
        unclear = dict(before.unclear) if before else {}
        return GoldEntry(
            record_id=correction.record_id, criterion=correction.criterion, how="corrected",
            verdict=_verdict(correction.verdict, judged), record_sha256=self._words[correction.record_id],
            criterion_sha256=criterion.get("sha256"),
            by=by, why=correction.reason.strip(), votes=votes, unclear=unclear, models_shown=True,
            run=", ".join(part for part in (self.name, correction.model) if part),
            probability=before.probability if before else None,
        )  # fmt: skip


def _verdict(text: str, judged: JudgedCriterion) -> str:
    """The verdict as tables write it. Raises ValueError, in words for a person, for what is none."""
    if judged.verdicts and text not in judged.verdicts:
        near = closest_name(text, judged.verdicts)
        hint = f"; did you mean '{near}'?" if near else ""
        raise ValueError(f"'{text}' is none of {', '.join(judged.verdicts)}{hint}")
    found = text.strip() if judged.variable is None else judged.variable.text(judged.variable.read(text))
    if not found:
        raise ValueError("say what the verdict should be")
    return found


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    """That there is no such name, with the nearest one or all there are."""
    near = closest_name(name, known)
    hint = f"did you mean '{near}'?" if near else there_are(known)
    return f"{what} '{name}'; {hint}"


def read_corrections(path: Path) -> Iterator[tuple[str, Correction | str]]:
    """The corrections of a file that the report exported, each with its place, or why it is none.

    Raises StudyError for a file that holds nothing or is not in UTF-8.
    """
    for number, line in enumerate(read_text_file(path).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", Correction.read(line)


def add_corrections(gold: Path, run: RunToCorrect, corrections: Sequence[Correction], by: str) -> tuple[int, list[str]]:
    """Adds corrections that have no problem to the gold set. Raises StorageError.

    Returns how many are new, and what is said of other people's decisions that count no longer.
    """
    known = read_gold(gold)
    entries = [run.entry(one, by, known) for one in corrections]
    replaced = [note for entry in entries if (note := _replaced(entry, known.decision(*entry.key)))]
    return add_to_gold(gold, entries).version - known.version, replaced


def _replaced(entry: GoldEntry, before: GoldEntry | None) -> str:
    """What is said of somebody else's decision that counts no longer; empty where there is none."""
    if before is None or before.verdict == entry.verdict or (before.how != "agreed" and before.by == entry.by):
        return ""
    who = "all coders said" if before.how == "agreed" else f"{before.by} decided"
    why = f" ({before.why})" if before.why else ""
    verdict = before.verdict or CANNOT_DECIDE
    return f"of {entry.record_id} by {entry.criterion} {who} '{verdict}'{why}; this correction counts instead"


class CorrectionPages:
    """The report of a run, in which corrections are saved: `/r/<link>/`."""

    def __init__(self, run: RunToCorrect, gold: Path) -> None:
        """Raises RunError where the run has no report in which corrections can be made."""
        report = run.folder / "report.html"
        text = report.read_text(encoding="utf-8") if report.is_file() else ""
        if _POLICY not in text or "correctionsGoTo" not in text:
            raise RunError(f"{report} knows no corrections; write it again: {command_text('report', str(run.folder))}")
        self._run = run
        self._gold = gold
        self.saved = 0

    def routes(self, access: Access) -> Sequence[Route]:
        """The addresses of these pages."""
        return [
            Route("/r/{token}", for_person(access, "/r", self.report), methods=["GET"]),
            Route("/r/{token}/corrections", for_person(access, "/r", self.save), methods=["POST"]),
        ]

    async def report(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """The report, which may send corrections to this server and nothing else."""
        html = (self._run.folder / "report.html").read_text(encoding="utf-8")
        meta = f'{_META}\n<meta name="corrections" content="{base}/corrections">'
        page = html.replace(_POLICY, _SAVING_POLICY, 1).replace(_META, meta, 1)
        return HTMLResponse(page, headers={"content-security-policy": "frame-ancestors 'none'"})

    async def save(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """Adds a correction to the gold set."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return PlainTextResponse("corrections are sent as JSON", 415)
        correction = Correction.read(await read_body(request))
        problem = correction if isinstance(correction, str) else self._run.problem(correction)
        if problem or isinstance(correction, str):
            return PlainTextResponse(problem, 422)
        try:
            added, replaced = add_corrections(self._gold, self._run, [correction], person.partition(":")[2])
        except StorageError as error:
            return PlainTextResponse(f"Nothing was saved: {error}", 409)
        self.saved += added
        said = " ".join(["Saved in the gold set.", *(f"Note: {note}." for note in replaced)])
        return PlainTextResponse(said, 201) if added else PlainTextResponse("Saved before.", 200)
