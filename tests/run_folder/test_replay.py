"""`replay` makes a run again to the byte without asking a model; `verify` finds any byte that was changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from contract.gold import GoldEntry
from flows.accounting.audit import AuditTrail
from flows.cli.main import main
from flows.config.folders import search_folders
from flows.files.checksums import write_sums
from flows.files.gold_set import add_to_gold
from flows.files.run_data import RunData
from flows.run_folder.verify import verify
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.judging import make_posts, write_study
from tests.support.running import Lab


@pytest.fixture
async def run(lab: Lab, fake: FakeLLM) -> Path:
    """The folder of a finished run: some replies were asked for again, some were refused, some cells failed."""
    fake.script(
        Rule(kind="wrong_schema", times=2),
        Rule(kind="refusal", times=1),
        Rule(kind="status", status=400, times=1),
        Rule(kind="wrong_schema", match="number 4", times=3),
    )
    write_study(lab.folder, fake.url, make_posts(6))
    lab.flow = "judged"
    ran = await lab.run()
    assert ran.outcome
    return ran.outcome.folder


def changes(folder: Path, lab: Lab, audit: AuditTrail | None = None) -> list[str]:
    """The changes that `verify` finds."""
    return verify(folder, search_folders(lab.folder), str(lab.folder / "results"), audit)


def flip(path: Path, at: int = 40) -> None:
    """Changes one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_a_run_is_made_again_to_the_byte_without_a_call(
    run: Path, fake: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = fake.stats()["calls"]
    assert main(["replay", str(run), "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["different"] == [] and output["cells"] == 36 and output["stored replies read"] >= 35
    assert fake.stats()["calls"] == calls


@pytest.mark.parametrize("words", ["Rule 1: it says so.", "Post number 2", '"verdict'])
def test_a_replay_reports_what_differs(run: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "manifest.json" if words.startswith("Rule") else run / "answers.jsonl"
    text = path.read_text(encoding="utf-8")
    other = words.replace("so", "no").replace("number", "nomber").replace("verdict", "vertict")
    path.write_text(text.replace(words, other, 1) if words.startswith("Post") else text.replace(words, other))
    assert main(["replay", str(run), "--json"]) != 0
    assert words.startswith('"') or json.loads(capsys.readouterr().out)["different"]


def test_in_an_unchanged_run_nothing_is_found(run: Path, lab: Lab) -> None:
    assert changes(run, lab) == []
    # The report prints the command without the study's folder.
    assert verify(run, search_folders(None), str(lab.folder / "results")) == []


def test_replies_are_compared_where_the_run_kept_them(run: Path, lab: Lab) -> None:
    reply = next(path for path in (lab.folder / "results" / "replies").glob("*/*") if path.is_file())
    flip(reply)
    [told] = verify(run, search_folders(lab.folder), None)
    assert reply.name in told
    (lab.folder / "results").rename(lab.folder / "elsewhere")
    assert verify(run, search_folders(lab.folder), None) == []
    assert not (lab.folder / "results").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "bytes"])
def test_a_list_of_digests_that_is_none_is_found(run: Path, lab: Lab, kind: str) -> None:
    sums = run / "SHA256SUMS"
    sums.unlink()
    if kind == "bytes":
        sums.write_bytes(b"\xff\n")
    else:
        sums.mkdir() if kind == "folder" else os.mkfifo(sums)
    assert any("SHA256SUMS" in change for change in changes(run, lab))


def test_any_changed_byte_of_any_file_of_the_run_is_found(run: Path, lab: Lab) -> None:
    for path in sorted(path for path in run.iterdir() if path.suffix not in (".json", ".jsonl")):
        before = path.read_bytes()
        flip(path)
        assert changes(run, lab), path.name
        path.write_bytes(before)
    for name in ("manifest.json", "answers.jsonl"):
        before = (run / name).read_bytes()
        (run / name).write_bytes(before.replace(b"judge", b"jugde", 1))
        assert any(name in change for change in changes(run, lab))
        (run / name).write_bytes(before)
    assert changes(run, lab) == []


def test_changed_data_prompts_criteria_and_replies_are_found(run: Path, lab: Lab) -> None:
    flip(lab.folder / "posts.jsonl")
    assert any("posts.jsonl has changed" in change for change in changes(run, lab))
    flip(lab.folder / "posts.jsonl")
    (lab.folder / "criteria" / "plain.md").write_text("Something else.", encoding="utf-8")
    assert any("plain.md has changed" in change for change in changes(run, lab))
    (lab.folder / "criteria" / "plain.md").unlink()
    assert any("plain.md is no longer there" in change for change in changes(run, lab))
    reply = next(path for path in (lab.folder / "results" / "replies").glob("*/*") if path.is_file())
    flip(reply)
    assert any("kept reply" in change and reply.name in change for change in changes(run, lab))


async def test_a_gold_set_that_is_not_the_one_of_the_run_is_told(lab: Lab, fake: FakeLLM) -> None:
    write_study(lab.folder, fake.url, make_posts(2))
    lab.flow = "judged"
    gold = lab.folder / "gold" / "judged.jsonl"
    first = GoldEntry(record_id="p0", criterion="plain", verdict=None, how="open", probability=0.5)
    add_to_gold(gold, [first, GoldEntry(record_id="p1", criterion="plain", verdict=None, how="open")])
    ran = await lab.run(f"truth={gold}")
    assert ran.outcome

    def told() -> list[str]:
        return [one for one in changes(ran.outcome.folder, lab) if one.startswith("gold: ")] if ran.outcome else []

    assert told() == []
    known = RunData.open(ran.outcome.folder).manifest["gold"]
    assert known["how"] == {"open": 2} and known["inclusion"] == {"groups": [[0.5, 1]], "unknown": 1}
    before = gold.read_bytes()
    add_to_gold(gold, [GoldEntry(record_id="p0", criterion="plain", verdict=None, how="adjudicated")])
    assert told() == [f"gold: {gold} has 1 decision more than at the run; the 2 before are the same"]
    gold.write_bytes(before.replace(b'"open"', b'"agreed"', 1))
    assert "was changed after it was written" in told()[0]
    gold.unlink()
    assert told() == [f"gold: {gold} is no longer there"]
    add_to_gold(gold, [GoldEntry(record_id="p1", criterion="plain", verdict=None, how="open")] * 2)
    assert told() == [f"gold: {gold} has changed since the run: its first 2 decisions are not those of the run"]


def test_a_folder_that_is_no_run_is_reported_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path)]) == 2
    assert "holds no finished run" in capsys.readouterr().err
    assert main(["verify"]) == 2
    assert "no run is named" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["report", "replay", "verify"])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_folder_of_runs_names_the_runs_in_it(
    run: Path, verb: str, depth: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run.resolve().parents[depth - 1]
    assert main([verb, str(folder)]) == 2
    message = capsys.readouterr().err
    assert f"{folder} is no run itself, and holds 1 run," in message
    assert f"write {verb} {run.resolve()}" in message


def test_a_list_of_digests_that_was_made_anew_is_found(run: Path, lab: Lab) -> None:
    audit = AuditTrail(lab.folder / "audit.jsonl")
    audit.add("run ended", folder=str(run), flow_run_id=None, seal=write_sums(run))
    assert changes(run, lab, audit) == []
    (run / "results.json").write_text("[]", encoding="utf-8")
    write_sums(run)
    assert changes(run, lab) == []
    [told] = changes(run, lab, audit)
    assert "SHA256SUMS has changed: audit.jsonl holds the seal" in told


def test_a_run_that_was_stopped_while_its_files_were_written_is_not_called_changed_by_somebody(
    run: Path, lab: Lab
) -> None:
    audit = AuditTrail(lab.folder / "audit.jsonl")
    sealed = write_sums(run)
    for name in ("SHA256SUMS", "report.html"):
        (run / name).unlink()
    [told] = changes(run, lab, audit)
    assert "SHA256SUMS is missing: the run was stopped before it was complete" in told and "the same command" in told
    audit.add("run ended", folder=str(run), flow_run_id=None, seal=sealed)
    assert changes(run, lab, audit) == ["SHA256SUMS is missing: audit.jsonl holds its seal, so somebody has removed it"]


def test_results_that_are_nowhere_are_not_taken_for_unchanged(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    misspelt = tmp_path / "resluts"
    assert main(["verify", str(run), f"run.results={misspelt}"]) != 0
    said = capsys.readouterr()
    assert f"there is no folder {misspelt}" in said.out + said.err
    assert not misspelt.exists()


@pytest.mark.parametrize("name", ["cells.csv", "SHA256SUMS"])
def test_a_file_that_a_link_replaced_is_found(run: Path, lab: Lab, tmp_path: Path, name: str) -> None:
    (run / name).rename(tmp_path / "elsewhere")
    (run / name).symlink_to(tmp_path / "elsewhere")
    assert changes(run, lab) == [f"{name} was replaced by a link"]


def test_the_command_compares_the_seal_with_the_audit_trail(
    run: Path, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [f"run.results={lab.folder / 'results'}", "--config-dir", str(lab.folder)]
    audit = f"run.audit={lab.folder / 'trail.jsonl'}"
    assert main(["verify", str(run), *where, audit]) == 0
    assert "its seal is not compared" in capsys.readouterr().out
    assert main(["report", str(run), audit]) == 0
    capsys.readouterr()
    assert main(["verify", str(run), *where, audit]) == 0
    assert "not compared" not in capsys.readouterr().out
    (run / "results.json").write_text("[]", encoding="utf-8")
    write_sums(run)
    assert main(["verify", str(run), *where, audit]) == 1
    assert "holds the seal" in capsys.readouterr().out
