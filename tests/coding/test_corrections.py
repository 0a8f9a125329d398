"""A reader marks a verdict as wrong; it becomes gold, and what the model said stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from contract.base import digest
from flows.cli.main import main
from flows.coding.access import Access
from flows.coding.app import make_app
from flows.coding.corrections import CorrectionPages, RunToCorrect
from flows.files.gold_set import read_gold
from flows.report.write_report import write_report
from tests.report.sample_run import Sample, write_sample
from tests.support.coding import PORT


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with its report."""
    sample = write_sample(tmp_path / "runs" / "letters", Sample(records=4, criteria=("courtesy",), failures=False))
    write_report(sample.data, sample.rows, sample.measured)
    return sample.data.folder


def correction(folder: Path, /, **change: str) -> dict[str, str]:
    """A correction of what gpt-mini said of the first letter."""
    found = RunToCorrect(folder)
    first = next(one for one in found.data.traces() if one.variant.get("model") == "gpt-mini" and one.value)
    given = str((first.value or {})["verdict"])
    other = "complies" if given == "violates" else "violates"
    made = {"record_id": first.record_id, "criterion": "courtesy", "model": "gpt-mini", "given": given}
    return {**made, "verdict": other, "reason": "It is <b>meant</b> well.", "run": found.name, **change}


# What is changed in a correction, and why it is refused then, by the page and in a file.
REFUSED = (
    ({"verdict": "rude"}, "'rude' is none of violates, complies, unclear"),
    ({"verdict": "violate"}, "did you mean 'violates'?"),
    ({"verdict": ""}, "'' is none of"),
    ({"record_id": "letter-11"}, "the run has no record 'letter-11'; did you mean 'letter-1'?"),
    ({"criterion": "courtsy"}, "did you mean 'courtesy'?"),
    ({"reason": ""}, "say why: others will go by it"),
    ({"reason": " \n "}, "say why: others will go by it"),
    ({"reason": "x" * 10_001}, "at most 10,000 characters"),
    ({"run": "letters/another"}, "it is about the run letters/another"),
    ({"model": "gpt-99"}, "'gpt-99'; did you mean 'gpt-mini'?"),
    ({"given": "unclear"}, "'unclear' is not what gpt-mini said of letter-1: "),
    ({"verdict": "GIVEN"}, "is what gpt-mini said, so nothing is corrected"),
    ({"verdict": "GIVEN", "given": ""}, "is what gpt-mini said, so nothing is corrected"),
    ({"surplus": "x"}, "this is no correction: `surplus` is not known here"),
)


def refused_corrections(run: Path) -> list[tuple[dict[str, str], str]]:
    given = correction(run)["given"]
    changes = [({k: v.replace("GIVEN", given) for k, v in change.items()}, why) for change, why in REFUSED]
    return [(correction(run, **change), why) for change, why in changes]


def test_the_served_report_saves_corrections_and_nobody_else_can(run: Path, tmp_path: Path) -> None:
    gold, access = tmp_path / "gold" / "letters.jsonl", Access(tmp_path / "links.json")
    access.add(["corrects:carla"])
    pages = CorrectionPages(RunToCorrect(run), gold)
    before = (run / "answers.jsonl").read_bytes()
    with TestClient(make_app(pages.routes(access), PORT), base_url=f"http://127.0.0.1:{PORT}") as client:
        base = f"/r/{access.tokens['corrects:carla']}"
        html = client.get(base).text
        assert (
            f'<meta name="corrections" content="{base}/corrections">' in html and "connect-src &#39;self&#39;" in html
        )
        assert "unsafe" not in html.partition("<style>")[0]
        saved = client.post(f"{base}/corrections", json=correction(run))
        assert saved.status_code == 201, saved.text
        again = client.post(f"{base}/corrections", json=correction(run))
        assert (again.status_code, again.text, pages.saved) == (200, "Saved before.", 1)
        for wrong, why in refused_corrections(run):
            refused = client.post(f"{base}/corrections", json=wrong)
            assert refused.status_code == 422 and why in refused.text, (wrong, refused.text)
        plain = {"content-type": "text/plain"}
        body = json.dumps(correction(run))
        assert client.post(f"{base}/corrections", content=body, headers=plain).status_code == 415
        foreign = {"origin": "https://evil.example", "content-type": "application/json"}
        assert client.post(f"{base}/corrections", content=body, headers=foreign).status_code == 403
        assert client.post("/r/guessed/corrections", json=correction(run)).status_code == 404
        kept = gold.read_bytes()
        gold.write_bytes(kept.replace(b"meant", b"ment", 1))
        refused = client.post(f"{base}/corrections", json=correction(run))
        assert refused.status_code == 409 and "letters.jsonl:1: this line, or one before it" in refused.text
        gold.write_bytes(kept)
    found = read_gold(gold)
    [entry] = found.entries.values()
    assert found.version == 1 and (entry.how, entry.verdict, entry.by) == (
        "corrected",
        correction(run)["verdict"],
        "carla",
    )
    assert entry.criterion_sha256 == digest("courtesy")
    assert entry.why == "It is <b>meant</b> well." and entry.run.endswith(", gpt-mini") and entry.record_sha256
    assert (run / "answers.jsonl").read_bytes() == before


