"""A study of judgements for kill and cost tests: posts x criteria x models, answered by the fake service."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.commands import write_files
from tests.support.fake_llm import FakeLLM
from tests.support.services import FakeService

CRITERIA = ("plain", "strict")
MODELS = ("ann", "bob", "cy")
PRICE = (1, 2)
"""US dollars per million tokens, in and out."""

_MODEL = """\
{name}:
  kind: hosted
  provider: openai-compatible
  model_id: {name}
  base_url: {url}/v1
  price: {{input_per_mtok: 1, output_per_mtok: 2}}
  limits: {{concurrency: {concurrency}{more_limits}}}
"""
_FLOW = """\
description: Posts by criteria and models.
records: posts
steps:
  judge:
    agent: judge
    variants: {criteria: CRITERIA, model: MODELS}
    repeats: 1
measures:
  verdicts: judge
  truth: TRUTH
  labels: {"true": violates, "false": does_not_violate}
  resamples: 50
"""
_CRITERION = """\
---
title: {name}
source: written for tests
---
A post is {name} when it says so. Rule 1: it says so.
"""


def make_posts(number: int) -> list[dict[str, Any]]:
    """That many records; the file named by BUTTERMILK_POSTS instead, where there is one."""
    if named := os.environ.get("BUTTERMILK_POSTS"):
        return [json.loads(line) for line in Path(named).read_text(encoding="utf-8").splitlines()]
    return [
        {
            "record_id": f"p{n}",
            "text": f"Post number {n} says this and that.",
            "ground_truth": {"violating": n % 3 == 0},
        }
        for n in range(number)
    ]


def write_study(
    folder: Path,
    url: str,
    records: Sequence[dict[str, Any]],
    models: Sequence[str] = MODELS,
    concurrency: int = 8,
    batch: int = 250,
    max_concurrent_calls: int | None = None,
    criteria: Sequence[str] = CRITERIA,
    requests_per_minute: int | None = None,
) -> Path:
    """Writes the study's config folder; `max_concurrent_calls`, where given, is split evenly among all models."""
    flow = _FLOW.replace("CRITERIA", json.dumps(list(criteria))).replace("MODELS", json.dumps(list(models)))
    flow = flow.replace("TRUTH", json.dumps(dict.fromkeys(criteria, "violating")))
    files = {
        "flows/judged.yaml": flow,
        "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
        "posts.jsonl": "".join(json.dumps(record) + "\n" for record in records),
        "models/served.yaml": "".join(
            _MODEL.format(
                name=name,
                url=url,
                concurrency=_split_evenly(max_concurrent_calls, place) if max_concurrent_calls else concurrency,
                more_limits=f", requests_per_minute: {requests_per_minute}" if requests_per_minute else "",
            )
            for place, name in enumerate(MODELS)
        ),
        "run/default.yaml": f"concurrency: {concurrency}\nbatch: {batch}\nretry_delay_seconds: 0\n",
        **{f"criteria/{name}.md": _CRITERION.format(name=name) for name in criteria},
    }
    return write_files(folder, files)


def _split_evenly(number: int, place: int) -> int:
    share, rest = divmod(number, len(MODELS))
    return share + (place < rest)


def billed_usd(service: FakeService | FakeLLM) -> Decimal:
    """US dollars that a provider with these prices would have charged for all that the service wrote."""
    billed = service.stats()["billed"]
    return Decimal(billed.get("input_tokens", 0) * PRICE[0] + billed.get("output_tokens", 0) * PRICE[1]) / 1_000_000
