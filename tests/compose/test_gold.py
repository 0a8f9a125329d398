"""`truth=gold/study.jsonl`: found, checked before any call, and never a file that a study may not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StudyError
from contract.gold import GoldEntry
from contract.measures import Measures
from contract.record import Record
from flows.check.ground_truth import GroundTruthCheck
from flows.compose.compose import compose
from flows.engine.records import record_notes, records_of
from flows.files.gold_set import add_to_gold
from flows.tables.ground_truth import GroundTruth
from tests.support.commands import write_files
from tests.support.own_config import use_own_config


def decision(record: str, criterion: str = "ordinary", **more: str) -> GoldEntry:
    return GoldEntry.model_validate(
        {"record_id": record, "criterion": criterion, "verdict": "violates", "how": "agreed", **more}
    )


def problems(*words: str) -> str:
    with pytest.raises(StudyError) as caught:
        compose(["tox"], list(words))
    return str(caught.value)


@pytest.fixture
def gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gold set beside which commands are typed."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gold" / "tox.jsonl"
    add_to_gold(path, [decision("tox-01"), decision("tox-02", record_sha256="0" * 64)])
    return path


def test_decisions_stand_in_the_ground_truth_and_other_words_are_told(gold: Path) -> None:
    [study] = compose(["tox"], ["truth=gold/tox.jsonl"])
    records = {one.record_id: one for one in records_of(study, lambda reject: None)}
    assert (records["tox-01"].ground_truth or {})["people"] == {
        "ordinary": {"gold": "violates", "how": "agreed", "coders": {}}
    }
    assert "people" not in (records["tox-02"].ground_truth or {})
    [note] = record_notes(study, list(records.values()))
    assert "other words of 1 record" in note and "tox-02" in note
    assert study.request["truth"] == "gold/tox.jsonl"


def test_a_run_says_that_corrections_alone_are_no_sample(gold: Path) -> None:
    def notes() -> list[str]:
        [study] = compose(["tox"], ["truth=gold/fixed.jsonl"])
        return list(record_notes(study, list(records_of(study, lambda reject: None))))

    fixed = gold.with_name("fixed.jsonl")
    add_to_gold(fixed, [decision("tox-01", how="corrected"), decision("tox-02", how="open")])
    [note] = notes()
    assert "are corrections, chosen by those who looked at models' verdicts" in note and "nothing of the whole" in note
    add_to_gold(fixed, [decision("tox-02")])
    assert notes() == []


def test_a_gold_set_that_is_missing_changed_or_of_other_criteria_is_told_before_any_call(gold: Path) -> None:
    assert "command line: truth=gold/tux.jsonl: there is no gold set" in problems("truth=gold/tux.jsonl")
    assert "did you mean 'tox.jsonl'?" in problems("truth=gold/tux.jsonl")
    add_to_gold(gold.with_name("other.jsonl"), [decision("tox-01", "other")])
    assert "its decisions are about other" in problems("truth=gold/other.jsonl")
    gold.write_text(gold.read_text().replace("violates", "unclear", 1))
    assert "tox.jsonl:1: this line, or one before it, was changed" in problems("truth=gold/tox.jsonl")


def test_a_study_may_not_name_a_gold_set_outside_its_folder(
    gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_own_config(monkeypatch, tmp_path / "user")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.jsonl"
    add_to_gold(outside, [decision("tox-01")])
    flow = (
        "name: mine\nrecords: posts\n"
        "steps:\n  judge: {agent: judge, variants: {criteria: [ordinary], model: [demo]}}\n"
        f"measures: {{verdicts: judge, truth: {outside}}}\n"
    )
    folder = write_files(tmp_path / "deep" / "study", {"flows/mine.yaml": flow})
    with pytest.raises(StudyError, match=r"mine\.yaml:5: `truth` names .* outside the study's folder"):
        compose(["mine"], [], folder)
    [study] = compose(["tox"], [f"truth={outside}"])
    assert study.flow.measures and study.flow.measures.gold == str(outside)


def test_a_column_of_people_that_does_not_exist_is_told() -> None:
    measures = Measures.model_validate(
        {"verdicts": "judge", "truth": {"rude": {"field": "label", "coder": "annotater"}}, "labels": {"1": "yes"}}
    )
    check = GroundTruthCheck(measures, GroundTruth(measures, {"rude": ["yes", "no"]}), ("flows",))
    check.add(
        Record(record_id="1", text="t", ground_truth={"label": ["1", "1"], "of_each_answer": {"annotator": ["a", "b"]}})
    )
    [(criterion, mistake)] = check.absent_coders()
    assert (criterion, mistake.nearest) == ("rude", "annotator")
