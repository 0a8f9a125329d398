"""Models of a study that call the fake service."""

from __future__ import annotations

import json

from tests.support.fake_llm import FakeLLM
from tests.support.running import Lab

PROVIDERS = ("openai", "anthropic", "google")
KEY = "sk-planted-0123456789abcdef"
FLOW = """\
description: Tiny.
records: posts
steps:
  ask: {agent: llm, parameters: {model: fake, template: "user:\\n{{ record.text }}"}}
result: ask
"""
"""A flow that asks the model `fake` about each post."""


def write_hosted_model(lab: Lab, fake: FakeLLM, provider: str, timeout: float = 30) -> None:
    """A model `fake` of that provider's protocol, with a key written into its configuration."""
    url = fake.openai_url if provider == "openai" else fake.url
    model = {"kind": "hosted", "provider": provider, "model_id": "m", "base_url": url, "api_key": KEY}
    lab.write("models/fake.yaml", json.dumps({"fake": {**model, "limits": {"timeout_seconds": timeout}}}))
