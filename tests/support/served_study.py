"""A study whose one step asks a hosted model about each post."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.support.fake_llm import FakeLLM
from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  ask:
    agent: llm
    parameters: {template: "user:\\nIs it so? {{ record.text }}", model: served}
result: ask
"""


def write_served_study(lab: Lab, service: FakeLLM, posts: Sequence[dict[str, str]]) -> None:
    """Writes the study with those posts."""
    lab.write_posts(list(posts))
    lab.write("flows/tiny.yaml", FLOW)
    write_served_model(lab, service)


def write_served_model(lab: Lab, service: FakeLLM, **more: Any) -> None:
    """Writes the model of the study again, with further settings."""
    address = {"kind": "hosted", "provider": "openai-compatible", "model_id": "served", "base_url": f"{service.url}/v1"}
    price = {"input_per_mtok": 1, "output_per_mtok": 2}
    lab.write("models/served.yaml", json.dumps({"served": {**address, "price": price, **more}}))
