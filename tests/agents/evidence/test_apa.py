"""References are, to the letter, those of another processor of the same style.

`tests/data/references.jsonl` holds entries of many kinds, each with what citation-js 0.8.2 (npm: @citation-js/core and
@citation-js/plugin-csl, template `apa`, en-US) made of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.evidence.apa import apa_references
from flows.storage.zotero.csl import cleaned

ENTRIES: list[dict[str, Any]] = [
    json.loads(line) for line in Path("tests/data/references.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("entry", ENTRIES, ids=[one["csl"]["title"] for one in ENTRIES])
def test_a_reference_is_that_of_citation_js(entry: dict[str, Any]) -> None:
    assert apa_references({"it": cleaned(entry["csl"])}) == {"it": entry["reference"]}


def test_a_list_of_references_has_each_of_them() -> None:
    found = apa_references({str(at): cleaned(one["csl"]) for at, one in enumerate(ENTRIES)})
    assert sorted(found.values()) == sorted(one["reference"] for one in ENTRIES)
