"""A reader marks a verdict as wrong; it becomes gold, and what the model said stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

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
    found = RunToCorrect(folder)
    record = next(found.data.traces()).record_id
    made = {"record_id": record, "criterion": "courtesy", "model": "gpt-mini", "given": "violates"}
    return {**made, "verdict": "complies", "reason": "It is <b>meant</b> well.", "run": found.name, **change}


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
        for change, status in (
            ({"verdict": "rude"}, 422), ({"record_id": "nobody"}, 422), ({"criterion": "other"}, 422),
            ({"reason": ""}, 422), ({"run": "letters/another"}, 422), ({"surplus": "x"}, 422),
        ):  # fmt: skip
            assert client.post(f"{base}/corrections", json=correction(run, **change)).status_code == status
        plain = {"content-type": "text/plain"}
        body = json.dumps(correction(run))
        assert client.post(f"{base}/corrections", content=body, headers=plain).status_code == 415
        foreign = {"origin": "https://evil.example", "content-type": "application/json"}
        assert client.post(f"{base}/corrections", content=body, headers=foreign).status_code == 403
        assert client.post("/r/guessed/corrections", json=correction(run)).status_code == 404
        kept = gold.read_bytes()
        gold.write_bytes(kept.replace(b"complies", b"violates", 1))
        refused = client.post(f"{base}/corrections", json=correction(run))
        assert refused.status_code == 409 and "letters.jsonl:1: this line, or one before it" in refused.text
        gold.write_bytes(kept)
    found = read_gold(gold)
    [entry] = found.entries.values()
    assert found.version == 1 and (entry.how, entry.verdict, entry.by) == ("corrected", "complies", "carla")
    assert entry.why == "It is <b>meant</b> well." and entry.run.endswith(", gpt-mini") and entry.record_sha256
    assert (run / "answers.jsonl").read_bytes() == before


def test_an_exported_file_is_taken_once_and_what_does_not_fit_is_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [correction(run), correction(run, verdict="rude"), {"verdict": "complies"}]
    (tmp_path / "corrections.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ["code", "correct", "corrections.jsonl", "run=runs/letters", "by=carla", "gold=gold/letters.jsonl"]
    for added in (1, 0):
        assert main(words) == 1
        out = capsys.readouterr()
        assert f"{added} corrections added, 2 refused" in out.out
        assert "corrections.jsonl:2: 'rude' is none of" in out.err and "corrections.jsonl:3: " in out.err
    assert read_gold(tmp_path / "gold" / "letters.jsonl").version == 1
    assert main(words[:3] + words[4:]) == 2 and "run=runs/tox/latest" in capsys.readouterr().err
