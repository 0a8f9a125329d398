"""A study of many calls for kill tests: two models answer thirty numbers, a third call compares each pair.

Every call differs on the wire, so that the service can distinguish a call paid twice from two calls.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import write_files
from tests.support.services import FakeService

NUMBERS = [f"Number {number:02d}." for number in range(30)]
CELLS = 3 * len(NUMBERS)
CONCURRENCY = 8

_FLOW = f"""\
description: Two models answer each number, and the answers are compared.
parameters:
  topic: {{required: true, description: The topic.}}
records: parameters.topic
steps:
  draft:
    agent: llm
    parameters: {{template: draft}}
    variants:
      model: [ann, bob]
      instructions: {NUMBERS}
  compare:
    agent: llm
    inputs: {{material: draft}}
    parameters: {{template: compare, model: ann}}
    group_by: [instructions]
    min_inputs: 2
result: compare
"""
_MODEL = """\
{name}:
  kind: hosted
  provider: openai-compatible
  model_id: {name}
  base_url: {url}/v1
  price: {{input_per_mtok: 1, output_per_mtok: 2}}
"""
_DRAFT = "user:\n{{ instructions }} Write on {{ record.text }}.\n"
_COMPARE = "user:\nCompare: {{ material | tojson }}\n"


def write_study(folder: Path, service: FakeService) -> Path:
    """Writes the study's config folder; scripts the service to answer each number in its own words."""
    models = "".join(_MODEL.format(name=name, url=service.url) for name in ("ann", "bob"))
    files = {
        "flows/many.yaml": _FLOW,
        "models/served.yaml": models,
        "prompts/draft.md": _DRAFT,
        "prompts/compare.md": _COMPARE,
        "run/default.yaml": f"concurrency: {CONCURRENCY}\nretry_delay_seconds: 0\n",
    }
    write_files(folder, files)
    compared = {"match": "Compare: ", "reply": {"text": "They agree."}}
    service.script([compared, *({"match": words, "reply": {"text": f"On {words}"}} for words in NUMBERS)])
    return folder