def test_a_correction_of_what_somebody_else_has_decided_says_so(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    gold, access = tmp_path / "gold" / "letters.jsonl", Access(tmp_path / "links.json")
    access.add(["corrects:carla", "corrects:dora"])
    first, other = correction(run), correction(run, verdict="unclear", reason="Hard to say.")
    with TestClient(
        make_app(CorrectionPages(RunToCorrect(run), gold).routes(access), PORT), base_url=f"http://127.0.0.1:{PORT}"
    ) as client:
        said = [
            client.post(f"/r/{access.tokens[f'corrects:{who}']}/corrections", json=made).text
            for who, made in (("carla", first), ("carla", other), ("dora", other), ("carla", first))
        ]
    assert said[:3] == ["Saved in the gold set."] * 3, "of one's own decision, and of the same one, nothing is said"
    note = "of letter-1 by courtesy dora decided 'unclear' (Hard to say.); this correction counts instead"
    assert said[3] == f"Saved in the gold set. Note: {note}."
    (tmp_path / "corrections.jsonl").write_text(json.dumps(other) + "\n")
    assert main(["code", "correct", "corrections.jsonl", "run=runs/letters", "by=dora", f"gold={gold}"]) == 0
    note = f"of letter-1 by courtesy carla decided '{first['verdict']}' (It is <b>meant</b> well.)"
    assert f"note: {note}; this correction counts instead" in capsys.readouterr().err
    assert [json.loads(line)["by"] for line in gold.read_text().splitlines()] == [
        "carla", "carla", "dora", "carla", "dora",
    ]  # fmt: skip


def test_an_exported_file_is_taken_once_and_what_does_not_fit_is_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = refused_corrections(run)
    lines = [correction(run), correction(run), *(one for one, _ in wrong), {"verdict": "complies"}]
    (tmp_path / "corrections.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ["code", "correct", "corrections.jsonl", "run=runs/letters", "by=carla", "gold=gold/letters.jsonl"]
    for added in ("1 correction added, 1 known already", "0 corrections added, 2 known already"):
        assert main(words) == 1
        out = capsys.readouterr()
        assert f"{added}, {len(wrong) + 1} refused" in out.out
        for number, (line, (_, why)) in enumerate(zip(out.err.splitlines(), wrong, strict=False), start=3):
            assert line.startswith(f"refused: corrections.jsonl:{number}: ") and why in line
        assert "corrections.jsonl:17: this is no correction: `record_id` is missing" in out.err
    assert read_gold(tmp_path / "gold" / "letters.jsonl").version == 1
    assert main(words[:3] + words[4:]) == 2 and "run=runs/tox/latest" in capsys.readouterr().err


def test_a_file_of_corrections_that_is_broken_is_told_in_plain_words(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["code", "correct", "corrections.jsonl", "run=runs/letters", "by=carla", "gold=gold/letters.jsonl"]
    file = tmp_path / "corrections.jsonl"
    file.write_text(json.dumps(correction(run))[:-5] + "\n" + json.dumps(correction(run, surplus="x")) + "\n")
    assert main(words) == 1
    err = capsys.readouterr().err
    assert "corrections.jsonl:1: this is no correction: it is no JSON, perhaps cut off" in err
    assert "corrections.jsonl:2: this is no correction: `surplus` is not known here" in err
    for content, message in ((b"", "the file holds nothing"), (b"\xff\xfe{", "the file is not in UTF-8")):
        file.write_bytes(content)
        assert main(words) == 2 and f"corrections.jsonl: {message}" in capsys.readouterr().err
