"""A study reaches of a bucket what its user allows, and no more, as of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from tests.security.hostile_studies import CHOOSE, FILES, Change, Place, both, file, flow, run, storage
from tests.support.own_config import use_own_config

LETTERS = storage(type="gcs", bucket="mine", path="letters/x.jsonl")


def elsewhere(**fields: str) -> Change:
    """What another file of the study changes of the storage."""
    return file("local.yaml", {"storage": {"posts": fields}})


def corpus(**kept: Any) -> Change:
    source = {"path": "posts.jsonl"}
    return both(
        flow(corpus="c"), file("storage/c.yaml", {"c": {"type": "corpus", "label": "C", "source": source, **kept}})
    )


def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, *arguments: str, places: list[str]) -> int:
    use_own_config(monkeypatch, tmp_path / "user", allowed={"places": places})
    place = Place(tmp_path / "project" / "study", tmp_path / "outside")
    for name, content in FILES.items():
        place.write(name, content)
    change(place)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return main(["check", "+flows=[tiny]", "--config-dir", str(place.study), *arguments])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(storage(type="gcs", bucket="mine", path="letters-of-others/x.jsonl"), id="a longer name"),
        pytest.param(storage(type="gcs", bucket="mine", path="x.jsonl"), id="above"),
        pytest.param(storage(type="gcs", bucket="mine", path="letters/../x.jsonl"), id="dots"),
        pytest.param(storage(type="gcs", bucket="mine", path="letters/%2e%2e/x.jsonl"), id="dots in signs"),
        pytest.param(storage(type="gcs", bucket="not-mine", path="letters/x.jsonl"), id="another bucket"),
        pytest.param(both(LETTERS, elsewhere(path="secret/x.jsonl")), id="the path changed elsewhere"),
        pytest.param(both(LETTERS, elsewhere(bucket="not-mine")), id="the bucket changed elsewhere"),
        pytest.param(
            both(storage(type="gcs", bucket="${b}", path="letters/x.jsonl"), file("local.yaml", {"b": "not-mine"})),
            id="the bucket by interpolation",
        ),
        pytest.param(run(results="gs://mine/lettersX"), id="kept results"),
        pytest.param(run(results="gs://mine/letters/../x"), id="kept results over dots"),
        pytest.param(corpus(kept_in="gs://mine/other"), id="an index"),
        pytest.param(corpus(kept_in="gs://mine/letters/../other"), id="an index over dots"),
        pytest.param(storage(type="bigquery", project="not-my-project", dataset="d", table="t"), id="a table"),
    ],
)  # fmt: skip
def test_more_than_is_allowed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Change
) -> None:
    assert check(tmp_path, monkeypatch, change, places=["gs://mine/letters", "bigquery://my-project"]) == 2
    assert CHOOSE in capsys.readouterr().err


def test_who_types_a_command_may_name_any_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change = storage(type="gcs", bucket="not-mine", path="x.jsonl")
    check(tmp_path, monkeypatch, change, "storage.posts.bucket=mine", "storage.posts.path=any/x.jsonl", places=[])
    assert CHOOSE not in capsys.readouterr().err
