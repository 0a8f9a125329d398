"""The verb `explain`: shows for a question what each way of searching its flow's corpus ranked."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contract.errors import RunError
from flows.files.control_characters import escape_controls
from flows.report.document_name import document_name
from flows.run.services import open_index
from flows.spec.nodes import steps_of
from flows.spec.search_steps import where_of
from flows.spec.study import Study

if TYPE_CHECKING:
    from contract.findings import Passage
    from flows.corpus.explanation import Explanation

_SHOWN = 70
"""Characters of a passage."""


def explain(studies: Sequence[Study], options: argparse.Namespace) -> int:
    """Prints the explanation of each flow's question. Raises RunError for a flow without a corpus or a question."""
    found = [asyncio.run(_explanation(study)) for study in studies]
    if options.json:
        print(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
        return 0
    for one in found:
        for line in _lines(one):
            print(escape_controls(line))
    return 0


async def _explanation(study: Study) -> Explanation:
    root, _, name = study.flow.records.partition(".")
    question = str(study.request.get(name) or "").strip() if root == "parameters" else ""
    if study.flow.corpus is None or not question:
        lacks = "searches no corpus" if study.flow.corpus is None else "has no question"
        raise RunError(f"the flow '{study.flow.name}' {lacks}; write for example: explain +flows=osb query=\"…\"")
    index = await open_index(study, None, None)
    if index is None:
        raise RunError(f"the corpus of the flow '{study.flow.name}' cannot be opened")
    limit = study.request.get("limit")
    where = next((where_of(step) for step in steps_of(study.flow).values() if where_of(step)), None)
    if where and (remaining := await index.remaining(where)) not in study.notices:
        print(escape_controls(remaining), file=sys.stderr)
    return await index.explain([question], limit if isinstance(limit, int) else 12, where)


def _lines(found: Explanation) -> list[str]:
    lines = list[str]()
    for way in found.ways:
        lines += ["", f"by {way.way} (weight {way.weight:g}): {way.query}"]
        lines += [f"  {place:>2}. {_passage(one)}" for place, one in enumerate(way.passages, start=1)]
    lines += ["", "found, best first; where each way of searching ranked it:"]
    for place, one in enumerate(found.result, start=1):
        ranks = ", ".join(f"{way.way} {rank}" for way, rank in found.ranks(one)) or "in none of the lists above"
        lines.append(f"  {place:>2}. {_passage(one)} [{ranks}]")
    return lines[1:]


def _passage(one: Passage) -> str:
    words = " ".join(one.text.split())
    shown = f"{words[:_SHOWN]}…" if len(words) > _SHOWN else words
    return f"{document_name(one.title, one.record_id)}, {one.section}: {shown}"


def _as_json(found: Explanation) -> dict[str, object]:
    return {
        "ways": [
            {
                "query": way.query,
                "way": way.way,
                "weight": way.weight,
                "passages": [one.passage_id for one in way.passages],
            }
            for way in found.ways
        ],
        "result": [
            {
                "passage_id": one.passage_id,
                "record_id": one.record_id,
                "score": one.score,
                "similarity": one.similarity,
                "ranks": {way.way: rank for way, rank in found.ranks(one)},
            }
            for one in found.result
        ],
    }
