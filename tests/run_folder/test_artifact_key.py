"""The names of artifacts in the Prefect UI."""

from __future__ import annotations

import re

import pytest
from prefect.client.schemas.actions import ArtifactCreate

from flows.run_folder.finish import artifact_key


@pytest.mark.parametrize(
    ("flow", "title", "expected"),
    [
        ("osb", "What is a veiled threat?", "osb-what-is-a-veiled-threat"),
        ("my_study", "report", "my-study-report"),
        ("osb", "Où est la « limite » ?", "osb-ou-est-la-limite"),
    ],
)
def test_a_person_reads_it(flow: str, title: str, expected: str) -> None:
    assert artifact_key(flow, title) == expected


@pytest.mark.parametrize("title", ["什么是威胁", "?", "x" * 400, "../../etc/passwd", "a\nb"])
def test_prefect_takes_it_for_any_title(title: str) -> None:
    key = artifact_key("osb", title)
    assert ArtifactCreate(key=key).key == key and len(key) < 80 and re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", key)
